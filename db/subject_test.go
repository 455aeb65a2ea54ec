package db

import (
	"testing"
	"time"

	"latchkey/internal/access"
)

func TestModelsOf(t *testing.T) {
	k := newDesk(t)
	tok, other := k.unbound("mine"), k.unbound("another")
	now := k.now()
	calls := []PastCall{
		k.past(1, now, tok, 10, access.Answered), k.past(2, now, tok, 30, access.Answered), k.past(3, now, tok, 0, access.Refused),
		k.past(4, now, tok, 7, access.Answered), k.past(5, now, other, 500, access.Answered), k.past(6, now.AddDate(0, 0, -3), tok, 900, access.Answered),
	}
	calls[3].Request.Model = "qwen-max"
	k.must(k.Ledger.MakeHistory(t.Context(), time.UTC, calls))
	rows, err := k.ModelsOf(t.Context(), k.workspace, Subject{Token: tok.ID}, 3, time.UTC, 10)
	k.must(err)
	if len(rows) != 2 || rows[0].Key != calls[0].Request.Model || rows[0].Units != 40 || rows[0].Requests != 2 || rows[0].Refused != 1 ||
		rows[1].Key != "qwen-max" || rows[1].Units != 7 {
		t.Errorf("by model: %+v", rows)
	}
	if rows, err = k.ModelsOf(t.Context(), k.workspace, Subject{Token: tok.ID}, 4, time.UTC, 1); err != nil || len(rows) != 1 || rows[0].Units != 940 {
		t.Errorf("a day more, one row: %+v, %v", rows, err)
	}
	far, _ := k.newWorkspace("northwind")
	if rows, err = k.ModelsOf(t.Context(), far, Subject{Token: tok.ID}, 3, time.UTC, 10); err != nil || len(rows) != 0 {
		t.Errorf("another workspace sees %+v, %v", rows, err)
	}
}
