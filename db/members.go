package db

import (
	"context"

	"latchkey/internal/access"
)

// MemberRow is a member with the account behind it.
type MemberRow struct {
	access.Member
	User access.User
}

const memberColumns = "m.workspace_id, m.user_id, m.role, m.created_at, m.version, " + userColumns

func scanMember(s scanner) (MemberRow, error) {
	var m MemberRow
	var u userScan
	var created moment
	err := s.Scan(append([]any{&m.WorkspaceID, &m.UserID, &m.Role, &created, &m.Version}, u.fields()...)...)
	m.CreatedAt, m.User = created.Time, u.user()
	return m, err
}

// Members lists who has a role in a workspace: owners, then editors, then
// viewers, each in the order of joining.
func (d *DB) Members(ctx context.Context, workspaceID int64) ([]MemberRow, error) {
	var out []MemberRow
	err := d.rows(ctx, list(&out, scanMember), "SELECT "+memberColumns+` FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.workspace_id = $1 AND u.deleted_at IS NULL
		ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'editor' THEN 1 ELSE 2 END, m.created_at, m.user_id`, workspaceID)
	return out, err
}

// Member returns one member of a workspace by the user's public id.
func (d *DB) Member(ctx context.Context, workspaceID int64, userPublicID string) (MemberRow, error) {
	m, err := scanMember(d.row(ctx, "SELECT "+memberColumns+` FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.workspace_id = $1 AND u.public_id = $2 AND u.deleted_at IS NULL`, workspaceID, userPublicID))
	return m, orNotFound(err, "member")
}

// FirstOwner returns the user who has owned a workspace longest: New API prints
// its number where a token has no maker.
func (d *DB) FirstOwner(ctx context.Context, workspaceID int64) (access.User, error) {
	u, err := scanUser(d.row(ctx, "SELECT "+userColumns+` FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.workspace_id = $1 AND m.role = 'owner' AND u.deleted_at IS NULL ORDER BY m.created_at, m.user_id LIMIT 1`, workspaceID))
	return u, orNotFound(err, "owner")
}

// RoleIn returns a user's role in a workspace, access.NoRole when there is none.
func (d *DB) RoleIn(ctx context.Context, workspaceID, userID int64) (access.Role, error) {
	var role access.Role
	err := d.row(ctx, `SELECT COALESCE((SELECT m.role FROM members m JOIN workspaces w ON w.id = m.workspace_id
		WHERE m.workspace_id = $1 AND m.user_id = $2 AND w.deleted_at IS NULL), '')`, workspaceID, userID).Scan(&role)
	return role, err
}

// Membership is a workspace that a user has a role in.
type Membership struct {
	Workspace access.Workspace
	Role      access.Role
}

// Memberships lists the live workspaces of a user, the home workspace first.
func (d *DB) Memberships(ctx context.Context, userID int64) ([]Membership, error) {
	var out []Membership
	take := func(s scanner) (Membership, error) {
		var m Membership
		var w workspaceScan
		err := s.Scan(append([]any{&m.Role}, w.fields()...)...)
		m.Workspace = w.workspace()
		return m, err
	}
	err := d.rows(ctx, list(&out, take), "SELECT m.role, "+workspaceColumns+` FROM members m JOIN workspaces w ON w.id = m.workspace_id
		JOIN users u ON u.id = m.user_id
		WHERE m.user_id = $1 AND w.deleted_at IS NULL
		ORDER BY CASE WHEN w.id = u.home_workspace_id THEN 0 ELSE 1 END, w.name, w.id`, userID)
	return out, err
}

func (t *Tx) addMember(by access.Actor, w access.Workspace, u access.User, role access.Role) error {
	_, err := t.exec("INSERT INTO members (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)", w.ID, u.ID, role, t.now())
	if _, taken := isTaken(err); taken {
		return access.Fail(access.Conflict, "member_there", "This person is a member already. Change the role instead.").At("username")
	}
	if err != nil {
		return err
	}
	return t.tell(by, event{w.ID, "member.add", object("user", u.PublicID, u.Username), map[string]any{"role": role}})
}

// AddMember gives a user who exists a role in a workspace.
func (d *DB) AddMember(ctx context.Context, by access.Actor, workspaceID int64, userPublicID string, role access.Role) error {
	return d.change(ctx, func(t *Tx) error {
		u, err := t.user(userPublicID)
		if err != nil {
			return err
		}
		w, err := t.workspace(workspaceID)
		if err != nil {
			return err
		}
		return t.addMember(by, w, u, role)
	})
}

