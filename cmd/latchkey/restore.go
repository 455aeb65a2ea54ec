package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"latchkey/db"
	"latchkey/internal/config"
	"latchkey/internal/secret"
)

// restoreCmd puts a backup in the place of the database, which is kept beside it.
type restoreCmd struct {
	File string `arg:"" help:"The backup; its manifest stands beside it."`
}

// Run verifies the backup first and swaps last: whatever fails before leaves the
// folder as it was.
func (r *restoreCmd) Run(sh *shell, basic *config.Basic) error {
	ctx := context.Background()
	cfg, err := basic.Validate()
	if err != nil {
		return err
	}
	file, err := filepath.Abs(r.File)
	if err != nil {
		return err
	}
	f, err := openFolder(cfg.Data, alone)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := sh.verified(ctx, file)
	if err != nil {
		return err
	}
	part := f.file(databaseName + ".restoring")
	defer removeDatabase(part)
	again, err := sh.prepare(ctx, cfg, m, file, part, f.file(databaseName))
	if err != nil {
		return plainError(err)
	}
	kept, err := swap(part, f.file(databaseName), sh.now().UTC().Format("20060102-150405"))
	if err != nil {
		return err
	}
	return sh.restored(m, again, kept)
}

// verified refuses a backup with a fault.
func (sh *shell) verified(ctx context.Context, file string) (db.Manifest, error) {
	m, faults, err := db.VerifyBackup(ctx, file)
	for _, line := range faults {
		fmt.Fprintln(sh.stdout, "fault: "+line)
	}
	if err == nil && len(faults) > 0 {
		err = errors.New("the backup has faults and was not restored; nothing was changed")
	}
	return m, plainError(err)
}

// prepare makes a copy of the backup ready to be the database: with the master key
// at hand, migrated, signed out, and with what was ended since ended again.
func (sh *shell) prepare(ctx context.Context, cfg config.Config, m db.Manifest, file, part, present string) (again db.Reapplied, err error) {
	removeDatabase(part)
	if err := db.CopyBackup(file, part); err != nil {
		return again, err
	}
	keys, err := loadKeys(ctx, cfg, part)
	if err != nil {
		return again, err
	}
	replaced, err := sh.replaced(ctx, m, present)
	if err != nil {
		return again, err
	}
	if replaced != nil {
		defer func() { err = errors.Join(err, replaced.Close()) }()
	}
	d, err := db.Open(ctx, db.Options{
		Path: part, Now: sh.now, Random: rand.Reader, Log: newLog(sh.stderr, max(cfg.Log, slog.LevelWarn)), BootID: secret.NewPublicID(rand.Reader),
	})
	if err != nil {
		return again, err
	}
	d.UseOlderAuditKeys(keys.VerifyAudit)
	d.UseAuditKey(int64(keys.Current()), keys.AuditMAC)
	again, err = d.Restored(ctx, operator(), m, replaced)
	return again, errors.Join(err, d.Close())
}

// replaced opens the present database where the backup was made of it. One that is
// missing, damaged or another's tells nothing.
func (sh *shell) replaced(ctx context.Context, m db.Manifest, present string) (*db.Inspection, error) {
	i, err := db.Inspect(ctx, db.Options{Path: present, Now: sh.now})
	if err != nil {
		return nil, nil
	}
	later, err := i.Succeeds(ctx, m)
	if err != nil || !later {
		return nil, i.Close()
	}
	return i, nil
}

func (sh *shell) restored(m db.Manifest, again db.Reapplied, kept string) error {
	fmt.Fprintf(sh.stdout, "restored %s of %s\n", m.File, m.CreatedAt)
	if kept != "" {
		fmt.Fprintf(sh.stdout, "the database that was there is kept as %s\n", kept)
	}
	if again != (db.Reapplied{}) {
		fmt.Fprintf(sh.stdout, "ended again, since they were ended after the backup: %d API tokens, %d share links, %d customers, %d users, %d keys\n",
			again.Tokens, again.Shares, again.Customers, again.Users, again.Secrets)
	}
	_, err := fmt.Fprintln(sh.stdout, "everybody is signed out; passwords and roles are those of the backup")
	return err
}

// parts are the files that one database may consist of.
var parts = []string{"", "-wal", "-shm"}

func removeDatabase(path string) {
	for _, suffix := range parts {
		os.Remove(path + suffix)
	}
}

// swap renames the present database aside and the new one into its place. kept is
// the name of the old one, "" when there was none.
func swap(part, present, stamp string) (kept string, err error) {
	kept = present + ".replaced-" + stamp
	for _, suffix := range parts {
		if err := os.Rename(present+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if _, err := os.Stat(kept); errors.Is(err, fs.ErrNotExist) {
		kept = ""
	}
	if err := os.Rename(part, present); err != nil {
		return kept, err
	}
	folder, err := os.Open(filepath.Dir(present))
	if err != nil {
		return kept, err
	}
	return kept, errors.Join(folder.Sync(), folder.Close())
}
