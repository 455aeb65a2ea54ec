package control

import (
	"context"

	"latchkey/internal/access"
)

// PauseShare closes a link until ResumeShare.
func (c *Control) PauseShare(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.PauseShare(ctx, by, by.WorkspaceID, publicID)
	return err
}

// ResumeShare opens a paused link again. It does not bring back a revoked one.
func (c *Control) ResumeShare(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.ResumeShare(ctx, by, by.WorkspaceID, publicID)
	if access.KindOf(err) == access.NotFound {
		if row, there := c.DB.Share(ctx, by.WorkspaceID, publicID); there == nil && !row.RevokedAt.IsZero() {
			return revokedAlready()
		}
	}
	return err
}

// RevokeShare switches a link off for good, from this moment on.
func (c *Control) RevokeShare(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.RevokeShare(ctx, by, by.WorkspaceID, publicID, UndoWindow)
	return err
}

// UndoRevokeShare takes back the actor's own revocation within UndoWindow.
func (c *Control) UndoRevokeShare(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.UndoRevokeShare(ctx, by, by.WorkspaceID, publicID, UndoWindow)
	return err
}

// DeleteShare removes a link from every door.
func (c *Control) DeleteShare(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.DeleteShare(ctx, by, by.WorkspaceID, publicID)
	return err
}

// RevealShare opens the sealed copy of a link's secret for whoever may copy it.
// Every call is in the audit log before it answers.
func (c *Control) RevealShare(ctx context.Context, by access.Actor, publicID string) (text string, err error) {
	if err := c.mayReveal(by); err != nil {
		return "", err
	}
	s, err := c.DB.RevealShare(ctx, by, by.WorkspaceID, publicID)
	if err != nil {
		return "", err
	}
	opened, err := c.Keys.Open(sharePlace(s.PublicID), s.Sealed)
	return string(opened), err
}
