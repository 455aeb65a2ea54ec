package db

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"latchkey/internal/access"
)

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// refusedToOpen checks that a file is refused with a code, and left as it was.
func refusedToOpen(t *testing.T, name, path, code string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), Options{Path: path, Now: fixedNow})
	if err == nil {
		d.Close()
		t.Errorf("%s: it was opened", name)
		return
	}
	if p := access.Problems(err); len(p) != 1 || p[0].Code != code || !strings.Contains(p[0].Text, filepath.Base(path)) && code != "migration_changed" {
		t.Errorf("%s: refused with %v, want %s", name, err, code)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("%s: the file was changed: %d bytes, now %d, %v", name, len(before), len(after), err)
	}
	// A log that nobody can follow may stay, a new one with something in it may not.
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		t.Errorf("%s: %d bytes were written beside it", name, wal.Size())
	}
}

func TestOpenRefusesWhatIsDamaged(t *testing.T) {
	whole, err := os.ReadFile(auditFile(t, 200))
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	damaged := func(do func([]byte)) []byte {
		b := bytes.Clone(whole)
		do(b)
		return b
	}
	for name, raw := range map[string][]byte{
		"a text":               []byte("This is no database.\n"),
		"a long text":          bytes.Repeat([]byte("no database "), 2000),
		"zeros":                make([]byte, 3*page),
		"the head overwritten": damaged(func(b []byte) { copy(b, "SQLite format 4") }),
		"the first page gone":  whole[page:],
		"cut after the head":   whole[:100],
		"cut within a page":    whole[:page+1000],
		"cut after a page":     whole[:page],
		"the schema overwritten": damaged(func(b []byte) {
			for i := 100; i < page; i++ {
				b[i] = 0xff
			}
		}),
	} {
		path := filepath.Join(t.TempDir(), "latchkey.db")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		refusedToOpen(t, name, path, "database_corrupt")
	}
}

// Another program's database is not taken over.
func TestOpenRefusesAnothersDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "latchkey.db")
	pool := sql.OpenDB(open(path, map[string][]string{}))
	if _, err := pool.ExecContext(t.Context(), "CREATE TABLE recipes (name TEXT, steps TEXT); INSERT INTO recipes VALUES ('soup', 'boil')"); err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	refusedToOpen(t, "recipes", path, "database_corrupt")
}

func TestOpenNeedsAFolder(t *testing.T) {
	_, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "missing", "latchkey.db"), Now: fixedNow})
	if p := access.Problems(err); len(p) != 1 || p[0].Code != "database_unwritable" {
		t.Errorf("a folder that is missing: %v", err)
	}
	folder := filepath.Join(t.TempDir(), "latchkey.db")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(t.Context(), Options{Path: folder, Now: fixedNow}); err == nil {
		d.Close()
		t.Error("a folder was opened as a file")
	}
}

func TestOpenRefusesOtherVersions(t *testing.T) {
	for name, c := range map[string]struct{ text, code string }{
		"a newer one":   {"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)", "database_newer"},
		"another first": {"UPDATE settings SET value = 'another hash' WHERE key LIKE 'migration:0001%'", "migration_changed"},
	} {
		path := auditFile(t, 1)
		pool := sql.OpenDB(writerConnector(path))
		if _, err := pool.ExecContext(t.Context(), c.text); err != nil {
			t.Fatal(err)
		}
		if err := pool.Close(); err != nil {
			t.Fatal(err)
		}
		refusedToOpen(t, name, path, c.code)
	}
}

// withMore are the migrations of this version and some of the next.
func withMore(t *testing.T, more map[string]string) fs.FS {
	t.Helper()
	own, err := migrationFiles()
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{}
	names, err := fs.Glob(own, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(own, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: raw}
	}
	for name, text := range more {
		all[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	}
	return all
}

// migrateFile brings a file to the next version.
func migrateFile(ctx context.Context, path string, files fs.FS) error {
	d := &DB{Options: Options{Path: path, Now: fixedNow}, write: sql.OpenDB(writerConnector(path))}
	defer d.write.Close()
	d.write.SetMaxOpenConns(1)
	return d.migrate(ctx, files)
}

// Before anything is changed there is a whole copy, of this start and not of an
// earlier one.
func TestMigrationCopiesFirst(t *testing.T) {
	path := auditFile(t, 3)
	more := withMore(t, map[string]string{"9001_more.sql": "ALTER TABLE settings ADD COLUMN note TEXT NOT NULL DEFAULT '';"})
	version := NewestSchema() + 1
	target := filepath.Join(filepath.Dir(path), "backups", fmt.Sprintf("before-schema-%d.db", version))
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, half := range []string{target, target + ".tmp"} { // of an attempt that was killed
		if err := os.WriteFile(half, []byte("half a copy"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrateFile(t.Context(), path, more); err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(readerConnector(path))
	defer pool.Close()
	if _, err := pool.ExecContext(t.Context(), "SELECT note FROM settings"); err != nil {
		t.Errorf("the migrated file: %v", err)
	}
	before := openFile(t, target)
	defer before.Close()
	before.UseAuditKey(1, auditMAC("right"))
	if holds, broken, err := before.VerifyAudit(t.Context()); err != nil || holds != 3 || broken != 0 {
		t.Errorf("the copy: %d rows hold, broken at %d, %v", holds, broken, err)
	}
	if v, err := before.SchemaVersion(t.Context()); err != nil || v != NewestSchema() {
		t.Errorf("the copy is of version %d, %v", v, err)
	}
	if _, err := os.Stat(target + ".tmp"); !os.IsNotExist(err) {
		t.Errorf("half a copy is left: %v", err)
	}
	refusedToOpen(t, "a file of the next version", path, "database_newer")
}

// A migration that fails changes nothing, and the same file opens again with the
// version that wrote it.
func TestMigrationThatFailsChangesNothing(t *testing.T) {
	path := auditFile(t, 3)
	err := migrateFile(t.Context(), path, withMore(t, map[string]string{"9001_more.sql": "CREATE TABLE extra (x TEXT) STRICT;\nINSERT INTO nowhere VALUES (1);"}))
	if err == nil {
		t.Fatal("it did not fail")
	}
	d := openFile(t, path)
	defer d.Close()
	d.UseAuditKey(1, auditMAC("right"))
	var extra int
	if err := d.row(t.Context(), "SELECT COUNT(*) FROM sqlite_master WHERE name = 'extra'").Scan(&extra); err != nil || extra != 0 {
		t.Errorf("half a migration stayed: %d, %v", extra, err)
	}
	if holds, broken, err := d.VerifyAudit(t.Context()); err != nil || holds != 3 || broken != 0 {
		t.Errorf("%d rows hold, broken at %d, %v", holds, broken, err)
	}
	if faults, err := d.CheckFile(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("the file: %v %v", faults, err)
	}
}

func fixedNow() time.Time { return deskStart }
