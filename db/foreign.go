package db

// Reading the SQLite file of another system. What only SQLite knows here is how to
// look into a file of a schema that is not ours.

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"

	"latchkey/internal/access"
)

// System is another system whose users and tokens can be imported.
type System string

const (
	NewAPI System = "newapi"
	OneAPI System = "oneapi"
)

// Shown is what people call the system.
func (s System) Shown() string {
	if s == OneAPI {
		return "One API"
	}
	return "New API"
}

// Foreign is what another system's file holds, as it stands there.
type Foreign struct {
	System  System
	Users   []ForeignUser
	Tokens  []ForeignToken
	Options map[string]string
}

// ForeignUser is a user of another system.
type ForeignUser struct {
	Number                           int64
	Username, Nickname, Email, Group string
	Mark                             string // that no two users of the file share, "" where the file has none
	Role, Status                     int64
	Remain, Used                     int64 // units of the other system
	Created                          int64 // Unix seconds, 0: not known
	Deleted                          bool
}

// ForeignToken is an API token of another system.
type ForeignToken struct {
	Number, UserNumber         int64
	Key, Name, Group           string
	Status                     int64
	Created, Accessed, Expires int64 // Unix seconds
	Remain, Used               int64
	Unlimited, ModelsLimited   bool
	Models, Addresses          string
	Deleted                    bool
}

// The options of the other system that say what its amounts and groups mean.
const (
	OptionRatios = "GroupRatio"
	OptionUnits  = "QuotaPerUnit"
)

// ReadForeign reads users and tokens of another system out of its file, which it
// leaves as it is. Passwords and sign-in tokens are not read.
func ReadForeign(ctx context.Context, path string, system System) (Foreign, error) {
	f := Foreign{System: system, Options: map[string]string{}}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return f, access.Fail(access.NotFound, "foreign_missing", "There is no file %s that can be read.", path).Because(err)
	}
	// Not mode=ro: a file in WAL mode that nobody has open needs its index made.
	pool := sql.OpenDB(open(path, url.Values{"mode": {"rw"}, "_query_only": {"1"}}))
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, nil) // one moment, also while the other system runs
	if err != nil {
		return f, foreignError(err, path)
	}
	defer tx.Rollback() // nothing was written
	return f, foreignError(readForeign(ctx, &f, foreignFile{tx, path, system}), path)
}

func foreignError(err error, path string) error {
	var e sqlite3.Error
	switch {
	case errors.As(err, &e) && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt):
		return access.Fail(access.Invalid, "foreign_unreadable", "%s is not a SQLite database, or it is damaged.", path).Because(err)
	case errors.As(err, &e) && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrPerm || e.Code == sqlite3.ErrReadonly):
		return access.Fail(access.Invalid, "foreign_closed", "%s cannot be opened. Check who may read it, or copy it elsewhere.", path).Because(err)
	case errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked):
		return access.Fail(access.Busy, "foreign_busy", "%s is in use. Stop the other system and try again.", path).Because(err)
	}
	return err
}

// foreignFile is the open file.
type foreignFile struct {
	tx     *sql.Tx
	path   string
	system System
}

func readForeign(ctx context.Context, f *Foreign, in foreignFile) error {
	users, err := in.table(ctx, "users")
	if err != nil {
		return err
	}
	tokens, err := in.table(ctx, "tokens")
	if err != nil {
		return err
	}
	if err := in.check(users, tokens); err != nil {
		return err
	}
	err = in.each(ctx, users, userFields, func(v []any) {
		f.Users = append(f.Users, ForeignUser{
			Number: whole(v[0]), Username: words(v[1]), Nickname: words(v[2]), Email: words(v[3]), Group: words(v[4]), Mark: words(v[5]),
			Role: whole(v[6]), Status: whole(v[7]), Remain: whole(v[8]), Used: whole(v[9]), Created: max(whole(v[10]), whole(v[11])), Deleted: truth(v[12]),
		})
	})
	if err != nil {
		return err
	}
	err = in.each(ctx, tokens, tokenFields, func(v []any) {
		f.Tokens = append(f.Tokens, ForeignToken{
			Number: whole(v[0]), UserNumber: whole(v[1]), Key: words(v[2]), Name: words(v[3]), Group: words(v[4]), Status: whole(v[5]),
			Created: whole(v[6]), Accessed: whole(v[7]), Expires: whole(v[8]), Remain: whole(v[9]), Used: whole(v[10]), Unlimited: truth(v[11]),
			ModelsLimited: truth(v[12]) || in.system == OneAPI && words(v[14]) != "", Models: words(v[13]) + words(v[14]),
			Addresses: words(v[15]) + words(v[16]), Deleted: truth(v[17]),
		})
	})
	if err != nil {
		return err
	}
	return in.options(ctx, f.Options)
}

