package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// PastCall is a call that ended before the file knew of it, with the purses that
// it drew on.
type PastCall struct {
	Request access.Request
	Purses  Purses
}

// MakeHistory writes calls that ended in the past, as one fact: each row of the
// request log, its day's usage, and the charge in every purse whose present
// period it falls into. It is for samples and imports; calls of the gateway are
// settled. A request that is there already changes nothing, and a charge that a
// purse cannot hold undoes the whole fact.
func (l *Ledger) MakeHistory(ctx context.Context, zone *time.Location, calls []PastCall) error {
	var pinned []Purses
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, p := range pinned {
			l.unpin(p)
		}
	}()
	seen := map[Purses]bool{}
	for _, c := range calls {
		if seen[c.Purses] {
			continue
		}
		seen[c.Purses] = true
		if err := l.refill(ctx, c.Purses, zone); err != nil {
			return err
		}
		pinned = append(pinned, c.Purses)
	}
	return l.d.change(ctx, func(t *Tx) error {
		h := &history{zone: zone, sums: map[int64]charge{}, days: map[usageKey]*usageSum{}, used: map[int64]time.Time{}}
		for _, c := range calls {
			n, err := t.insertRequest(c.Request, spellTrace(c.Request))
			if err != nil {
				return err
			}
			if n == 1 {
				l.addPast(h, c)
			}
		}
		return l.writeHistory(t, h)
	})
}

// history is what a batch of past calls adds up to.
type history struct {
	zone *time.Location
	sums map[int64]charge
	days map[usageKey]*usageSum
	used map[int64]time.Time // when each token was used last
}

func (l *Ledger) addPast(h *history, c PastCall) {
	r := c.Request
	day := dayOf(r.At, h.zone)
	sum := usageOf(h.days, keyOf(r, day))
	if r.Outcome != access.Answered && r.Outcome != access.Partial {
		sum.refused++
		return
	}
	sum.add(r, false)
	if r.TokenID != 0 && r.At.After(h.used[r.TokenID]) {
		h.used[r.TokenID] = r.At
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Purses.each(func(id int64) {
		a := l.known[id]
		if a.Refill != access.RefillNone && day < dayOf(a.PeriodAt, h.zone) {
			return // of a period that is over
		}
		sum := h.sums[id]
		sum.charge += a.amount(r.Units)
		h.sums[id] = sum
	})
}

func (l *Ledger) writeHistory(t *Tx, h *history) error {
	for id, c := range h.sums {
		if _, err := t.exec("UPDATE purses SET used = used + $1 WHERE id = $2", c.charge, id); err != nil {
			return err
		}
	}
	for key, sum := range h.days {
		if err := t.addUsage(key, *sum); err != nil {
			return err
		}
	}
	for id, at := range h.used {
		if _, err := t.exec("UPDATE api_tokens SET used_at = MAX(COALESCE(used_at, 0), $1) WHERE id = $2", ms(at), id); err != nil {
			return err
		}
	}
	t.after(func() { l.charged(h.sums) })
	return nil
}
