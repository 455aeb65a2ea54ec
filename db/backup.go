package db

// Copies of the file while it is in use. What only SQLite knows here is VACUUM
// INTO: a copy of one moment, without the free pages that once held secrets.

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"latchkey/internal/access"
)

// ManifestFormat names the form of a manifest.
const ManifestFormat = "latchkey backup 1"

// ManifestSuffix is what a manifest's name has behind its backup's.
const ManifestSuffix = ".manifest.json"

// Manifest says what a backup holds. A file without one is no backup. It names the
// master key that is needed; the key itself is in neither.
type Manifest struct {
	Format    string           `json:"format"`
	File      string           `json:"file"` // name without folder
	CreatedAt string           `json:"created_at"`
	Latchkey  string           `json:"latchkey"` // version that made it
	SQLite    string           `json:"sqlite"`
	Size      int64            `json:"size"`
	SHA256    string           `json:"sha256"`
	Schema    int64            `json:"schema"`
	KeyNumber int64            `json:"key_number"`
	AuditHead AuditHead        `json:"audit_head"`
	Figures   map[string]int64 `json:"figures"` // rows of tables, sums of the ledger
}

// AuditHead is the end of the audit chain.
type AuditHead struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// figure is one number by which a copy is compared with what it was made of.
type figure struct {
	name, text string
	grows      bool // and never shrinks
}

var figures = []figure{
	{"workspaces", "SELECT COUNT(*) FROM workspaces", true},
	{"users", "SELECT COUNT(*) FROM users", true},
	{"members", "SELECT COUNT(*) FROM members", false},
	{"customers", "SELECT COUNT(*) FROM customers", true},
	{"providers", "SELECT COUNT(*) FROM providers", true},
	{"bots", "SELECT COUNT(*) FROM bots", true},
	{"api_tokens", "SELECT COUNT(*) FROM api_tokens", true},
	{"shares", "SELECT COUNT(*) FROM shares", true},
	{"secrets", "SELECT COUNT(*) FROM secrets", false},
	{"groups", "SELECT COUNT(*) FROM groups", false},
	{"prices", "SELECT COUNT(*) FROM prices", false},
	{"settings", "SELECT COUNT(*) FROM settings", false},
	{"conversations", "SELECT COUNT(*) FROM conversations", false},
	{"messages", "SELECT COUNT(*) FROM messages", false},
	{"requests", "SELECT COUNT(*) FROM requests", false},
	{"usage_days", "SELECT COUNT(*) FROM usage_days", true},
	{"audit", "SELECT COUNT(*) FROM audit", true},
	{"holds", "SELECT COUNT(*) FROM holds", false},
	{"purses", "SELECT COUNT(*) FROM purses", false},
	{"ledger_quota", "SELECT COALESCE(SUM(quota), 0) FROM purses", false},
	{"ledger_used", "SELECT COALESCE(SUM(used), 0) FROM purses", false},
	{"ledger_reserved", "SELECT COALESCE(SUM(reserved), 0) FROM purses", false},
	{"usage_units", "SELECT COALESCE(SUM(units), 0) FROM usage_days", true},
	{"usage_requests", "SELECT COALESCE(SUM(requests), 0) FROM usage_days", true},
}

// figures reads all figures at one moment.
func (i *Inspection) figures(ctx context.Context) (map[string]int64, error) {
	texts := make([]string, len(figures))
	values := make([]int64, len(figures))
	into := make([]any, len(figures))
	for n, f := range figures {
		texts[n], into[n] = "("+f.text+")", &values[n]
	}
	if err := i.d.row(ctx, "SELECT "+strings.Join(texts, ", ")).Scan(into...); err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(figures))
	for n, f := range figures {
		out[f.name] = values[n]
	}
	return out, nil
}

