package secret

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
)

func TestNewShapes(t *testing.T) {
	shapes := []struct {
		name string
		make func(Source) string
		form string
	}{
		{"token", NewToken, `^sk-lk[0-9A-Za-z]{46}$`},
		{"beta", NewBeta, `^[0-9A-Za-z]{32}$`},
		{"share", NewShare, `^[0-9A-Za-z]{32}$`},
		{"login", NewLogin, `^[0-9A-Za-z_-]{43}$`},
		{"public id", NewPublicID, `^[0-9a-f]{32}$`},
		{"password", NewPassword, `^([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}$`},
		{"set-up code", NewSetupCode, `^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$`},
	}
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			form, seen := regexp.MustCompile(s.form), map[string]bool{}
			for range 500 {
				text := s.make(rand.Reader)
				if !form.MatchString(text) {
					t.Fatalf("%q does not match %s", text, s.form)
				}
				if seen[text] {
					t.Fatalf("%q came twice", text)
				}
				seen[text] = true
				if !Plausible(text) {
					t.Fatalf("%q is not plausible", text)
				}
			}
		})
	}
}

func TestTokenChecksum(t *testing.T) {
	// Worked out with another CRC-32 from the definition: 40 zeros behind "lk".
	zeros := bytes.NewReader(make([]byte, 40))
	const want = "sk-lk0000000000000000000000000000000000000000405leF"
	if got := NewToken(zeros); got != want {
		t.Errorf("token of zeros: %q, want %q", got, want)
	}
	token := NewToken(rand.Reader)
	for _, form := range []string{token, Strip(token), "sk-" + token} {
		if !HasChecksum(form) {
			t.Errorf("%q: no checksum seen", form)
		}
	}
	for i := len("sk-"); i < len(token); i++ {
		other := byte('0')
		if token[i] == '0' {
			other = '1'
		}
		changed := token[:i] + string(other) + token[i+1:]
		if HasChecksum(changed) {
			t.Errorf("changed at %d and still taken: %q", i, changed)
		}
	}
	for _, not := range []string{"", "sk-", "sk-lk", NewBeta(rand.Reader), token + "0", token[:len(token)-1], strings.Replace(token, "lk", "l~", 1)} {
		if HasChecksum(not) {
			t.Errorf("%q has no checksum", not)
		}
	}
}

// TestDrawIsEven counts characters: a fold of the 256 bytes onto 62 characters
// would make eight of them a quarter more frequent.
func TestDrawIsEven(t *testing.T) {
	for _, alphabet := range []string{digits62, readable, consonants} {
		const each = 3000
		n := each * len(alphabet)
		count := map[rune]int{}
		for _, c := range draw(rand.Reader, alphabet, n) {
			count[c]++
		}
		chi := 0.0
		for _, c := range alphabet {
			d := float64(count[c] - each)
			chi += d * d / each
		}
		// Mean k-1, deviation √(2(k-1)): ten of them off is no chance.
		k := float64(len(alphabet) - 1)
		if limit := k + 10*math.Sqrt(2*k); chi > limit {
			t.Errorf("%q: chi² %.1f over %.1f", alphabet, chi, limit)
		}
	}
}

func TestDrawThrowsHighBytesAway(t *testing.T) {
	r := bytes.NewReader([]byte{255, 248, 247, 0})
	if got := draw(r, digits62, 2); got != "z0" {
		t.Errorf("draw = %q, want z0", got)
	}
}

func TestBrokenSourcePanics(t *testing.T) {
	for name, make := range map[string]func(Source) string{
		"token": NewToken, "beta": NewBeta, "login": NewLogin, "id": NewPublicID, "code": NewSetupCode, "password": NewPassword,
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("a failing source gave a secret")
				}
			}()
			make(io.LimitReader(rand.Reader, 5))
		})
	}
}

func TestTextNeverShows(t *testing.T) {
	text := Text("sk-lkSECRET")
	wrapped := struct{ Token Text }{text}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{text, wrapped, &wrapped, []Text{text}} {
			shown := fmt.Sprintf(verb, value)
			if strings.Contains(shown, "SECRET") || strings.Contains(shown, fmt.Sprintf("%x", "SECRET")) {
				t.Errorf("%s of %T shows %s", verb, value, shown)
			}
		}
	}
	if err := errors.Join(fmt.Errorf("with %w", io.EOF), fmt.Errorf("and %v", text)); strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
	if text.Reveal() != "sk-lkSECRET" {
		t.Error("Reveal lost the text")
	}
}
