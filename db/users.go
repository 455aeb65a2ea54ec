package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"latchkey/internal/access"
)

const userColumns = `u.id, u.public_id, u.username, u.username_key, u.email, COALESCE(u.email_key, ''), u.nickname, u.password_hash,
	u.is_admin, u.enabled, u.must_change, COALESCE(u.home_workspace_id, 0), u.language, u.time_zone, u.last_login_at, u.created_at, u.version,
	u.totp_sealed IS NOT NULL`

// userReturning spells the columns without the alias, which RETURNING does not know.
var userReturning = " RETURNING " + strings.ReplaceAll(userColumns, "u.", "")

// userScan holds what stands in the row in another spelling than in the noun.
type userScan struct {
	access.User
	login, created moment
}

func (u *userScan) fields() []any {
	return []any{
		&u.ID, &u.PublicID, &u.Username, &u.UsernameKey, &u.Email, &u.EmailKey, &u.Nickname, &u.PasswordHash,
		&u.IsAdmin, &u.Enabled, &u.MustChange, &u.HomeID, &u.Language, &u.TimeZone, &u.login, &u.created, &u.Version, &u.TwoFactor,
	}
}

func (u *userScan) user() access.User {
	u.LastLoginAt, u.CreatedAt = u.login.Time, u.created.Time
	return u.User
}

func scanUser(s scanner) (access.User, error) {
	var u userScan
	err := s.Scan(u.fields()...)
	return u.user(), err
}

// FindUser returns a live user by row number, a disabled one too: it says so.
// Users are not cached, so that commands beside a running server change them.
func (d *DB) FindUser(ctx context.Context, id int64) (access.User, error) {
	u, err := scanUser(d.row(ctx, "SELECT "+userColumns+" FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL", id))
	return u, orNotFound(err, "user")
}

// User returns a live user by its public id.
func (d *DB) User(ctx context.Context, publicID string) (access.User, error) {
	u, err := scanUser(d.row(ctx, "SELECT "+userColumns+" FROM users u WHERE u.public_id = $1 AND u.deleted_at IS NULL", publicID))
	return u, orNotFound(err, "user")
}

// UserByName returns the live user who signs in with a folded text: a username
// or an address. No two users can be meant by one text.
func (d *DB) UserByName(ctx context.Context, key string) (access.User, error) {
	u, err := scanUser(d.row(ctx, "SELECT "+userColumns+
		" FROM users u WHERE (u.username_key = $1 OR u.email_key = $1) AND u.deleted_at IS NULL", key))
	return u, orNotFound(err, "user")
}

// Users lists the users of the instance whose username, address or nickname
// holds the query.
func (d *DB) Users(ctx context.Context, p Page) ([]access.User, error) {
	q := userQuery(p)
	tail := q.page("u.id", nil, p)
	var out []access.User
	err := d.rows(ctx, list(&out, scanUser), q.text(userColumns, tail), q.args...)
	return out, err
}

// CountUsers counts what Users would list over all pages, up to CountMax + 1.
func (d *DB) CountUsers(ctx context.Context, p Page) (int64, error) {
	return d.countUpTo(ctx, userQuery(p), "u.id")
}

func userQuery(p Page) query {
	q := query{from: " FROM users u"}
	q.and("u.deleted_at IS NULL")
	if p.Query != "" {
		// The accounts of an instance are few enough to look at each.
		held := "%" + likeText(p.Query) + "%"
		q.and(`(u.username LIKE ? ESCAPE '\' OR u.email LIKE ? ESCAPE '\' OR u.nickname LIKE ? ESCAPE '\')`, held, held, held)
	}
	switch p.Status {
	case access.StatusEnabled:
		q.and("u.enabled = 1")
	case access.StatusDisabled:
		q.and("u.enabled = 0")
	}
	return q
}

// AnyAdmin reports whether the instance has an admin: whether it was set up.
func (d *DB) AnyAdmin(ctx context.Context) (there bool, err error) {
	err = d.row(ctx, "SELECT EXISTS (SELECT 1 FROM users WHERE is_admin = 1 AND deleted_at IS NULL)").Scan(&there)
	return there, err
}

// NewUser is a user about to be made. PublicID is also the home workspace's.
type NewUser struct {
	User      access.User
	Workspace string // name of the home workspace, "" for none
	TimeZone  string // of the home workspace
}

