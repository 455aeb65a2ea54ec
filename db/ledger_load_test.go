package db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/access"
)

// What runs at once in TestLedgerUnderLoad.
const (
	loadWorkers = 64
	loadCalls   = 25
)

// load is a life with tokens and seats that many goroutines use at once.
type load struct {
	life
	t       *testing.T
	charged atomic.Int64
	answers atomic.Int64
}

func newLoad(t *testing.T) *load {
	t.Helper()
	l := &load{t: t}
	l.folder = t.TempDir()
	template := filepath.Join(l.folder, "template.db")
	makeTemplate(t, template)
	l.begin(t, template)
	t.Cleanup(func() { l.end(t) })
	ctx := t.Context()
	for i, refill := range []access.Refill{access.RefillNone, access.RefillDaily, access.RefillMonthly} {
		k, err := l.d.MakeToken(ctx, l.owner, NewToken{
			Token: access.Token{PublicID: hexID(), WorkspaceID: l.workspace.ID, Name: fmt.Sprintf("token %d", i), Hint: "9KaB", PermissionsShape: "array"},
			Purse: access.Purse{Quota: 500, Refill: refill}, Hash: sha256.Sum256([]byte{byte(i)}), BetaHash: sha256.Sum256([]byte{byte(i), 1}), Zone: modelZone,
		})
		need(t, err)
		l.tokens = append(l.tokens, k)
	}
	s, err := l.d.MakeShare(ctx, l.owner, NewShare{Share: access.Share{
		PublicID: hexID(), WorkspaceID: l.workspace.ID, BotID: 1, Sealed: []byte("-"), Hint: "9KaB", Allowance: ptr(int64(20)), AllowanceUnit: access.Messages, Refill: access.RefillDaily,
	}, Cap: ptr(int64(2000)), Hash: sha256.Sum256([]byte("share")), Zone: modelZone})
	need(t, err)
	l.shares = append(l.shares, s)
	for _, m := range l.customers {
		_, err := l.d.OpenShare(ctx, s.ID, m, modelZone)
		need(t, err)
	}
	return l
}

// call begins a call, and ends it in one of the ways calls end.
func (l *load) call(r *rand.Rand) error {
	ctx := context.Background()
	h := &Hold{RequestID: hexID(), WorkspaceID: l.workspace.ID, Zone: modelZone, Units: r.Int64N(40), Deadline: l.now().AddDate(1, 0, 0)}
	h.Purses.Workspace = l.workspace.PurseID
	h.Request = access.Request{RequestID: h.RequestID, At: l.now(), WorkspaceID: l.workspace.ID, BotID: 1, Model: "demo", Door: access.DoorGateway, Outcome: access.Answered, Status: 200}
	if i := r.IntN(len(l.tokens) + len(l.customers)); i < len(l.tokens) {
		h.Purses.Token, h.Request.TokenID = l.tokens[i].PurseID, l.tokens[i].ID
	} else {
		seat, err := l.d.Seat(ctx, l.shares[0].ID, l.customers[i-len(l.tokens)])
		if err != nil {
			return err
		}
		h.Purses.Customer, h.Purses.Share = seat.PurseID, l.shares[0].PurseID
		h.Request.ShareID, h.Request.CustomerID = seat.ShareID, seat.CustomerID
	}
	if err := l.d.Ledger.Hold(ctx, h); err != nil {
		if isShort(err) {
			return nil
		}
		return err
	}
	if r.IntN(5) == 0 {
		l.d.Ledger.Release(h)
		return nil
	}
	if r.IntN(2) == 0 {
		// What memory holds fits into the row, whatever was edited meanwhile.
		if err := l.d.Ledger.Stream(ctx, h, r.Int64N(50)); err != nil {
			l.d.Ledger.Release(h)
			return fmt.Errorf("stream: %w", err)
		}
		l.d.Ledger.Checkpoint(h.RequestID, r.Int64N(50))
		if r.IntN(4) == 0 {
			return l.d.Ledger.Withdraw(ctx, h)
		}
	}
	s := Settlement{Hold: h, Request: h.Request}
	s.Request.Units = r.Int64N(60)
	l.charged.Add(min(s.Request.Units, h.Units))
	l.answers.Add(1)
	err := l.d.Ledger.Settle(ctx, s)
	return errors.Join(err, l.d.Ledger.Settle(ctx, s))
}

