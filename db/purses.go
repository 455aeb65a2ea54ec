package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"latchkey/internal/access"
)

const purseColumns = "p.id, p.workspace_id, p.unit, p.quota, p.used, p.reserved, p.unlimited, p.opening, p.refill, p.period_at"

// purseFields are the targets of purseColumns.
func purseFields(p *access.Purse, period *moment) []any {
	return []any{&p.ID, &p.WorkspaceID, &p.Unit, &p.Quota, &p.Used, &p.Reserved, &p.Unlimited, &p.Opening, &p.Refill, period}
}

func scanPurse(s scanner) (access.Purse, error) {
	var p access.Purse
	var period moment
	err := s.Scan(purseFields(&p, &period)...)
	p.PeriodAt = period.Time
	return p, err
}

// makePurse creates a purse. Its first period began at the start of the present
// one, or now where it never refills.
func (t *Tx) makePurse(p access.Purse, zone *time.Location) (int64, error) {
	if p.Unit == "" {
		p.Unit = access.Units
	}
	if p.Refill == "" {
		p.Refill = access.RefillNone
	}
	start := p.Refill.PeriodStart(t.at, zone)
	if start.IsZero() {
		start = t.at
	}
	return t.insert(`INSERT INTO purses (workspace_id, unit, quota, used, unlimited, opening, refill, period_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		p.WorkspaceID, p.Unit, p.Quota, p.Used, flag(p.Unlimited), p.Opening, p.Refill, ms(start))
}

// QuotaChange is an owner's edit of a purse: nil leaves a field as it is. Remain
// sets the quota to what is used and reserved plus that much. Least: a quota below
// what is used and reserved becomes that instead of being refused.
type QuotaChange struct {
	Quota     *int64
	Remain    *int64
	Unlimited *bool
	Refill    *access.Refill
	Least     bool
}

// None reports whether the change changes nothing.
func (c QuotaChange) None() bool {
	return c.Quota == nil && c.Remain == nil && c.Unlimited == nil && c.Refill == nil
}

// setQuota edits a purse. A quota below what is used and reserved is refused with
// the least that is allowed, since the law of a purse would be broken.
func (l *Ledger) setQuota(t *Tx, id int64, c QuotaChange, zone *time.Location) error {
	if c.None() {
		return nil
	}
	if err := l.pin(Purses{Token: id}, func(id int64) *row {
		return t.row("SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id)
	}); err != nil {
		return orNotFound(err, "quota")
	}
	l.beginEdit(t, id)
	next, err := l.quotaBase(t, id, c, zone)
	if err != nil {
		return err
	}
	if next, err = l.clampQuota(id, next, c); err != nil {
		return err
	}
	t.after(func() { l.settleQuota(id, next) })
	_, err = t.exec("UPDATE purses SET quota = $1, unlimited = $2, refill = $3 WHERE id = $4",
		next.Quota, flag(next.Unlimited), next.Refill, id)
	return err
}

// quotaBase is the purse that an edit starts from, as the facts before it in the
// same commit left it: an ended period is over, and used is of the new period
// where the edit changes when it refills.
func (l *Ledger) quotaBase(t *Tx, id int64, c QuotaChange, zone *time.Location) (access.Purse, error) {
	read := func() (access.Purse, error) {
		return scanPurse(t.row("SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id))
	}
	p, err := read()
	if err != nil {
		return p, err
	}
	if n, ended := endedPeriod(p, zone, t.at); ended {
		if err := l.startPeriod(t, id, n); err != nil {
			return p, err
		}
		if p, err = read(); err != nil {
			return p, err
		}
	}
	if c.Refill == nil || *c.Refill == p.Refill || *c.Refill == access.RefillNone {
		return p, nil
	}
	p.PeriodAt = c.Refill.PeriodStart(t.at, zone)
	if p.Used, err = t.spentSince(id, p.PeriodAt, zone); err != nil {
		return p, err
	}
	// The longer period may hold more than the old quota: an unlimited moment
	// keeps the row's law until the new quota is written beside it.
	_, err = t.exec("UPDATE purses SET unlimited = 1, used = $1, period_at = $2 WHERE id = $3", p.Used, ms(p.PeriodAt), id)
	t.after(func() { l.movePeriod(id, p.Used, p.PeriodAt) })
	return p, err
}

func (l *Ledger) movePeriod(id, used int64, period time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.known[id]
	a.Used, a.PeriodAt = used, period
}

// clampQuota decides the edit and lets calls that hold while it is under way take
// no more than both the old and the new purse would give.
func (l *Ledger) clampQuota(id int64, base access.Purse, c QuotaChange) (access.Purse, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.known[id]
	needed := base.Used + a.Reserved + a.memory
	if base.PeriodAt.Equal(a.PeriodAt) {
		needed = a.Used + a.Reserved + a.memory
	}
	next, err := c.apply(base, needed)
	// Where the edit counts a longer period, the mirror does not know yet how much
	// more of the quota that has used.
	least := next.Quota - max(0, base.Used-a.Used)
	switch {
	case err != nil || next.Unlimited:
	case a.Unlimited:
		a.Unlimited, a.Quota = false, least
	default:
		a.Quota = min(a.Quota, least)
	}
	return next, err
}

// beginEdit notes that the row of a pinned purse is about to say more than its
// mirror. settleQuota or keepQuota ends that.
func (l *Ledger) beginEdit(t *Tx, id int64) {
	t.undo(func() { l.keepQuota(id) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[id].edits++
}

// settleQuota ends a quota change: the edited fields become what was decided,
// while used and reserved keep what happened meanwhile.
func (l *Ledger) settleQuota(id int64, p access.Purse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.known[id]
	a.Quota, a.Unlimited, a.Refill = p.Quota, p.Unlimited, p.Refill
	a.pins--
	a.edits--
}

// keepQuota ends a quota change that does not hold: the mirror is what the file
// says again.
func (l *Ledger) keepQuota(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.known[id]
	a.pins--
	a.edits--
	a.closed = false
	p, err := scanPurse(l.d.row(context.Background(), "SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id))
	if errors.Is(err, sql.ErrNoRows) && a.pins == 0 {
		delete(l.known, id) // it was made in the same commit, which failed
		return
	}
	if err != nil {
		// Refusing too much is the safe side until the next edit or start.
		l.d.Log.Error("a purse could not be read again", "purse", id, "error", err)
		return
	}
	a.Quota, a.Unlimited = p.Quota, p.Unlimited
}

func (c QuotaChange) apply(p access.Purse, needed int64) (access.Purse, error) {
	set(&p.Unlimited, c.Unlimited)
	set(&p.Refill, c.Refill)
	set(&p.Quota, c.Quota)
	if c.Remain != nil {
		p.Quota = needed + *c.Remain
	}
	switch {
	case p.Quota < 0 || p.Quota > access.UnitsMax:
		return p, access.Fail(access.Invalid, "quota_range", "A budget is between 0 and %d units.", access.UnitsMax).At("quota")
	case !p.Unlimited && p.Quota < needed && c.Least:
		p.Quota = needed
	case !p.Unlimited && p.Quota < needed:
		return p, quotaTooLow(needed)
	}
	return p, nil
}

func quotaTooLow(least int64) error {
	return access.Fail(access.Invalid, "quota_below_used",
		"That is less than what is already used and reserved: the least is %d units.", least).At("quota")
}

// spentText is what the owner of a purse spent from a day on.
const spentText = `SELECT CASE WHEN p.unit = 'messages' THEN COALESCE(SUM(u.messages), 0) ELSE COALESCE(SUM(u.units), 0) END
		FROM purses p
		LEFT JOIN api_tokens k ON k.purse_id = p.id
		LEFT JOIN shares s ON s.purse_id = p.id
		LEFT JOIN share_customers c ON c.purse_id = p.id
		LEFT JOIN usage_days u ON u.workspace_id = p.workspace_id AND u.day >= $1
			AND (k.id IS NULL OR u.token_id = k.id)
			AND (s.id IS NULL OR u.share_id = s.id)
			AND (c.share_id IS NULL OR u.share_id = c.share_id AND u.customer_id = c.customer_id)
		WHERE p.id = $2`

// spentSince adds up what the owner of a purse spent from the day of since on.
func (t *Tx) spentSince(purseID int64, since time.Time, zone *time.Location) (int64, error) {
	var spent int64
	err := t.row(spentText, dayOf(since, zone), purseID).Scan(&spent)
	return spent, err
}

// dayOf names the day of a moment in a zone, as usage_days spells it.
func dayOf(at time.Time, zone *time.Location) string { return at.In(zone).Format(time.DateOnly) }
