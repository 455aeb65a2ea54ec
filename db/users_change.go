package db

import (
	"context"

	"latchkey/internal/access"
)

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

// UserReach is what a user who is disabled or deleted takes along.
type UserReach struct {
	Workspaces int64 // with a role
	Alone      int64 // of them, those in which nobody else has one
	SignIns    int64 // sessions and login tokens
}

// UserReach counts what stands behind a user.
func (d *DB) UserReach(ctx context.Context, userID int64) (UserReach, error) {
	var r UserReach
	err := d.row(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN NOT EXISTS (SELECT 1 FROM members o JOIN users x ON x.id = o.user_id
			WHERE o.workspace_id = m.workspace_id AND o.user_id <> m.user_id AND x.deleted_at IS NULL) THEN 1 ELSE 0 END), 0),
		(SELECT COUNT(*) FROM sessions s WHERE s.kind = 'user' AND s.subject_id = $1 AND s.expires_at > $2 AND s.idle_until > $2)
		+ (SELECT COUNT(*) FROM login_tokens t WHERE t.kind = 'user' AND t.subject_id = $1 AND (t.expires_at IS NULL OR t.expires_at > $2))
		FROM members m JOIN workspaces w ON w.id = m.workspace_id WHERE m.user_id = $1 AND w.deleted_at IS NULL`, userID, d.Now().UnixMilli()).
		Scan(&r.Workspaces, &r.Alone, &r.SignIns)
	return r, err
}
