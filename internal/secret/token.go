package secret

import (
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"io"
	"strings"
)

const (
	digits62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// readable leaves out what a person mistakes when reading aloud: 0 o 1 l i.
	readable = "abcdefghjkmnpqrstuvwxyz23456789"
	// consonants spell no words.
	consonants = "BCDFGHJKLMNPQRSTVWXZ"

	prefix      = "sk-"
	mark        = "lk"
	randomChars = 40
	checkChars  = 6
	bareChars   = len(mark) + randomChars + checkChars
)

// NewToken makes the text of an API token: "sk-" and 48 characters of
// [0-9A-Za-z]: the letters "lk", 40 random ones (238 bits) and 6 of checksum.
//
// The checksum is the CRC-32 (IEEE 802.3) of the 42 ASCII characters before it,
// written in base 62 with the digits 0-9, A-Z, a-z, most significant first,
// padded with 0 to six. It lets a scanner tell a leaked token from noise without
// asking the server; the server itself never looks at it.
func NewToken(r Source) string {
	body := mark + draw(r, digits62, randomChars)
	return prefix + body + checksum(body)
}

// HasChecksum reports whether text, after every leading "sk-", has the form of
// NewToken. It is for scanners and warnings; nothing is refused for its sake.
func HasChecksum(text string) bool {
	bare := Strip(text)
	if len(bare) != bareChars || !strings.HasPrefix(bare, mark) {
		return false
	}
	for i := range len(bare) {
		if strings.IndexByte(digits62, bare[i]) < 0 {
			return false
		}
	}
	body := bare[:bareChars-checkChars]
	return checksum(body) == bare[bareChars-checkChars:]
}

// NewBeta makes a beta key: 32 characters of [0-9A-Za-z], 190 bits.
func NewBeta(r Source) string { return draw(r, digits62, 32) }

// NewShare makes a share token: 32 characters of [0-9A-Za-z], 190 bits.
func NewShare(r Source) string { return draw(r, digits62, 32) }

// NewLogin makes a login token, a session value or a one-time link code: 256
// bits as 43 characters of base64url.
func NewLogin(r Source) string { return base64.RawURLEncoding.EncodeToString(bytesFrom(r, 32)) }

// NewPublicID makes a public id: 32 lower-case hex digits. It is no secret, but
// nobody guesses one either.
func NewPublicID(r Source) string { return hex.EncodeToString(bytesFrom(r, 16)) }

// NewPassword makes a password for a person to type once: four groups of four
// from lower-case letters and digits without 0 o 1 l i, as in
// "kx7m-2vtq-h9ra-w4cz"; 79 bits, 19 characters.
func NewPassword(r Source) string {
	text := draw(r, readable, 16)
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}

// NewSetupCode makes a set-up code in the form BCDF-GHJK: eight consonants, 34
// bits, which live for half an hour behind a throttle.
func NewSetupCode(r Source) string {
	text := draw(r, consonants, 8)
	return text[:4] + "-" + text[4:]
}

// checksum spells the CRC-32 of body in six digits of base 62; 62^6 > 2^32.
func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var out [checkChars]byte
	for i := checkChars - 1; i >= 0; i-- {
		out[i] = digits62[sum%62]
		sum /= 62
	}
	return string(out[:])
}

// draw picks n characters of alphabet, each equally likely: a byte beyond the
// last whole multiple of the alphabet is thrown away, not folded back.
func draw(r Source, alphabet string, n int) string {
	limit := 256 - 256%len(alphabet)
	out := make([]byte, 0, n)
	for len(out) < n {
		for _, b := range bytesFrom(r, n-len(out)) {
			if int(b) < limit {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// bytesFrom reads n random bytes. It panics when the source fails, because no
// answer is safer than a secret that somebody can guess.
func bytesFrom(r Source, n int) []byte {
	out := make([]byte, n)
	if _, err := io.ReadFull(r, out); err != nil {
		panic("secret: the random source failed: " + err.Error())
	}
	return out
}
