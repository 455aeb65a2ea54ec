package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"latchkey/internal/access"
)

// Invitation asks somebody into a workspace by a link that works once. Its text is
// kept nowhere.
type Invitation struct {
	PublicID    string
	WorkspaceID int64
	Role        access.Role
	Email       string // whom it was meant for, as a note; may be ""
	CreatedBy   int64
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      time.Time
	Workspace   string // its name
	Inviter     string // how the one who invites is shown
	Guest       string // who used it, "" for nobody yet
}

const invitationText = `SELECT i.public_id, i.workspace_id, i.role, i.email, i.created_by, i.created_at, i.expires_at, i.used_at, w.name,
	COALESCE(CASE WHEN u.nickname <> '' THEN u.nickname ELSE u.username END, ''),
	COALESCE(CASE WHEN g.nickname <> '' THEN g.nickname ELSE g.username END, '')
	FROM invitations i JOIN workspaces w ON w.id = i.workspace_id LEFT JOIN users u ON u.id = i.created_by LEFT JOIN users g ON g.id = i.subject_id`

func scanInvitation(s scanner) (Invitation, error) {
	var i Invitation
	var created, expires, used moment
	err := s.Scan(&i.PublicID, &i.WorkspaceID, &i.Role, &i.Email, &i.CreatedBy, &created, &expires, &used, &i.Workspace, &i.Inviter, &i.Guest)
	i.CreatedAt, i.ExpiresAt, i.UsedAt = created.Time, expires.Time, used.Time
	return i, err
}

// inviterStays is the condition that whoever invites is an owner still: with the
// role their invitations end.
const inviterStays = ` EXISTS (SELECT 1 FROM members m JOIN users x ON x.id = m.user_id
	WHERE m.workspace_id = i.workspace_id AND m.user_id = i.created_by AND m.role = 'owner' AND x.enabled = 1 AND x.deleted_at IS NULL)`

// MakeInvitation keeps an invitation under the hash of its text.
func (d *DB) MakeInvitation(ctx context.Context, by access.Actor, i Invitation, hash [32]byte) (Invitation, error) {
	err := d.change(ctx, func(t *Tx) error {
		i.CreatedAt = time.UnixMilli(t.now()).UTC()
		_, err := t.exec(`INSERT INTO invitations (hash, public_id, workspace_id, role, email, created_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, hash[:], i.PublicID, i.WorkspaceID, i.Role, i.Email, i.CreatedBy, t.now(), ms(i.ExpiresAt))
		if err != nil {
			return err
		}
		return t.tell(by, event{i.WorkspaceID, "member.invite", object("invitation", i.PublicID, i.Email), map[string]any{"role": i.Role, "expires_at": i.ExpiresAt.UTC().Format(time.RFC3339)}})
	})
	return i, err
}

// Invitations lists those of a workspace that can still be used, the newest first.
func (d *DB) Invitations(ctx context.Context, workspaceID int64) ([]Invitation, error) {
	var out []Invitation
	err := d.rows(ctx, list(&out, scanInvitation), invitationText+` WHERE i.workspace_id = $1 AND i.used_at IS NULL AND i.expires_at > $2 AND`+inviterStays+`
		ORDER BY i.created_at DESC, i.public_id LIMIT 200`, workspaceID, d.Now().UnixMilli())
	return out, err
}

// FindInvitation returns what the hash of a link leads to while it can be used; the
// error says why it cannot.
func (d *DB) FindInvitation(ctx context.Context, hash [32]byte) (Invitation, error) {
	i, err := scanInvitation(d.row(ctx, invitationText+" WHERE i.hash = $1 AND w.deleted_at IS NULL AND"+inviterStays, hash[:]))
	if err != nil {
		return i, orInvitation(err)
	}
	return i, i.usable(d.Now())
}

func (i Invitation) usable(now time.Time) error {
	switch {
	case !i.UsedAt.IsZero():
		return access.Fail(access.Revoked, "invitation_used", "This invitation was used already. Ask for a new one.")
	case !i.ExpiresAt.After(now):
		return access.Fail(access.Expired, "invitation_expired", "This invitation has run out. Ask for a new one.")
	}
	return nil
}

func orInvitation(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return access.Fail(access.NotFound, "invitation_unknown", "There is no such invitation, or it was taken back. Ask for a new one.")
	}
	return err
}

// DeleteInvitation takes an invitation back.
func (d *DB) DeleteInvitation(ctx context.Context, by access.Actor, workspaceID int64, publicID string) error {
	return d.change(ctx, func(t *Tx) error {
		n, err := t.exec("DELETE FROM invitations WHERE workspace_id = $1 AND public_id = $2 AND used_at IS NULL", workspaceID, publicID)
		if err == nil && n == 0 {
			err = orInvitation(sql.ErrNoRows)
		}
		if err != nil {
			return err
		}
		return t.tell(by, event{workspaceID, "member.uninvite", object("invitation", publicID, ""), nil})
	})
}

// AcceptInvitation uses an invitation up and gives a user who exists its role.
func (d *DB) AcceptInvitation(ctx context.Context, by access.Actor, hash [32]byte, userPublicID string) (Invitation, error) {
	var i Invitation
	err := d.change(ctx, func(t *Tx) error {
		u, err := t.user(userPublicID)
		if err != nil {
			return err
		}
		i, err = t.useInvitation(by, hash, u)
		return err
	})
	return i, err
}

// JoinByInvitation uses an invitation up for somebody new: the user is made without
// a home workspace.
func (d *DB) JoinByInvitation(ctx context.Context, by access.Actor, hash [32]byte, u access.User) (access.User, Invitation, error) {
	var i Invitation
	err := d.change(ctx, func(t *Tx) (err error) {
		if u, err = t.insertUser(by, u, 0); err != nil {
			return err
		}
		by.Kind, by.ID, by.PublicID, by.Name = access.ActorUser, u.ID, u.PublicID, u.Username
		i, err = t.useInvitation(by, hash, u)
		return err
	})
	return u, i, err
}

// useInvitation marks an invitation as used by u, which one of two callers at the
// same moment does, and makes u a member.
func (t *Tx) useInvitation(by access.Actor, hash [32]byte, u access.User) (Invitation, error) {
	i, err := scanInvitation(t.row(invitationText+" WHERE i.hash = $1 AND w.deleted_at IS NULL AND"+inviterStays, hash[:]))
	if err != nil {
		return i, orInvitation(err)
	}
	if err := i.usable(t.at); err != nil {
		return i, err
	}
	if _, err := t.exec("UPDATE invitations SET used_at = $1, subject_id = $2 WHERE hash = $3", t.now(), u.ID, hash[:]); err != nil {
		return i, err
	}
	w, err := t.workspace(i.WorkspaceID)
	if err != nil {
		return i, err
	}
	return i, t.addMember(by, w, u, i.Role)
}
