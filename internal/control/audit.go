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
