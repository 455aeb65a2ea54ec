package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
)

// ledger measures figures 5 and 7: durable settles and creates a second.
func (b *bench) ledger() error {
	h, err := newHouse("127.0.0.1:9")
	if err != nil {
		return err
	}
	defer os.RemoveAll(h.folder)
	defer h.close()
	ctx := context.Background()
	w, err := h.db.FindWorkspace(ctx, h.owner.WorkspaceID)
	if err != nil {
		return err
	}
	var tokens []access.Token
	for i := range 64 {
		name := fmt.Sprint("token ", i)
		k, err := h.control.CreateToken(ctx, h.owner, control.TokenForm{Name: &name})
		if err != nil {
			return err
		}
		tokens = append(tokens, k.Row.Token)
	}
	b.title("Facts, durable before they are acknowledged (goals: 15,000 settles at 64 callers, 3,000 creates at 16)")
	for _, callers := range []int{1, 16, 64, 256} {
		n, err := b.many(callers, func(i int) error {
			k := tokens[i%len(tokens)]
			hold := &db.Hold{RequestID: secret.NewPublicID(rand.Reader), WorkspaceID: w.ID, Zone: time.UTC, Units: 100, Purses: db.Purses{Token: k.PurseID, Workspace: w.PurseID}}
			if err := h.db.Ledger.Hold(ctx, hold); err != nil {
				return err
			}
			return h.db.Ledger.Settle(ctx, db.Settlement{Hold: hold, Request: access.Request{
				RequestID: hold.RequestID, At: time.Now(), WorkspaceID: w.ID, TokenID: k.ID, Model: "fast", Door: access.DoorGateway,
				Outcome: access.Answered, Status: 200, Usage: access.Usage{Prompt: 12, Completion: 10}, Units: 22,
			}})
		})
		if err != nil {
			return err
		}
		b.line("settles at %3d callers: %6.0f/s", callers, n)
	}
	faults, err := h.db.CheckLedger(ctx)
	if err != nil || len(faults) > 0 {
		return fmt.Errorf("the ledger does not add up: %v %v", faults, err)
	}
	n, err := b.many(16, func(i int) error {
		name := fmt.Sprint("made ", i)
		_, err := h.control.CreateToken(ctx, h.owner, control.TokenForm{Name: &name})
		return err
	})
	if err != nil {
		return err
	}
	b.line("creates at  16 callers: %6.0f/s; charges equal the request log to the unit", n)
	return b.revokeMany(ctx, h)
}

// revokeMany measures a batch of 100, from the call to the disk: deleted in one
// act, and revoked by a hundred callers at once.
func (b *bench) revokeMany(ctx context.Context, h *house) error {
	var deleted, revoked []time.Duration
	for range 5 {
		var numbers []int64
		var ids []string
		for range 100 {
			name := "batch"
			k, err := h.control.CreateToken(ctx, h.owner, control.TokenForm{Name: &name})
			if err != nil {
				return err
			}
			numbers, ids = append(numbers, k.Row.ID), append(ids, k.Row.PublicID)
		}
		began := time.Now()
		var wg sync.WaitGroup
		var failed atomic.Pointer[error]
		for _, id := range ids {
			wg.Go(func() {
				if err := h.control.RevokeToken(ctx, h.owner, id); err != nil {
					failed.Store(&err)
				}
			})
		}
		wg.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		revoked = append(revoked, time.Since(began))
		began = time.Now()
		if n, err := h.control.DeleteTokens(ctx, h.owner, numbers); err != nil || n != 100 {
			return fmt.Errorf("%d of 100 deleted: %v", n, err)
		}
		deleted = append(deleted, time.Since(began))
	}
	slices.Sort(revoked)
	slices.Sort(deleted)
	b.line("a batch of 100: revoked in %s, deleted in %s, medians of five (goal: 5 ms)", short(revoked[2]), short(deleted[2]))
	return nil
}

// many does something from so many callers at once, and counts.
func (b *bench) many(callers int, do func(i int) error) (perSecond float64, err error) {
	var done atomic.Int64
	var stop atomic.Bool
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for c := range callers {
		wg.Go(func() {
			for i := c; !stop.Load(); i += callers {
				if err := do(i); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	time.Sleep(b.length)
	stop.Store(true)
	wg.Wait()
	if e := failed.Load(); e != nil {
		return 0, *e
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}
