package db

import (
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/internal/access"
)

func (k *desk) edit(s access.Share, c ShareChange) {
	k.t.Helper()
	k.must(k.EditShare(k.t.Context(), k.owner, k.workspace, s.PublicID, c, time.UTC))
}

// left checks a seat's purse, in the mirror and in the file.
func (k *desk) left(s access.Share, m access.Customer, quota, used int64) {
	k.t.Helper()
	seat := k.seat(s, m)
	if seat.Purse.Quota != quota || seat.Purse.Used != used {
		k.t.Errorf("%s has used %d of %d, want %d of %d", m.Username, seat.Purse.Used, seat.Purse.Quota, used, quota)
	}
	mirrored, err := k.Ledger.Remain(k.t.Context(), Purses{Customer: seat.PurseID}, time.UTC)
	k.must(err)
	if p := mirrored.Of(seat.PurseID); p.Quota != quota || p.Used != used {
		k.t.Errorf("the ledger says %d of %d of %s, want %d of %d", p.Used, p.Quota, m.Username, used, quota)
	}
}

func TestAllowanceSetsEverySeat(t *testing.T) {
	k := newDesk(t)
	mei, jonas := k.customer("mei"), k.customer("jonas")
	s := k.share("Help desk", func(n *NewShare) { n.Share.Allowance = ptr(int64(5)) })
	for range 3 {
		k.answered(k.open(s, mei), 10)
	}
	k.open(s, jonas)

	k.edit(s, ShareChange{Allowance: ptr(ptr(int64(2)))})
	k.left(s, mei, 3, 3) // what is used stays used
	k.left(s, jonas, 2, 0)
	if _, err := k.ask(k.seat(s, mei), 10); !isShort(err) {
		t.Errorf("a question over the lowered allowance: %v", err)
	}

	k.edit(s, ShareChange{Allowance: ptr[*int64](nil)})
	if seat := k.seat(s, mei); !seat.Purse.Unlimited {
		t.Error("no allowance, and still a limit")
	}
	k.answered(k.seat(s, mei), 10)

	k.edit(s, ShareChange{Allowance: ptr(ptr(int64(20)))})
	k.left(s, mei, 20, 4)
	if row := k.lastAudit(); row.Action != "share.edit" {
		t.Errorf("the last audit row tells %q", row.Action)
	}
}

func isShort(err error) bool { _, ok := errors.AsType[*Short](err); return ok }

// A held question counts as used when the allowance is lowered, and comes back.
func TestAllowanceKeepsWhatIsHeld(t *testing.T) {
	k := newDesk(t)
	mei := k.customer("mei")
	s := k.share("Help desk", func(n *NewShare) { n.Share.Allowance = ptr(int64(5)) })
	seat := k.open(s, mei)
	first, err := k.ask(seat, 10)
	k.must(err)
	second, err := k.ask(seat, 10)
	k.must(err)
	k.edit(s, ShareChange{Allowance: ptr(ptr(int64(1)))})
	if p := k.seat(s, mei).Purse; p.Quota != 2 || p.Reserved != 2 || p.Remain() != 0 {
		t.Fatalf("two questions under way leave %+v", p)
	}
	k.settle(first, seat, 10)
	k.Ledger.Release(second)
	k.left(s, mei, 2, 1)
}

// The unit changes: what the period has seen is counted again, and no question
// can slip through the purse of the old unit.
func TestAllowanceUnit(t *testing.T) {
	k := newDesk(t)
	mei, jonas := k.customer("mei"), k.customer("jonas")
	s := k.share("Help desk", func(n *NewShare) { n.Share.Allowance = ptr(int64(5)) })
	before := k.open(s, mei)
	k.answered(before, 700)
	k.answered(before, 40)
	k.open(s, jonas)

	held, err := k.ask(before, 10)
	k.must(err)
	units := ShareChange{AllowanceUnit: ptr(access.Units), Allowance: ptr(ptr(int64(1000)))}
	k.refused(k.EditShare(t.Context(), k.owner, k.workspace, s.PublicID, units, time.UTC), "allowance_busy")
	k.left(s, mei, 5, 2)
	k.Ledger.Release(held)

	k.edit(s, units)
	k.left(s, mei, 1000, 740)
	k.left(s, jonas, 1000, 0)
	if _, err := k.ask(before, 1); !isShort(err) {
		t.Errorf("the purse of the old unit still holds: %v", err)
	}
	k.answered(k.seat(s, mei), 260)
	if _, err := k.ask(k.seat(s, mei), 1); !isShort(err) {
		t.Errorf("a question over the allowance in units: %v", err)
	}
	k.edit(s, ShareChange{AllowanceUnit: ptr(access.Messages), Allowance: ptr(ptr(int64(2)))})
	k.left(s, mei, 3, 3)
}

