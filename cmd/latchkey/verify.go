package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"latchkey/db"
	"latchkey/internal/config"
	"latchkey/internal/secret"
)

// verifyBackupCmd finds out whether a backup would restore, for a nightly job.
type verifyBackupCmd struct {
	File string `arg:"" help:"The backup; its manifest stands beside it."`
}

// Run prints a line for each fault and ends with 1 when there is one.
func (v *verifyBackupCmd) Run(sh *shell) error {
	file, err := filepath.Abs(v.File)
	if err != nil {
		return err
	}
	m, faults, err := db.VerifyBackup(context.Background(), file)
	if err != nil {
		return plainError(err)
	}
	for _, line := range faults {
		fmt.Fprintln(sh.stdout, "fault: "+line)
	}
	if len(faults) > 0 {
		return errors.New("the backup is not what its manifest says; make another one")
	}
	_, err = fmt.Fprintf(sh.stdout, "ok: %s of %s, %d bytes, schema %d, %d rows in the audit log\nneeds master key %d\n",
		m.File, m.CreatedAt, m.Size, m.Schema, m.Figures["audit"], m.KeyNumber)
	return err
}

// verifyAuditCmd walks the audit chain.
type verifyAuditCmd struct {
	Anchor string `placeholder:"SEQ:HASH" help:"A row that was noted elsewhere, as in a backup's manifest: it must still be there, unchanged."`
}

// Run says how many rows hold, and where the chain breaks.
func (v *verifyAuditCmd) Run(sh *shell, basic *config.Basic) error {
	ctx := context.Background()
	cfg, err := basic.Validate()
	if err != nil {
		return err
	}
	seq, hash, err := readAnchor(v.Anchor)
	if err != nil {
		return usage(err)
	}
	return sh.inspect(ctx, cfg, func(f *db.Inspection) error {
		keys, err := secret.Load(secret.Where{
			Folder: cfg.Data, Environment: cfg.SecretKey.Reveal(), Credentials: cfg.Credentials, Sealed: func() (bool, error) { return true, nil },
		})
		if err != nil {
			return err
		}
		f.UseOlderAuditKeys(keys.VerifyAudit)
		rows, broken, err := f.VerifyAudit(ctx, int64(keys.Current()), keys.AuditMAC)
		switch {
		case err != nil:
			return plainError(err)
		case broken != 0:
			return fmt.Errorf("the audit chain breaks at row %d, after %d good rows", broken, rows)
		}
		if seq != 0 {
			if have, err := f.AuditHash(ctx, seq); err != nil {
				return plainError(err)
			} else if have != hash {
				return fmt.Errorf("row %d is not the one that was noted: rows were removed or the log was replaced", seq)
			}
		}
		_, err = fmt.Fprintf(sh.stdout, "ok: %d rows\n", rows)
		return err
	})
}

// readAnchor reads SEQ:HASH, 0 for none.
func readAnchor(text string) (seq int64, hash string, err error) {
	if text == "" {
		return 0, "", nil
	}
	number, hash, ok := strings.Cut(text, ":")
	seq, err = strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || seq < 1 || len(hash) != 64 {
		return 0, "", errors.New("an anchor is written SEQ:HASH, as in 120:9f86…")
	}
	return seq, strings.ToLower(hash), nil
}
