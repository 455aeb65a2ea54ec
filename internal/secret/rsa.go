package secret

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// Some clients encrypt the passwords that they send under the server's public key.
// The padding is theirs (PKCS #1 v1.5), so nothing here says whether a text opened:
// what does not open is a password like any other, judged by the same work.

const (
	rsaBits     = 2048
	rsaBytes    = rsaBits / 8
	rsaLeast    = 1024    // bits of an operator's key
	rsaMost     = 8192    // likewise
	rsaFileMost = 1 << 16 // bytes of a PEM file
)

// RSAKeys open the passwords that clients encrypted.
type RSAKeys struct{ all []*rsa.PrivateKey }

// NewRSAKey makes a key pair and returns its private half as PKCS #8.
func NewRSAKey(r Source) ([]byte, error) {
	key, err := rsa.GenerateKey(r, rsaBits)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// ParseRSAKey reads what NewRSAKey made.
func ParseRSAKey(der []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return key, nil
}

// PublicPEM spells the public half of a key as a PEM file.
func PublicPEM(key *rsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// With returns these keys and one more. A nil RSAKeys has none.
func (k *RSAKeys) With(key *rsa.PrivateKey) *RSAKeys {
	more := &RSAKeys{all: []*rsa.PrivateKey{key}}
	if k != nil {
		more.all = append(more.all, k.all...)
	}
	return more
}

// AddFile reads a private key from a PEM file that the operator named.
func (k *RSAKeys) AddFile(path, passphrase string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot read the RSA key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > rsaFileMost {
		return fmt.Errorf("%s is not a PEM file", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the RSA key: %w", err)
	}
	key, err := parsePEM(text, passphrase)
	if err != nil {
		return fmt.Errorf("cannot use the RSA key of %s: %w", path, err)
	}
	k.all = append(k.all, key)
	return nil
}

func parsePEM(text []byte, passphrase string) (*rsa.PrivateKey, error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("there is no private RSA key in it")
		}
		der := block.Bytes
		var err error
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY":
			der, err = openPKCS8(der, passphrase)
		case strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			//lint:ignore SA1019 it is how the key files of those clients are made
			der, err = x509.DecryptPEMBlock(block, []byte(passphrase))
		case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
			continue
		}
		if err != nil {
			return nil, errors.New("the passphrase does not open it")
		}
		return parseRSA(der)
	}
}

func parseRSA(der []byte) (*rsa.PrivateKey, error) {
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		if key, err = ParseRSAKey(der); err != nil {
			return nil, errors.New("it is not an RSA key, or the passphrase does not open it")
		}
	}
	if bits := key.N.BitLen(); bits < rsaLeast || bits > rsaMost || bits%8 != 0 {
		return nil, fmt.Errorf("a key of %d bits cannot be used; 2048 are usual", bits)
	}
	return key, nil
}

// ciphertext returns what a text may be the base64 of, nil for one that is none:
// as many bytes as a key has, whatever white space stands between them.
func (k *RSAKeys) ciphertext(text string) (cipher []byte, stripped string) {
	stripped = strings.Join(strings.Fields(text), "")
	if len(stripped) > base64.StdEncoding.EncodedLen(rsaMost/8) {
		return nil, stripped
	}
	cipher, err := base64.StdEncoding.DecodeString(stripped)
	if err != nil || len(cipher) != rsaBytes && !k.hasSize(len(cipher)) {
		return nil, stripped
	}
	return cipher, stripped
}

func (k *RSAKeys) hasSize(n int) bool {
	if k != nil {
		for _, key := range k.all {
			if key.Size() == n {
				return true
			}
		}
	}
	return false
}

// Password returns the password behind a text that a client sent: what one of the
// keys decrypts, from base64 where the client wrote it so; the text without white
// space where it is a ciphertext of some other key; else the text as it is.
func (k *RSAKeys) Password(text string) string {
	cipher, stripped := k.ciphertext(text)
	if cipher == nil {
		return text
	}
	if k != nil {
		for _, key := range k.all {
			if len(cipher) != key.Size() {
				continue
			}
			//lint:ignore SA1019 the clients know no other padding; see the top of this file
			if opened, err := rsa.DecryptPKCS1v15(nil, key, cipher); err == nil {
				if plain, ok := ofBase64(opened); ok {
					return plain
				}
			}
		}
	}
	return stripped
}

// ofBase64 takes the base64 off a decrypted text that has it.
func ofBase64(opened []byte) (string, bool) {
	plain, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(opened)))
	if err != nil || !utf8.Valid(plain) {
		plain = opened
	}
	return string(plain), utf8.Valid(plain)
}
