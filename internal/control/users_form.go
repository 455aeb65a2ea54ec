package control

import (
	"errors"
	"unicode/utf8"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// UserForm is what a door sends to make or edit a user. Nil leaves a field as it
// is, or at its default when making.
type UserForm struct {
	Username, Email, Nickname *string
	Password                  *string // nil: one is made, to be changed at the first sign-in on the page
	Language, TimeZone        *string
	IsAdmin                   *bool
	Workspace                 string // name of the home workspace, "": the username's
	Version                   int64
}

// checkUser checks every field that was sent and reports all that is wrong.
func checkUser(f UserForm, creating bool) (db.UserChange, error) {
	change := db.UserChange{IsAdmin: f.IsAdmin, Version: f.Version}
	var wrong []error
	if f.Username != nil || creating {
		name, err := checkUsername(deref(f.Username))
		key := fold(name)
		wrong = append(wrong, err)
		change.Username, change.UsernameKey = &name, &key
	}
	if f.Email != nil {
		email, err := checkEmail(*f.Email)
		key := fold(email)
		wrong = append(wrong, err)
		change.Email, change.EmailKey = &email, &key
		// A username that is the own address is one name, not two.
		if change.UsernameKey != nil && key == *change.UsernameKey {
			none := ""
			change.EmailKey = &none
		}
	}
	if f.Nickname != nil {
		nickname, err := checkNickname(*f.Nickname)
		wrong = append(wrong, err)
		change.Nickname = &nickname
	}
	if f.Workspace != "" {
		_, err := checkName(f.Workspace, "workspace")
		wrong = append(wrong, err)
	}
	wrong = append(wrong, checkLanguage(f.Language), checkTimeZone(f.TimeZone))
	change.Language, change.TimeZone = f.Language, f.TimeZone
	return change, errors.Join(wrong...)
}

func checkLanguage(code *string) error {
	switch deref(code) {
	case "", "en", "zh":
		return nil
	}
	return access.Fail(access.Invalid, "language_unknown", "Choose English or Chinese.").At("language")
}

// userPassword returns the password that was sent, checked by the rules of the
// door, or makes one.
func (c *Control) userPassword(sent *string, door access.Door, names ...string) (plain string, made bool, err error) {
	if sent == nil {
		return secret.NewPassword(c.Random), true, nil
	}
	return *sent, false, checkUserPassword(*sent, door, names...)
}

// sentMost is the most characters of a password at RAGFlow's door, where a text that
// was encrypted under somebody else's key is the password itself.
const sentMost = 1024

// checkUserPassword keeps the rules of foreign contracts at their doors and ours
// everywhere else.
func checkUserPassword(plain string, door access.Door, names ...string) error {
	least, most := secret.MinUser, secret.MaxPassword
	switch door {
	case access.DoorRAGFlow:
		least, most = 1, sentMost
	case access.DoorBotShare:
		least = 1
	case access.DoorNewAPI:
		least, most = 8, 20
	default:
		return secret.CheckPassword(plain, secret.MinUser, names...)
	}
	n := utf8.RuneCountInString(plain)
	switch {
	case !utf8.ValidString(plain):
		return access.Fail(access.Invalid, "password_text", "This password holds bytes that are not text. Type it again.").At("password")
	case n < least:
		return access.Fail(access.Invalid, "password_short", "A password needs at least %d characters; this one has %d.", least, n).At("password")
	case n > most:
		return access.Fail(access.Invalid, "password_long", "A password may have at most %d characters; this one has %d.", most, n).At("password")
	}
	return nil
}
