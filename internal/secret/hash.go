package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"latchkey/internal/access"
)

// MaxText is the longest text that is looked up at all.
const MaxText = 512

// MaxChosen is the longest token text that a caller may choose.
const MaxChosen = 256

// The labels keep the hashes of one kind of secret apart from every other.
const (
	secretLabel  = "latchkey secret v1"
	sessionLabel = "latchkey session v1"
	loginLabel   = "latchkey login v1"
	codeLabel    = "latchkey code v1"
)

// Strip takes every leading "sk-" off: x, sk-x and sk-sk-x are one secret.
func Strip(text string) string {
	for strings.HasPrefix(text, prefix) {
		text = text[len(prefix):]
	}
	return text
}

// Hash is the look-up hash of an API token, beta key, share token or hand-over
// code: SHA-256 over "latchkey secret v1" and the stripped text. The secrets are
// long and random, so a plain hash is enough and no key is needed to verify one.
func Hash(text string) [32]byte { return labelled(secretLabel, Strip(text)) }

// HashSession is the look-up hash of a session's cookie value.
func HashSession(value string) [32]byte { return labelled(sessionLabel, value) }

// HashLogin is the look-up hash of a login token, taken as it was sent.
func HashLogin(text string) [32]byte { return labelled(loginLabel, text) }

// HashCode is the look-up hash of a one-time code: reset, invitation, recovery.
func HashCode(text string) [32]byte { return labelled(codeLabel, text) }

func labelled(label, text string) [32]byte {
	return sha256.Sum256(append([]byte(label), text...))
}

// Plausible reports whether text could be a secret at all: 1 to 512 characters
// of [0-9A-Za-z._~-]. Whatever is not is refused before any work is done for it.
func Plausible(text string) bool {
	return text != "" && len(text) <= MaxText && spelled(text)
}

func spelled(text string) bool {
	for i := range len(text) {
		if !inAlphabet(text[i]) {
			return false
		}
	}
	return true
}

func inAlphabet(b byte) bool {
	switch {
	case '0' <= b && b <= '9', 'A' <= b && b <= 'Z', 'a' <= b && b <= 'z':
		return true
	}
	return b == '.' || b == '_' || b == '~' || b == '-'
}

// CheckChosen says whether a caller may choose text as a token: min to 256
// characters of [0-9A-Za-z._~-] and enough different ones, 8 of them or, below
// a min of 16, half of min. What counts is the text after every leading "sk-",
// since that is the secret.
func CheckChosen(text string, min int) error {
	bare := Strip(text)
	if !spelled(bare) {
		return access.Fail(access.Invalid, "secret_alphabet",
			"A chosen token may hold only letters, digits and . _ ~ - without spaces.").At("secret")
	}
	if len(bare) < min {
		return access.Fail(access.Invalid, "secret_short",
			"A chosen token needs at least %d characters after “sk-”; this one has %d.", min, len(bare)).At("secret")
	}
	if len(text) > MaxChosen {
		return access.Fail(access.Invalid, "secret_long",
			"A chosen token may have at most %d characters; this one has %d.", MaxChosen, len(text)).At("secret")
	}
	seen := map[byte]bool{}
	for i := range len(bare) {
		seen[bare[i]] = true
	}
	if need := variety(min); len(seen) < need {
		return access.Fail(access.Invalid, "secret_simple",
			"A chosen token needs at least %d different characters; this one has %d.", need, len(seen)).At("secret")
	}
	return nil
}

func variety(min int) int {
	if min < 16 {
		return min / 2
	}
	return 8
}

// Hint is what is stored of a secret for masks and search: its last four
// characters, or nothing of a text too short to give four away.
func Hint(text string) string {
	bare := Strip(text)
	if len(bare) < 8 {
		return ""
	}
	return bare[len(bare)-4:]
}

// Mask spells an API token that may not be shown: "sk-lk…wxyz".
func Mask(hint string) string { return prefix + mark + "…" + hint }

// MaskShare spells a share or beta token that may not be shown: "…9KaB".
func MaskShare(hint string) string { return "…" + hint }

// Same compares two secrets of the process itself (master key, metrics token)
// in a time that does not depend on where they differ, nor on their lengths.
// An empty one is never the same as anything.
func Same(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && want != ""
}

// SameSetupCode compares a typed set-up code with the printed one; case, spaces
// and hyphens do not matter.
func SameSetupCode(typed, printed string) bool {
	return Same(setupForm(typed), setupForm(printed))
}

func setupForm(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, strings.ToUpper(text))
}