// field is a column of a foreign table and what stands for it where the file has
// no such column or the row nothing in it.
type field struct{ column, absent string }

var userFields = []field{
	{"id", "0"},
	{"username", "''"},
	{"display_name", "''"},
	{"email", "''"},
	{"group", "''"},
	{"aff_code", "''"},
	{"role", "1"},
	{"status", "1"},
	{"quota", "0"},
	{"used_quota", "0"},
	{"created_at", "0"},
	{"created_time", "0"},
	{"deleted_at", ""},
}

var tokenFields = []field{
	{"id", "0"},
	{"user_id", "0"},
	{"key", "''"},
	{"name", "''"},
	{"group", "''"},
	{"status", "1"},
	{"created_time", "0"},
	{"accessed_time", "0"},
	{"expired_time", "-1"},
	{"remain_quota", "0"},
	{"used_quota", "0"},
	{"unlimited_quota", "0"},
	{"model_limits_enabled", "0"},
	{"model_limits", "''"},
	{"models", "''"},
	{"allow_ips", "''"},
	{"subnet", "''"},
	{"deleted_at", ""},
}

// foreignTable is a table's name and the columns that it has.
type foreignTable struct {
	name    string
	columns []string
}

func (t foreignTable) has(columns ...string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(t.columns, c) })
}

func (in foreignFile) table(ctx context.Context, name string) (t foreignTable, err error) {
	t.name = name
	rows, err := in.tx.QueryContext(ctx, "SELECT lower(name) FROM pragma_table_info($1)", name)
	if err != nil {
		return t, err
	}
	defer rows.Close()
	for rows.Next() {
		var column string
		if err := rows.Scan(&column); err != nil {
			return t, err
		}
		t.columns = append(t.columns, column)
	}
	return t, rows.Err()
}

// check refuses a file of another schema than the system's.
func (in foreignFile) check(users, tokens foreignTable) error {
	if !users.has("id", "username", "password", "role", "status", "quota", "group") ||
		!tokens.has("id", "user_id", "key", "status", "expired_time", "remain_quota", "unlimited_quota") {
		return access.Fail(access.Invalid, "foreign_schema", "%s is not a database of %s: it lacks its tables users and tokens.", in.path, in.system.Shown())
	}
	found := OneAPI
	if tokens.has("model_limits_enabled") {
		found = NewAPI
	}
	if found != in.system {
		return access.Fail(access.Invalid, "foreign_other", "%s is a database of %s. Run: latchkey import %s", in.path, found.Shown(), string(found))
	}
	return nil
}

// each hands on every row of a table in the order of its numbers. What is joined
// into the statement is our own text.
func (in foreignFile) each(ctx context.Context, t foreignTable, fields []field, take func([]any)) error {
	spelled := make([]string, 0, len(fields))
	for _, f := range fields {
		switch {
		case f.absent == "" && t.has(f.column):
			spelled = append(spelled, "["+f.column+"] IS NOT NULL")
		case f.absent == "":
			spelled = append(spelled, "0")
		case t.has(f.column):
			spelled = append(spelled, "COALESCE(["+f.column+"], "+f.absent+")")
		default:
			spelled = append(spelled, f.absent)
		}
	}
	rows, err := in.tx.QueryContext(ctx, "SELECT "+strings.Join(spelled, ", ")+" FROM ["+t.name+"] ORDER BY [id]")
	if err != nil {
		return err
	}
	defer rows.Close()
	values, into := make([]any, len(fields)), make([]any, len(fields))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		take(values)
	}
	return rows.Err()
}

// options reads what the file says of amounts and groups, if anything.
func (in foreignFile) options(ctx context.Context, into map[string]string) error {
	t, err := in.table(ctx, "options")
	if err != nil || !t.has("key", "value") {
		return err
	}
	rows, err := in.tx.QueryContext(ctx, "SELECT [key], COALESCE([value], '') FROM options WHERE [key] IN ($1, $2)", OptionRatios, OptionUnits)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, value any
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		into[words(key)] = words(value)
	}
	return rows.Err()
}
