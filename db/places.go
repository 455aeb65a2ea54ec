package db

import (
	"context"

	"latchkey/internal/access"
)

// Where things are, for contracts whose callers name a thing and no workspace. A
// place says nothing of what is there: whoever asks judges the caller in it first.

// WorkspaceOfBot is the workspace that a live bot is in.
func (d *DB) WorkspaceOfBot(ctx context.Context, publicID string) (int64, error) {
	return d.place(ctx, "bot", `SELECT b.workspace_id FROM bots b JOIN workspaces w ON w.id = b.workspace_id
		WHERE b.public_id = $1 AND b.deleted_at IS NULL AND w.deleted_at IS NULL`, publicID)
}

// WorkspaceOfShare is the workspace that a live share link is in.
func (d *DB) WorkspaceOfShare(ctx context.Context, publicID string) (int64, error) {
	return d.place(ctx, "share link", `SELECT s.workspace_id FROM shares s JOIN workspaces w ON w.id = s.workspace_id
		WHERE s.public_id = $1 AND s.deleted_at IS NULL AND w.deleted_at IS NULL`, publicID)
}

// WorkspaceOfCustomer is the workspace that a live customer is in.
func (d *DB) WorkspaceOfCustomer(ctx context.Context, publicID string) (int64, error) {
	return d.place(ctx, "customer", `SELECT m.workspace_id FROM customers m JOIN workspaces w ON w.id = m.workspace_id
		WHERE m.public_id = $1 AND m.deleted_at IS NULL AND w.deleted_at IS NULL`, publicID)
}

func (d *DB) place(ctx context.Context, what, text, publicID string) (id int64, err error) {
	err = d.row(ctx, text, publicID).Scan(&id)
	return id, orNotFound(err, what)
}

// LiveWorkspaces lists the numbers of all workspaces, the oldest first.
func (d *DB) LiveWorkspaces(ctx context.Context) ([]int64, error) {
	var out []int64
	err := d.rows(ctx, list(&out, func(s scanner) (id int64, err error) { return id, s.Scan(&id) }),
		"SELECT w.id FROM workspaces w WHERE w.deleted_at IS NULL ORDER BY w.id")
	return out, err
}

// SharesOfBot lists every share link of a workspace's bot, newest first: a foreign
// contract has no pages.
func (d *DB) SharesOfBot(ctx context.Context, workspaceID int64, botPublicID string) ([]access.Share, error) {
	var out []access.Share
	err := d.rows(ctx, list(&out, scanShare), "SELECT "+shareColumns+` FROM shares s JOIN bots b ON b.id = s.bot_id
		WHERE s.workspace_id = $1 AND b.public_id = $2 AND s.deleted_at IS NULL ORDER BY s.id DESC`, workspaceID, botPublicID)
	return out, err
}

// EveryCustomer lists every customer of a workspace, newest first: a foreign
// contract has no pages.
func (d *DB) EveryCustomer(ctx context.Context, workspaceID int64) ([]access.Customer, error) {
	var out []access.Customer
	err := d.rows(ctx, list(&out, scanCustomer), "SELECT "+customerColumns+
		" FROM customers m WHERE m.workspace_id = $1 AND m.deleted_at IS NULL ORDER BY m.id DESC", workspaceID)
	return out, err
}
