package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/config"
)

// migrateCmd brings the database up to date, as serve does when it starts.
type migrateCmd struct{}

// Run looks first: a database that is up to date is left alone, also beside a
// server. Anything to do needs the folder for itself.
func (migrateCmd) Run(sh *shell, basic *config.Basic) error {
	ctx := context.Background()
	cfg, err := basic.Validate()
	if err != nil {
		return err
	}
	have, err := sh.schemaOf(ctx, cfg)
	if err != nil {
		return plainError(err)
	}
	if have == db.NewestSchema() {
		_, err := fmt.Fprintf(sh.stdout, "schema %d: nothing to do\n", have)
		return err
	}
	f, err := openFolder(cfg.Data, alone)
	if err != nil {
		return err
	}
	defer f.Close()
	h, err := sh.openHouse(ctx, cfg, newLog(sh.stderr, max(cfg.Log, slog.LevelWarn)))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.stdout, "schema %d: migrated from %d\n", db.NewestSchema(), have)
	return errors.Join(err, h.Close())
}

// schemaOf is the schema of a data folder's database, 0 for none yet.
func (sh *shell) schemaOf(ctx context.Context, cfg config.Config) (have int64, err error) {
	f, err := openFolder(cfg.Data, beside)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	i, err := db.Inspect(ctx, db.Options{Path: f.file(databaseName), Now: sh.now})
	if access.KindOf(err) == access.NotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer i.Close()
	return i.SchemaVersion(ctx)
}