// MakeFirstAdmin makes the admin that an instance begins with: user, home
// workspace with an unlimited purse, ownership. When there is an admin already it
// is a Conflict, also between two callers at the same moment.
func (d *DB) MakeFirstAdmin(ctx context.Context, by access.Actor, n NewUser) (access.User, access.Workspace, error) {
	n.User.IsAdmin = true
	return d.makeUser(ctx, by, n, func(t *Tx) error {
		var there bool
		err := t.row("SELECT EXISTS (SELECT 1 FROM users WHERE is_admin = 1 AND deleted_at IS NULL)").Scan(&there)
		if err == nil && there {
			err = AlreadySetUp()
		}
		return err
	})
}

// AlreadySetUp is what a second set-up answers.
func AlreadySetUp() error {
	return access.Fail(access.Conflict, "already_set_up", "This Latchkey is set up already. Sign in instead.")
}

// MakeUser makes a user, with a home workspace of its own when n names one. A
// username or an address that another user has is a Conflict.
func (d *DB) MakeUser(ctx context.Context, by access.Actor, n NewUser) (access.User, access.Workspace, error) {
	return d.makeUser(ctx, by, n, func(*Tx) error { return nil })
}

func (d *DB) makeUser(ctx context.Context, by access.Actor, n NewUser, first func(*Tx) error) (access.User, access.Workspace, error) {
	var u access.User
	var w access.Workspace
	err := d.change(ctx, func(t *Tx) error {
		err := first(t)
		if err != nil {
			return err
		}
		if n.Workspace != "" {
			if w, err = t.makeWorkspace(by, access.Workspace{PublicID: n.User.PublicID, Name: n.Workspace, TimeZone: n.TimeZone}); err != nil {
				return err
			}
		}
		if u, err = t.insertUser(by, n.User, w.ID); err != nil || w.ID == 0 {
			return err
		}
		return t.addMember(by, w, u, access.Owner)
	})
	return u, w, err
}

func (t *Tx) insertUser(by access.Actor, u access.User, homeID int64) (access.User, error) {
	u.CreatedAt, u.Enabled, u.Version, u.HomeID = time.UnixMilli(t.now()).UTC(), true, 1, homeID
	if err := t.nameFree(0, u.UsernameKey, u.EmailKey); err != nil {
		return u, err
	}
	var err error
	u.ID, err = t.insert(`INSERT INTO users (public_id, username, username_key, email, email_key, nickname, password_hash, is_admin,
		must_change, home_workspace_id, language, time_zone, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		u.PublicID, u.Username, u.UsernameKey, u.Email, textOrNull(u.EmailKey), u.Nickname, u.PasswordHash, flag(u.IsAdmin),
		flag(u.MustChange), idOrNull(homeID), u.Language, u.TimeZone, t.now())
	if err != nil {
		return u, userTaken(err)
	}
	return u, t.tell(by, event{homeID, "user.create", object("user", u.PublicID, u.Username), userFacts(u)})
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// nameFree refuses a sign-in name that could mean another user too: one's
// username may be an address, so the two columns are one space of names.
func (t *Tx) nameFree(id int64, usernameKey, emailKey string) error {
	for _, one := range []struct{ key, field string }{{usernameKey, "username"}, {emailKey, "email"}} {
		if one.key == "" {
			continue
		}
		var other int64
		err := t.row(`SELECT id FROM users WHERE (username_key = $1 OR email_key = $1) AND id <> $2 AND deleted_at IS NULL`, one.key, id).Scan(&other)
		if err == nil {
			return nameTaken(one.field)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

func nameTaken(field string) error {
	if field == "email" {
		return access.Fail(access.Conflict, "email_taken", "Another account has this e-mail address.").At("email")
	}
	return access.Fail(access.Conflict, "username_taken", "This name is taken already. Choose another.").At("username")
}

func userTaken(err error) error {
	columns, taken := isTaken(err)
	switch {
	case taken && strings.Contains(columns, "email_key"):
		return nameTaken("email")
	case taken && strings.Contains(columns, "username_key"):
		return nameTaken("username")
	}
	return err
}

// userFacts is what the audit log keeps of a user.
func userFacts(u access.User) map[string]any {
	return map[string]any{
		"username": u.Username, "email": u.Email, "nickname": u.Nickname, "is_admin": u.IsAdmin, "enabled": u.Enabled,
		"language": u.Language, "time_zone": u.TimeZone,
	}
}
