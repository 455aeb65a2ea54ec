package secret

import (
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// Codes of an authenticator app (RFC 6238), as every app has them: six digits of
// SHA-1, a new one every thirty seconds.
const (
	totpStep   = 30 * time.Second
	totpDrift  = 1 // steps that a clock may be off, either way
	totpSeed   = 20
	codeLength = 16
)

// RecoveryCodes is how many codes stand in for a lost phone.
const RecoveryCodes = 10

var totpOptions = hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// NewTotpSeed draws what an authenticator app is given.
func NewTotpSeed(r Source) []byte { return bytesFrom(r, totpSeed) }

// TotpText spells a seed for typing into an app.
func TotpText(seed []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
}

// TotpURL is the seed as the QR code that apps scan. What every app takes for
// granted is left out: a short code is read from further away.
func TotpURL(seed []byte, issuer, account string) string {
	q := url.Values{"secret": {TotpText(seed)}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// TotpStep returns the time step that a code is of, 0 when it is of none near now.
// Steps up to after were used already. Every step is compared, so that the time
// tells nothing.
func TotpStep(seed []byte, code string, now time.Time, after int64) (step int64) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	present := now.Unix() / int64(totpStep/time.Second)
	for at := present - totpDrift; at <= present+totpDrift; at++ {
		want, err := hotp.GenerateCodeCustom(TotpText(seed), uint64(at), totpOptions)
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && at > after {
			step = at
		}
	}
	return step
}

// NewRecoveryCodes draws codes that each open once, in groups of letters and digits
// that cannot be mistaken for another.
func NewRecoveryCodes(r Source) []string {
	const clear = "23456789abcdefghjkmnpqrstuvwxyz"
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		text := draw(r, clear, codeLength)
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
	}
	return codes
}

// HashRecoveryCode is how a recovery code is kept and found, however it is typed.
func HashRecoveryCode(text string) [32]byte {
	return HashCode(strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(text)))
}
