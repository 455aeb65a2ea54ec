package db

// What only SQLite and its driver know: connections, pragmas, error numbers.

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/mattn/go-sqlite3"

	"latchkey/internal/access"
)

// oldestSQLite has the fix for a reset of the write-ahead log under load.
const oldestSQLite = 3_051_003

// connector opens connections with pragmas that no DSN can spell.
type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

func open(path string, values url.Values, pragmas ...string) connector {
	values.Set("_busy_timeout", "5000")
	values.Set("_foreign_keys", "1")
	return connector{
		dsn: "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + values.Encode(),
		driver: &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			for _, p := range append(pragmas, "trusted_schema = OFF", "cell_size_check = ON") {
				if _, err := c.Exec("PRAGMA "+p, nil); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}

// writerConnector commits with fsync and leaves moving the log into the file to
// checkpoint, outside the commit path.
func writerConnector(path string) connector {
	return open(path, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}, "_secure_delete": {"on"},
	}, "wal_autocheckpoint = 0", "cache_size = -16384", "temp_store = MEMORY")
}

// moverConnector is for checkpoints beside the writer.
func moverConnector(path string) connector {
	return open(path, url.Values{"mode": {"rw"}, "_synchronous": {"FULL"}}, "wal_autocheckpoint = 0", "cache_size = -256")
}

func readerConnector(path string) connector {
	return open(path, url.Values{"mode": {"ro"}, "_query_only": {"1"}}, "cache_size = -4096")
}

// direct runs statements that return no rows on the writer's connection itself:
// database/sql would copy their arguments once more.
type direct struct {
	statements map[string]driver.StmtExecContext
	values     []driver.NamedValue
}

func (d *direct) exec(conn any, text string, args []any) (driver.Result, error) {
	s := d.statements[text]
	if s == nil {
		prepared, err := conn.(*sqlite3.SQLiteConn).Prepare(text)
		if err != nil {
			return nil, err
		}
		s = prepared.(driver.StmtExecContext)
		d.statements[text] = s
	}
	d.values = d.values[:0]
	for i, a := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil {
			return nil, err
		}
		d.values = append(d.values, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return s.ExecContext(context.Background(), d.values)
}

func (d *direct) close() {
	for _, s := range d.statements {
		s.(driver.Stmt).Close()
	}
}

// SQLiteVersion is the version of the engine inside.
func SQLiteVersion() string {
	text, _, _ := sqlite3.Version()
	return text
}

func checkVersion(ctx context.Context, pool *sql.DB) error {
	if text, number, _ := sqlite3.Version(); number < oldestSQLite {
		return fmt.Errorf("SQLite %s is too old: 3.51.3 is the least", text)
	}
	return pool.PingContext(ctx)
}

// checkOurs refuses a database that another program made, before a byte of it is
// changed. A file that is missing or empty becomes a new one.
func checkOurs(ctx context.Context, path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil
	}
	pool := sql.OpenDB(open(path, url.Values{"mode": {"rw"}, "_query_only": {"1"}}))
	defer pool.Close()
	var tables, ours int
	err := pool.QueryRowContext(ctx, "SELECT COUNT(*), COUNT(*) FILTER (WHERE name = 'goose_db_version') FROM sqlite_master").Scan(&tables, &ours)
	if err == nil && tables > 0 && ours == 0 {
		return notOurs(path)
	}
	return err
}

func notOurs(path string) *access.Error {
	return access.Fail(access.Invalid, "database_corrupt",
		"%s is damaged or not a Latchkey database; it was left as it is. Restore the newest backup from the backups folder.", path)
}

// plainOpenError says in one sentence why the file cannot be opened.
func plainOpenError(err error, path string) error {
	var e sqlite3.Error
	switch {
	case errors.As(err, &e) && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt):
		return notOurs(path).Because(err)
	case errors.As(err, &e) && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrReadonly || e.Code == sqlite3.ErrPerm),
		errors.Is(err, fs.ErrPermission):
		return access.Fail(access.Invalid, "database_unwritable",
			"%s cannot be opened for writing. Check who owns the folder and whether the disk is read-only.", path).Because(err)
	}
	return err
}

// isTaken reports a broken UNIQUE, and on which columns.
func isTaken(err error) (columns string, ok bool) {
	var e sqlite3.Error
	if !errors.As(err, &e) || e.ExtendedCode != sqlite3.ErrConstraintUnique && e.ExtendedCode != sqlite3.ErrConstraintPrimaryKey {
		return "", false
	}
	_, columns, _ = strings.Cut(e.Error(), "failed: ")
	return columns, true
}

// asBusy turns a full or failing disk into the kind that pages understand.
func asBusy(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && (e.Code == sqlite3.ErrFull || e.Code == sqlite3.ErrIoErr || e.Code == sqlite3.ErrReadonly || e.Code == sqlite3.ErrBusy) {
		return storageFault(err)
	}
	return err
}

func storageFault(err error) error {
	return access.Fail(access.Busy, "storage", "Latchkey cannot write to its disk now. Nothing was changed.").After(storageWait).Because(err)
}
