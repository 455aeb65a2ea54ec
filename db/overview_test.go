package db

import (
	"testing"
	"time"

	"latchkey/internal/access"
)

// Pieces are cut at the given moments, midnight falls into one of each day, and a
// customer counts once a day.
func TestSlots(t *testing.T) {
	k := newDesk(t)
	b, err := k.FindBot(t.Context(), k.bot)
	k.must(err)
	tok := k.token(b)
	s, m := k.share("Help desk", func(*NewShare) {}), k.customer("mei")
	seat := k.open(s, m)
	today := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	n := 0
	at := func(moment time.Time, outcome access.Outcome, customer bool) {
		t.Helper()
		n++
		c := k.past(n, moment, tok, 10, outcome)
		if outcome == access.Refused {
			c.Request.Units = 0
		}
		if customer {
			c.Request.TokenID, c.Request.ShareID, c.Request.CustomerID = 0, s.ID, m.ID
			c.Purses = Purses{Share: s.PurseID, Customer: seat.PurseID}
		}
		k.must(k.Ledger.MakeHistory(t.Context(), time.UTC, []PastCall{c}))
	}
	at(today.Add(-10*time.Minute), access.Answered, true) // the piece that midnight falls into
	at(today.Add(5*time.Minute), access.Answered, true)
	at(today.Add(6*time.Minute), access.Answered, true)
	at(today.Add(7*time.Minute), access.Refused, false)
	at(today.Add(2*time.Hour), access.Answered, false)
	at(today.AddDate(0, 0, -1).Add(-time.Second), access.Answered, false) // before yesterday
	q := SlotQuery{Yesterday: today.AddDate(0, 0, -1), Today: today, Length: 30 * time.Minute, From: today.AddDate(0, 0, -1).Add(-15 * time.Minute)}
	slots, err := k.Slots(t.Context(), k.workspace, q)
	k.must(err)
	found := map[string]Slot{}
	for _, one := range slots {
		name := one.At.UTC().Format("2 15:04")
		if one.Today {
			name += " today"
		}
		found[name] = one
	}
	for name, want := range map[string]Slot{
		"19 23:45":       {Requests: 1, Units: 10, Customers: 1},
		"19 23:45 today": {Requests: 2, Refused: 1, Units: 20, Customers: 1},
		"20 01:45 today": {Requests: 1, Units: 10},
	} {
		got := found[name]
		if got.Requests != want.Requests || got.Refused != want.Refused || got.Units != want.Units || got.Customers != want.Customers {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if len(found) != 3 {
		t.Errorf("%d pieces: %v", len(found), found)
	}
	days, err := k.OverviewDays(t.Context(), k.workspace, "2026-11-19", "2026-11-20")
	k.must(err)
	if len(days) != 2 || days[0].Customers != 1 || days[1].Requests != 3 || days[1].Refused != 1 || days[1].Units != 30 {
		t.Errorf("days %+v", days)
	}
	k.sound()
}

// A token that has nothing left needs attention while it is called; one that is
// off, or was raised, does not.
func TestSpentTokensAndEndings(t *testing.T) {
	k := newDesk(t)
	b, err := k.FindBot(t.Context(), k.bot)
	k.must(err)
	spent, off, ending := k.token(b), k.token(b), k.token(b)
	for i, tok := range []access.Token{spent, off} {
		k.must(k.change(t.Context(), func(tx *Tx) error {
			_, err := tx.exec("UPDATE purses SET unlimited = 0, quota = 10 WHERE id = $1", tok.PurseID)
			return err
		}))
		k.must(k.Ledger.MakeHistory(t.Context(), time.UTC, []PastCall{k.past(10*i, k.now(), tok, 10, access.Answered), k.past(10*i+1, k.now(), tok, 0, access.Refused)}))
	}
	_, err = k.SetTokenEnabled(t.Context(), k.owner, k.workspace, off.PublicID, false)
	k.must(err)
	at := k.now().Add(5 * 24 * time.Hour)
	k.must(k.EditToken(t.Context(), k.owner, k.workspace, ending.PublicID, TokenChange{ExpiresAt: &at}, time.UTC))
	k.share("Beta pilot", func(n *NewShare) { n.Share.ExpiresAt = k.now().Add(20 * time.Hour) })
	k.share("Next year", func(n *NewShare) { n.Share.ExpiresAt = k.now().Add(400 * 24 * time.Hour) })
	found, err := k.SpentTokens(t.Context(), k.workspace, "2026-11-14", "2026-11-20")
	k.must(err)
	if len(found) != 1 || found[0].PublicID != spent.PublicID || found[0].Refused != 1 || !found[0].UsedAt.Equal(k.now()) {
		t.Errorf("spent: %+v", found)
	}
	ends, err := k.Endings(t.Context(), k.workspace, k.now().Add(14*24*time.Hour), "2026-11-14")
	k.must(err)
	if len(ends) != 2 || !ends[0].Share || ends[0].Name != "Beta pilot" || ends[1].PublicID != ending.PublicID || !ends[1].At.Equal(at) {
		t.Errorf("ending: %+v", ends)
	}
	other, _ := k.newWorkspace("northwind")
	if found, err := k.SpentTokens(t.Context(), other, "2026-11-14", "2026-11-20"); err != nil || len(found) > 0 {
		t.Errorf("a neighbour's: %+v, %v", found, err)
	}
	if ends, err := k.Endings(t.Context(), other, at, "2026-11-14"); err != nil || len(ends) > 0 {
		t.Errorf("a neighbour's: %+v, %v", ends, err)
	}
}
