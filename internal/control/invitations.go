package control

import (
	"context"
	"errors"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// InvitationMax is the longest that an invitation may be open.
const InvitationMax = 30 * 24 * time.Hour

// InvitationForm is what an owner sends to invite somebody by a link.
type InvitationForm struct {
	Role  access.Role
	Email string // whom it is meant for, as a note
	Life  time.Duration
}

// Invited is a new invitation with the text of its link: the only answer that holds
// it.
type Invited struct {
	Invitation db.Invitation
	Text       string
}

// Invitations lists the workspace's invitations that can still be used.
func (c *Control) Invitations(ctx context.Context, by access.Actor) ([]db.Invitation, error) {
	if err := by.Must(access.ChangeWorkspace); err != nil {
		return nil, err
	}
	return c.DB.Invitations(ctx, by.WorkspaceID)
}

// CreateInvitation makes a link by which one person becomes a member.
func (c *Control) CreateInvitation(ctx context.Context, by access.Actor, f InvitationForm) (Invited, error) {
	if err := by.Must(access.ChangeWorkspace); err != nil {
		return Invited{}, err
	}
	if by.UserNumber() == 0 {
		return Invited{}, me(by)
	}
	wrong := []error{checkRole(f.Role)}
	if f.Life <= 0 || f.Life > InvitationMax {
		wrong = append(wrong, access.Fail(access.Invalid, "invitation_life", "An invitation is open for 1 to %d days.", int(InvitationMax.Hours()/24)).At("life"))
	}
	email, err := checkEmail(f.Email)
	if err := errors.Join(append(wrong, err)...); err != nil {
		return Invited{}, err
	}
	if err := mayMakeOwner(by, f.Role); err != nil {
		return Invited{}, err
	}
	text := secret.NewShare(c.Random)
	made, err := c.DB.MakeInvitation(ctx, by, db.Invitation{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, Role: f.Role, Email: email, CreatedBy: by.UserNumber(),
		ExpiresAt: c.Now().Add(f.Life),
	}, secret.HashCode(text))
	return Invited{Invitation: made, Text: text}, err
}

// DeleteInvitation takes an invitation back.
func (c *Control) DeleteInvitation(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeWorkspace); err != nil {
		return err
	}
	return c.DB.DeleteInvitation(ctx, by, by.WorkspaceID, publicID)
}

// Invitation says what a link leads to, to whoever has it. It changes nothing.
func (c *Control) Invitation(ctx context.Context, text string) (db.Invitation, error) {
	return c.DB.FindInvitation(ctx, secret.HashCode(text))
}

// AcceptInvitation makes the actor a member, once.
func (c *Control) AcceptInvitation(ctx context.Context, by access.Actor, text string) (db.Invitation, error) {
	if err := me(by); err != nil {
		return db.Invitation{}, err
	}
	return c.DB.AcceptInvitation(ctx, by, secret.HashCode(text), by.PublicID)
}

// JoinByInvitation makes an account for somebody new and the account a member, in
// one act. That the instance takes no sign-ups does not matter: they were asked.
func (c *Control) JoinByInvitation(ctx context.Context, address, text string, f UserForm) (access.User, db.Invitation, error) {
	i, err := c.Invitation(ctx, text)
	if err != nil {
		return access.User{}, i, err
	}
	f.IsAdmin, f.Workspace = nil, ""
	by := access.Actor{Name: "invitation", Door: access.DoorPage, Address: address}
	var u access.User
	_, err = c.makeAccount(ctx, by, f, func(ctx context.Context, by access.Actor, n db.NewUser) (access.User, access.Workspace, error) {
		var err error
		u, i, err = c.DB.JoinByInvitation(ctx, by, secret.HashCode(text), n.User)
		return u, access.Workspace{}, err
	})
	return u, i, err
}