// edit changes a budget, or an allowance, in a way that may be refused.
func (l *load) edit(r *rand.Rand) error {
	ctx := context.Background()
	var c QuotaChange
	switch r.IntN(4) {
	case 0:
		c.Quota = ptr(r.Int64N(800))
	case 1:
		c.Remain = ptr(r.Int64N(200))
	case 2:
		c.Quota, c.Unlimited = ptr(r.Int64N(800)), ptr(r.IntN(3) == 0)
	case 3:
		c.Refill = ptr([]access.Refill{access.RefillNone, access.RefillDaily, access.RefillWeekly, access.RefillMonthly}[r.IntN(4)])
	}
	var err error
	switch k := l.tokens[r.IntN(len(l.tokens))]; r.IntN(4) {
	case 0:
		_, err = l.d.EditWorkspace(ctx, l.owner, l.workspace.ID, WorkspaceChange{Quota: c})
	case 1:
		unit := []access.Unit{access.Units, access.Messages}[r.IntN(2)]
		err = l.d.EditShare(ctx, l.owner, l.workspace.ID, l.shares[0].PublicID, ShareChange{
			Allowance: ptr(ptr(r.Int64N(60))), Refill: c.Refill, Cap: ptr(c.Quota), AllowanceUnit: &unit,
		}, modelZone)
	default:
		err = l.d.EditToken(ctx, l.owner, l.workspace.ID, k.PublicID, TokenChange{Quota: c}, modelZone)
	}
	for _, p := range access.Problems(err) {
		if p.Code == "quota_below_used" || p.Code == "allowance_busy" {
			return nil
		}
	}
	return err
}

// Holds, streams, settlements and edits of everything, all at once, over the ends
// of days: no step fails that should not, a look at the books never finds a fault,
// and at the end nothing is held and everything adds up.
func TestLedgerUnderLoad(t *testing.T) {
	l := newLoad(t)
	var workers, auditor sync.WaitGroup
	over := make(chan struct{})
	auditor.Go(func() {
		for done := false; !done; {
			select {
			case <-over:
				done = true
			default:
			}
			if faults, err := l.d.CheckLedger(context.Background()); err != nil || len(faults) > 0 {
				t.Errorf("while it runs: %v %v", faults, err)
				return
			}
		}
	})
	for worker := range loadWorkers {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 7))
			for range loadCalls {
				var err error
				switch r.IntN(20) {
				case 0, 1, 2:
					err = l.edit(r)
				case 3:
					l.at.Add((time.Duration(r.IntN(12)) * time.Hour).Milliseconds())
				case 4:
					_, err = l.d.Ledger.Remain(context.Background(), Purses{Token: l.tokens[0].PurseID, Workspace: l.workspace.PurseID}, modelZone)
				default:
					err = l.call(r)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	close(over)
	auditor.Wait()
	l.settled()
}

// settled checks that nothing is held and everything adds up.
func (l *load) settled() {
	t := l.t
	t.Helper()
	l.d.Ledger.mu.Lock()
	for id, a := range l.d.Ledger.known {
		file, err := scanPurse(l.d.row(context.Background(), "SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id))
		file.PeriodAt, a.PeriodAt = file.PeriodAt.UTC(), a.PeriodAt.UTC()
		if err != nil || file != a.Purse || a.memory != 0 || a.Reserved != 0 || a.pins != 0 {
			t.Errorf("purse %d: %+v with %d in memory and %d pins; the file says %+v, %v", id, a.Purse, a.memory, a.pins, file, err)
		}
	}
	l.d.Ledger.mu.Unlock()
	var units, requests, days, answers int64
	need(t, l.d.row(context.Background(), "SELECT COALESCE(SUM(units), 0), COUNT(*) FROM requests").Scan(&units, &requests))
	need(t, l.d.row(context.Background(), "SELECT COALESCE(SUM(units), 0), COALESCE(SUM(requests), 0) FROM usage_days").Scan(&days, &answers))
	if want, n := l.charged.Load(), l.answers.Load(); units != want || days != want || requests != n || answers != n || n == 0 {
		t.Errorf("%d answers for %d units; the log says %d for %d, the days %d for %d", n, want, requests, units, answers, days)
	}
	if faults, err := l.d.CheckLedger(context.Background()); err != nil || len(faults) > 0 {
		t.Errorf("the ledger: %v %v", faults, err)
	}
}
