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
	u.is_admin, u.enabled, u.must_change, COALESCE(u.home_workspace_id, 0), u.language, u.time_zone, u.last_login_at, u.created_at, u.version`

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
		&u.IsAdmin, &u.Enabled, &u.MustChange, &u.HomeID, &u.Language, &u.TimeZone, &u.login, &u.created, &u.Version,
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
	tail := q.page("u.id", p)
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

// UserChange is an edit of a user. Nil leaves a field as it is. The keys go with
// the texts that they fold.
type UserChange struct {
	Username, UsernameKey        *string
	Email, EmailKey              *string
	Nickname, Language, TimeZone *string
	IsAdmin                      *bool
	Version                      int64 // the version it was based on, 0: any
}

// EditUser changes what c names. Taking the last enabled admin's powers away is
// refused.
func (d *DB) EditUser(ctx context.Context, by access.Actor, publicID string, c UserChange) (access.User, error) {
	var u access.User
	err := d.change(ctx, func(t *Tx) error {
		old, err := t.user(publicID)
		if err != nil {
			return err
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		u = old
		set(&u.Username, c.Username)
		set(&u.UsernameKey, c.UsernameKey)
		set(&u.Email, c.Email)
		set(&u.EmailKey, c.EmailKey)
		set(&u.Nickname, c.Nickname)
		set(&u.Language, c.Language)
		set(&u.TimeZone, c.TimeZone)
		set(&u.IsAdmin, c.IsAdmin)
		u.Version++
		if err := t.nameFree(u.ID, u.UsernameKey, u.EmailKey); err != nil {
			return err
		}
		if old.IsAdmin && !u.IsAdmin {
			if err := t.otherAdmin(u.ID); err != nil {
				return err
			}
		}
		if _, err := t.exec(`UPDATE users SET username = $1, username_key = $2, email = $3, email_key = $4, nickname = $5, language = $6,
			time_zone = $7, is_admin = $8, version = version + 1 WHERE id = $9`,
			u.Username, u.UsernameKey, u.Email, textOrNull(u.EmailKey), u.Nickname, u.Language, u.TimeZone, flag(u.IsAdmin), u.ID); err != nil {
			return userTaken(err)
		}
		return t.tell(by, event{u.HomeID, "user.edit", object("user", u.PublicID, u.Username), changed(userFacts(old), userFacts(u))})
	})
	return u, err
}

func (t *Tx) user(publicID string) (access.User, error) {
	u, err := scanUser(t.row("SELECT "+userColumns+" FROM users u WHERE u.public_id = $1 AND u.deleted_at IS NULL", publicID))
	return u, orNotFound(err, "user")
}

// otherAdmin refuses to leave an instance without an admin who can sign in.
func (t *Tx) otherAdmin(id int64) error {
	var there bool
	err := t.row("SELECT EXISTS (SELECT 1 FROM users WHERE is_admin = 1 AND enabled = 1 AND deleted_at IS NULL AND id <> $1)", id).Scan(&there)
	if err == nil && !there {
		return access.Fail(access.Conflict, "last_admin", "This is the last admin who can sign in. Make another one first.")
	}
	return err
}

// SetUserEnabled disables a user, which ends every sign-in, or enables it again.
func (d *DB) SetUserEnabled(ctx context.Context, by access.Actor, publicID string, enabled bool) (access.User, error) {
	var u access.User
	err := d.change(ctx, func(t *Tx) error {
		old, err := t.user(publicID)
		if err != nil {
			return err
		}
		action := "user.enable"
		if !enabled {
			action = "user.disable"
			if old.IsAdmin {
				if err := t.otherAdmin(old.ID); err != nil {
					return err
				}
			}
			if err := t.signOut(access.SubjectUser, old.ID, nil); err != nil {
				return err
			}
		}
		if u, err = scanUser(t.row("UPDATE users SET enabled = $1, version = version + 1 WHERE id = $2"+userReturning, flag(enabled), old.ID)); err != nil {
			return err
		}
		return t.tell(by, event{u.HomeID, action, object("user", u.PublicID, u.Username), nil})
	})
	return u, err
}

// DeleteUser removes an account for every door. Every sign-in ends and the name
// is free again. Workspaces in which nobody else has a role go with it; of one in
// which others have, it must not be the last owner.
func (d *DB) DeleteUser(ctx context.Context, by access.Actor, publicID string) error {
	return d.change(ctx, func(t *Tx) error {
		u, err := t.user(publicID)
		if err != nil {
			return err
		}
		if u.IsAdmin {
			if err := t.otherAdmin(u.ID); err != nil {
				return err
			}
		}
		if err := t.leaveWorkspaces(by, u); err != nil {
			return err
		}
		if err := t.signOut(access.SubjectUser, u.ID, nil); err != nil {
			return err
		}
		for _, text := range []string{
			"DELETE FROM recovery_codes WHERE subject_id = $1", "DELETE FROM passkeys WHERE subject_id = $1",
			"DELETE FROM identities WHERE subject_id = $1",
		} {
			if _, err := t.exec(text, u.ID); err != nil {
				return err
			}
		}
		if _, err := t.exec("UPDATE users SET deleted_at = $1, password_hash = '', totp_sealed = NULL, version = version + 1 WHERE id = $2",
			t.now(), u.ID); err != nil {
			return err
		}
		return t.tell(by, event{u.HomeID, "user.delete", object("user", u.PublicID, u.Username), nil})
	})
}
