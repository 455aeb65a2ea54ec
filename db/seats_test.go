package db

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/access"
)

// Fifty customers open a link of seven places at once: exactly seven sit down,
// each with a purse of their own.
func TestOpenShareSeatsExactly(t *testing.T) {
	k := newDesk(t)
	const seats, people = 7, 50
	s := k.share("Trade fair", func(n *NewShare) { n.Share.MaxCustomers, n.Share.Allowance = ptr(int64(seats)), ptr(int64(3)) })
	all := make([]access.Customer, people)
	for i := range all {
		all[i] = k.customer(fmt.Sprintf("customer-%d", i))
	}
	var in atomic.Int64
	var wrong sync.Map
	var wait sync.WaitGroup
	for _, m := range all {
		wait.Go(func() {
			switch _, err := k.OpenShare(t.Context(), s.ID, m.ID, time.UTC); {
			case err == nil:
				in.Add(1)
			case access.KindOf(err) != access.Conflict || access.Problems(err)[0].Code != "seats_taken":
				wrong.Store(m.Username, err)
			}
		})
	}
	wait.Wait()
	wrong.Range(func(name, err any) bool { t.Errorf("%s: %v", name, err); return true })
	row, err := k.Share(t.Context(), k.workspace, s.PublicID)
	k.must(err)
	if in.Load() != seats || row.Customers != seats || row.Opens != seats {
		t.Fatalf("%d were let in, %d are seated, %d opens: want %d of each", in.Load(), row.Customers, row.Opens, seats)
	}
	var purses int64
	k.must(k.row(t.Context(), "SELECT COUNT(DISTINCT purse_id) FROM share_customers WHERE share_id = $1", s.ID).Scan(&purses))
	if purses != seats {
		t.Errorf("%d purses for %d seats", purses, seats)
	}
}

// Who is seated comes in again, also when the limit was lowered since.
func TestOpenShareAgain(t *testing.T) {
	k := newDesk(t)
	s, m := k.share("Help desk", func(n *NewShare) { n.Share.MaxCustomers = ptr(int64(1)) }), k.customer("mei")
	first := k.open(s, m)
	if first.PurseID == 0 || !first.Purse.Unlimited || first.FirstOpenedAt != k.now() {
		t.Fatalf("first opening: %+v", first)
	}
	k.wait(time.Hour)
	again := k.open(s, m)
	if again.PurseID != first.PurseID || again.FirstOpenedAt != first.FirstOpenedAt || again.LastOpenedAt != k.now() {
		t.Fatalf("second opening: %+v", again)
	}
	_, err := k.OpenShare(t.Context(), s.ID, k.customer("jonas").ID, time.UTC)
	k.refused(err, "seats_taken")
	if found, err := k.FindShare(t.Context(), s.ID); err != nil || found.Opens != 2 {
		t.Fatalf("%d opens (%v), want 2: a refused one does not count", found.Opens, err)
	}
}

func TestOpenShareRefuses(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	mei, jonas := k.customer("mei"), k.customer("jonas")
	s := k.share("Help desk", func(n *NewShare) {
		n.Share.Restricted, n.Named = true, []string{mei.PublicID}
		n.Share.ExpiresAt = k.now().Add(time.Hour)
	})
	open := func(id int64) error { _, err := k.OpenShare(ctx, s.ID, id, time.UTC); return err }
	k.must(open(mei.ID))
	k.refused(open(jonas.ID), "share_not_for_you")

	_, err := k.SetCustomerEnabled(ctx, k.owner, k.workspace, mei.PublicID, false)
	k.must(err)
	k.refused(open(mei.ID), "customer_disabled")
	_, err = k.SetCustomerEnabled(ctx, k.owner, k.workspace, mei.PublicID, true)
	k.must(err)

	_, err = k.PauseShare(ctx, k.owner, k.workspace, s.PublicID)
	k.must(err)
	k.refused(open(mei.ID), "share_paused")
	_, err = k.ResumeShare(ctx, k.owner, k.workspace, s.PublicID)
	k.must(err)
	k.must(open(mei.ID))

	k.wait(time.Hour)
	k.refused(open(mei.ID), "share_expired")
	_, err = k.RevokeShare(ctx, k.owner, k.workspace, s.PublicID, 10*time.Second)
	k.must(err)
	k.refused(open(mei.ID), "share_revoked")
	_, err = k.DeleteShare(ctx, k.owner, k.workspace, s.PublicID)
	k.must(err)
	k.refused(open(mei.ID), "share_unknown")

	other, _ := k.newWorkspace("northwind")
	stranger, err := k.MakeCustomer(ctx, k.owner, access.Customer{PublicID: k.id(), WorkspaceID: other, Username: "mei", UsernameKey: "mei"})
	k.must(err)
	ours := k.share("Ours", nil)
	_, err = k.OpenShare(ctx, ours.ID, stranger.ID, time.UTC)
	k.refused(err, "signed_out")
}

func TestSeatOfNobody(t *testing.T) {
	k := newDesk(t)
	s, m := k.share("Help desk", nil), k.customer("mei")
	if seat := k.seat(s, m); seat.PurseID != 0 || seat.Allowed || !seat.FirstOpenedAt.IsZero() || seat.ShareID != s.ID {
		t.Fatalf("a pair that never met has %+v", seat)
	}
}

func TestSeatLists(t *testing.T) {
	k := newDesk(t)
	mei, jonas := k.customer("mei"), k.customer("jonas")
	s := k.share("Help desk", func(n *NewShare) { n.Share.Restricted, n.Named = true, []string{mei.PublicID, jonas.PublicID} })
	k.open(s, jonas)
	rows, err := k.SeatsOfShare(t.Context(), k.workspace, s.ID, 50)
	k.must(err)
	if len(rows) != 2 || rows[0].Customer.ID != jonas.ID || rows[0].PurseID == 0 || rows[1].Customer.ID != mei.ID || rows[1].PurseID != 0 {
		t.Fatalf("seats of the link: %+v", rows)
	}
	rows, err = k.LinksOfCustomer(t.Context(), k.workspace, mei.ID, 50)
	k.must(err)
	if len(rows) != 1 || rows[0].Share.ID != s.ID || rows[0].BotName != "Support Bot" {
		t.Fatalf("links of the customer: %+v", rows)
	}
	other, _ := k.newWorkspace("northwind")
	if rows, err := k.SeatsOfShare(t.Context(), other, s.ID, 50); err != nil || len(rows) != 0 {
		t.Fatalf("another workspace sees %d seats (%v)", len(rows), err)
	}
	named, err := k.NamedCustomers(t.Context(), k.workspace, s.ID)
	if k.must(err); len(named) != 2 {
		t.Fatalf("named: %v", named)
	}
	// Off the list: the one who never came leaves no seat behind, the other keeps it.
	k.must(k.EditShare(t.Context(), k.owner, k.workspace, s.PublicID, ShareChange{Named: &[]string{}}, time.UTC))
	rows, err = k.SeatsOfShare(t.Context(), k.workspace, s.ID, 50)
	if k.must(err); len(rows) != 1 || rows[0].Customer.ID != jonas.ID || rows[0].Allowed {
		t.Fatalf("after the list was emptied: %+v", rows)
	}
	k.refused(k.EditShare(t.Context(), k.owner, k.workspace, s.PublicID, ShareChange{Named: &[]string{k.id()}}, time.UTC), "customer_unknown")
}
