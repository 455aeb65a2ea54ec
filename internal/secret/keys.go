package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/access"
)

const masterBytes = 32

// KeyError says that the master key is missing, unreadable, unsafe or not the
// one the database was sealed with. The command ends with exit code 4.
type KeyError struct {
	Text  string // a plain sentence: what is wrong and what to do; no key in it
	Cause error
}

func (e *KeyError) Error() string {
	if e.Cause != nil {
		return e.Text + ": " + e.Cause.Error()
	}
	return e.Text
}

func (e *KeyError) Unwrap() error { return e.Cause }

func keyError(cause error, text string, args ...any) *KeyError {
	return &KeyError{Text: fmt.Sprintf(text, args...), Cause: cause}
}

// Keys holds the master keys of an instance by number and what is derived from
// them. The highest number seals and signs; the others only open and verify,
// until a rotation is over. Keys never changes; its methods may be called from
// any goroutine.
type Keys struct {
	numbers []int // ascending
	byNum   map[int]*key
	origin  string
	made    bool
}

// key is one master key and its four children. No child serves two purposes.
type key struct {
	master []byte
	field  cipher.AEAD // random nonce, in front of the ciphertext
	cookie []byte
	cursor []byte
	audit  []byte
	check  []byte
}

// ParseKeys reads one key as 32 bytes of base64, which gets number 1, or several
// as "number:base64", apart by line ends, commas or spaces. Lines that begin
// with # are comments.
func ParseKeys(text string) (*Keys, error) {
	k := &Keys{byNum: map[int]*key{}}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.FieldsFunc(line, isGap) {
			if err := k.parseOne(word); err != nil {
				return nil, err
			}
		}
	}
	if len(k.numbers) == 0 {
		return nil, keyError(nil, "the master key is empty; it must be 32 bytes of base64")
	}
	slices.Sort(k.numbers)
	return k, nil
}

// NewKeys makes one key, number 1, that no file holds.
func NewKeys(r Source) *Keys {
	k := &Keys{byNum: map[int]*key{}}
	k.add(1, bytesFrom(r, masterBytes))
	return k
}

func isGap(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }

func (k *Keys) parseOne(word string) error {
	number, encoded := 1, word
	if before, after, found := strings.Cut(word, ":"); found {
		n, err := strconv.ParseUint(before, 10, 31)
		if err != nil || n == 0 {
			return keyError(nil, "a master key's number must be a whole number from 1, as in 2:BASE64")
		}
		number, encoded = int(n), after
	}
	master, ok := decodeKey(encoded)
	if !ok {
		return keyError(nil, "master key %d is not 32 bytes of base64", number)
	}
	if _, twice := k.byNum[number]; twice {
		return keyError(nil, "master key %d is given twice", number)
	}
	k.add(number, master)
	return nil
}

// decodeKey takes both alphabets of base64, padded or not. The causes of a
// failure are dropped: they would quote the key.
func decodeKey(text string) ([]byte, bool) {
	text = strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := encoding.DecodeString(text); err == nil {
			return b, len(b) == masterBytes
		}
	}
	return nil, false
}

func (k *Keys) add(number int, master []byte) {
	block, err := aes.NewCipher(derive(master, "latchkey field encryption v1"))
	if err != nil {
		panic(err) // a 32-byte key is always taken
	}
	field, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	k.byNum[number] = &key{
		master: master,
		field:  field,
		cookie: derive(master, "latchkey cookie authentication v1"),
		cursor: derive(master, "latchkey cursor signing v1"),
		audit:  derive(master, "latchkey audit mac v1"),
		check:  derive(master, "latchkey key check v1"),
	}
	k.numbers = append(k.numbers, number)
}

func derive(master []byte, label string) []byte {
	out, err := hkdf.Key(sha256.New, master, nil, label, 32)
	if err != nil {
		panic(err) // 32 bytes are always within HKDF's reach
	}
	return out
}

