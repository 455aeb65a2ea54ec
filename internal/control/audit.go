package control

import (
	"context"

	"latchkey/db"
	"latchkey/internal/access"
)

// Audit lists what was done in the actor's workspace, newest first, and how many
// rows there are in all pages (up to db.CountMax + 1).
func (c *Control) Audit(ctx context.Context, by access.Actor, p db.Page) ([]db.AuditRow, int64, error) {
	if err := by.Must(access.ReadAudit); err != nil {
		return nil, 0, err
	}
	rows, err := c.DB.AuditPage(ctx, by.WorkspaceID, p)
	if err != nil {
		return nil, 0, err
	}
	n, err := c.DB.CountAudit(ctx, by.WorkspaceID, p)
	return rows, n, err
}

// AuditEntry returns one row of the audit log.
func (c *Control) AuditEntry(ctx context.Context, by access.Actor, seq int64) (db.AuditRow, error) {
	if err := by.Must(access.ReadAudit); err != nil {
		return db.AuditRow{}, err
	}
	return c.DB.AuditEntry(ctx, by.WorkspaceID, seq)
}

// AuditPage is Audit without the count, for whoever reads page after page.
func (c *Control) AuditPage(ctx context.Context, by access.Actor, p db.Page) ([]db.AuditRow, error) {
	if err := by.Must(access.ReadAudit); err != nil {
		return nil, err
	}
	return c.DB.AuditPage(ctx, by.WorkspaceID, p)
}

// followed is how many rows of the audit chain a page may look at.
const followed = 5000

// AuditChain says how the audit chain of the instance stands: rows since the last
// look are followed, up to a few thousand. Whole, it is walked from the start.
func (c *Control) AuditChain(ctx context.Context, by access.Actor, whole bool) (db.ChainState, error) {
	if err := by.Must(access.ReadAudit); err != nil {
		return db.ChainState{}, err
	}
	return c.DB.FollowAudit(ctx, followed, whole)
}
