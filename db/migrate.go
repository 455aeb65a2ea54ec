package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"latchkey/internal/access"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

func migrationFiles() (fs.FS, error) { return fs.Sub(migrations, "migrations/sqlite") }

// migrate applies what is pending, each file in one transaction, after a copy of
// the database was made. It refuses a database that is newer than this binary,
// or whose applied migrations were written differently.
func (d *DB) migrate(ctx context.Context, files fs.FS) error {
	steps, err := goose.NewProvider(goose.DialectSQLite3, d.write, files)
	if err != nil {
		return err
	}
	before, err := steps.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	sources := steps.ListSources()
	if newest := sources[len(sources)-1].Version; before > newest {
		return access.Fail(access.Invalid, "database_newer",
			"%s was written by a newer Latchkey (schema %d, this one knows %d). Use that version.", d.Path, before, newest)
	}
	if pending, err := steps.HasPending(ctx); err != nil || !pending {
		return errors.Join(err, d.checkMigrations(ctx, files))
	}
	if before > 0 {
		if err := d.copyBeforeMigration(ctx, before); err != nil {
			return err
		}
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return d.checkMigrations(ctx, files)
}

func (d *DB) copyBeforeMigration(ctx context.Context, version int64) error {
	folder := filepath.Join(filepath.Dir(d.Path), "backups")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	target := filepath.Join(folder, fmt.Sprintf("before-schema-%d.db", version+1))
	// One of an earlier attempt may be half a copy, or of months ago.
	half := target + ".tmp"
	if err := os.Remove(half); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := d.write.ExecContext(ctx, "VACUUM INTO $1", half); err != nil {
		return err
	}
	return os.Rename(half, target)
}

// checkMigrations keeps each applied file's hash and compares it at every start.
func (d *DB) checkMigrations(ctx context.Context, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		want := hex.EncodeToString(sum[:])
		var kept string
		err = d.write.QueryRowContext(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET value = value RETURNING value`, "migration:"+name, want).Scan(&kept)
		if err != nil {
			return err
		}
		if kept != want {
			return access.Fail(access.Invalid, "migration_changed",
				"%s was applied to this database in another wording. Use the Latchkey version that wrote it.", name)
		}
	}
	return nil
}

// SchemaVersion is the number of the newest applied migration.
func (d *DB) SchemaVersion(ctx context.Context) (int64, error) {
	var v sql.NullInt64
	err := d.row(ctx, "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied = 1").Scan(&v)
	return v.Int64, err
}
