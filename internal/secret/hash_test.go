package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/internal/access"
)

func TestStripAndHash(t *testing.T) {
	want := sha256.Sum256([]byte("latchkey secret v1" + "abc"))
	for _, text := range []string{"abc", "sk-abc", "sk-sk-abc", "sk-sk-sk-abc"} {
		if Strip(text) != "abc" || Hash(text) != want {
			t.Errorf("%q is not the secret abc", text)
		}
	}
	for _, text := range []string{"abcsk-", "SK-abc", "sk_abc", "xsk-abc", " sk-abc"} {
		if Strip(text) != text || Hash(text) == want {
			t.Errorf("%q was stripped", text)
		}
	}
}

func TestHashesKeepApart(t *testing.T) {
	seen := map[[32]byte]string{}
	for name, hash := range map[string]func(string) [32]byte{
		"secret": Hash, "session": HashSession, "login": HashLogin, "code": HashCode,
	} {
		sum := hash("the same text")
		if other := seen[sum]; other != "" {
			t.Errorf("%s and %s hash alike", name, other)
		}
		seen[sum] = name
	}
	if HashLogin("sk-x") == HashLogin("x") {
		t.Error("a login token was stripped")
	}
}

func TestPlausible(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "a": true, "aZ09._~-": true, strings.Repeat("a", 512): true, strings.Repeat("a", 513): false,
		"a b": false, "a\n": false, "a\x00": false, "é": false, "a+b": false, "a/b": false, "a=": false, "a%20": false,
	} {
		if Plausible(text) != want {
			t.Errorf("Plausible(%.20q) = %v", text, !want)
		}
	}
}

func TestCheckChosen(t *testing.T) {
	cases := []struct {
		text string
		min  int
		code string
	}{
		{"abcdefgh01234567", 16, ""},
		{"sk-abcdefgh01234567", 16, ""},
		{"aA0._~-bbbbbbbbbb", 16, ""},
		{strings.Repeat("abcdefgh", 32), 16, ""},
		{strings.Repeat("abcdefgh", 32) + "a", 16, "secret_long"},
		{"abcdefgh0123456", 16, "secret_short"},
		{"sk-sk-sk-sk-sk-abcd", 16, "secret_short"},
		{"abcdefgabcdefgabc", 16, "secret_simple"},
		{"aaaaaaaaaaaaaaaa", 16, "secret_simple"},
		{"abcdefgh 01234567", 16, "secret_alphabet"},
		{"abcdefgh01234567é", 16, "secret_alphabet"},
		{"", 16, "secret_short"},
		{"abcd1234", 8, ""},
		{"abcd123", 8, "secret_short"},
		{"aaaaaaab", 8, "secret_simple"},
	}
	for _, c := range cases {
		err := CheckChosen(c.text, c.min)
		if c.code == "" {
			if err != nil {
				t.Errorf("%.30q: %v", c.text, err)
			}
			continue
		}
		e, ok := errors.AsType[*access.Error](err)
		if !ok || e.Code != c.code || e.Kind != access.Invalid {
			t.Errorf("%.30q: %v, want %s", c.text, err, c.code)
		}
		if ok && len(c.text) > 8 && strings.Contains(e.Text, c.text) {
			t.Errorf("the refusal quotes the secret: %s", e.Text)
		}
	}
}

func TestMasks(t *testing.T) {
	token := NewToken(rand.Reader)
	if got, want := Mask(Hint(token)), "sk-lk…"+token[len(token)-4:]; got != want {
		t.Errorf("mask %q, want %q", got, want)
	}
	if got := MaskShare(Hint("0123456789ab9KaB")); got != "…9KaB" {
		t.Errorf("share mask %q", got)
	}
	if Hint("sk-abcdefg") != "" {
		t.Error("a short secret gave more than half of itself away")
	}
}

func TestSame(t *testing.T) {
	if !Same("master", "master") || Same("master", "Master") || Same("maste", "master") || Same("", "") || Same("x", "") {
		t.Error("Same is wrong")
	}
	for _, typed := range []string{"BCDF-GHJK", "bcdf-ghjk", " bcdfghjk ", "BCDF GHJK"} {
		if !SameSetupCode(typed, "BCDF-GHJK") {
			t.Errorf("%q was not taken", typed)
		}
	}
	if SameSetupCode("", "") || SameSetupCode("-", "BCDF-GHJK") || SameSetupCode("BCDF-GHJL", "BCDF-GHJK") {
		t.Error("a wrong code was taken")
	}
}

func FuzzStripHintMask(f *testing.F) {
	for _, seed := range []string{"", "sk-", "sk-sk-x", "sk-lk0123456789", "é…", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bare := Strip(text)
		if strings.HasPrefix(bare, "sk-") || !strings.HasSuffix(text, bare) || Strip("sk-"+text) != bare {
			t.Fatalf("Strip(%q) = %q", text, bare)
		}
		if Hash(text) != Hash("sk-"+text) {
			t.Fatalf("%q with sk- is another secret", text)
		}
		hint := Hint(text)
		if len(hint) != 0 && len(hint) != 4 || len(hint)*2 > len(bare) {
			t.Fatalf("Hint(%q) = %q", text, hint)
		}
		if Plausible(text) && !utf8.ValidString(Mask(hint)) {
			t.Fatalf("mask of %q is no text", text)
		}
		if CheckChosen(text, 16) == nil && (!Plausible(text) || len(bare) < 16) {
			t.Fatalf("%q may be chosen and is not plausible", text)
		}
	})
}
