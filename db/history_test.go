package db

import (
	"fmt"
	"testing"
	"time"

	"latchkey/internal/access"
)

func (k *desk) past(i int, at time.Time, tok access.Token, units int64, outcome access.Outcome) PastCall {
	return PastCall{
		Request: access.Request{
			RequestID: fmt.Sprintf("past-%d", i), At: at, WorkspaceID: k.workspace, TokenID: tok.ID, BotID: k.bot, Model: "demo",
			Door: access.DoorGateway, Outcome: outcome, Status: 200, Units: units, Usage: access.Usage{Prompt: units},
		},
		Purses: Purses{Token: tok.PurseID},
	}
}

func (k *desk) sound() {
	k.t.Helper()
	faults, err := k.CheckLedger(k.t.Context())
	k.must(err)
	for _, f := range faults {
		k.t.Error(f)
	}
}

func (k *desk) usedOf(purse int64) (used int64) {
	k.t.Helper()
	k.must(k.row(k.t.Context(), "SELECT used FROM purses WHERE id = $1", purse).Scan(&used))
	return used
}

// History adds up to the unit: a purse without refill carries all of it, one that
// refills what fell into the present period, and refusals cost nothing.
func TestMakeHistoryAddsUp(t *testing.T) {
	k := newDesk(t)
	b, err := k.FindBot(t.Context(), k.bot)
	k.must(err)
	forEver, monthly := k.token(b), k.token(b)
	k.must(k.change(t.Context(), func(tx *Tx) error {
		start := access.RefillMonthly.PeriodStart(k.now(), time.UTC)
		_, err := tx.exec("UPDATE purses SET refill = 'monthly', period_at = $1 WHERE id = $2", ms(start), monthly.PurseID)
		return err
	}))
	var calls []PastCall
	for i := range 60 { // the present month has 20 days of them
		at := k.now().AddDate(0, 0, i-59)
		calls = append(calls, k.past(2*i, at, forEver, 7, access.Answered), k.past(2*i+1, at, monthly, 5, access.Partial))
	}
	calls = append(calls, k.past(900, k.now(), forEver, 0, access.Refused))
	k.must(k.Ledger.MakeHistory(t.Context(), time.UTC, calls))
	k.must(k.Ledger.MakeHistory(t.Context(), time.UTC, calls)) // again: nothing more
	if got := k.usedOf(forEver.PurseID); got != 60*7 {
		t.Errorf("used %d, want %d", got, 60*7)
	}
	if got, want := k.usedOf(monthly.PurseID), int64(5*k.now().Day()); got != want {
		t.Errorf("used this month %d, want %d", got, want)
	}
	sum, err := k.UsageTotal(t.Context(), k.workspace, "0000-00-00", "9999-99-99")
	k.must(err)
	if sum.Requests != 120 || sum.Refused != 1 || sum.Units != 60*12 {
		t.Errorf("in all %+v", sum)
	}
	k.sound()
	left, err := k.Ledger.Remain(t.Context(), Purses{Token: forEver.PurseID}, time.UTC)
	k.must(err)
	if left.Of(forEver.PurseID).Used != 60*7 {
		t.Errorf("the mirror says %+v", left.Of(forEver.PurseID))
	}
}

// A charge that a purse cannot hold undoes the whole batch.
func TestMakeHistoryKeepsTheLawOfAPurse(t *testing.T) {
	k := newDesk(t)
	b, err := k.FindBot(t.Context(), k.bot)
	k.must(err)
	tok := k.token(b)
	k.must(k.change(t.Context(), func(tx *Tx) error {
		_, err := tx.exec("UPDATE purses SET unlimited = 0, quota = 10 WHERE id = $1", tok.PurseID)
		return err
	}))
	err = k.Ledger.MakeHistory(t.Context(), time.UTC, []PastCall{k.past(1, k.now(), tok, 6, access.Answered), k.past(2, k.now(), tok, 6, access.Answered)})
	if err == nil {
		t.Fatal("12 units fit into a purse of 10")
	}
	if used := k.usedOf(tok.PurseID); used != 0 {
		t.Errorf("used %d after a fact that did not hold", used)
	}
	if n, err := k.CountRequests(t.Context(), k.workspace, RequestPage{}); err != nil || n != 0 {
		t.Errorf("%d rows were written, %v", n, err)
	}
	k.must(k.Ledger.MakeHistory(t.Context(), time.UTC, []PastCall{k.past(3, k.now(), tok, 10, access.Answered)}))
	k.sound()
}
