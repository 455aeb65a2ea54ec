package dashboard

import (
	"fmt"
	"time"

	"latchkey/db"
	"latchkey/internal/control"
	"latchkey/views"
)

// usageTotals are the sums over all pages.
func (w words) usageTotals(s db.UsageSum) []views.StatView {
	average := w.T("usage.no_average")
	if s.Requests > 0 {
		average = w.T("usage.average", w.Money(s.Units/s.Requests, w.per))
	}
	return []views.StatView{
		{Label: w.T("usage.spend"), Value: w.Money(s.Units, w.per), Note: average},
		{Label: w.T("usage.requests"), Value: w.Number(s.Requests), Note: w.T("usage.answered_note")},
		{Label: w.T("usage.refused"), Value: w.Number(s.Refused), Note: w.T("usage.refused_note")},
		{Label: w.T("usage.tokens"), Value: w.Number(s.Prompt + s.Completion), Note: w.T("usage.tokens_note", w.Number(s.Prompt), w.Number(s.Completion))},
	}
}

// usageSpan says from when to when.
func (w words) usageSpan(u control.Usage) string {
	from, _ := time.Parse(time.DateOnly, u.From)
	to, _ := time.Parse(time.DateOnly, u.To)
	return w.T("usage.span_text", w.Day(from, time.UTC), w.Day(to, time.UTC), w.work.String())
}

// usageHrefs leads from a row to the thing it is about.
var usageHrefs = map[db.UsageBy]string{db.ByToken: "/tokens/", db.ByShare: "/shares/", db.ByCustomer: "/customers/", db.ByBot: "/bots/"}

func (w words) usageRow(q usageQuery, u control.Usage, r db.UsageSum, marked bool) views.UsageRowView {
	v := views.UsageRowView{
		ID: r.Key, Name: r.Name, Requests: w.Number(r.Requests), Refused: w.Number(r.Refused), Prompt: w.Number(r.Prompt),
		Completion: w.Number(r.Completion), Money: w.Money(r.Units, w.per),
	}
	of := func(s db.UsageSum) int64 { return s.Units }
	if u.Sum.Units == 0 {
		of = func(s db.UsageSum) int64 { return s.Requests }
	}
	if whole := of(u.Sum); whole > 0 {
		v.Bar, v.Share = percent(of(r), whole), w.shareOf(of(r), whole)
	}
	switch {
	case q.by == db.ByDay:
		at, _ := time.Parse(time.DateOnly, r.Key)
		v.Name, v.RequestsHref = w.WeekdayShort(at, time.UTC), "/requests?day="+r.Key
	case q.by == db.ByModel && marked:
		v.Mark = w.T("usage.marked")
	case q.by == db.ByModel:
	case r.PublicID == "":
		v.Name = w.T("usage.without." + string(q.by))
	default:
		v.Href = usageHrefs[q.by] + r.PublicID
		v.RequestsHref = "/requests?" + string(q.by) + "=" + r.PublicID
	}
	if v.Name == "" {
		v.Name = w.T("usage.unnamed")
	}
	return v
}

// usageChart draws the days of the table, the first at the left; days without a
// call are gaps.
func (w words) usageChart(u control.Usage) *views.ChartView {
	found := map[string]db.UsageSum{}
	for _, r := range u.Rows {
		found[r.Key] = r
	}
	first, _ := time.Parse(time.DateOnly, u.From)
	last, _ := time.Parse(time.DateOnly, u.To)
	v := &views.ChartView{Label: w.T("usage.by.day")}
	if oldest := last.AddDate(0, 0, 1-usageRowsDay); first.Before(oldest) {
		first = oldest
	}
	every := max(int(last.Sub(first)/(24*time.Hour))/8, 1)
	today := w.now.In(w.work).Format(time.DateOnly)
	for i, day := 0, first; !day.After(last); i, day = i+1, day.AddDate(0, 0, 1) {
		r := found[day.Format(time.DateOnly)]
		one := views.ChartDay{Date: day.Format(time.DateOnly), Answered: r.Requests, Refused: r.Refused, Today: day.Format(time.DateOnly) == today, Chosen: day.Equal(last)}
		one.Readout = [4]string{w.WeekdayShort(day, time.UTC), w.Number(r.Requests), w.Number(r.Refused), w.Money(r.Units, w.per)}
		if i%every == every/2 {
			one.Axis = w.DayShort(day, time.UTC)
		}
		v.Days = append(v.Days, one)
	}
	return v
}

// shareOf says how much of a whole a part is.
func (w words) shareOf(part, whole int64) string {
	switch share := float64(part) / float64(max(whole, 1)) * 100; {
	case part == 0:
		return "0%"
	case share < 1:
		return "<1%"
	default:
		return fmt.Sprintf("%.0f%%", share)
	}
}
