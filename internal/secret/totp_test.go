package secret

import (
	"crypto/rand"
	"net/url"
	"testing"
	"time"
)

// The values of RFC 6238, appendix B, cut to six digits.
func TestTotpStep(t *testing.T) {
	seed := []byte("12345678901234567890")
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		now := time.Unix(at, 0)
		if got := TotpStep(seed, code, now, 0); got != at/30 {
			t.Errorf("%s at %d is of step %d, want %d", code, at, got, at/30)
		}
		if got := TotpStep(seed, " "+code[:3]+" "+code[3:], now, 0); got != at/30 {
			t.Errorf("%s with a space: %d", code, got)
		}
		if got := TotpStep(seed, code, now, at/30); got != 0 {
			t.Errorf("%s twice: %d", code, got)
		}
		for _, off := range []time.Duration{-30 * time.Second, 30 * time.Second} {
			if got := TotpStep(seed, code, now.Add(off), 0); got != at/30 {
				t.Errorf("%s with a clock %s off: %d", code, off, got)
			}
		}
		if got := TotpStep(seed, code, now.Add(90*time.Second), 0); got != 0 {
			t.Errorf("%s a minute and a half later: %d", code, got)
		}
		for _, wrong := range []string{"", "0", code + "0", code[:5], "abcdef", "０８１８０４"} {
			if got := TotpStep(seed, wrong, now, 0); got != 0 {
				t.Errorf("%q: %d", wrong, got)
			}
		}
	}
}

func TestTotpURL(t *testing.T) {
	u, err := url.Parse(TotpURL([]byte("12345678901234567890"), "Latchkey Acme & Co", "lin@acme.example"))
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Latchkey Acme & Co:lin@acme.example" {
		t.Errorf("%v %v", u, err)
	}
	if q := u.Query(); q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || q.Get("issuer") != "Latchkey Acme & Co" {
		t.Errorf("%v", q)
	}
}

func TestRecoveryCodes(t *testing.T) {
	seen := map[[32]byte]bool{}
	for _, code := range NewRecoveryCodes(rand.Reader) {
		if len(code) != 19 || code[4] != '-' {
			t.Errorf("a code is %q", code)
		}
		seen[HashRecoveryCode(code)] = true
		if HashRecoveryCode(" "+code[:4]+" "+code[5:]) != HashRecoveryCode(code) {
			t.Errorf("%q typed otherwise is another", code)
		}
	}
	if len(seen) != RecoveryCodes {
		t.Errorf("%d codes of %d", len(seen), RecoveryCodes)
	}
}
