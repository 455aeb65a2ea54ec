package access

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestPurse(t *testing.T) {
	for _, c := range []struct {
		name      string
		purse     Purse
		remain    int64
		exhausted bool
	}{
		{"fresh", Purse{Quota: 10}, 10, false},
		{"in use", Purse{Quota: 10, Used: 3, Reserved: 4}, 3, false},
		{"all used", Purse{Quota: 10, Used: 10}, 0, true},
		{"all used or reserved", Purse{Quota: 10, Used: 6, Reserved: 4}, 0, false},
		{"more used than there is", Purse{Quota: 10, Used: 12}, -2, true},
		{"nothing in it", Purse{}, 0, true},
		{"unlimited", Purse{Unlimited: true}, math.MaxInt64, false},
		{"unlimited, and used beyond a quota of before", Purse{Unlimited: true, Quota: 10, Used: 100}, math.MaxInt64, false},
	} {
		if got := c.purse.Remain(); got != c.remain {
			t.Errorf("%s: %d remain, want %d", c.name, got, c.remain)
		}
		if got := c.purse.Exhausted(); got != c.exhausted {
			t.Errorf("%s: exhausted is %t", c.name, got)
		}
	}
}

func TestPurseAt(t *testing.T) {
	midnight := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		refill Refill
		at     time.Time
		used   int64
	}{
		{"never refilled", RefillNone, midnight.AddDate(9, 0, 0), 7},
		{"of an unknown refill", "hourly", midnight.AddDate(9, 0, 0), 7},
		{"the same day", RefillDaily, midnight.Add(24*time.Hour - 1), 7},
		{"the next day", RefillDaily, midnight.Add(24 * time.Hour), 0},
		{"the clock went back a day", RefillDaily, midnight.Add(-time.Hour), 7},
		{"Sunday", RefillWeekly, time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC), 7},
		{"Monday", RefillWeekly, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), 0},
		{"the last of the month", RefillMonthly, time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC), 7},
		{"the first of the next", RefillMonthly, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), 0},
	} {
		p := Purse{Quota: 10, Used: 7, Reserved: 2, Refill: c.refill, PeriodAt: c.refill.PeriodStart(midnight, time.UTC)}
		got := p.At(c.at, time.UTC)
		if got.Used != c.used || got.Reserved != 2 || got.Quota != 10 {
			t.Errorf("%s: %+v", c.name, got)
		}
		if moved := !got.PeriodAt.Equal(p.PeriodAt); moved != (c.used == 0) {
			t.Errorf("%s: the period is of %s", c.name, got.PeriodAt)
		}
	}
}

func TestRefillValid(t *testing.T) {
	for text, want := range map[Refill]bool{
		RefillNone: true, RefillDaily: true, RefillWeekly: true, RefillMonthly: true, "": false, "Daily": false, "hourly": false,
	} {
		if got := text.Valid(); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// Zones that change their clocks at midnight, by an hour and by a half, or that
// skipped a day: there a day may begin at one o'clock, or not at all.
var zones = []string{
	"UTC", "Asia/Shanghai", "America/New_York", "America/Havana", "America/Santiago", "Atlantic/Azores", "Africa/Cairo", "Asia/Beirut",
	"America/Sao_Paulo", "America/Asuncion", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "Pacific/Kiritimati",
}

// Whatever the zone and the moment: the period holds the moment, begins with a
// day of the zone, and the next one follows without a gap.
func TestPeriodsHoldEveryMoment(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	begin, span := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC), int64(40*365*24*3600)
	for _, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		moments := transitions(zone, begin, begin.AddDate(40, 0, 0))
		for range 2000 {
			moments = append(moments, begin.Add(time.Duration(r.Int64N(span))*time.Second))
		}
		for _, now := range moments {
			for _, refill := range []Refill{RefillDaily, RefillWeekly, RefillMonthly} {
				checkPeriod(t, refill, now, zone)
			}
		}
	}
}

// transitions are the moments around every change of a zone's clocks.
func transitions(zone *time.Location, from, to time.Time) (all []time.Time) {
	for at := from.In(zone); at.Before(to); {
		_, end := at.ZoneBounds()
		if end.IsZero() {
			return all
		}
		if !end.After(at) { // at the end of a leap year
			end = at.Add(48 * time.Hour)
		}
		for _, d := range []time.Duration{-25 * time.Hour, -time.Hour, -time.Second, 0, time.Second, 30 * time.Minute, time.Hour, 12 * time.Hour, 25 * time.Hour} {
			all = append(all, end.Add(d))
		}
		at = end
	}
	return all
}

func checkPeriod(t *testing.T, refill Refill, now time.Time, zone *time.Location) {
	t.Helper()
	start, next := refill.PeriodStart(now, zone), refill.NextRefill(now, zone)
	local := now.In(zone)
	switch {
	case start.After(now) && start.Format(time.DateOnly) != local.Format(time.DateOnly):
		t.Fatalf("%s %s at %s: begins later, at %s", zone, refill, local, start)
	case !next.After(now):
		t.Fatalf("%s %s at %s: ended already, at %s", zone, refill, local, next)
	case !refill.PeriodStart(next, zone).Equal(next):
		t.Fatalf("%s %s at %s: refills at %s, which is of the period from %s", zone, refill, local, next, refill.PeriodStart(next, zone))
	case !refill.PeriodStart(next.Add(-1), zone).Equal(start):
		t.Fatalf("%s %s at %s: a gap between %s and %s", zone, refill, local, start, next)
	}
	y, m, d := local.Date()
	switch refill {
	case RefillWeekly:
		d -= (int(local.Weekday()) + 6) % 7
	case RefillMonthly:
		d = 1
	}
	first := time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
	if got := start.Format(time.DateOnly); got != first.Format(time.DateOnly) {
		t.Fatalf("%s %s at %s: begins on %s, want %s", zone, refill, local, got, first.Format(time.DateOnly))
	}
}
