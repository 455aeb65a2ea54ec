package db

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"latchkey/internal/access"
)

// auditMAC signs with a key of its own, so that nobody without it can forge a row.
func auditMAC(key string) func([]byte) []byte {
	return func(b []byte) []byte {
		m := hmac.New(sha256.New, []byte(key))
		m.Write(b)
		return m.Sum(nil)
	}
}

// auditFile is a file with some audited changes, closed.
func auditFile(t *testing.T, changes int) (path string) {
	t.Helper()
	d := openFile(t, filepath.Join(t.TempDir(), "latchkey.db"))
	d.UseAuditKey(1, auditMAC("right"))
	for i := range changes {
		if err := d.SetSetting(t.Context(), shell, "turn", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return d.Path
}

// tamper changes a file behind Latchkey's back.
func tamper(t *testing.T, path string, texts ...string) {
	t.Helper()
	pool := sql.OpenDB(writerConnector(path))
	defer pool.Close()
	for _, text := range append([]string{"DROP TRIGGER IF EXISTS audit_no_update", "DROP TRIGGER IF EXISTS audit_no_delete"}, texts...) {
		r, err := pool.ExecContext(t.Context(), text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 && slices.Contains(texts, text) {
			t.Fatalf("%s changed nothing (%v)", text, err)
		}
	}
}

// Whatever is changed in any row, the walk stops at the first one that does not
// hold.
func TestAuditTamperingIsFound(t *testing.T) {
	const rows = 9
	whole := auditFile(t, rows)
	for _, c := range []struct {
		name   string
		texts  []string
		holds  int64
		broken int64
	}{
		{"nothing", nil, rows, 0},
		{"the actor", []string{"UPDATE audit SET actor = 'user:x someone else' WHERE seq = 5"}, 4, 5},
		{"a word moved from one field to the next", []string{"UPDATE audit SET action = substr(action, 1, 8), object = substr(action, 9) || object WHERE seq = 5"}, 4, 5},
		{"the detail of the first", []string{"UPDATE audit SET detail = '{}' WHERE seq = 1"}, 0, 1},
		{"the time of the last", []string{"UPDATE audit SET at = at + 1 WHERE seq = 9"}, 8, 9},
		{"the workspace", []string{"UPDATE audit SET workspace_id = 7 WHERE seq = 2"}, 1, 2},
		{"the door", []string{"UPDATE audit SET door = 'page' WHERE seq = 2"}, 1, 2},
		{"the address", []string{"UPDATE audit SET address = '192.0.2.1' WHERE seq = 2"}, 1, 2},
		{"the action", []string{"UPDATE audit SET action = 'token.create' WHERE seq = 2"}, 1, 2},
		{"the object", []string{"UPDATE audit SET object = 'token:x' WHERE seq = 2"}, 1, 2},
		{"the result", []string{"UPDATE audit SET result = 'refused' WHERE seq = 2"}, 1, 2},
		{"the hash", []string{"UPDATE audit SET hash = x'00' WHERE seq = 2"}, 1, 2},
		{"the link", []string{"UPDATE audit SET prev = x'00' WHERE seq = 2"}, 1, 2},
		{"one removed", []string{"DELETE FROM audit WHERE seq = 5"}, 4, 6},
		{"the first removed", []string{"DELETE FROM audit WHERE seq = 1"}, 0, 2},
		{"one removed, and the rest moved up", []string{"DELETE FROM audit WHERE seq = 5", "UPDATE audit SET seq = seq - 1 WHERE seq > 5"}, 4, 5},
		{"two swapped", []string{"UPDATE audit SET seq = -5 WHERE seq = 5", "UPDATE audit SET seq = 5 WHERE seq = 6", "UPDATE audit SET seq = 6 WHERE seq = -5"}, 4, 5},
		{"one repeated at the end", []string{`INSERT INTO audit SELECT 10, at, workspace_id, actor, door, address, action, object, result, detail, key_number, prev, hash
			FROM audit WHERE seq = 9`}, 9, 10},
		{"one made up", []string{`INSERT INTO audit SELECT 10, at, workspace_id, actor, door, address, action, object, result, detail, key_number, hash, randomblob(32)
			FROM audit WHERE seq = 9`}, 9, 10},
		{"a gap at the end", []string{`INSERT INTO audit SELECT 11, at, workspace_id, actor, door, address, action, object, result, detail, key_number, hash, randomblob(32)
			FROM audit WHERE seq = 9`}, 9, 11},
	} {
		path := filepath.Join(t.TempDir(), "latchkey.db")
		copyFile(t, whole, path)
		tamper(t, path, c.texts...)
		d := openFile(t, path)
		d.UseAuditKey(1, auditMAC("right"))
		holds, broken, err := d.VerifyAudit(t.Context())
		if err != nil || holds != c.holds || broken != c.broken {
			t.Errorf("%s: %d rows hold, broken at %d, %v; want %d and %d", c.name, holds, broken, err, c.holds, c.broken)
		}
		d.UseAuditKey(1, auditMAC("wrong"))
		if holds, broken, err := d.VerifyAudit(t.Context()); err != nil || holds != 0 || broken == 0 {
			t.Errorf("%s, with another key: %d rows hold, broken at %d, %v", c.name, holds, broken, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The file itself refuses to change what was told, also through the one connection
// that writes.
func TestAuditIsOnlyAdded(t *testing.T) {
	d, _ := peopleFile(t)
	for i := range 3 {
		if err := d.SetSetting(t.Context(), shell, "turn", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{
		"UPDATE audit SET detail = '{}' WHERE seq = 2", "UPDATE audit SET seq = 99 WHERE seq = 3", "DELETE FROM audit WHERE seq = 3", "DELETE FROM audit",
		`INSERT INTO audit SELECT seq, at, workspace_id, actor, door, address, action, object, result, detail, key_number, prev, hash FROM audit WHERE seq = 3
			ON CONFLICT DO UPDATE SET at = 0`,
	} {
		err := d.change(t.Context(), func(x *Tx) error { return errors.Join(errOf(x.exec(text)), errors.New("never kept")) })
		if !strings.Contains(err.Error(), "audit rows are never") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if holds, broken, err := d.VerifyAudit(t.Context()); err != nil || holds != 3 || broken != 0 {
		t.Errorf("%d rows hold, broken at %d, %v", holds, broken, err)
	}
}

// A change that does not hold is not told, and leaves no gap; changes of the same
// commit follow each other in the chain.
func TestAuditHasNoGaps(t *testing.T) {
	d, _ := peopleFile(t)
	tell := func(action string, err error) func(*Tx) error {
		return func(x *Tx) error {
			return errors.Join(x.tell(shell, event{0, action, "", nil}), err)
		}
	}
	broken := errors.New("broken")
	errs := together(t, d, tell("a.a", nil), tell("b.b", broken), tell("c.c", nil), func(x *Tx) error { _ = tell("d.d", nil)(x); panic("oh") }, tell("e.e", nil))
	for i, bad := range []bool{false, true, false, true, false} {
		if (errs[i] != nil) != bad {
			t.Errorf("change %d: %v", i, errs[i])
		}
	}
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			if err := d.SetSetting(context.Background(), shell, "turn", fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	rows, err := d.Audit(t.Context(), 0, 0, 100)
	if err != nil || len(rows) != 23 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	slices.Reverse(rows)
	for i, r := range rows {
		if r.Seq != int64(i+1) {
			t.Errorf("row %d stands at place %d", r.Seq, i)
		}
	}
	if got := []string{rows[0].Action, rows[1].Action, rows[2].Action}; !slices.Equal(got, []string{"a.a", "c.c", "e.e"}) {
		t.Errorf("told: %v", got)
	}
}

// Without a key nothing that must be told is changed.
func TestAuditNeedsAKey(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "latchkey.db"))
	defer d.Close()
	d.UseAuditKey(0, nil)
	if err := d.SetSetting(t.Context(), access.Actor{}, "turn", "1"); err == nil {
		t.Error("a change went untold")
	}
	if got := noted(t, d); len(got) > 0 {
		t.Errorf("the file has %v", got)
	}
}

// The spelling that is signed tells every field from the next.
func TestAuditCanonical(t *testing.T) {
	full := AuditRow{Seq: 1, WorkspaceID: 2, KeyNumber: 3, Actor: "a", Door: "b", Address: "c", Action: "d", Object: "e", Result: "f", Detail: "g", Prev: []byte("h")}
	seen := map[string]string{}
	keep := func(name string, r AuditRow, at int64) {
		text := string(r.canonical(at))
		if other, there := seen[text]; there {
			t.Errorf("%s is spelled like %s", name, other)
		}
		seen[text] = name
	}
	keep("whole", full, 9)
	keep("time", full, 10)
	for name, change := range map[string]func(*AuditRow){
		"seq": func(r *AuditRow) { r.Seq = 7 }, "workspace": func(r *AuditRow) { r.WorkspaceID = 7 }, "key": func(r *AuditRow) { r.KeyNumber = 7 },
		"actor": func(r *AuditRow) { r.Actor = "x" }, "door": func(r *AuditRow) { r.Door = "x" }, "address": func(r *AuditRow) { r.Address = "x" },
		"action": func(r *AuditRow) { r.Action = "x" }, "object": func(r *AuditRow) { r.Object = "x" }, "result": func(r *AuditRow) { r.Result = "x" },
		"detail": func(r *AuditRow) { r.Detail = "x" }, "prev": func(r *AuditRow) { r.Prev = []byte("x") },
		"moved":   func(r *AuditRow) { r.Actor, r.Door = "ab", "" },
		"swapped": func(r *AuditRow) { r.Actor, r.Door = "b", "a" },
		"empty":   func(r *AuditRow) { r.Detail, r.Prev = "", []byte("gh") },
	} {
		r := full
		change(&r)
		keep(name, r, 9)
	}
}
