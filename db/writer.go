package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"latchkey/internal/access"
)

const (
	writeQueue     = 1024             // facts that may wait for the loop
	writeGroup     = 256              // facts of one commit at most
	checkpointRows = 2000             // facts and settled calls between two checkpoints
	checkpointIdle = 30 * time.Second // or this long after the last one
	storageWait    = 5 * time.Second  // told to callers when the disk fails
	logSizeMax     = int64(64 << 20)  // bytes of the write-ahead log until it is cut
)

// fact is one change on its way through the loop.
type fact struct {
	ctx    context.Context
	change func(*Tx) error
	done   chan error // nil where nobody waits
	err    error
	after  []func() // once committed, before the caller hears of it
	undo   []func() // once it is certain that nothing was changed
}

// Tx is one change under way. It lives inside the loop: what it runs is undone
// as a whole when the change returns an error.
type Tx struct {
	d    *DB
	ctx  context.Context
	fact *fact
	at   time.Time // of the change: one moment for all of it
}

// change hands a fact to the loop and returns when it is on the disk, or undone.
func (d *DB) change(ctx context.Context, run func(*Tx) error) error {
	f := &fact{ctx: ctx, change: run, done: make(chan error, 1)}
	select {
	case <-d.closing:
		return closing()
	case <-ctx.Done():
		return ctx.Err()
	case d.facts <- f:
	}
	// Once handed over the outcome is awaited: a caller that left early would
	// not know whether its change holds.
	select {
	case err := <-f.done:
		return err
	case <-d.closing:
	}
	d.loop.Wait() // it ends with the facts that came in time
	select {
	case err := <-f.done:
		return err
	default:
		return closing()
	}
}

// changeSoon hands a fact to the loop and does not wait for it. What comes of it
// is logged.
func (d *DB) changeSoon(run func(*Tx) error) {
	f := &fact{ctx: context.Background(), change: run}
	select {
	case <-d.closing:
	case d.facts <- f:
	}
}

func closing() error {
	return access.Fail(access.Busy, "closing", "Latchkey is shutting down.").After(storageWait)
}

// writeLoop commits whatever waits as one group, again and again.
func (d *DB) writeLoop() {
	defer d.loop.Done()
	ticks := time.NewTicker(checkpointIdle)
	defer ticks.Stop()
	moving, moved := false, make(chan struct{}, 1)
	group := make([]*fact, 0, writeGroup)
	for {
		group = group[:0]
		select {
		case f := <-d.facts:
			group = append(group, f)
		case <-ticks.C:
			if d.pending > 0 && !moving {
				d.checkpoint()
			}
			continue
		case <-moved:
			moving = false
			d.checkpoint() // the little that came meanwhile, so that the log begins anew
			continue
		case <-d.closing:
			d.drain()
			if moving {
				<-moved
			}
			return
		}
		group = d.gather(group)
		d.commit(group)
		if d.pending += len(group); d.pending >= checkpointRows && !moving {
			moving = true
			go d.move(moved)
		}
	}
}

func (d *DB) gather(group []*fact) []*fact {
	for len(group) < writeGroup {
		select {
		case f := <-d.facts:
			group = append(group, f)
		default:
			return group
		}
	}
	return group
}

func (d *DB) drain() {
	for {
		select {
		case f := <-d.facts:
			d.commit([]*fact{f})
		default:
			return
		}
	}
}

// commit runs a group in one immediate transaction, each fact so that it can be
// undone by itself, and acknowledges after the commit.
func (d *DB) commit(group []*fact) {
	_, err := d.exec("BEGIN IMMEDIATE")
	if err == nil {
		for i := 0; i < len(group) && err == nil; i++ {
			err = d.run(group[i], len(group) == 1)
		}
		if err == nil {
			_, err = d.exec("COMMIT")
		}
		if err != nil {
			// After some failures the transaction is still open.
			d.exec("ROLLBACK")
		}
	}
	d.follow(group, err)
	for _, f := range group {
		switch {
		case f.done != nil:
			f.done <- asBusy(f.err)
		case f.err != nil:
			d.Log.Error("a change that nobody waits for could not be written", "error", f.err)
		}
	}
}

