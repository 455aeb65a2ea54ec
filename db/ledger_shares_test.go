package db

import (
	"context"
	"slices"
	"time"

	"pgregory.net/rapid"

	"latchkey/internal/access"
)

// EditShare changes a link's allowance, what that counts, when it comes back, and
// the budget of the link as a whole.
func (l *life) EditShare(t *rapid.T) {
	if len(l.shares) == 0 {
		l.MakeShare(t)
		return
	}
	s := &l.shares[rapid.IntRange(0, len(l.shares)-1).Draw(t, "share")]
	c := ShareChange{Refill: perhaps(t, refills, "refill"), AllowanceUnit: perhaps(t, unitsOf, "unit")}
	if rapid.Bool().Draw(t, "with cap") {
		c.Cap = ptr(perhaps(t, quotas, "cap"))
	}
	if rapid.Bool().Draw(t, "with allowance") {
		c.Allowance = ptr(perhaps(t, rapid.Int64Range(0, 100), "allowance"))
	}
	code := l.editShare(s, c)
	refusedWith(t, l.d.EditShare(context.Background(), l.owner, l.workspace.ID, s.PublicID, c, modelZone), code)
	if code == "" {
		l.followPurses(t, s)
	}
}

// editShare is the model's side: all of it or nothing.
func (l *life) editShare(s *access.Share, c ShareChange) (code string) {
	before := map[*modelPurse]modelPurse{}
	for _, p := range l.purses {
		before[p] = *p
	}
	undo := func(code string) string {
		for p, was := range before {
			*p = was
		}
		return code
	}
	q := QuotaChange{Refill: c.Refill}
	if c.Cap != nil {
		q.Quota, q.Unlimited = *c.Cap, ptr(*c.Cap == nil)
	}
	if code := l.purses[s.PurseID].edit(q, l.now()); code != "" {
		return undo(code)
	}
	next := c.Apply(*s)
	moved := next.AllowanceUnit != s.AllowanceUnit
	if !moved && same(next.Allowance, s.Allowance) && next.Refill == s.Refill {
		return ""
	}
	for _, seat := range l.seats {
		if seat.share != s.ID {
			continue
		}
		if moved && l.pins(seat.purse) > 0 {
			return undo("allowance_busy")
		}
		if !moved {
			seat.purse.edit(QuotaChange{Quota: ptr(deref(next.Allowance)), Unlimited: ptr(next.Allowance == nil), Refill: &next.Refill, Least: true}, l.now())
		}
	}
	for _, seat := range l.seats {
		if moved && seat.share == s.ID {
			seat.replace(next, l.now())
		}
	}
	*s = next
	return ""
}

// replace closes a seat's purse and gives it one that counts another unit.
func (seat *modelSeat) replace(s access.Share, now time.Time) {
	old := seat.purse
	old.quota, old.unlimited = old.used, false
	p := newModelPurse(seatPurse(s), now)
	p.spent = slices.Clone(old.spent)
	if s.Refill == access.RefillNone {
		p.period = old.period
	}
	p.used = p.since(dayOf(p.period, modelZone))
	p.quota = max(p.used, p.quota)
	seat.purse = p
}

// followPurses learns the numbers of purses that an edit has made.
func (l *life) followPurses(t *rapid.T, s *access.Share) {
	for _, seat := range l.seats {
		if seat.share == s.ID && seat.purse.id == 0 {
			row, err := l.d.Seat(context.Background(), seat.share, seat.customer)
			need(t, err)
			l.keep(seat.purse, row.PurseID)
		}
	}
}
