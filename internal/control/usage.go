package control

import (
	"context"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// UsageSpanMax is the most days that one question about usage covers.
const UsageSpanMax = 3660

// usageSpan is how many days are summed up when a caller names none.
const usageSpan = 30

// UsageForm asks for a workspace's usage. From and To are days like 2026-11-20 in
// the workspace's zone, both included; empty ones are the last thirty days.
type UsageForm struct {
	By            db.UsageBy
	From, To      string
	Newest        bool
	Offset, Limit int
}

// Usage is what a workspace used in a span of days.
type Usage struct {
	By       db.UsageBy
	From, To string
	Rows     []db.UsageSum
	Total    int64 // rows in all pages
	Sum      db.UsageSum
}

// Usage sums the usage of the actor's workspace up.
func (c *Control) Usage(ctx context.Context, by access.Actor, f UsageForm) (Usage, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return Usage{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{By: f.By}
	if u.By == "" {
		u.By = db.ByDay
	}
	if u.From, u.To, err = usageDays(f.From, f.To, c.Now().In(w.Location())); err != nil {
		return Usage{}, err
	}
	u.Rows, u.Total, err = c.DB.Usage(ctx, w.ID, db.UsageQuery{
		By: u.By, From: u.From, To: u.To, Newest: f.Newest, Offset: f.Offset, Limit: f.Limit,
	})
	if err != nil {
		return Usage{}, err
	}
	u.Sum, err = c.DB.UsageTotal(ctx, w.ID, u.From, u.To)
	return u, err
}

// usageDays fills in the days that were not named and refuses what is no span.
func usageDays(from, to string, today time.Time) (first, last string, err error) {
	end, err := usageDay(to, "to", today)
	if err != nil {
		return "", "", err
	}
	start, err := usageDay(from, "from", end.AddDate(0, 0, 1-usageSpan))
	if err != nil {
		return "", "", err
	}
	switch {
	case start.After(end):
		return "", "", access.Fail(access.Invalid, "span_backwards", "The first day is after the last.").At("from")
	case start.AddDate(0, 0, UsageSpanMax).Before(end):
		return "", "", access.Fail(access.Invalid, "span_long", "At most %d days fit in one question.", UsageSpanMax).At("from")
	}
	return start.Format(time.DateOnly), end.Format(time.DateOnly), nil
}

func usageDay(text, field string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		text = otherwise.Format(time.DateOnly)
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, access.Fail(access.Invalid, "day_malformed", "A day is written like 2026-11-20.").At(field)
	}
	return day, nil
}

// UsageDays sums the last days up, today included, each on its own: days without
// calls are zeros.
func (c *Control) UsageDays(ctx context.Context, by access.Actor, days int) ([]db.UsageSum, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return nil, err
	}
	today := c.Now().In(w.Location())
	first := today.AddDate(0, 0, 1-min(max(days, 1), UsageSpanMax))
	return c.DB.UsageByDay(ctx, w.ID, first.Format(time.DateOnly), today.Format(time.DateOnly))
}

// UsageToday returns today's sum and yesterday's, by the workspace's zone.
func (c *Control) UsageToday(ctx context.Context, by access.Actor) (today, yesterday db.UsageSum, err error) {
	days, err := c.UsageDays(ctx, by, 2)
	if err != nil {
		return today, yesterday, err
	}
	return days[1], days[0], nil
}
