package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// shareVerb runs one statement that returns the link, and tells it.
func (d *DB) shareVerb(ctx context.Context, by access.Actor, workspaceID int64, action, text string, args []any,
	more func(*Tx, access.Share) error,
) (access.Share, error) {
	var s access.Share
	err := d.change(ctx, func(t *Tx) error {
		var err error
		if s, err = scanShare(t.row(text, args...)); err != nil {
			return orNotFound(err, "share link")
		}
		t.after(func() { d.caches.shares.drop(s.ID) })
		if more != nil {
			if err := more(t, s); err != nil {
				return err
			}
		}
		return t.tell(by, event{workspaceID, action, object("share", s.PublicID, s.Name), nil})
	})
	return s, err
}

// PauseShare closes a link until ResumeShare.
func (d *DB) PauseShare(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Share, error) {
	return d.shareVerb(ctx, by, workspaceID, "share.pause", `UPDATE shares SET paused_at = COALESCE(paused_at, $1), updated_at = $1,
		version = version + 1 WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL`+shareReturning,
		[]any{d.Now().UnixMilli(), workspaceID, publicID}, nil)
}

// ResumeShare opens a paused link again: none that was revoked.
func (d *DB) ResumeShare(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Share, error) {
	return d.shareVerb(ctx, by, workspaceID, "share.resume", `UPDATE shares SET paused_at = NULL, updated_at = $1,
		version = version + 1 WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL AND revoked_at IS NULL`+shareReturning,
		[]any{d.Now().UnixMilli(), workspaceID, publicID}, nil)
}

// RevokeShare switches a link off for good. Revoking again moves the time. What
// was revoked longer than window ago, or by someone else, stays revoked whatever
// is taken back afterwards.
func (d *DB) RevokeShare(ctx context.Context, by access.Actor, workspaceID int64, publicID string, window time.Duration) (access.Share, error) {
	now := d.Now()
	return d.shareVerb(ctx, by, workspaceID, "share.revoke", `UPDATE shares SET revoked_at = $1,
		revoked_by = CASE WHEN revoked_at IS NULL OR revoked_by = $2 AND revoked_at >= $3 THEN $2 END,
		updated_at = $1, version = version + 1
		WHERE workspace_id = $4 AND public_id = $5 AND deleted_at IS NULL`+shareReturning,
		[]any{now.UnixMilli(), idOrNull(by.UserNumber()), now.Add(-window).UnixMilli(), workspaceID, publicID}, nil)
}

// UndoRevokeShare takes a revocation back: only the user who made it, within the window.
func (d *DB) UndoRevokeShare(ctx context.Context, by access.Actor, workspaceID int64, publicID string, window time.Duration) (access.Share, error) {
	now := d.Now()
	s, err := d.shareVerb(ctx, by, workspaceID, "share.undo-revoke", `UPDATE shares SET revoked_at = NULL, revoked_by = NULL,
		updated_at = $1, version = version + 1
		WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL AND revoked_by = $4 AND revoked_at >= $5`+shareReturning,
		[]any{now.UnixMilli(), workspaceID, publicID, by.UserNumber(), now.Add(-window).UnixMilli()}, nil)
	if access.KindOf(err) == access.NotFound {
		if _, there := d.Share(ctx, workspaceID, publicID); there == nil {
			return s, access.Fail(access.Conflict, "undo_too_late", "A revocation can be taken back only by whoever made it, within %d seconds.", int(window.Seconds()))
		}
	}
	return s, err
}

// DeleteShare removes a link from every door: its text is unknown from now on.
// Its row stays, hidden, so that usage, conversations and audit keep their subject.
func (d *DB) DeleteShare(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Share, error) {
	return d.shareVerb(ctx, by, workspaceID, "share.delete", `UPDATE shares SET deleted_at = $1, sealed = $2
		WHERE workspace_id = $3 AND public_id = $4 AND deleted_at IS NULL`+shareReturning,
		[]any{d.Now().UnixMilli(), []byte{}, workspaceID, publicID}, func(t *Tx, s access.Share) error {
			if err := t.dropSecrets(s.ID, ShareSecret); err != nil {
				return err
			}
			return t.count(workspaceID, "share_count", -1)
		})
}

// RevealShare returns the sealed copy for showing it to its owner, and tells the
// audit log that it was shown.
func (d *DB) RevealShare(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Share, error) {
	return d.shareVerb(ctx, by, workspaceID, "share.reveal", "SELECT "+shareColumns+
		" FROM shares s WHERE s.workspace_id = $1 AND s.public_id = $2 AND s.deleted_at IS NULL", []any{workspaceID, publicID}, nil)
}
