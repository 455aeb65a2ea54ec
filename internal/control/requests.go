package control

import (
	"context"

	"latchkey/db"
	"latchkey/internal/access"
)

// Requests lists the request log of the actor's workspace, newest first, and how
// many rows there are in all pages (up to db.CountMax + 1).
func (c *Control) Requests(ctx context.Context, by access.Actor, p db.RequestPage) ([]db.RequestRow, int64, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, 0, err
	}
	rows, err := c.DB.Requests(ctx, by.WorkspaceID, p)
	if err != nil || allThere(db.Page{Before: p.Before, Limit: p.Limit}, len(rows)) {
		return rows, int64(len(rows)), err
	}
	n, err := c.DB.CountRequests(ctx, by.WorkspaceID, p)
	return rows, n, err
}

// RequestPage is Requests without the count, for whoever reads page after page.
func (c *Control) RequestPage(ctx context.Context, by access.Actor, p db.RequestPage) ([]db.RequestRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	return c.DB.Requests(ctx, by.WorkspaceID, p)
}

// Request returns one row of the request log, with its trace.
func (c *Control) Request(ctx context.Context, by access.Actor, requestID string) (db.RequestRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return db.RequestRow{}, err
	}
	return c.DB.Request(ctx, by.WorkspaceID, requestID)
}
