package control

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"latchkey/internal/access"
)

// checkUsername refuses a sign-in name that is empty, too long, holds what nobody
// sees, or mixes letters of scripts that look alike. It returns the name trimmed.
func checkUsername(name string) (string, error) {
	name, err := checkName(name, "username")
	if err != nil {
		return "", err
	}
	switch {
	case strings.ContainsFunc(norm.NFKC.String(name), hidden):
		return "", access.Fail(access.Invalid, "username_hidden", "This name holds characters that nobody can see. Type it again.").At("username")
	case mixedScripts(name):
		return "", access.Fail(access.Invalid, "username_mixed",
			"This name mixes Latin with Greek or Cyrillic letters that look the same. Use one alphabet.").At("username")
	case !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		return "", access.Fail(access.Invalid, "username_empty", "A name holds at least one letter or digit.").At("username")
	}
	return name, nil
}

// hidden reports characters that take no room or have no agreed look.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Variation_Selector) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// mixedScripts reports a name with letters of more than one of the alphabets whose
// letters are mistaken for each other.
func mixedScripts(name string) bool {
	seen := 0
	for _, table := range []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic} {
		if strings.ContainsFunc(norm.NFKC.String(name), func(r rune) bool { return unicode.Is(table, r) }) {
			seen++
		}
	}
	return seen > 1
}

// checkEmail takes an address as people write it, or none. It returns it trimmed.
func checkEmail(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || len(text) > emailMax || strings.ContainsFunc(text, hidden) || mixedScripts(text) {
		return "", access.Fail(access.Invalid, "email_invalid", "This is not an e-mail address like name@example.com.").At("email")
	}
	return text, nil
}

// checkNickname takes any short text, or none.
func checkNickname(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	return checkName(text, "nickname")
}

// longestPassword is the most bytes of a password that is hashed at all. No
// account has a longer one.
const longestPassword = 4096

func tooLongPassword(plain string) bool {
	return len(plain) > longestPassword || !utf8.ValidString(plain)
}
