package db

import (
	"context"
	"encoding/json"

	"latchkey/internal/access"
)

// openHold is a durable hold that its call will not come back to.
type openHold struct {
	hold       Hold
	state      string
	checkpoint int64
	zone       string
}

// Sweep ends the holds of an earlier process, and those of this one that are past
// their deadline: a streaming one is settled at its checkpoint, a reserved one
// released. It returns how many it ended.
func (l *Ledger) Sweep(ctx context.Context) (int, error) {
	var found []openHold
	err := l.d.rows(ctx, list(&found, scanOpenHold), `SELECT h.request_id, h.workspace_id, h.units, h.state, h.checkpoint,
		COALESCE(h.token_purse, 0), COALESCE(h.share_purse, 0), COALESCE(h.customer_purse, 0), COALESCE(h.workspace_purse, 0),
		h.request, w.time_zone
		FROM holds h JOIN workspaces w ON w.id = h.workspace_id
		WHERE h.state IN ('reserved', 'streaming') AND (h.boot_id <> $1 OR h.deadline_at < $2)`, l.d.BootID, l.d.Now().UnixMilli())
	if err != nil {
		return 0, err
	}
	for _, f := range found {
		if err := l.sweepOne(ctx, f); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

func scanOpenHold(s scanner) (openHold, error) {
	var f openHold
	var request string
	h := &f.hold
	if err := s.Scan(&h.RequestID, &h.WorkspaceID, &h.Units, &f.state, &f.checkpoint,
		&h.Purses.Token, &h.Purses.Share, &h.Purses.Customer, &h.Purses.Workspace, &request, &f.zone); err != nil {
		return f, err
	}
	h.durable = true
	h.Zone = access.Workspace{TimeZone: f.zone}.Location()
	return f, json.Unmarshal([]byte(request), &h.Request)
}

func (l *Ledger) sweepOne(ctx context.Context, f openHold) error {
	if err := l.pin(f.hold.Purses, func(id int64) *row {
		return l.d.row(ctx, "SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id)
	}); err != nil {
		return err
	}
	f.hold.held = true
	r := f.hold.Request
	r.Outcome, r.Rule, r.Usage.Estimated, r.Units = access.Partial, "interrupted", true, f.checkpoint
	if f.state == "reserved" {
		return l.Withdraw(ctx, &f.hold)
	}
	return l.Settle(ctx, Settlement{Hold: &f.hold, Request: r})
}

// Withdraw gives the hold of a durable row back uncharged: its call got no answer.
func (l *Ledger) Withdraw(ctx context.Context, h *Hold) error {
	err := l.d.change(ctx, func(t *Tx) error {
		n, err := t.exec(`UPDATE holds SET state = 'released', ended_at = $1
			WHERE request_id = $2 AND state IN ('reserved', 'streaming')`, t.now(), h.RequestID)
		if err != nil || n == 0 {
			return err
		}
		back := map[int64]charge{}
		for id, amount := range l.amounts(h) {
			back[id] = charge{reserved: amount}
			if _, err := t.exec("UPDATE purses SET reserved = reserved - $1 WHERE id = $2", amount, id); err != nil {
				return err
			}
		}
		t.after(func() { l.charged(back) })
		return nil
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(h)
	return err
}
