package db

// Periods of purses that refill: they begin with the first thing that touches the
// purse after the old one has ended.

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// refill pins the purses of a call and starts the new period of those whose old
// one has ended. After an error nothing is pinned.
func (l *Ledger) refill(ctx context.Context, p Purses, zone *time.Location) error {
	if err := l.pin(p, func(id int64) *row {
		return l.d.row(ctx, "SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id)
	}); err != nil {
		return err
	}
	due, _ := l.due(p, zone, l.d.Now())
	if len(due) == 0 {
		return nil
	}
	err := l.d.change(ctx, func(t *Tx) error { return l.startPeriods(t, due) })
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unpin(p)
	}
	return err
}

// newPeriod is a period that begins, and the kind of refill that says so.
type newPeriod struct {
	start  time.Time
	refill access.Refill
}

// endedPeriod tells whether the period of a purse has ended by now.
func endedPeriod(p access.Purse, zone *time.Location, now time.Time) (newPeriod, bool) {
	if p.Refill == access.RefillNone {
		return newPeriod{}, false
	}
	start := p.Refill.PeriodStart(now, zone)
	return newPeriod{start, p.Refill}, start.After(p.PeriodAt)
}

// due lists the purses of a call whose period has ended by now, and those that an
// edit in the commit under way may have given another one. They must be pinned.
func (l *Ledger) due(p Purses, zone *time.Location, now time.Time) (due map[int64]newPeriod, edited []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.each(func(id int64) {
		a := l.known[id]
		if a.edits > 0 {
			edited = append(edited, id)
		}
		if n, ended := endedPeriod(a.Purse, zone, now); ended {
			if due == nil {
				due = make(map[int64]newPeriod, 4)
			}
			due[id] = n
		}
	})
	return due, edited
}

// startDue starts the periods that a call's purses are due, as the facts before it
// in the same commit left them.
func (l *Ledger) startDue(t *Tx, p Purses, zone *time.Location) error {
	due, edited := l.due(p, zone, t.at)
	if err := l.startPeriods(t, due); err != nil {
		return err
	}
	for _, id := range edited {
		row, err := scanPurse(t.row("SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id))
		if err != nil {
			return err
		}
		if n, ended := endedPeriod(row, zone, t.at); ended {
			if err := l.startPeriod(t, id, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Ledger) startPeriods(t *Tx, due map[int64]newPeriod) error {
	for id, n := range due {
		if err := l.startPeriod(t, id, n); err != nil {
			return err
		}
	}
	return nil
}

// startPeriod begins a period, unless a fact before this one has done so or has
// changed when the purse refills.
func (l *Ledger) startPeriod(t *Tx, id int64, p newPeriod) error {
	n, err := t.exec("UPDATE purses SET used = 0, period_at = $1 WHERE id = $2 AND period_at < $1 AND refill = $3", ms(p.start), id, p.refill)
	if err != nil || n == 0 {
		return err
	}
	t.after(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if a := l.known[id]; a != nil {
			a.Used, a.PeriodAt = 0, p.start
		}
	})
	return nil
}