// follow brings what memory knows up to what the group has done, or not done.
func (d *DB) follow(group []*fact, failed error) {
	d.Ledger.commits.Lock()
	defer d.Ledger.commits.Unlock()
	for _, f := range group {
		if failed != nil {
			f.err = errors.Join(f.err, fmt.Errorf("commit: %w", failed))
		}
		hooks := f.after
		if f.err != nil {
			hooks = f.undo
		}
		for _, hook := range hooks {
			hook()
		}
	}
}

// run runs a fact under its savepoint; one that is alone has the transaction for
// itself. Its own error undoes it alone; the one returned says that the transaction
// is gone, as after some failures of the disk: what ran before is undone with it,
// and what came after would stand outside.
func (d *DB) run(f *fact, alone bool) error {
	if f.err = f.ctx.Err(); f.err != nil {
		return nil
	}
	begin, undo, keep := []string{"SAVEPOINT fact"}, []string{"ROLLBACK TO fact"}, []string{"RELEASE fact"}
	if alone {
		begin, undo, keep = nil, []string{"ROLLBACK", "BEGIN"}, nil
	}
	if err := d.execAll(begin); err != nil {
		return err
	}
	if f.err = d.guarded(f); f.err != nil {
		if err := d.execAll(undo); err != nil {
			return storageFault(errors.Join(f.err, err))
		}
	}
	return d.execAll(keep)
}

func (d *DB) execAll(texts []string) error {
	for _, text := range texts {
		if _, err := d.exec(text); err != nil {
			return err
		}
	}
	return nil
}

// guarded keeps a panic in one fact from ending the loop for all.
func (d *DB) guarded(f *fact) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("db: panic in a fact: %v\n%s", p, debug.Stack())
		}
	}()
	return f.change(&Tx{d: d, ctx: context.Background(), fact: f, at: d.Now()})
}

func (d *DB) exec(text string, args ...any) (r driver.Result, err error) {
	err = d.conn.Raw(func(conn any) error {
		r, err = d.direct.exec(conn, text, args)
		return err
	})
	return r, err
}

func (d *DB) writeStatement(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := d.writeStatements[text]; s != nil {
		return s, nil
	}
	s, err := d.conn.PrepareContext(ctx, text)
	if err == nil {
		d.writeStatements[text] = s
	}
	return s, err
}

// exec runs a statement and returns how many rows it changed.
func (t *Tx) exec(text string, args ...any) (int64, error) {
	r, err := t.d.exec(text, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// insert runs an INSERT and returns the new row's number.
func (t *Tx) insert(text string, args ...any) (int64, error) {
	r, err := t.d.exec(text, args...)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// row runs a query that answers with one row.
func (t *Tx) row(text string, args ...any) *row {
	s, err := t.d.writeStatement(t.ctx, text)
	if err != nil {
		return &row{err: err}
	}
	return &row{Row: s.QueryRowContext(t.ctx, args...)}
}

// rows runs a query and hands each row to take.
func (t *Tx) rows(take func(scanner) error, text string, args ...any) error {
	s, err := t.d.writeStatement(t.ctx, text)
	if err != nil {
		return err
	}
	return each(t.ctx, s, take, args...)
}

// after runs drop once the change is committed, before it is acknowledged: the
// place to forget what a cache holds.
func (t *Tx) after(drop func()) { t.fact.after = append(t.fact.after, drop) }

// undo runs when the change turns out not to hold.
func (t *Tx) undo(restore func()) { t.fact.undo = append(t.fact.undo, restore) }

// now is the time of the change.
func (t *Tx) now() int64 { return t.at.UnixMilli() }

// move moves most of the log into the file beside the commits.
func (d *DB) move(moved chan<- struct{}) {
	defer func() { moved <- struct{}{} }()
	if _, err := d.mover.Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		d.Log.Warn("the write-ahead log could not be moved into the file", "error", err)
	}
}

// checkpoint moves the log into the file between two commits. Readers are not
// waited for.
func (d *DB) checkpoint() {
	d.pending = 0
	mode := "PASSIVE"
	if info, err := os.Stat(d.Path + "-wal"); err == nil && info.Size() > logSizeMax {
		mode = "TRUNCATE"
	}
	if _, err := d.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")"); err != nil {
		d.Log.Warn("the write-ahead log could not be moved into the file", "error", err)
	}
}
