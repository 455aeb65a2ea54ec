package db

import (
	"context"
	"errors"
	"io"
	"os"

	"latchkey/internal/access"
)

// HealthFigures are numbers of the whole instance by which an admin sees how it
// does.
type HealthFigures struct {
	Workspaces, Users, Tokens, Customers int64
	Providers, Paused                    int64 // enabled ones; of them, those that stopped themselves
	OpenHolds, Overdue                   int64 // calls that hold something; of them, those past their time
}

// HealthFigures reads them at one moment.
func (d *DB) HealthFigures(ctx context.Context) (h HealthFigures, err error) {
	now := d.Now()
	err = d.row(ctx, `SELECT (SELECT COUNT(*) FROM workspaces WHERE deleted_at IS NULL),
		(SELECT COUNT(*) FROM users WHERE deleted_at IS NULL),
		(SELECT COALESCE(SUM(token_count), 0) FROM workspaces WHERE deleted_at IS NULL),
		(SELECT COALESCE(SUM(customer_count), 0) FROM workspaces WHERE deleted_at IS NULL),
		(SELECT COUNT(*) FROM providers WHERE deleted_at IS NULL AND enabled = 1),
		(SELECT COUNT(*) FROM providers WHERE deleted_at IS NULL AND enabled = 1 AND paused_at IS NOT NULL),
		(SELECT COUNT(*) FROM holds WHERE state IN ('reserved', 'streaming')),
		(SELECT COUNT(*) FROM holds WHERE state IN ('reserved', 'streaming') AND deadline_at < $1)`, now.Add(-overdue).UnixMilli()).
		Scan(&h.Workspaces, &h.Users, &h.Tokens, &h.Customers, &h.Providers, &h.Paused, &h.OpenHolds, &h.Overdue)
	return h, err
}

// TellBackup writes into the audit log what was done with a backup.
func (d *DB) TellBackup(ctx context.Context, by access.Actor, action, name string, detail map[string]any) error {
	return d.change(ctx, func(t *Tx) error {
		return t.tell(by, event{by.WorkspaceID, action, object("backup", name, name), detail})
	})
}

// CopyBackup copies a file to a path where none is, through to the disk.
func CopyBackup(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
