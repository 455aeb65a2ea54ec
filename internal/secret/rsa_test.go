package secret

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	der, err := NewRSAKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseRSAKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// encrypt is what a client does to a text.
func encrypt(t *testing.T, key *rsa.PublicKey, text string) string {
	t.Helper()
	//lint:ignore SA1019 it is the clients' padding
	out, err := rsa.EncryptPKCS1v15(rand.Reader, key, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out)
}

func TestPasswordOfAClient(t *testing.T) {
	own, operators, foreign := newKey(t), newKey(t), newKey(t)
	keys := (*RSAKeys)(nil).With(operators).With(own)
	b64 := base64.StdEncoding.EncodeToString([]byte("hush, 密码"))
	ours, theirs, nobodys := encrypt(t, &own.PublicKey, b64), encrypt(t, &operators.PublicKey, b64), encrypt(t, &foreign.PublicKey, b64)
	lines := ours[:100] + "\n" + ours[100:200] + "\r\n " + ours[200:] + "\n"
	for _, c := range []struct{ name, sent, want string }{
		{"plain", "123", "123"},
		{"plain with spaces", " a b\n", " a b\n"},
		{"short base64", "MTIz", "MTIz"},
		{"empty", "", ""},
		{"our key", ours, "hush, 密码"},
		{"over several lines", lines, "hush, 密码"},
		{"the operator's key", theirs, "hush, 密码"},
		{"not base64 inside", encrypt(t, &own.PublicKey, "a b"), "a b"},
		{"no text inside", encrypt(t, &own.PublicKey, "\xff\xfe"), ""},
		{"a key of nobody here", nobodys, nobodys},
		{"the same over lines", nobodys[:50] + "\n" + nobodys[50:], nobodys},
		{"a byte too few", base64.StdEncoding.EncodeToString(make([]byte, 255)), base64.StdEncoding.EncodeToString(make([]byte, 255))},
		{"long", strings.Repeat("a", 1<<20), strings.Repeat("a", 1<<20)},
	} {
		got := keys.Password(c.sent)
		if c.name == "no text inside" {
			c.want = c.sent
		}
		if got != c.want {
			t.Errorf("%s: %.40q, want %.40q", c.name, got, c.want)
		}
	}
	if got := (*RSAKeys)(nil).Password(lines); got != ours {
		t.Errorf("without a key: %.40q", got)
	}
}

// The files that operators have, of one key: as openssl writes them now and as it
// did.
func TestAddFile(t *testing.T) {
	folder := filepath.Join("testdata", "rsa")
	text, err := os.ReadFile(filepath.Join(folder, "public.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sent := encrypt(t, public.(*rsa.PublicKey), "MTIz")
	for name, passphrase := range map[string]string{
		"plain.pem": "", "pkcs1.pem": "", "behind.pem": "", "pbes2.pem": "Welcome", "sha512.pem": "Welcome", "sha1.pem": "Welcome", "legacy.pem": "Welcome",
	} {
		var keys RSAKeys
		path := filepath.Join(folder, name)
		if err := keys.AddFile(path, passphrase); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := keys.Password(sent); got != "123" {
			t.Errorf("%s opens %.40q", name, got)
		}
		if spelled, err := PublicPEM(keys.all[0]); err != nil || spelled != string(text) {
			t.Errorf("%s: its public half is %s, %v", name, spelled, err)
		}
		if passphrase != "" && new(RSAKeys).AddFile(path, "wrong") == nil {
			t.Errorf("%s opens with a wrong passphrase", name)
		}
	}
}

func TestAddFileRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"garbage.pem": "-----BEGIN nonsense", "empty.pem": "", "large.pem": strings.Repeat("x", rsaFileMost+1),
		"broken.pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "sealed.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if new(RSAKeys).AddFile(path, "") == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "none.pem"), filepath.Join("testdata", "rsa", "public.pem"), filepath.Join("testdata", "rsa", "small.pem")} {
		if new(RSAKeys).AddFile(path, "") == nil {
			t.Errorf("%s was taken", path)
		}
	}
}

func FuzzOpenPKCS8(f *testing.F) {
	f.Add([]byte{0x30, 0}, "x")
	f.Fuzz(func(t *testing.T, der []byte, passphrase string) {
		if len(der) < 1<<12 {
			_, _ = openPKCS8(der, passphrase)
		}
	})
}
