package access

import (
	"math"
	"math/bits"
	"time"
)

// Unit is what a purse counts.
type Unit string

const (
	Units    Unit = "units"    // quota units
	Messages Unit = "messages" // one an answer
)

// Refill is how often a purse's used goes back to zero, in the workspace's zone.
type Refill string

const (
	RefillNone    Refill = "none"
	RefillDaily   Refill = "daily"
	RefillWeekly  Refill = "weekly" // from Monday
	RefillMonthly Refill = "monthly"
)

// Valid reports whether r is one of the four.
func (r Refill) Valid() bool {
	return r == RefillNone || r == RefillDaily || r == RefillWeekly || r == RefillMonthly
}

// PeriodStart returns the start of the period that holds now, in the zone. A
// purse without refill has one period, which starts at the zero time.
func (r Refill) PeriodStart(now time.Time, zone *time.Location) time.Time {
	local := now.In(zone)
	y, m, d := local.Date()
	switch r {
	case RefillDaily:
		return dayStart(y, m, d, zone)
	case RefillWeekly:
		back := (int(local.Weekday()) + 6) % 7
		return dayStart(y, m, d-back, zone)
	case RefillMonthly:
		return dayStart(y, m, 1, zone)
	}
	return time.Time{}
}

// NextRefill returns when used goes back to zero next, or the zero time.
func (r Refill) NextRefill(now time.Time, zone *time.Location) time.Time {
	start := r.PeriodStart(now, zone)
	y, m, d := start.Date()
	switch r {
	case RefillDaily:
		return dayStart(y, m, d+1, zone)
	case RefillWeekly:
		return dayStart(y, m, d+7, zone)
	case RefillMonthly:
		return dayStart(y, m+1, 1, zone)
	}
	return time.Time{}
}

// dayStart is the first moment of a day. Where clocks go forward at midnight that
// is one o'clock, and time.Date may answer with the evening before.
func dayStart(y int, m time.Month, d int, zone *time.Location) time.Time {
	at := time.Date(y, m, d, 0, 0, 0, 0, zone)
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	if day(at).Before(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)) {
		_, at = at.ZoneBounds()
	}
	return at
}

// Purse is where quota, used and reserved are kept. Reserved as read from the
// database layer includes what the process holds in memory.
type Purse struct {
	ID          int64
	WorkspaceID int64
	Unit        Unit
	Quota       int64
	Used        int64
	Reserved    int64
	Unlimited   bool
	Opening     int64
	Refill      Refill
	PeriodAt    time.Time
}

// Remain is quota − used − reserved; the most an int64 holds when unlimited.
func (p Purse) Remain() int64 {
	if p.Unlimited {
		return math.MaxInt64
	}
	return p.Quota - p.Used - p.Reserved
}

// At is the purse as it stands at a moment: where its period has ended, nothing
// of the new one is used yet. Rows are brought there by the first call that
// touches them; until then they show the old period.
func (p Purse) At(now time.Time, zone *time.Location) Purse {
	if start := p.Refill.PeriodStart(now, zone); !start.IsZero() && start.After(p.PeriodAt) {
		p.Used, p.PeriodAt = 0, start
	}
	return p
}

// Exhausted reports whether nothing is left and nothing is under way that could
// come back.
func (p Purse) Exhausted() bool {
	return !p.Unlimited && p.Remain() <= 0 && p.Reserved == 0
}

// Price is what a model costs, in units per 1,000,000 tokens.
type Price struct {
	ID         int64
	PublicID   string
	Model      string
	Prompt     int64
	Completion int64
	CreatedAt  time.Time
	Version    int64
	Default    bool // no row of its own: the default price
}

// DefaultPrice is charged for a model without a price of its own, until the
// setting says otherwise: one unit a token.
const DefaultPrice = 1_000_000

// RatioOne is a group's price ratio of 1.
const RatioOne = 1_000_000

// Usage is what one answer took, in tokens.
type Usage struct {
	Prompt     int64
	Completion int64
	Estimated  bool // counted here, not reported by the provider
}

// UnitsMax bounds every amount, so that sums of a purse's holds cannot overflow.
const UnitsMax = int64(1) << 53

// Charge is what an answer costs: ceil((prompt × price.prompt + completion ×
// price.completion) × ratio ÷ 10¹²), computed in 128 bits, at most UnitsMax.
// Negative counts are taken as 0.
func Charge(u Usage, p Price, ratioPPM int64) int64 {
	hi, lo := mulAdd(clip(u.Prompt), clip(p.Prompt), clip(u.Completion), clip(p.Completion))
	// (hi,lo) × ratio: beyond 128 bits is beyond UnitsMax as well.
	carryHi, low := bits.Mul64(lo, clip(ratioPPM))
	over, high := bits.Mul64(hi, clip(ratioPPM))
	high, carry := bits.Add64(high, carryHi, 0)
	const million = 1_000_000
	if over != 0 || carry != 0 || high >= million*million {
		return UnitsMax
	}
	quo, rem := bits.Div64(high, low, million*million)
	if rem > 0 {
		quo++
	}
	if quo > uint64(UnitsMax) {
		return UnitsMax
	}
	return int64(quo)
}

func clip(n int64) uint64 {
	if n < 0 {
		return 0
	}
	return uint64(n)
}

// mulAdd returns a×b + c×d in 128 bits, saturating.
func mulAdd(a, b, c, d uint64) (hi, lo uint64) {
	hi1, lo1 := bits.Mul64(a, b)
	hi2, lo2 := bits.Mul64(c, d)
	lo, carry := bits.Add64(lo1, lo2, 0)
	hi, carry = bits.Add64(hi1, hi2, carry)
	if carry != 0 {
		return math.MaxUint64, math.MaxUint64
	}
	return hi, lo
}
