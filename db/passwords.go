package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// ResetPassword gives a user a new password on someone else's behalf: the new
// hash, every session, login token and reset code gone, in one fact. mustChange:
// the page insists on another at the next sign-in.
func (d *DB) ResetPassword(ctx context.Context, by access.Actor, publicID, hash string, mustChange bool) (access.User, error) {
	var u access.User
	err := d.change(ctx, func(t *Tx) error {
		var err error
		u, err = scanUser(t.row(`UPDATE users SET password_hash = $1, must_change = $2, version = version + 1
			WHERE public_id = $3 AND deleted_at IS NULL`+userReturning, hash, flag(mustChange), publicID))
		if err != nil {
			return orNotFound(err, "user")
		}
		if err := t.signOut(access.SubjectUser, u.ID, nil); err != nil {
			return err
		}
		return t.tell(by, event{u.HomeID, "user.reset-password", object("user", u.PublicID, u.Username), nil})
	})
	return u, err
}

// ChangePassword is a user's own change: it replaces the hash that was verified
// and, unless keepOthers, ends every other session and login token. The session
// it came with lives on under renewed, the hash of a new value. When the password
// changed meanwhile it is a Conflict.
func (d *DB) ChangePassword(ctx context.Context, by access.Actor, id int64, oldHash, newHash string, renewed []byte, keepOthers bool) (access.User, error) {
	var u access.User
	err := d.change(ctx, func(t *Tx) error {
		var err error
		u, err = scanUser(t.row(`UPDATE users SET password_hash = $1, must_change = 0, version = version + 1
			WHERE id = $2 AND password_hash = $3 AND enabled = 1 AND deleted_at IS NULL`+userReturning, newHash, id, oldHash))
		if err = orNotFound(err, "user"); access.KindOf(err) == access.NotFound {
			return stale()
		}
		if err != nil {
			return err
		}
		if !keepOthers {
			if err := t.signOut(access.SubjectUser, id, by.SessionHash); err != nil {
				return err
			}
		}
		if _, err := t.renewSession(by.SessionHash, renewed, time.UnixMilli(t.now()), 0); err != nil && by.Door == access.DoorPage {
			return err
		}
		return t.tell(by, event{by.WorkspaceID, "user.change-password", object("user", u.PublicID, u.Username), nil})
	})
	return u, err
}

// RehashUser replaces a password's hash by one with present parameters.
func (d *DB) RehashUser(ctx context.Context, id int64, oldHash, newHash string) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3", newHash, id, oldHash)
		return err
	})
}
