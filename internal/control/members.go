package control

import (
	"context"
	"errors"
	"slices"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// MemberForm is what a door sends to take somebody into a workspace.
type MemberForm struct {
	Username string
	Email    *string
	Password *string // of a new user; nil: one is made and answered once
	Role     access.Role
	New      bool // only somebody without an account
	IsAdmin  bool // a new user is an admin of the instance: an admin's to give
}

// NewMember is a member with the password that was made for a new user.
type NewMember struct {
	Row      db.MemberRow
	Password string
}

// Members lists who has a role in the actor's workspace.
func (c *Control) Members(ctx context.Context, by access.Actor) ([]db.MemberRow, error) {
	if err := by.Must(access.ChangeWorkspace); err != nil {
		return nil, err
	}
	return c.DB.Members(ctx, by.WorkspaceID)
}

// Member returns one member by the user's public id.
func (c *Control) Member(ctx context.Context, by access.Actor, userID string) (db.MemberRow, error) {
	if err := by.Must(access.ChangeWorkspace); err != nil {
		return db.MemberRow{}, err
	}
	return c.DB.Member(ctx, by.WorkspaceID, userID)
}

// CreateMember gives somebody a role: a user of that name if there is one, else a
// new user without a home workspace.
func (c *Control) CreateMember(ctx context.Context, by access.Actor, f MemberForm) (NewMember, error) {
	if err := by.Must(access.ChangeWorkspace); err != nil {
		return NewMember{}, err
	}
	if f.IsAdmin {
		if err := by.Must(access.RunInstance); err != nil {
			return NewMember{}, err
		}
	}
	if err := errors.Join(checkRole(f.Role), mayMakeOwner(by, f.Role)); err != nil {
		return NewMember{}, err
	}
	u, err := c.DB.UserByName(ctx, fold(f.Username))
	if access.KindOf(err) == access.NotFound {
		return c.makeMember(ctx, by, f)
	}
	if err != nil {
		return NewMember{}, err
	}
	if f.New || f.IsAdmin {
		return NewMember{}, access.Fail(access.Conflict, "username_taken", "This name is taken already. Choose another.").At("username")
	}
	if f.Password != nil {
		return NewMember{}, access.Fail(access.Invalid, "member_password", "This person has an account already, with a password of their own. Leave it out.").At("password")
	}
	if err := c.DB.AddMember(ctx, by, by.WorkspaceID, u.PublicID, f.Role); err != nil {
		return NewMember{}, err
	}
	row, err := c.DB.Member(ctx, by.WorkspaceID, u.PublicID)
	return NewMember{Row: row}, err
}

func (c *Control) makeMember(ctx context.Context, by access.Actor, f MemberForm) (NewMember, error) {
	change, err := checkUser(UserForm{Username: &f.Username, Email: f.Email}, true)
	plain, made, wrong := c.userPassword(f.Password, by.Door, f.Username, deref(f.Email))
	if err := errors.Join(err, wrong); err != nil {
		return NewMember{}, err
	}
	hash, err := c.Passwords.Hash(ctx, plain)
	if err != nil {
		return NewMember{}, err
	}
	u, err := c.DB.MakeMember(ctx, by, by.WorkspaceID, access.User{
		PublicID: secret.NewPublicID(c.Random), Username: *change.Username, UsernameKey: *change.UsernameKey,
		Email: deref(change.Email), EmailKey: deref(change.EmailKey), PasswordHash: hash, MustChange: made,
		IsAdmin: f.IsAdmin,
	}, f.Role)
	if err != nil {
		return NewMember{}, err
	}
	row, err := c.DB.Member(ctx, by.WorkspaceID, u.PublicID)
	out := NewMember{Row: row}
	if made {
		out.Password = plain
	}
	return out, err
}

func checkRole(role access.Role) error {
	if slices.Contains(access.Roles(), role) {
		return nil
	}
	return access.Fail(access.Invalid, "role_unknown", "A role is viewer, editor or owner.").At("role")
}

// mayMakeOwner asks for a fresh password on the page before somebody becomes an
// owner.
func mayMakeOwner(by access.Actor, role access.Role) error {
	if role == access.Owner {
		return fresh(by)
	}
	return nil
}

// EditMember changes a member's role; the last owner stays one.
func (c *Control) EditMember(ctx context.Context, by access.Actor, userID string, role access.Role, version int64) (db.MemberRow, error) {
	if err := by.Must(access.ChangeWorkspace); err != nil {
		return db.MemberRow{}, err
	}
	if err := errors.Join(checkRole(role), mayMakeOwner(by, role)); err != nil {
		return db.MemberRow{}, err
	}
	if err := c.DB.EditMember(ctx, by, by.WorkspaceID, userID, role, version); err != nil {
		return db.MemberRow{}, err
	}
	return c.DB.Member(ctx, by.WorkspaceID, userID)
}

// DeleteMember takes a member's role away; the last owner stays.
func (c *Control) DeleteMember(ctx context.Context, by access.Actor, userID string) error {
	if err := by.Must(access.ChangeWorkspace); err != nil {
		return err
	}
	return c.DB.RemoveMember(ctx, by, by.WorkspaceID, userID)
}