// compareFigures refuses a copy that does not hold what its source held before or
// after it was made. In between the source may have been written: then what only
// grows must lie between the two.
func compareFigures(before, got, after map[string]int64) error {
	quiet := true
	for _, f := range figures {
		quiet = quiet && before[f.name] == after[f.name]
	}
	for _, f := range figures {
		low, high := before[f.name], after[f.name]
		if (quiet || f.grows) && (got[f.name] < low || got[f.name] > high) {
			return fmt.Errorf("the copy has %s %d, the database %d to %d", f.name, got[f.name], low, high)
		}
	}
	return nil
}

// Backup writes a checked copy of the file to target, while a server may go on
// writing to it, and its manifest beside it. It replaces nothing that is there.
func (i *Inspection) Backup(ctx context.Context, target, version string) (Manifest, error) {
	for _, path := range []string{target, target + ManifestSuffix} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return Manifest{}, errors.Join(access.Fail(access.Conflict, "backup_there", "%s is there already. Name another file.", path), err)
		}
	}
	part, err := os.CreateTemp(filepath.Dir(target), ".latchkey-backup-*")
	if err != nil {
		return Manifest{}, err
	}
	defer os.Remove(part.Name()) // nothing to remove once it has its name
	if err := part.Close(); err != nil {
		return Manifest{}, err
	}
	m, err := i.copyTo(ctx, part.Name())
	if err != nil {
		return Manifest{}, err
	}
	m.Format, m.File, m.Latchkey, m.SQLite = ManifestFormat, filepath.Base(target), version, SQLiteVersion()
	m.CreatedAt = i.d.Now().UTC().Format(time.RFC3339)
	return m, m.keep(part.Name(), target)
}

// copyTo makes the copy and finds out that it is a good one.
func (i *Inspection) copyTo(ctx context.Context, path string) (m Manifest, err error) {
	before, err := i.figures(ctx)
	if err != nil {
		return m, err
	}
	source := sql.OpenDB(open(i.d.Path, url.Values{"mode": {"rw"}}))
	defer source.Close()
	if _, err := source.ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return m, plainOpenError(err, i.d.Path)
	}
	after, err := i.figures(ctx)
	if err != nil {
		return m, err
	}
	made, err := Inspect(ctx, Options{Path: path, Now: i.d.Now})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	faults, err := made.CheckFile(ctx)
	if err == nil && len(faults) > 0 {
		err = errors.New("the copy is damaged: " + strings.Join(faults, "; "))
	}
	if err != nil {
		return m, err
	}
	if m, err = made.describe(ctx); err != nil {
		return m, err
	}
	return m, compareFigures(before, m.Figures, after)
}

// describe reads what a manifest says of the content.
func (i *Inspection) describe(ctx context.Context) (m Manifest, err error) {
	if m.Figures, err = i.figures(ctx); err != nil {
		return m, err
	}
	if m.Schema, err = i.SchemaVersion(ctx); err != nil {
		return m, err
	}
	if err = i.d.row(ctx, "SELECT COALESCE(MAX(number), 0) FROM keys WHERE retired_at IS NULL").Scan(&m.KeyNumber); err != nil {
		return m, err
	}
	var hash []byte
	err = i.d.row(ctx, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").Scan(&m.AuditHead.Seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	m.AuditHead.Hash = hex.EncodeToString(hash)
	return m, err
}

// keep gives the copy its name, then the manifest: until both are on the disk
// there is no backup.
func (m *Manifest) keep(part, target string) error {
	file, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if m.Size, err = io.Copy(sum, file); err != nil {
		return err
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err := file.Sync(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.Rename(part, target); err != nil {
		return err
	}
	if err := syncFolder(target); err != nil {
		return err
	}
	if err := writeWhole(target+ManifestSuffix, append(text, '\n')); err != nil {
		return err
	}
	return syncFolder(target)
}

// writeWhole writes a file that is either there whole or not at all.
func writeWhole(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".latchkey-manifest-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func syncFolder(of string) error {
	folder, err := os.Open(filepath.Dir(of))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
