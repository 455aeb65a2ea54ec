// Package db opens Latchkey's SQLite file and states facts: one exported method
// is one atomic fact, and all SQL of the project stands here.
//
// It promises that a fact that returned without an error is on the disk, that
// two facts never interleave, that every query on an owned row carries the
// owner's id, and that the audit row is written with the change it tells. It
// refuses nothing for reasons of taste: rules about who may do what live in
// access and are applied by control and gateway.
//
// Writes go through one loop that commits in groups (writer.go); reads go to a
// pool that cannot write (reader.go). SQL is kept portable: $1…$n in order of
// appearance, RETURNING and ON CONFLICT, integer milliseconds, JSON as text.
// What only SQLite knows stands in driver.go, search.go and backup.go.
//
// Start with tokens.go for the shape of a noun, ledger.go for money.
package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"latchkey/internal/access"
)

// Options is what a DB is opened with.
type Options struct {
	Path   string // of the file; its folder must exist
	Now    func() time.Time
	Random io.Reader // for ids
	Log    *slog.Logger
	BootID string // names this process in holds
}

// DB is the open file. It is safe for use by many goroutines.
type DB struct {
	Options

	write   *sql.DB
	conn    *sql.Conn // the one connection that writes
	mover   *sql.DB   // moves the log into the file while conn writes
	read    *sql.DB
	facts   chan *fact
	loop    sync.WaitGroup
	closing chan struct{}
	jobs    chan struct{} // told of a job that waits
	once    sync.Once

	direct          direct               // used by the loop alone
	writeStatements map[string]*sql.Stmt // those that return rows; used by the loop alone
	pending         int                  // what was written since the last checkpoint; the loop's alone
	leaders         map[leader]int64     // the second of the last row that leads; the loop's alone
	readStatements  sync.Map             // text → *sql.Stmt

	audit   auditKey
	chain   chain
	caches  caches
	unknown *unknown
	Ledger  *Ledger
}

// Open opens or creates the file, brings it up to date and starts the writer. It
// never creates a new database over something that is not one.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &DB{
		Options:         o,
		facts:           make(chan *fact, writeQueue),
		closing:         make(chan struct{}),
		jobs:            make(chan struct{}, 1),
		direct:          direct{statements: map[string]driver.StmtExecContext{}},
		writeStatements: map[string]*sql.Stmt{},
		leaders:         map[leader]int64{},
	}
	d.write = sql.OpenDB(writerConnector(o.Path))
	d.write.SetMaxOpenConns(1)
	if err := d.openFile(ctx); err != nil {
		d.write.Close()
		return nil, plainOpenError(err, o.Path)
	}
	d.mover = sql.OpenDB(moverConnector(o.Path))
	d.mover.SetMaxOpenConns(1)
	d.read = sql.OpenDB(readerConnector(o.Path))
	readers := max(4, runtime.NumCPU())
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(readers)
	d.caches, d.unknown = newCaches(), newUnknown()
	d.Ledger = newLedger(d)
	d.loop.Add(1)
	go d.writeLoop()
	return d, nil
}

func (d *DB) openFile(ctx context.Context) error {
	if err := checkOurs(ctx, d.Path); err != nil {
		return err
	}
	if err := checkVersion(ctx, d.write); err != nil {
		return err
	}
	files, err := migrationFiles()
	if err != nil {
		return err
	}
	if err := d.migrate(ctx, files); err != nil {
		return err
	}
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return err
	}
	d.conn = conn
	return nil
}

// Close ends the writer after the facts already handed to it, moves the log into
// the file and closes it.
func (d *DB) Close() error {
	var err error
	d.once.Do(func() {
		close(d.closing)
		d.loop.Wait()
		d.readStatements.Range(func(_, s any) bool { s.(*sql.Stmt).Close(); return true })
		err = errors.Join(err, d.read.Close(), d.mover.Close())
		if _, e := d.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)"); e != nil {
			err = errors.Join(err, e)
		}
		d.direct.close()
		for _, s := range d.writeStatements {
			s.Close()
		}
		err = errors.Join(err, d.conn.Close(), d.write.Close())
	})
	return err
}

// notFound is what a missing row and another's row both answer.
func notFound(what string) error {
	return access.Fail(access.NotFound, "not_found", "There is no such %s here.", what)
}

// stale is what an edit based on an older version answers.
func stale() error {
	return access.Fail(access.Conflict, "stale",
		"Someone changed this meanwhile. Look at the present values and save again.").At("version")
}

// nothingKept turns an empty result into notFound and leaves other errors alone.
func orNotFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return notFound(what)
	}
	return err
}

// ms spells a time for the database; the zero time is NULL.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// moment reads a time of the database; NULL is the zero time.
type moment struct{ time.Time }

func (m *moment) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		m.Time = time.Time{}
	case int64:
		m.Time = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("db: a time is a %T", src)
	}
	return nil
}

// idOrNull spells an optional reference.
func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// scanner is a row or rows.
type scanner interface{ Scan(...any) error }
