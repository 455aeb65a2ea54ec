package db

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"latchkey/internal/access"
)

// Inspection is a database file that is only looked at: nothing in it is
// migrated, settled or written, so that it may be in use by a server meanwhile.
type Inspection struct{ d *DB }

// Inspect opens a file for looking. A file that is missing, damaged at its head or
// not Latchkey's is an error in plain words.
func Inspect(ctx context.Context, o Options) (*Inspection, error) {
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, access.Fail(access.NotFound, "database_missing", "There is no database at %s.", o.Path)
	}
	// Not mode=ro: a file in WAL mode that nobody has open needs its index made.
	d := &DB{Options: o, read: sql.OpenDB(open(o.Path, url.Values{"mode": {"rw"}, "_query_only": {"1"}}))}
	i := &Inspection{d}
	var tables int
	err := d.row(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('audit', 'purses', 'goose_db_version')").Scan(&tables)
	if err == nil && tables < 3 {
		err = access.Fail(access.Invalid, "database_corrupt",
			"%s is damaged or not a Latchkey database; it was left as it is. Restore the newest backup from the backups folder.", o.Path)
	}
	if err != nil {
		return nil, errors.Join(plainOpenError(err, o.Path), i.Close())
	}
	return i, nil
}

// Close lets go of the file.
func (i *Inspection) Close() error {
	i.d.readStatements.Range(func(_, s any) bool { s.(*sql.Stmt).Close(); return true })
	return i.d.read.Close()
}

// CheckFile is DB.CheckFile.
func (i *Inspection) CheckFile(ctx context.Context) ([]string, error) { return i.d.CheckFile(ctx) }

// CheckLedger is DB.CheckLedger.
func (i *Inspection) CheckLedger(ctx context.Context) ([]string, error) { return i.d.CheckLedger(ctx) }

// Keys is DB.Keys.
func (i *Inspection) Keys(ctx context.Context) ([]KeyRow, error) { return i.d.Keys(ctx) }

// SchemaVersion is DB.SchemaVersion.
func (i *Inspection) SchemaVersion(ctx context.Context) (int64, error) { return i.d.SchemaVersion(ctx) }

// VerifyAudit is DB.VerifyAudit. Without a mac the order of the chain is verified
// and no signature.
func (i *Inspection) VerifyAudit(ctx context.Context, number int64, mac func([]byte) []byte) (rows, broken int64, err error) {
	i.d.UseAuditKey(number, mac)
	return i.d.VerifyAudit(ctx)
}

// UseOlderAuditKeys is DB.UseOlderAuditKeys.
func (i *Inspection) UseOlderAuditKeys(verify func(number int, row, sum []byte) (ok, known bool)) {
	i.d.UseOlderAuditKeys(verify)
}

// AuditHash is the hash of a row of the audit log, in hex, "" where there is none.
func (i *Inspection) AuditHash(ctx context.Context, seq int64) (text string, err error) {
	err = i.d.row(ctx, "SELECT COALESCE((SELECT lower(hex(hash)) FROM audit WHERE seq = $1), '')", seq).Scan(&text)
	return text, err
}

// NewestSchema is the schema that this binary knows.
func NewestSchema() int64 {
	var newest int64
	names, _ := fs.Glob(migrations, "migrations/sqlite/*.sql") // the pattern is a good one
	for _, name := range names {
		digits, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}
