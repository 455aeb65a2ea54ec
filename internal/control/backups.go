package control

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// BackupRow is a copy in the backups folder.
type BackupRow struct {
	Name     string
	Manifest db.Manifest
	Result   *BackupResult // of its last check, nil for none
}

// BackupResult is what a check of a backup found. It is kept beside it.
type BackupResult struct {
	Drill  bool          `json:"drill"` // restored into a folder of its own, not only verified
	At     time.Time     `json:"at"`
	Took   time.Duration `json:"took"`
	Faults []string      `json:"faults,omitempty"`
	Opened int64         `json:"opened,omitempty"` // sealed values that the master key opened
	Tokens int64         `json:"tokens,omitempty"`
	Users  int64         `json:"users,omitempty"`
}

// BackupWork is what is being done to a backup, and how the last of it ended.
type BackupWork struct {
	Verb   string // "make", "verify" or "drill"
	Name   string // of the backup
	Since  time.Time
	Ended  bool
	Failed string // in plain words, "" when it went well
}

// Running reports whether it goes on.
func (w BackupWork) Running() bool { return w.Verb != "" && !w.Ended }

// backupDesk is the one backup that is worked on at a time.
type backupDesk struct {
	mu   sync.Mutex
	work BackupWork
}

// backupName is how a backup in the folder is called: one name, no path.
var backupName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}\.db$`)

const drillSuffix = ".checked.json"

func (c *Control) backupsFolder() string { return filepath.Join(c.Data, "backups") }

// Backups lists the backups in the data folder, the newest first, and what is
// being done to one.
func (c *Control) Backups(ctx context.Context, by access.Actor) ([]BackupRow, BackupWork, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return nil, BackupWork{}, err
	}
	entries, err := os.ReadDir(c.backupsFolder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, BackupWork{}, err
	}
	var rows []BackupRow
	for _, e := range entries {
		if !backupName.MatchString(e.Name()) {
			continue
		}
		m, err := db.ReadManifest(filepath.Join(c.backupsFolder(), e.Name()))
		if err != nil {
			continue // without a manifest it is none
		}
		rows = append(rows, BackupRow{Name: e.Name(), Manifest: m, Result: c.backupResult(e.Name())})
	}
	slices.SortFunc(rows, func(a, b BackupRow) int { return strings.Compare(b.Manifest.CreatedAt, a.Manifest.CreatedAt) })
	c.backups.mu.Lock()
	defer c.backups.mu.Unlock()
	return rows, c.backups.work, nil
}

func (c *Control) backupResult(name string) *BackupResult {
	text, err := os.ReadFile(filepath.Join(c.backupsFolder(), name+drillSuffix))
	var r BackupResult
	if err != nil || json.Unmarshal(text, &r) != nil {
		return nil
	}
	return &r
}

// backupFile is the path of a backup that is there.
func (c *Control) backupFile(by access.Actor, name string) (string, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return "", err
	}
	path := filepath.Join(c.backupsFolder(), name)
	if !backupName.MatchString(name) {
		return "", backupUnknown()
	}
	if _, err := os.Stat(path + db.ManifestSuffix); err != nil {
		return "", backupUnknown()
	}
	return path, nil
}

func backupUnknown() error {
	return access.Fail(access.NotFound, "backup_unknown", "There is no such backup in the backups folder.")
}

// begin starts work on a backup beside the call that asks for it; one at a time.
func (c *Control) begin(verb, name string, work func(context.Context) error) error {
	c.backups.mu.Lock()
	defer c.backups.mu.Unlock()
	if c.backups.work.Running() {
		return access.Fail(access.Conflict, "backup_busy", "Another backup is being made or checked. Wait until it is done.")
	}
	c.backups.work = BackupWork{Verb: verb, Name: name, Since: c.Now()}
	go func() {
		failed := ""
		if err := work(context.Background()); err != nil {
			failed = err.Error()
			if problems := access.Problems(err); len(problems) > 0 {
				failed = problems[0].Text
			}
			c.Log.Error("work on a backup failed", "verb", verb, "backup", name, "error", err)
		}
		c.backups.mu.Lock()
		defer c.backups.mu.Unlock()
		c.backups.work.Ended, c.backups.work.Failed = true, failed
	}()
	return nil
}

// MakeBackup begins a backup of everything. Its name says when.
func (c *Control) MakeBackup(ctx context.Context, by access.Actor) (name string, err error) {
	if err := by.Must(access.RunInstance); err != nil {
		return "", err
	}
	if err := os.MkdirAll(c.backupsFolder(), 0o700); err != nil {
		return "", err
	}
	name = "latchkey-" + c.Now().UTC().Format("20060102-150405") + ".db"
	return name, c.begin("make", name, func(ctx context.Context) (err error) {
		i, err := db.Inspect(ctx, db.Options{Path: c.DB.Path, Now: c.Now})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, i.Close()) }()
		m, err := i.Backup(ctx, filepath.Join(c.backupsFolder(), name), c.Version)
		if err != nil {
			return err
		}
		return c.DB.TellBackup(ctx, by, "backup.make", name, map[string]any{"sha256": m.SHA256, "size": m.Size})
	})
}

// VerifyBackup begins to find out whether a backup is what its manifest says.
func (c *Control) VerifyBackup(ctx context.Context, by access.Actor, name string) error {
	return c.check(by, name, "verify", func(ctx context.Context, path string, r *BackupResult) (err error) {
		_, r.Faults, err = db.VerifyBackup(ctx, path)
		return err
	})
}

// DrillBackup begins to restore a backup into a folder of its own: whether it would
// open, migrate, balance and give back its secrets. Nothing in use is touched.
func (c *Control) DrillBackup(ctx context.Context, by access.Actor, name string) error {
	return c.check(by, name, "drill", func(ctx context.Context, path string, r *BackupResult) (err error) {
		r.Drill = true
		m, faults, err := db.VerifyBackup(ctx, path)
		if r.Faults = faults; err != nil || len(faults) > 0 {
			return err
		}
		folder, err := os.MkdirTemp(c.backupsFolder(), ".drill-*")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
		return c.drill(ctx, path, filepath.Join(folder, "latchkey.db"), m, r)
	})
}

// check carries a check out, keeps its result beside the backup and tells it.
func (c *Control) check(by access.Actor, name, verb string, run func(context.Context, string, *BackupResult) error) error {
	path, err := c.backupFile(by, name)
	if err != nil {
		return err
	}
	return c.begin(verb, name, func(ctx context.Context) error {
		r := BackupResult{At: c.Now()}
		if err := run(ctx, path, &r); access.KindOf(err) != 0 {
			r.Faults = append(r.Faults, access.Problems(err)[0].Text)
		} else if err != nil {
			return err
		}
		r.Took = c.Now().Sub(r.At)
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+drillSuffix, text, 0o600); err != nil {
			return err
		}
		return c.DB.TellBackup(ctx, by, "backup."+verb, name, map[string]any{"faults": len(r.Faults)})
	})
}

// drill opens a copy as a server would.
func (c *Control) drill(ctx context.Context, from, to string, m db.Manifest, r *BackupResult) (err error) {
	if err := db.CopyBackup(from, to); err != nil {
		return err
	}
	d, err := db.Open(ctx, db.Options{Path: to, Now: c.Now, Random: c.Random, BootID: secret.NewPublicID(c.Random)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	d.UseOlderAuditKeys(c.Keys.VerifyAudit)
	d.UseAuditKey(int64(c.Keys.Current()), c.Keys.AuditMAC)
	known, err := d.Keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range known {
		if err := c.Keys.Verify(k.Number, k.CheckValue); k.RetiredAt.IsZero() && err != nil {
			r.Faults = append(r.Faults, err.Error())
		}
	}
	if _, err := d.Restored(ctx, access.Actor{Kind: access.ActorUpkeep, Name: "drill", Door: access.DoorUpkeep}, m, nil); err != nil {
		return err
	}
	for _, check := range []func(context.Context) ([]string, error){d.CheckFile, d.CheckLedger} {
		faults, err := check(ctx)
		if err != nil {
			return err
		}
		r.Faults = append(r.Faults, faults...)
	}
	if rows, broken, err := d.VerifyAudit(ctx); err != nil {
		return err
	} else if broken != 0 || rows <= m.AuditHead.Seq {
		r.Faults = append(r.Faults, "audit: the chain does not hold")
	}
	r.Tokens, r.Users = m.Figures["api_tokens"], m.Figures["users"]
	return d.EachSealed(ctx, func(v db.SealedValue) error {
		if _, err := c.Keys.Open(secret.Place{Table: v.Table, Row: v.Row, Column: v.Column}, v.Sealed); err != nil {
			if len(r.Faults) < 20 {
				r.Faults = append(r.Faults, "secret: "+v.Table+" "+v.Row+" does not open")
			}
			return nil
		}
		r.Opened++
		return nil
	})
}

// OpenBackup is the path of a backup for whoever downloads it; the audit log knows
// first. It takes a fresh password.
func (c *Control) OpenBackup(ctx context.Context, by access.Actor, name string) (string, error) {
	path, err := c.backupFile(by, name)
	if err != nil {
		return "", err
	}
	if err := fresh(by); err != nil {
		return "", err
	}
	return path, c.DB.TellBackup(ctx, by, "backup.download", name, nil)
}

// DeleteBackup removes a backup with its manifest.
func (c *Control) DeleteBackup(ctx context.Context, by access.Actor, name string) error {
	path, err := c.backupFile(by, name)
	if err != nil {
		return err
	}
	c.backups.mu.Lock()
	busy := c.backups.work.Running() && c.backups.work.Name == name
	c.backups.mu.Unlock()
	if busy {
		return access.Fail(access.Conflict, "backup_busy", "Another backup is being made or checked. Wait until it is done.")
	}
	for _, file := range []string{path + db.ManifestSuffix, path + drillSuffix, path} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return c.DB.TellBackup(ctx, by, "backup.delete", name, nil)
}