// MakeMember makes a user without a home workspace and gives it a role, in one
// fact.
func (d *DB) MakeMember(ctx context.Context, by access.Actor, workspaceID int64, u access.User, role access.Role) (access.User, error) {
	err := d.change(ctx, func(t *Tx) error {
		w, err := t.workspace(workspaceID)
		if err != nil {
			return err
		}
		if u, err = t.insertUser(by, u, 0); err != nil {
			return err
		}
		return t.addMember(by, w, u, role)
	})
	return u, err
}

// otherOwner is the condition that a workspace keeps an owner who can sign in
// besides the member m of the statement.
const otherOwner = `EXISTS (SELECT 1 FROM members o JOIN users x ON x.id = o.user_id
	WHERE o.workspace_id = members.workspace_id AND o.role = 'owner' AND o.user_id <> members.user_id
	AND x.enabled = 1 AND x.deleted_at IS NULL)`

// EditMember changes a member's role. The last owner stays one.
func (d *DB) EditMember(ctx context.Context, by access.Actor, workspaceID int64, userPublicID string, role access.Role, version int64) error {
	return d.change(ctx, func(t *Tx) error {
		m, err := t.member(workspaceID, userPublicID)
		if err != nil {
			return err
		}
		if version != 0 && version != m.Version {
			return stale()
		}
		n, err := t.exec(`UPDATE members SET role = $1, version = version + 1 WHERE workspace_id = $2 AND user_id = $3
			AND (role <> 'owner' OR $1 = 'owner' OR `+otherOwner+")", role, workspaceID, m.UserID)
		if err != nil {
			return err
		}
		if n == 0 {
			return lastOwner()
		}
		return t.tell(by, event{
			workspaceID, "member.edit", object("user", m.User.PublicID, m.User.Username),
			changed(map[string]any{"role": m.Role}, map[string]any{"role": role}),
		})
	})
}

// RemoveMember takes a user's role in a workspace away. The last owner stays.
func (d *DB) RemoveMember(ctx context.Context, by access.Actor, workspaceID int64, userPublicID string) error {
	return d.change(ctx, func(t *Tx) error {
		m, err := t.member(workspaceID, userPublicID)
		if err != nil {
			return err
		}
		n, err := t.exec("DELETE FROM members WHERE workspace_id = $1 AND user_id = $2 AND (role <> 'owner' OR "+otherOwner+")", workspaceID, m.UserID)
		if err != nil {
			return err
		}
		if n == 0 {
			return lastOwner()
		}
		return t.tell(by, event{workspaceID, "member.remove", object("user", m.User.PublicID, m.User.Username), map[string]any{"role": m.Role}})
	})
}

func (t *Tx) member(workspaceID int64, userPublicID string) (MemberRow, error) {
	m, err := scanMember(t.row("SELECT "+memberColumns+` FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.workspace_id = $1 AND u.public_id = $2 AND u.deleted_at IS NULL`, workspaceID, userPublicID))
	return m, orNotFound(err, "member")
}

func lastOwner() error {
	return access.Fail(access.Conflict, "last_owner", "A workspace keeps at least one owner. Make another member an owner first.").At("role")
}

// leaveWorkspaces takes every role of a user away: workspaces where nobody else
// has one are deleted, and of the others it must not be the last owner.
func (t *Tx) leaveWorkspaces(by access.Actor, u access.User) error {
	var alone []int64
	err := t.rows(list(&alone, func(s scanner) (id int64, err error) { return id, s.Scan(&id) }),
		`SELECT m.workspace_id FROM members m JOIN workspaces w ON w.id = m.workspace_id
		WHERE m.user_id = $1 AND w.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM members o JOIN users x ON x.id = o.user_id
			WHERE o.workspace_id = m.workspace_id AND o.user_id <> m.user_id AND x.deleted_at IS NULL)`, u.ID)
	if err != nil {
		return err
	}
	for _, id := range alone {
		if err := t.deleteWorkspace(by, id); err != nil {
			return err
		}
	}
	if _, err := t.exec("DELETE FROM members WHERE user_id = $1 AND (role <> 'owner' OR "+otherOwner+
		" OR workspace_id IN (SELECT id FROM workspaces WHERE deleted_at IS NOT NULL))", u.ID); err != nil {
		return err
	}
	var left int
	if err := t.row("SELECT COUNT(*) FROM members WHERE user_id = $1", u.ID).Scan(&left); err != nil {
		return err
	}
	if left > 0 {
		return lastOwner()
	}
	return nil
}
