package db

import (
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
	start := p.Refill.PeriodStart(t.d.Now(), zone)
	if start.IsZero() {
		start = t.d.Now()
	}
	return t.insert(`INSERT INTO purses (workspace_id, unit, quota, used, unlimited, opening, refill, period_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		p.WorkspaceID, p.Unit, p.Quota, p.Used, flag(p.Unlimited), p.Opening, p.Refill, ms(start))
}

// QuotaChange is an owner's edit of a purse: nil leaves a field as it is. Remain
// sets the quota to what is used and reserved plus that much.
type QuotaChange struct {
	Quota     *int64
	Remain    *int64
	Unlimited *bool
	Refill    *access.Refill
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
	one := Purses{Token: id}
	if err := l.pin(one, func(id int64) *row {
		return t.row("SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id)
	}); err != nil {
		return orNotFound(err, "quota")
	}
	l.mu.Lock()
	a := l.known[id]
	old := a.Purse
	next, err := c.apply(a)
	if err == nil {
		// Calls that hold while this is under way must fit both the old and the new.
		a.Quota = min(old.Quota, next.Quota)
		a.Unlimited = old.Unlimited && next.Unlimited
		if old.Unlimited && !next.Unlimited {
			a.Quota = next.Quota
		}
	}
	l.mu.Unlock()
	t.after(func() { l.settleQuota(id, next) })
	t.undo(func() { l.settleQuota(id, old) })
	if err != nil {
		return err
	}
	if next.Refill != old.Refill && next.Refill != access.RefillNone {
		next.PeriodAt = next.Refill.PeriodStart(t.d.Now(), zone)
		if next.Used, err = t.spentSince(id, next.PeriodAt, zone); err != nil {
			return err
		}
		if _, err := t.exec("UPDATE purses SET quota = $1, unlimited = $2, refill = $3, period_at = $4, used = $5 WHERE id = $6",
			next.Quota, flag(next.Unlimited), next.Refill, ms(next.PeriodAt), next.Used, id); isCheck(err) {
			return quotaTooLow(next.Used + old.Reserved)
		} else if err != nil {
			return err
		}
		return nil
	}
	// used is left alone: facts of the same group may have charged it already.
	_, err = t.exec("UPDATE purses SET quota = $1, unlimited = $2, refill = $3 WHERE id = $4",
		next.Quota, flag(next.Unlimited), next.Refill, id)
	return err
}

// settleQuota ends a quota change: the edited fields become what was decided,
// while used and reserved keep what happened meanwhile.
func (l *Ledger) settleQuota(id int64, p access.Purse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.known[id]
	a.Quota, a.Unlimited = p.Quota, p.Unlimited
	if a.Refill != p.Refill {
		a.Refill, a.PeriodAt, a.Used = p.Refill, p.PeriodAt, p.Used
	}
	a.pins--
}

func (c QuotaChange) apply(a *account) (access.Purse, error) {
	p := a.Purse
	needed := p.Used + p.Reserved + a.memory
	if c.Unlimited != nil {
		p.Unlimited = *c.Unlimited
	}
	if c.Refill != nil {
		p.Refill = *c.Refill
	}
	if c.Quota != nil {
		p.Quota = *c.Quota
	}
	if c.Remain != nil {
		p.Quota = needed + *c.Remain
	}
	switch {
	case p.Quota < 0 || p.Quota > access.UnitsMax:
		return p, access.Fail(access.Invalid, "quota_range", "A budget is between 0 and %d units.", access.UnitsMax).At("quota")
	case !p.Unlimited && p.Quota < needed:
		return p, quotaTooLow(needed)
	}
	return p, nil
}

func quotaTooLow(least int64) error {
	return access.Fail(access.Invalid, "quota_below_used",
		"That is less than what is already used and reserved: the least is %d units.", least).At("quota")
}

// spentSince adds up what the owner of a purse spent from the day of since on.
func (t *Tx) spentSince(purseID int64, since time.Time, zone *time.Location) (int64, error) {
	var spent int64
	err := t.row(`SELECT CASE WHEN p.unit = 'messages' THEN COALESCE(SUM(u.requests), 0) ELSE COALESCE(SUM(u.units), 0) END
		FROM purses p
		LEFT JOIN api_tokens k ON k.purse_id = p.id
		LEFT JOIN shares s ON s.purse_id = p.id
		LEFT JOIN share_customers c ON c.purse_id = p.id
		LEFT JOIN usage_days u ON u.workspace_id = p.workspace_id AND u.day >= $1
			AND (k.id IS NULL OR u.token_id = k.id)
			AND (s.id IS NULL OR u.share_id = s.id)
			AND (c.share_id IS NULL OR u.share_id = c.share_id AND u.customer_id = c.customer_id)
		WHERE p.id = $2`, dayOf(since, zone), purseID).Scan(&spent)
	return spent, err
}

// dayOf names the day of a moment in a zone, as usage_days spells it.
func dayOf(at time.Time, zone *time.Location) string { return at.In(zone).Format(time.DateOnly) }
