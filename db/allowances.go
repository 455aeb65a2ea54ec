package db

// What an edit of a share link does to purses: its own, and those of its seats.
// It stands with the ledger, which alone writes them.

import (
	"errors"
	"time"

	"latchkey/internal/access"
)

// setCap edits the purse of a link as a whole. It refills with the seats.
func (l *Ledger) setCap(t *Tx, id int64, c ShareChange, zone *time.Location) error {
	q := QuotaChange{Refill: c.Refill}
	if c.Cap != nil {
		none := *c.Cap == nil
		q.Unlimited, q.Quota = &none, *c.Cap
	}
	err := l.setQuota(t, id, q, zone)
	if e, ok := errors.AsType[*access.Error](err); ok && e.Field == "quota" {
		return e.At("cap")
	}
	return err
}

// setAllowances brings the purse of every seat to the link's new allowance.
func (l *Ledger) setAllowances(t *Tx, old, s access.Share, zone *time.Location) error {
	if same(old.Allowance, s.Allowance) && old.AllowanceUnit == s.AllowanceUnit && old.Refill == s.Refill {
		return nil
	}
	seats, err := t.takenSeats(s.ID)
	if err != nil {
		return err
	}
	quota, unlimited := deref(s.Allowance), s.Allowance == nil
	for _, seat := range seats {
		if old.AllowanceUnit != s.AllowanceUnit {
			err = l.replacePurse(t, s, seat, zone)
		} else {
			err = l.setQuota(t, seat.PurseID, QuotaChange{Quota: &quota, Unlimited: &unlimited, Refill: &s.Refill, Least: true}, zone)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func same(a, b *int64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func (t *Tx) takenSeats(shareID int64) ([]access.Seat, error) {
	var seats []access.Seat
	err := t.rows(list(&seats, scanSeat), "SELECT "+seatColumns+
		" FROM share_customers c WHERE c.share_id = $1 AND c.purse_id IS NOT NULL", shareID)
	return seats, err
}

// replacePurse gives a seat a purse that counts another unit: what was held in
// the old unit cannot be given back in the new one. The old purse is closed for
// good, and what the period has seen so far is counted again in the new unit.
func (l *Ledger) replacePurse(t *Tx, s access.Share, seat access.Seat, zone *time.Location) error {
	old, err := l.closePurse(t, seat.PurseID)
	if err != nil {
		return err
	}
	id, err := t.makePurse(seatPurse(s), zone)
	if err != nil {
		return err
	}
	if _, err := t.exec("UPDATE share_customers SET purse_id = $1 WHERE share_id = $2 AND customer_id = $3", id, s.ID, seat.CustomerID); err != nil {
		return err
	}
	since := s.Refill.PeriodStart(t.at, zone)
	if s.Refill == access.RefillNone {
		since = old.PeriodAt
	}
	used, err := t.spentSince(id, since, zone)
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE purses SET used = $1, quota = $2, period_at = $3 WHERE id = $4",
		used, max(used, deref(s.Allowance)), ms(since), id)
	return err
}

// closePurse makes a purse that nothing can be held in any more. It is a Conflict
// while a call holds something in it.
func (l *Ledger) closePurse(t *Tx, id int64) (access.Purse, error) {
	if err := l.pin(Purses{Token: id}, func(id int64) *row {
		return t.row("SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id)
	}); err != nil {
		return access.Purse{}, err
	}
	l.beginEdit(t, id)
	l.mu.Lock()
	a := l.known[id]
	busy := a.Reserved+a.memory > 0 || a.pins > 1 // a call of no price holds nothing, and counts
	if !busy {
		a.Unlimited, a.Quota, a.closed = false, a.Used, true
	}
	closed := a.Purse
	l.mu.Unlock()
	if busy {
		return closed, access.Fail(access.Conflict, "allowance_busy",
			"Answers are being given on this link right now. What it counts can be changed once they have ended.").At("allowance_unit")
	}
	t.after(func() { l.settleQuota(id, closed) })
	_, err := t.exec("UPDATE purses SET quota = used, unlimited = 0 WHERE id = $1", id)
	return closed, err
}