// Current is the number of the key that seals.
func (k *Keys) Current() int { return k.numbers[len(k.numbers)-1] }

// Numbers lists the key numbers at hand, ascending.
func (k *Keys) Numbers() []int { return slices.Clone(k.numbers) }

// Has reports whether the key of that number is at hand.
func (k *Keys) Has(number int) bool { return k.byNum[number] != nil }

// Origin says where the keys came from, for a log line: a file's path, the
// name of the environment variable, the credential's path.
func (k *Keys) Origin() string { return k.origin }

// Made reports whether Load made the key just now.
func (k *Keys) Made() bool { return k.made }

// CheckValue is what the database keeps of a key: it tells that a key is the
// right one and nothing else. It is empty for a number that is not at hand.
func (k *Keys) CheckValue(number int) string {
	one := k.byNum[number]
	if one == nil {
		return ""
	}
	return hex.EncodeToString(mac(one.check, binary.BigEndian.AppendUint32(nil, uint32(number)))[:16])
}

// Verify compares a key with the check value that the database keeps for its
// number. It fails with a KeyError when the key is missing or another one.
func (k *Keys) Verify(number int, check string) error {
	if !k.Has(number) {
		return keyError(nil, "the database needs master key %d, and %s does not hold it; bring that key back", number, k.from())
	}
	if !hmac.Equal([]byte(k.CheckValue(number)), []byte(check)) {
		return keyError(nil, "master key %d from %s is not the one this database was sealed with; nothing was changed", number, k.from())
	}
	return nil
}

func (k *Keys) from() string {
	if k.origin == "" {
		return "what was given"
	}
	return k.origin
}

// CookieKey is the key that authenticates cookies.
func (k *Keys) CookieKey() []byte { return slices.Clone(k.byNum[k.Current()].cookie) }

// CookieKeys lists the cookie keys, the newest first, so that cookies signed
// before a rotation are still known.
func (k *Keys) CookieKeys() [][]byte {
	var all [][]byte
	for _, n := range slices.Backward(k.numbers) {
		all = append(all, slices.Clone(k.byNum[n].cookie))
	}
	return all
}

// AuditMAC authenticates one audit row under the current key; the row keeps
// Current() beside it.
func (k *Keys) AuditMAC(b []byte) []byte { return mac(k.byNum[k.Current()].audit, b) }

// VerifyAudit checks the MAC of an audit row that was made under key number.
// known is false when that key is gone, which is no proof of anything.
func (k *Keys) VerifyAudit(number int, b, sum []byte) (ok, known bool) {
	one := k.byNum[number]
	if one == nil {
		return false, false
	}
	return hmac.Equal(mac(one.audit, b), sum), true
}

const cursorMAC = 16

// SignCursor spells where a list stopped so that only this server can have made
// it. scope names the list and its filters; the cursor opens in no other.
func (k *Keys) SignCursor(scope string, plain []byte) string {
	sum := mac(k.byNum[k.Current()].cursor, scoped(scope, plain))[:cursorMAC]
	return base64.RawURLEncoding.EncodeToString(append(sum, plain...))
}

// OpenCursor returns what SignCursor was given, or Invalid.
func (k *Keys) OpenCursor(scope, text string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err == nil && len(b) >= cursorMAC {
		for _, n := range slices.Backward(k.numbers) {
			if hmac.Equal(mac(k.byNum[n].cursor, scoped(scope, b[cursorMAC:]))[:cursorMAC], b[:cursorMAC]) {
				return b[cursorMAC:], nil
			}
		}
	}
	return nil, access.Fail(access.Invalid, "cursor_invalid",
		"This cursor does not belong to this list. Leave it out to start from the beginning.").At("cursor")
}

func scoped(scope string, plain []byte) []byte { return append(prefixed(nil, scope), plain...) }

func mac(key, b []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(b)
	return h.Sum(nil)
}

// prefixed appends text with its length in front, so that no two lists of texts
// run together into the same bytes.
func prefixed(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}
