package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"latchkey/db"
	"latchkey/internal/config"
	"latchkey/internal/secret"
)

// doctorCmd looks for faults: in the file, the ledger, the audit chain, the key and
// the versions. It changes nothing and works while the server runs.
type doctorCmd struct{}

// there refuses a database that is not there, before anything is made for it.
func there(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database at %s; name its folder with --data", path)
	} else if err != nil {
		return err
	}
	return nil
}

// Run prints a line for each thing that is right and one for each fault.
func (doctorCmd) Run(sh *shell, basic *config.Basic) error {
	ctx := context.Background()
	cfg, err := basic.Validate()
	if err != nil {
		return err
	}
	return sh.inspect(ctx, cfg, func(f *db.Inspection) error {
		d := &doctor{sh: sh, file: f}
		keys := d.checkKeys(ctx, cfg)
		d.check(ctx, "file", f.CheckFile)
		d.check(ctx, "ledger", f.CheckLedger)
		d.checkAudit(ctx, keys)
		d.checkVersions(ctx)
		return d.verdict()
	})
}

// doctor counts the faults it prints.
type doctor struct {
	sh     *shell
	file   *db.Inspection
	faults int
}

func (d *doctor) well(text string, args ...any) { fmt.Fprintf(d.sh.stdout, "ok: "+text+"\n", args...) }

// fault prints one line, whatever the text holds.
func (d *doctor) fault(text string, args ...any) {
	d.faults++
	line := strings.Join(strings.Fields(fmt.Sprintf(text, args...)), " ")
	fmt.Fprintln(d.sh.stdout, "fault: "+line)
}

func (d *doctor) verdict() error {
	switch d.faults {
	case 0:
		return nil
	case 1:
		return errors.New("one fault was found")
	}
	return fmt.Errorf("%d faults were found", d.faults)
}

// check runs a check that returns a line for each fault.
func (d *doctor) check(ctx context.Context, name string, run func(context.Context) ([]string, error)) {
	faults, err := run(ctx)
	for _, line := range faults {
		d.fault("%s", line)
	}
	if err != nil {
		d.fault("%s: %v", name, plainError(err))
	} else if len(faults) == 0 {
		d.well("%s", name)
	}
}

// checkKeys compares the master keys at hand with what the database knows of each.
// It returns them, nil when there are none to be had.
func (d *doctor) checkKeys(ctx context.Context, cfg config.Config) *secret.Keys {
	known, err := d.file.Keys(ctx)
	if err != nil {
		d.fault("key: %v", plainError(err))
	}
	// A doctor makes no key: what looks like a first start may be a lost one.
	keys, err := secret.Load(secret.Where{
		Folder: cfg.Data, Environment: cfg.SecretKey.Reveal(), Credentials: cfg.Credentials, Sealed: func() (bool, error) { return true, nil },
	})
	if err != nil {
		d.fault("key: %v", err)
		return nil
	}
	for _, k := range known {
		if !k.RetiredAt.IsZero() {
			continue
		}
		if err := keys.Verify(k.Number, k.CheckValue); err != nil {
			d.fault("key: %v", err)
			keys = nil
			break
		}
		d.well("master key %d", k.Number)
	}
	return keys
}

func (d *doctor) checkAudit(ctx context.Context, keys *secret.Keys) {
	var number int64
	var mac func([]byte) []byte
	if keys != nil {
		number, mac = int64(keys.Current()), keys.AuditMAC
		d.file.UseOlderAuditKeys(keys.VerifyAudit)
	}
	rows, broken, err := d.file.VerifyAudit(ctx, number, mac)
	switch {
	case err != nil:
		d.fault("audit: %v", plainError(err))
	case broken != 0:
		d.fault("audit: the chain breaks at row %d, after %d good rows", broken, rows)
	case keys == nil:
		d.well("audit, %d rows in order; their signatures could not be verified without the key", rows)
	default:
		d.well("audit, %d rows", rows)
	}
}

func (d *doctor) checkVersions(ctx context.Context) {
	have, err := d.file.SchemaVersion(ctx)
	switch known := db.NewestSchema(); {
	case err != nil:
		d.fault("schema: %v", plainError(err))
	case have < known:
		d.fault("schema: the database has %d, this Latchkey knows %d; stop the server and run: latchkey migrate", have, known)
	case have > known:
		d.fault("schema: the database has %d, this Latchkey only knows %d; use the newer version", have, known)
	default:
		d.well("schema %d", have)
	}
	d.well("latchkey %s, sqlite %s", version, db.SQLiteVersion())
}
