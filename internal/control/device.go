package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"

	"latchkey/internal/access"
)

// A known device is a browser in which an account signed in before. It proves it
// with a cookie that holds, for each account, a random number and its MAC: no
// row is kept, and whoever copies the proof gains a throttle of their own and
// nothing else.
const (
	devicesMax  = 4 // accounts that one browser remembers
	deviceBytes = 12
	deviceMAC   = 16
	deviceLabel = "latchkey device v1\x00"
)

// device returns the number under which a browser is known to an account, "" when
// it is not. A cookie that is broken or was signed with a lost key is no proof.
func (c *Control) device(cookie string, kind access.SubjectKind, publicID string) string {
	if len(cookie) > 1024 {
		return ""
	}
	for proof := range strings.SplitSeq(cookie, ".") {
		b, err := base64.RawURLEncoding.DecodeString(proof)
		if err != nil || len(b) != deviceBytes+deviceMAC {
			continue
		}
		for _, key := range c.Keys.CookieKeys() {
			if hmac.Equal(deviceSum(key, kind, publicID, b[:deviceBytes]), b[deviceBytes:]) {
				return hex.EncodeToString(b[:deviceBytes])
			}
		}
	}
	return ""
}

// rememberDevice returns the cookie with a proof for the account in front, or the
// cookie as it is when it holds one.
func (c *Control) rememberDevice(cookie string, kind access.SubjectKind, publicID string) (string, error) {
	if c.device(cookie, kind, publicID) != "" {
		return cookie, nil
	}
	number := make([]byte, deviceBytes)
	if _, err := io.ReadFull(c.Random, number); err != nil {
		return "", err
	}
	proofs := []string{base64.RawURLEncoding.EncodeToString(append(number, deviceSum(c.Keys.CookieKey(), kind, publicID, number)...))}
	for old := range strings.SplitSeq(cookie, ".") {
		if len(old) == base64.RawURLEncoding.EncodedLen(deviceBytes+deviceMAC) && len(proofs) < devicesMax {
			proofs = append(proofs, old)
		}
	}
	return strings.Join(proofs, "."), nil
}

func deviceSum(key []byte, kind access.SubjectKind, publicID string, number []byte) []byte {
	m := hmac.New(sha256.New, key)
	io.WriteString(m, deviceLabel+string(kind)+"\x00"+publicID+"\x00")
	m.Write(number)
	return m.Sum(nil)[:deviceMAC]
}
