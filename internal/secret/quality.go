package secret

import (
	"strings"
	"unicode/utf8"

	"latchkey/internal/access"
)

// The least and the most code points of a password that is set on a page. Doors
// of foreign contracts have rules of their own.
const (
	MinUser     = 10
	MinCustomer = 8
	MaxPassword = 128
)

// plainTail is how much beside a name still is no password: "acme" and "2026!".
const plainTail = 5

// CheckPassword says whether a new password will do: min to 128 code points of
// any kind, on no list of common passwords, and not the product's name or one
// of names (user name, address, bot, workspace) with a little around it. There
// are no rules about digits or capitals. It fails with Invalid at "password".
func CheckPassword(plain string, min int, names ...string) error {
	refuse := func(code, text string, args ...any) error {
		return access.Fail(access.Invalid, code, text, args...).At("password")
	}
	if !utf8.ValidString(plain) {
		return refuse("password_text", "This password holds bytes that are not text. Type it again.")
	}
	length := utf8.RuneCountInString(plain)
	if length < min {
		return refuse("password_short", "A password needs at least %d characters; this one has %d.", min, length)
	}
	if length > MaxPassword {
		return refuse("password_long", "A password may have at most %d characters; this one has %d.", MaxPassword, length)
	}
	folded := strings.ToLower(strings.TrimSpace(plain))
	if isCommon(folded) {
		return refuse("password_common",
			"This password is among those that are tried first. Choose another, for example four words that have nothing to do with each other.")
	}
	for _, name := range append([]string{"latchkey"}, names...) {
		for _, part := range nameParts(name) {
			if nearName(folded, part) {
				return refuse("password_name",
					"This password is little more than a name that others know. Choose one without it.")
			}
		}
	}
	return nil
}

// nameParts is a name as it stands and, of an address, what is before the @.
func nameParts(name string) []string {
	name = strings.ToLower(strings.TrimSpace(name))
	parts := []string{name, strings.ReplaceAll(name, " ", "")}
	if before, _, found := strings.Cut(name, "@"); found {
		parts = append(parts, before)
	}
	return parts
}

// nearName reports whether what is left of a password without a name is short,
// or common by itself. Names under three letters are everywhere.
func nearName(folded, name string) bool {
	if utf8.RuneCountInString(name) < 3 || !strings.Contains(folded, name) {
		return false
	}
	rest := strings.ReplaceAll(folded, name, "")
	return utf8.RuneCountInString(rest) <= plainTail || isCommon(rest)
}
