package db

import (
	"strconv"
	"testing"

	"latchkey/internal/access"
)

// The chain is followed from where it was left, by no more rows than are asked
// for, and a changed row is found by the walk from the start.
func TestFollowAudit(t *testing.T) {
	k := newDesk(t)
	begun, err := k.FollowAudit(t.Context(), 1000, false)
	k.must(err)
	for i := range 12 {
		k.customer("customer-" + strconv.Itoa(i))
	}
	some, err := k.FollowAudit(t.Context(), 5, false)
	k.must(err)
	if some.Whole() || some.Rows != begun.Rows+5 || some.Last != begun.Rows+12 || some.Broken != 0 {
		t.Fatalf("after five more rows: %+v, begun with %+v", some, begun)
	}
	all, err := k.FollowAudit(t.Context(), 1000, false)
	k.must(err)
	if !all.Whole() || all.Rows != begun.Rows+12 || !all.At.Equal(k.now()) {
		t.Fatalf("in the end: %+v", all)
	}
	k.must(k.change(t.Context(), func(tx *Tx) error {
		if _, err := tx.exec("DROP TRIGGER audit_no_update"); err != nil {
			return err
		}
		_, err := tx.exec("UPDATE audit SET actor = 'user:nobody' WHERE seq = $1", begun.Rows+3)
		return err
	}))
	again, err := k.FollowAudit(t.Context(), 1000, true)
	k.must(err)
	if again.Whole() || again.Broken != begun.Rows+3 {
		t.Errorf("a changed row: %+v, want it broken at %d", again, begun.Rows+3)
	}
	if kept, err := k.FollowAudit(t.Context(), 1000, false); err != nil || kept.Broken != begun.Rows+3 {
		t.Errorf("the next look says %+v, %v", kept, err)
	}
}

// An entry is found in its own workspace alone.
func TestAuditEntryIsOfItsWorkspace(t *testing.T) {
	k := newDesk(t)
	k.customer("mei")
	last := k.lastAudit()
	if r, err := k.AuditEntry(t.Context(), k.workspace, last.Seq); err != nil || r.Action != last.Action {
		t.Errorf("%+v, %v", r, err)
	}
	other, _ := k.newWorkspace("northwind")
	if _, err := k.AuditEntry(t.Context(), other, last.Seq); access.KindOf(err) != access.NotFound {
		t.Errorf("a neighbour's entry: %v", err)
	}
}
