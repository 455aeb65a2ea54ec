package db

import (
	"slices"
	"time"

	"latchkey/internal/access"
)

// The model of the ledger: what a purse and a call are, in a few lines of
// arithmetic. The property test holds the real one against it.

// modelPurse is one purse. reserved is what rows hold, memory what memory holds.
type modelPurse struct {
	id                    int64
	unit                  access.Unit
	quota, used, reserved int64
	memory, opening       int64
	unlimited             bool
	refill                access.Refill
	period                time.Time
	spent                 []modelSpent
}

// modelSpent is one charge of the purse's owner, in both units.
type modelSpent struct {
	day   string
	units int64
	empty bool // nothing was delivered
}

func (p *modelPurse) amount(units int64) int64 {
	if p.unit == access.Messages {
		return 1
	}
	return units
}

// charged is what a call takes that is over.
func (p *modelPurse) charged(s modelSpent) int64 {
	if s.empty && p.unit == access.Messages {
		return 0
	}
	return p.amount(s.units)
}

func (p *modelPurse) fits(units int64) bool {
	return p.unlimited || p.used+p.reserved+p.memory+p.amount(units) <= p.quota
}

// since is what the owner spent from a day on, in the purse's unit.
func (p *modelPurse) since(day string) (sum int64) {
	for _, s := range p.spent {
		if s.day >= day {
			sum += p.charged(s)
		}
	}
	return sum
}

// touch ends a period that is over.
func (p *modelPurse) touch(now time.Time) {
	if start := p.refill.PeriodStart(now, modelZone); p.refill != access.RefillNone && start.After(p.period) {
		p.used, p.period = 0, start
	}
}

// edit is an owner's change. It returns the code of its refusal, and then has
// changed nothing.
func (p *modelPurse) edit(c QuotaChange, now time.Time) string {
	if c.None() {
		return ""
	}
	q := *p
	q.touch(now)
	if c.Refill != nil && *c.Refill != q.refill && *c.Refill != access.RefillNone {
		q.period = c.Refill.PeriodStart(now, modelZone)
		q.used = q.since(dayOf(q.period, modelZone))
	}
	needed := q.used + q.reserved + q.memory
	set(&q.unlimited, c.Unlimited)
	set(&q.refill, c.Refill)
	set(&q.quota, c.Quota)
	if c.Remain != nil {
		q.quota = needed + *c.Remain
	}
	switch {
	case q.quota < 0 || q.quota > access.UnitsMax:
		return "quota_range"
	case !q.unlimited && q.quota < needed && c.Least:
		q.quota = needed
	case !q.unlimited && q.quota < needed:
		return "quota_below_used"
	}
	*p = q
	return ""
}

// newModelPurse is a purse as it is made.
func newModelPurse(p access.Purse, now time.Time) *modelPurse {
	m := &modelPurse{unit: p.Unit, quota: p.Quota, used: p.Used, opening: p.Opening, unlimited: p.Unlimited, refill: p.Refill}
	if m.period = p.Refill.PeriodStart(now, modelZone); m.period.IsZero() {
		m.period = now
	}
	return m
}

// modelCall is one call and where it stands.
type modelCall struct {
	hold       *Hold
	purses     []*modelPurse
	state      string // memory, streaming, over
	checkpoint int64
	charged    int64 // once it is over, -1 for nothing
	lingers    bool  // it was swept, and does not know yet
}

// take holds a call in all its purses or in none.
func take(purses []*modelPurse, units int64, now time.Time) bool {
	for _, p := range purses {
		p.touch(now)
	}
	if slices.ContainsFunc(purses, func(p *modelPurse) bool { return !p.fits(units) }) {
		return false
	}
	for _, p := range purses {
		p.memory += p.amount(units)
	}
	return true
}

// stream makes what memory holds durable.
func (c *modelCall) stream(floor int64) {
	c.state, c.checkpoint = "streaming", min(floor, c.hold.Units)
	for _, p := range c.purses {
		a := p.amount(c.hold.Units)
		p.memory -= a
		p.reserved += a
	}
}

// settle charges at most what is held and gives the rest back.
func (c *modelCall) settle(units int64, empty bool, now time.Time) {
	units = min(units, c.hold.Units)
	for _, p := range c.purses {
		c.giveBack(p)
		p.touch(now)
		s := modelSpent{dayOf(now, modelZone), units, empty}
		p.used += p.charged(s)
		p.spent = append(p.spent, s)
	}
	c.state, c.charged = "over", units
}

// release gives all back.
func (c *modelCall) release() {
	for _, p := range c.purses {
		c.giveBack(p)
	}
	c.state, c.charged = "over", -1
}

func (c *modelCall) giveBack(p *modelPurse) {
	if a := p.amount(c.hold.Units); c.state == "streaming" {
		p.reserved -= a
	} else {
		p.memory -= a
	}
}

// modelZone is the workspace's: its midnight is 16:00 UTC.
var modelZone = time.FixedZone("Asia/Shanghai", 8*3600)
