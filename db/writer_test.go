package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/access"
)

// openFile opens a file that the test closes itself.
func openFile(t *testing.T, path string) *DB {
	t.Helper()
	d, err := Open(t.Context(), Options{Path: path, Now: time.Now, Random: rand.Reader, BootID: "test"})
	if err != nil {
		t.Fatal(err)
	}
	useTestKey(d)
	return d
}

// note is a change that stores a setting.
func note(key string) func(*Tx) error {
	return func(t *Tx) error {
		_, err := t.exec("INSERT INTO settings (key, value) VALUES ($1, '')", key)
		return err
	}
}

func noted(t *testing.T, d *DB) (keys []string) {
	t.Helper()
	err := d.rows(t.Context(), list(&keys, func(s scanner) (k string, err error) { return k, s.Scan(&k) }),
		"SELECT key FROM settings WHERE key NOT LIKE 'migration:%' ORDER BY key")
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// together runs changes in one commit: the writer is held until all of them wait.
func together(t *testing.T, d *DB, changes ...func(*Tx) error) []error {
	t.Helper()
	return togetherUnder(t, d, func(int) context.Context { return context.Background() }, func() {}, changes...)
}

func togetherUnder(t *testing.T, d *DB, ctx func(int) context.Context, meanwhile func(), changes ...func(*Tx) error) []error {
	t.Helper()
	gate, held := make(chan struct{}), make(chan struct{})
	var callers sync.WaitGroup
	callers.Go(func() {
		if err := d.change(context.Background(), func(*Tx) error { close(held); <-gate; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	errs := make([]error, len(changes))
	for i, change := range changes {
		callers.Go(func() { errs[i] = d.change(ctx(i), change) })
		for len(d.facts) != i+1 {
			select {
			case <-t.Context().Done():
				t.Fatal("the writer's queue does not fill")
			default:
			}
		}
	}
	meanwhile()
	close(gate)
	callers.Wait()
	return errs
}

// What fails, panics or was given up harms none of the changes that are committed
// with it.
func TestFactsOfOneCommit(t *testing.T) {
	d, _ := peopleFile(t)
	broken := errors.New("broken")
	given, giveUp := context.WithCancel(t.Context())
	var order []string
	tell := func(name string, run func(*Tx) error) func(*Tx) error {
		return func(x *Tx) error {
			order = append(order, name)
			x.after(func() { order = append(order, name+" holds") })
			x.undo(func() { order = append(order, name+" does not hold") })
			return run(x)
		}
	}
	errs := togetherUnder(t, d, func(i int) context.Context {
		if i == 3 {
			return given
		}
		return t.Context()
	}, giveUp,
		tell("a", note("a")),
		tell("b", func(x *Tx) error { return errors.Join(note("b")(x), broken) }),
		tell("c", func(x *Tx) error { _ = note("c")(x); panic("oh") }),
		tell("d", note("d")),
		tell("e", note("e")),
		tell("f", note("a")), // taken, within the same commit
	)
	if errs[0] != nil || errs[4] != nil {
		t.Errorf("good ones: %v, %v", errs[0], errs[4])
	}
	if !errors.Is(errs[1], broken) || errs[2] == nil || !strings.Contains(errs[2].Error(), "panic in a fact: oh") || !errors.Is(errs[3], context.Canceled) {
		t.Errorf("bad ones: %v, %v, %v", errs[1], errs[2], errs[3])
	}
	if _, taken := isTaken(errs[5]); !taken {
		t.Errorf("the taken one: %v", errs[5])
	}
	if got := noted(t, d); !slices.Equal(got, []string{"a", "e"}) {
		t.Errorf("the file has %v", got)
	}
	// The hooks come after the last of the group has run: it was one commit.
	want := []string{"a", "b", "c", "e", "f", "a holds", "b does not hold", "c does not hold", "e holds", "f does not hold"}
	if !slices.Equal(order, want) {
		t.Errorf("the order was %v, want %v", order, want)
	}
}

// When the engine gives the transaction up in the middle of a commit, as it does on
// a full disk, none of it holds and all are told.
func TestTransactionLost(t *testing.T) {
	d, _ := peopleFile(t)
	full := errors.New("the disk is full")
	undone := 0
	errs := together(t, d,
		func(x *Tx) error { x.undo(func() { undone++ }); return note("a")(x) },
		func(x *Tx) error {
			if _, err := x.exec("ROLLBACK"); err != nil {
				t.Error(err)
			}
			return full
		},
		note("c"))
	for i, err := range errs {
		if access.KindOf(err) != access.Busy {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if got := noted(t, d); len(got) > 0 || undone != 1 {
		t.Errorf("the file has %v, %d undone", got, undone)
	}
	if err := d.change(t.Context(), note("d")); err != nil {
		t.Errorf("the next change: %v", err)
	}
	if got := noted(t, d); !slices.Equal(got, []string{"d"}) {
		t.Errorf("the file has %v", got)
	}
}

// Whoever comes while the file closes is answered, and what was acknowledged is in
// the file.
func TestCloseUnderLoad(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "latchkey.db"))
	var acknowledged, refused atomic.Int64
	var callers sync.WaitGroup
	some := make(chan struct{})
	once := sync.OnceFunc(func() { close(some) })
	for caller := range 16 {
		callers.Go(func() {
			for i := 0; ; i++ {
				err := d.change(context.Background(), note(fmt.Sprint(caller, " ", i)))
				if err == nil {
					if acknowledged.Add(1) > 50 {
						once()
					}
					continue
				}
				if p := access.Problems(err); len(p) != 1 || p[0].Code != "closing" || p[0].Kind != access.Busy || p[0].Wait == 0 {
					t.Errorf("while it closes: %v", err)
				}
				refused.Add(1)
				return
			}
		})
	}
	<-some
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	callers.Wait()
	for range 200 { // none of them hangs
		if err := d.change(t.Context(), note("late")); access.KindOf(err) != access.Busy {
			t.Fatalf("after it closed: %v", err)
		}
	}
	if err := d.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	again := openFile(t, d.Path)
	defer again.Close()
	if n := int64(len(noted(t, again))); n != acknowledged.Load() || refused.Load() != 16 {
		t.Errorf("%d rows of %d acknowledged changes, %d refused", n, acknowledged.Load(), refused.Load())
	}
}

func TestGivenUpBeforeItRan(t *testing.T) {
	d, _ := peopleFile(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // the queue and the context are both ready: each may be taken
		if err := d.change(ctx, note("never")); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if err := d.change(late, note("never")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if got := noted(t, d); len(got) > 0 {
		t.Errorf("the file has %v", got)
	}
}

// Nothing that reads can write, not even on purpose.
func TestReadersCannotWrite(t *testing.T) {
	d, _ := peopleFile(t)
	if err := d.change(t.Context(), note("kept")); err != nil {
		t.Fatal(err)
	}
	conn, err := d.read.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "PRAGMA query_only = 0"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"INSERT INTO settings (key, value) VALUES ('x', 'y')", "UPDATE settings SET value = 'x'", "DELETE FROM settings", "DROP TABLE settings",
		"CREATE TABLE x (y)", "PRAGMA user_version = 7", "VACUUM", "UPDATE purses SET used = 0",
	} {
		var v any
		if err := d.row(t.Context(), text).Scan(&v); err == nil || errors.Is(err, sql.ErrNoRows) && text != "PRAGMA user_version = 7" {
			t.Errorf("a reader runs %s: %v", text, err)
		}
		if _, err := conn.ExecContext(t.Context(), text); err == nil {
			t.Errorf("a reader that wants to runs %s", text)
		}
	}
	var version int
	if err := d.row(t.Context(), "PRAGMA user_version").Scan(&version); err != nil || version != 0 {
		t.Errorf("the version is %d, %v", version, err)
	}
	if got := noted(t, d); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("the file has %v", got)
	}
}
