package db

import (
	"context"

	"latchkey/internal/access"
)

const workspaceColumns = "w.id, w.public_id, w.name, w.time_zone, w.group_name, w.purse_id, w.brand, w.token_count, w.share_count, w.customer_count, w.created_at, w.version"

func scanWorkspace(s scanner) (access.Workspace, error) {
	var w access.Workspace
	var created moment
	err := s.Scan(&w.ID, &w.PublicID, &w.Name, &w.TimeZone, &w.GroupName, &w.PurseID, &w.Brand, &w.TokenCount, &w.ShareCount,
		&w.CustomerCount, &created, &w.Version)
	w.CreatedAt = created.Time
	return w, err
}

// FindWorkspace returns a live workspace by its row number. It is cached.
func (d *DB) FindWorkspace(ctx context.Context, id int64) (access.Workspace, error) {
	return d.caches.workspaces.get(id, func() (access.Workspace, error) {
		w, err := scanWorkspace(d.row(ctx, "SELECT "+workspaceColumns+" FROM workspaces w WHERE w.id = $1 AND w.deleted_at IS NULL", id))
		return w, orNotFound(err, "workspace")
	})
}

// WorkspaceByPublicID returns a live workspace by its public id.
func (d *DB) WorkspaceByPublicID(ctx context.Context, publicID string) (access.Workspace, error) {
	w, err := scanWorkspace(d.row(ctx, "SELECT "+workspaceColumns+" FROM workspaces w WHERE w.public_id = $1 AND w.deleted_at IS NULL", publicID))
	return w, orNotFound(err, "workspace")
}