// A new refill counts what the new period has seen, and an ended period is over
// before a new allowance is compared with it.
func TestAllowanceRefill(t *testing.T) {
	k := newDesk(t)
	mei := k.customer("mei")
	s := k.share("Help desk", func(n *NewShare) { n.Share.Allowance = ptr(int64(5)) })
	k.answered(k.open(s, mei), 10)
	k.answered(k.open(s, mei), 10)
	k.wait(24 * time.Hour)
	k.answered(k.open(s, mei), 10)
	k.edit(s, ShareChange{Refill: ptr(access.RefillDaily), Allowance: ptr(ptr(int64(1)))})
	k.left(s, mei, 1, 1)
	k.wait(24 * time.Hour)
	k.edit(s, ShareChange{Allowance: ptr(ptr(int64(4)))})
	k.left(s, mei, 4, 0)
	k.answered(k.open(s, mei), 10)
	k.edit(s, ShareChange{Refill: ptr(access.RefillMonthly)})
	k.left(s, mei, 4, 4)
}

// Edits, questions and refusals at once: the mirror and the file agree at the
// end, and no purse ever held more than its quota.
func TestAllowanceUnderLoad(t *testing.T) {
	k := newDesk(t)
	mei := k.customer("mei")
	s := k.share("Help desk", func(n *NewShare) { n.Share.Allowance, n.Cap = ptr(int64(1)), ptr(int64(1_000_000)) })
	seat := k.open(s, mei)
	s.PurseID = seat.Share.PurseID
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 25 {
				if worker == 0 {
					if err := k.EditShare(background, k.owner, k.workspace, s.PublicID, ShareChange{Allowance: ptr(ptr(int64(i % 7)))}, time.UTC); err != nil {
						t.Error(err)
					}
					continue
				}
				h := &Hold{RequestID: k.id(), WorkspaceID: k.workspace, Zone: time.UTC, Units: 10, Purses: Purses{Customer: seat.PurseID}}
				if err := k.Ledger.Hold(background, h); isShort(err) {
					continue
				} else if err != nil {
					t.Error(err)
					continue
				}
				if err := k.Ledger.Settle(background, Settlement{Hold: h, Request: access.Request{
					RequestID: h.RequestID, At: k.now(), WorkspaceID: k.workspace, ShareID: s.ID, CustomerID: mei.ID, Model: "demo",
					Door: access.DoorChat, Outcome: access.Answered, Units: 5,
				}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	var answers, used, quota int64
	k.must(k.row(t.Context(), "SELECT COALESCE(SUM(requests), 0) FROM usage_days WHERE customer_id = $1", mei.ID).Scan(&answers))
	k.must(k.row(t.Context(), "SELECT used, quota FROM purses WHERE id = $1", seat.PurseID).Scan(&used, &quota))
	if used != answers || quota < used {
		t.Errorf("%d answers, %d used of %d", answers, used, quota)
	}
	k.left(s, mei, quota, used)
}

func TestShareCap(t *testing.T) {
	k := newDesk(t)
	mei := k.customer("mei")
	s := k.share("Help desk", func(n *NewShare) { n.Cap = ptr(int64(100)) })
	row, err := k.Share(t.Context(), k.workspace, s.PublicID)
	k.must(err)
	if row.Purse.Quota != 100 || row.Purse.Unlimited {
		t.Fatalf("the link's purse is %+v", row.Purse)
	}
	seat := k.open(s, mei)
	seat.Share.PurseID = s.PurseID
	k.answered(seat, 60)
	err = k.EditShare(t.Context(), k.owner, k.workspace, s.PublicID, ShareChange{Cap: ptr(ptr(int64(50)))}, time.UTC)
	k.refused(err, "quota_below_used")
	if at := access.Problems(err)[0].Field; at != "cap" {
		t.Errorf("the refusal stands at %q", at)
	}
	k.edit(s, ShareChange{Cap: ptr(ptr(int64(60)))})
	if _, err := k.ask(seat, 1); !isShort(err) {
		t.Errorf("a question over the cap: %v", err)
	}
	k.edit(s, ShareChange{Cap: ptr[*int64](nil)})
	k.answered(seat, 1)
}
