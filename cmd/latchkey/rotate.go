package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"latchkey/db"
	"latchkey/internal/config"
	"latchkey/internal/secret"
)

// rotateKeyCmd seals every secret under a new master key. A run that is cut off is
// finished by the next one.
type rotateKeyCmd struct{}

// Run makes the key durable before anything is sealed under it, and calls the old
// one removable only when nothing needs it any more.
func (rotateKeyCmd) Run(sh *shell, basic *config.Basic) error {
	ctx := context.Background()
	cfg, err := basic.Validate()
	if err != nil {
		return err
	}
	f, err := openFolder(cfg.Data, alone)
	if err != nil {
		return err
	}
	defer f.Close()
	path := f.file(databaseName)
	if err := there(path); err != nil {
		return err
	}
	keys, err := loadKeys(ctx, cfg, path)
	if err != nil {
		return err
	}
	log := newLog(sh.stderr, max(cfg.Log, slog.LevelWarn))
	d, err := db.Open(ctx, db.Options{Path: path, Now: sh.now, Random: rand.Reader, Log: log, BootID: secret.NewPublicID(rand.Reader)})
	if err != nil {
		return plainError(err)
	}
	err = sh.rotate(ctx, cfg, d, keys)
	return errors.Join(plainError(err), d.Close())
}

func (sh *shell) rotate(ctx context.Context, cfg config.Config, d *db.DB, keys *secret.Keys) error {
	unfinished, err := rotating(ctx, d, keys)
	if err != nil {
		return err
	}
	if !unfinished {
		if keys, err = newKey(cfg, keys); err != nil {
			return err
		}
	}
	if err := d.KeepKey(ctx, keys.Current(), keys.CheckValue(keys.Current())); err != nil {
		return err
	}
	d.UseOlderAuditKeys(keys.VerifyAudit)
	d.UseAuditKey(int64(keys.Current()), keys.AuditMAC)
	n, err := d.Reseal(ctx, keys.Current(), func(v db.SealedValue) ([]byte, error) {
		place := secret.Place{Table: v.Table, Row: v.Row, Column: v.Column}
		plain, err := keys.Open(place, v.Sealed)
		if err != nil {
			return nil, err
		}
		return keys.Seal(place, plain)
	})
	if err != nil {
		return fmt.Errorf("%d values were sealed anew; run the command again to go on: %w", n, err)
	}
	if err := d.RetireKeys(ctx, operator(), keys.Current()); err != nil {
		return err
	}
	return sh.rotated(keys, n)
}

// rotating reports whether a rotation was cut off: the newest key is not yet the
// one that everything is sealed under.
func rotating(ctx context.Context, d *db.DB, keys *secret.Keys) (bool, error) {
	known, err := d.Keys(ctx)
	if err != nil {
		return false, err
	}
	newest := false
	for _, k := range known {
		if k.Number < keys.Current() && k.RetiredAt.IsZero() {
			return true, nil
		}
		newest = newest || k.Number == keys.Current()
	}
	return !newest, nil
}

// newKey adds a key to the file. Where the environment holds the key, only whoever
// set it can.
func newKey(cfg config.Config, keys *secret.Keys) (*secret.Keys, error) {
	if cfg.SecretKey.Reveal() != "" || strings.HasPrefix(keys.Origin(), cfg.Credentials+"/") && cfg.Credentials != "" {
		return nil, fmt.Errorf("the master key comes from %s, which this command cannot write: add a second key there as %d:BASE64 beside the present one (%d:…), then run it again",
			keys.Origin(), keys.Current()+1, keys.Current())
	}
	more := keys.With(rand.Reader)
	return more, more.Save(cfg.Data)
}

func (sh *shell) rotated(keys *secret.Keys, n int64) error {
	fmt.Fprintf(sh.stdout, "sealed %d values under master key %d, from %s\n", n, keys.Current(), keys.Origin())
	var old []string
	for _, number := range keys.Numbers() {
		if number != keys.Current() {
			old = append(old, fmt.Sprint(number))
		}
	}
	if len(old) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(sh.stdout, "nothing needs master key %s any more but backups made before now, cookies and the signatures of old rows in the audit log;\n"+
		"its line can be taken out of the file once those do not matter\n", strings.Join(old, ", "))
	return err
}
