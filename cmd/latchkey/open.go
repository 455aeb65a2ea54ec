package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/control"
	"latchkey/internal/demo"
	"latchkey/internal/gateway"
	"latchkey/internal/secret"
	"latchkey/internal/upstream"
)

const databaseName = "latchkey.db"

// demoPace is how long the demo model waits between two words.
const demoPace = 35 * time.Millisecond

// house is everything below the doors, put together for one process.
type house struct {
	db       *db.DB
	keys     *secret.Keys
	control  *control.Control
	upstream *upstream.Client
	gateway  *gateway.Gateway
}

// openHouse opens the database of a data folder with its master key and builds
// the rooms on it. A key that is missing or not this database's is found before
// anything is written.
func (sh *shell) openHouse(ctx context.Context, cfg config.Config, log *slog.Logger) (*house, error) {
	f := &folder{path: cfg.Data}
	path := f.file(databaseName)
	keys, err := loadKeys(ctx, cfg, path)
	if err != nil {
		return nil, err
	}
	if keys.Made() {
		log.Info("made a master key; no backup contains it, so keep a copy elsewhere", "file", keys.Origin())
	}
	d, err := db.Open(ctx, db.Options{Path: path, Now: sh.now, Random: rand.Reader, Log: log, BootID: secret.NewPublicID(rand.Reader)})
	if err != nil {
		return nil, plainError(err)
	}
	d.UseAuditKey(int64(keys.Current()), keys.AuditMAC)
	d.UseOlderAuditKeys(keys.VerifyAudit)
	h := &house{db: d, keys: keys}
	if err := h.furnish(ctx, sh, cfg, log); err != nil {
		return nil, errors.Join(plainError(err), d.Close())
	}
	return h, nil
}

// loadKeys finds the master key and compares it with what the database knows of
// each of its keys.
func loadKeys(ctx context.Context, cfg config.Config, path string) (*secret.Keys, error) {
	known, err := db.Peek(ctx, path)
	if err != nil {
		return nil, plainError(err)
	}
	keys, err := secret.Load(secret.Where{
		Folder: cfg.Data, Environment: cfg.SecretKey.Reveal(), Credentials: cfg.Credentials, Random: rand.Reader,
		Sealed: func() (bool, error) { return known.Sealed, nil },
	})
	if err != nil {
		return nil, err
	}
	for _, k := range known.Keys {
		if k.RetiredAt.IsZero() {
			if err := keys.Verify(k.Number, k.CheckValue); err != nil {
				return nil, err
			}
		}
	}
	return keys, nil
}

// furnish builds the rooms on an open database.
func (h *house) furnish(ctx context.Context, sh *shell, cfg config.Config, log *slog.Logger) error {
	for _, number := range h.keys.Numbers() {
		if err := h.db.KeepKey(ctx, number, h.keys.CheckValue(number)); err != nil {
			return err
		}
	}
	units, err := h.quotaPerUnit(ctx, cfg)
	if err != nil {
		return err
	}
	h.upstream = upstream.New(upstream.Settings{
		PrivateHosts: func() []string { return h.privateHosts(log) },
		Demo:         demo.Handler(demo.Options{Pace: demoPace, Now: sh.now}),
		Now:          sh.now,
	})
	passwordKeys := &secret.RSAKeys{}
	for _, k := range cfg.RSAKeys {
		if err := passwordKeys.AddFile(k.Path, k.Passphrase.Reveal()); err != nil {
			return &config.Error{Setting: "LATCHKEY_RAGFLOW_RSA_KEYS", Text: "LATCHKEY_RAGFLOW_RSA_KEYS: " + err.Error()}
		}
	}
	h.control = &control.Control{
		DB: h.db, Keys: h.keys, Passwords: secret.NewPasswords(rand.Reader), Upstream: h.upstream, Now: sh.now, Random: rand.Reader, Log: log,
		FirstCode: control.NewSetupCode(rand.Reader, sh.now()), PasswordKeys: passwordKeys,
		Settings: control.Settings{
			Reveal: control.Reveal(cfg.Reveal), UnitsPerDollar: units, Registration: cfg.Registration, RegistrationFixed: cfg.RegistrationFixed,
			Language: cfg.Lang, LanguageFixed: cfg.LangFixed, MasterKey: cfg.MasterKey.Reveal(), PrivateHosts: cfg.PrivateHosts.Texts(), Demo: cfg.Demo,
			Data: cfg.Data, Version: version,
		},
	}
	h.gateway = gateway.New(gateway.Parts{DB: h.db, Upstream: h.upstream, Keys: h.keys, Now: sh.now, Random: rand.Reader, Log: log})
	return nil
}

// quotaPerUnit is what one dollar is worth in this database: the first start
// decides it, since every stored amount depends on it.
func (h *house) quotaPerUnit(ctx context.Context, cfg config.Config) (int64, error) {
	text, err := h.db.KeepSetting(ctx, "quota_per_unit", strconv.FormatInt(cfg.QuotaPerUnit, 10))
	if err != nil {
		return 0, err
	}
	kept, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, err
	}
	if cfg.QuotaPerUnitFixed && kept != cfg.QuotaPerUnit {
		return 0, &config.Error{Setting: "LATCHKEY_QUOTA_PER_UNIT", Text: fmt.Sprintf(
			"LATCHKEY_QUOTA_PER_UNIT is %d, but this database was started with %d and every amount in it is counted so. Leave the setting out.", cfg.QuotaPerUnit, kept)}
	}
	return kept, nil
}

func (h *house) privateHosts(log *slog.Logger) []string {
	hosts, err := h.control.PrivateHosts(context.Background())
	if err != nil {
		log.Error("the list of private hosts cannot be read; only the operator's holds", "error", err)
		return h.control.Settings.PrivateHosts
	}
	return hosts
}

// Close ends the rooms and closes the file.
func (h *house) Close() error {
	h.gateway.Close()
	h.upstream.Close()
	return h.db.Close()
}

// plainError leaves the sentence of a failure that has one and drops what lies
// underneath: a shell is a page.
func plainError(err error) error {
	problems := access.Problems(err)
	if len(problems) == 0 {
		return err
	}
	var all []error
	for _, p := range problems {
		all = append(all, errors.New(p.Text))
	}
	return errors.Join(all...)
}

// beside opens the house for a command that works while the server runs. Only
// with create does it make a house where there is none. done closes what was
// opened.
func (sh *shell) beside(ctx context.Context, basic *config.Basic, create bool) (h *house, done func() error, err error) {
	cfg, err := basic.Validate()
	if err != nil {
		return nil, nil, err
	}
	if !create {
		if err := mustExist(cfg); err != nil {
			return nil, nil, err
		}
	}
	f, err := openFolder(cfg.Data, beside)
	if err != nil {
		return nil, nil, err
	}
	// What the command says is all that its caller wants to read.
	h, err = sh.openHouse(ctx, cfg, newLog(sh.stderr, max(cfg.Log, slog.LevelWarn)))
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return h, func() error { return errors.Join(h.Close(), f.Close()) }, nil
}

// mustExist refuses a data folder that holds no Latchkey.
func mustExist(cfg config.Config) error {
	path := (&folder{path: cfg.Data}).file(databaseName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no Latchkey in %s; name its data folder with --data, or run: latchkey setup", cfg.Data)
	}
	return nil
}

// operator is who acts through a command.
func operator() access.Actor {
	return access.Actor{Kind: access.ActorShell, Name: "shell", IsAdmin: true, Role: access.Owner, Door: access.DoorShell}
}
