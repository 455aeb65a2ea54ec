// Package control is what people do: sign in, issue, change, revoke, share,
// enrol. Each exported method is one act of one actor: it asks access whether the
// actor may, checks what was sent, and states one fact in db.
//
// It promises that every act a door offers goes through one method here, so that
// the page, the native API and the dialects cannot differ in what they allow or
// how they refuse. It never sees a transaction and never speaks HTTP; what it
// answers are nouns of access and rows of db.
//
// Start with tokens.go for the shape of a noun, accounts.go for signing in.
package control

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
	"latchkey/internal/upstream"
)

// Reveal says whether stored secrets may be shown again.
type Reveal string

const (
	RevealAlways  Reveal = "always"
	RevealConfirm Reveal = "confirm" // a password within the last ten minutes
	RevealNever   Reveal = "never"
)

// Settings is what the operator decided outside the database.
type Settings struct {
	Reveal            Reveal
	UnitsPerDollar    int64  // quota units in one US dollar
	Registration      string // "open" or "closed"
	RegistrationFixed bool   // by the environment, which wins over the stored setting
	Language          string
	LanguageFixed     bool
	MasterKey         string // "" for none
	PrivateHosts      []string
	Demo              bool   // the demo model can be added at any time
	Data              string // the data folder
	Version           string // of this Latchkey
}

// Control is the room. Its fields are set once and not changed.
type Control struct {
	DB        *db.DB
	Keys      *secret.Keys
	Passwords *secret.Passwords
	Upstream  *upstream.Client
	Now       func() time.Time
	Random    io.Reader
	Log       *slog.Logger
	FirstCode *SetupCode // nil where nobody can be the first admin through a page
	// Pause waits where waiting is part of the answer; nil waits by a timer.
	Pause func(context.Context, time.Duration) error
	// PasswordKeys are the operator's RSA keys for clients that encrypt the passwords
	// they send; nil for none.
	PasswordKeys *secret.RSAKeys
	Settings

	backups backupDesk
	checked ledgerCheck
}

// fold spells a name the way it is compared: NFKC, case-folded, trimmed.
func fold(name string) string {
	return strings.TrimSpace(cases.Fold().String(norm.NFKC.String(name)))
}

// checkName refuses an empty name, one over access.NameMax characters and one
// with control characters. It returns the name trimmed.
func checkName(name, field string) (string, error) {
	return checkNameUpTo(name, field, access.NameMax)
}

// checkNameUpTo is checkName with another limit.
func checkNameUpTo(name, field string, most int) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", access.Fail(access.Invalid, "name_missing", "Give it a name.").At(field)
	case utf8.RuneCountInString(name) > most:
		return "", access.Fail(access.Invalid, "name_long", "A name has at most %d characters.", most).At(field)
	case !plain(name, false):
		return "", access.Fail(access.Invalid, "name_characters", "A name holds no control characters or line breaks.").At(field)
	}
	return name, nil
}

// checkText refuses text over most characters and control characters other than
// line breaks and tabs.
func checkText(text, field string, most int) error {
	switch {
	case utf8.RuneCountInString(text) > most:
		return access.Fail(access.Invalid, "text_long", "At most %d characters fit here.", most).At(field)
	case !plain(text, true):
		return access.Fail(access.Invalid, "text_characters", "This text holds characters that cannot be stored.").At(field)
	}
	return nil
}

func plain(text string, lines bool) bool {
	if !utf8.ValidString(text) {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool {
		if lines && (r == '\n' || r == '\r' || r == '\t') {
			return false
		}
		// Controls and the marks that reorder or hide text.
		return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
	})
}

// workspace returns the workspace that the actor acts in.
func (c *Control) workspace(ctx context.Context, by access.Actor) (access.Workspace, error) {
	return c.DB.FindWorkspace(ctx, by.WorkspaceID)
}
