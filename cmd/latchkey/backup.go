package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"latchkey/db"
	"latchkey/internal/config"
)

// backupCmd copies the database while the server runs. The master key is in no
// backup; the manifest says which one it takes.
type backupCmd struct {
	File string `arg:"" help:"Where to write the copy; FILE.manifest.json comes beside it."`
}

// Run writes FILE and its manifest.
func (b *backupCmd) Run(sh *shell, basic *config.Basic) error {
	ctx := context.Background()
	cfg, err := basic.Validate()
	if err != nil {
		return err
	}
	target, err := filepath.Abs(b.File)
	if err != nil {
		return err
	}
	return sh.inspect(ctx, cfg, func(f *db.Inspection) error {
		m, err := f.Backup(ctx, target, version)
		if err != nil {
			return plainError(err)
		}
		_, err = fmt.Fprintf(sh.stdout, "wrote %s (%d bytes, schema %d)\nsha256 %s\nneeds master key %d, which no backup contains\n",
			target, m.Size, m.Schema, m.SHA256, m.KeyNumber)
		return err
	})
}

// inspect opens the database of a data folder for looking alone, beside a server.
func (sh *shell) inspect(ctx context.Context, cfg config.Config, look func(*db.Inspection) error) error {
	path := (&folder{path: cfg.Data}).file(databaseName)
	if err := there(path); err != nil {
		return err
	}
	f, err := openFolder(cfg.Data, beside)
	if err != nil {
		return err
	}
	defer f.Close()
	i, err := db.Inspect(ctx, db.Options{Path: path, Now: sh.now})
	if err != nil {
		return plainError(err)
	}
	return errors.Join(look(i), i.Close())
}
