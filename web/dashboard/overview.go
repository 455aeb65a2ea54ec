package dashboard

import (
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// eventsShown is how many of the last events the first page tells; sign-ins, of
// which there are many, are left to the audit log.
const (
	eventsShown = 7
	eventsRead  = 60
)

// The measures that the chart can be drawn in.
const (
	byRequests  = "requests"
	bySpend     = "spend"
	byCustomers = "customers"
)

// Overview is the first page: what needs attention, today against the same time
// yesterday, the last thirty days.
func (d *Dashboard) Overview(c *fiber.Ctx) error {
	d.Gateway.Flush()
	if d.workspace(c).ID == 0 {
		return page.Redirect(c, "/settings/profile") // a user without any workspace has nothing to overlook
	}
	o, err := d.Control.Overview(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	body, err := d.overviewBody(c, o)
	if err != nil {
		return err
	}
	if page.IsPart(c) {
		return page.Part(c, views.OverviewBody(body))
	}
	l := page.Lang(c)
	return page.Show(c, views.OverviewPage(views.OverviewView{
		Shell: d.shell(c, "overview", l.T("overview.title")), Body: body,
		Subtitle: l.T("overview.subtitle", l.Moment(d.Now(), d.workspace(c).Location())),
	}))
}

func (d *Dashboard) overviewBody(c *fiber.Ctx, o control.Overview) (views.OverviewBodyView, error) {
	w := d.words(c)
	by := c.Query("by")
	if by != bySpend && by != byCustomers {
		by = byRequests
	}
	v := views.OverviewBodyView{Again: "/?by=" + by, Next: d.nextStep(c, o), Stats: w.todayStats(o), Chart: w.overviewChart(o, by)}
	failing, err := d.Control.FailingProviders(c.UserContext(), d.actor(c), func(p access.Provider) bool { return d.Gateway.Health(p.ID).Open })
	if err != nil {
		return v, err
	}
	v.Attention = d.attention(c, o, failing)
	v.Count = w.Number(int64(len(v.Attention)))
	if v.HasEvents = d.actor(c).May(access.ReadAudit); v.HasEvents {
		rows, _, err := d.Control.Audit(c.UserContext(), d.actor(c), db.Page{Limit: eventsRead})
		if err != nil {
			return v, err
		}
		names, err := d.auditNames(c)
		if err != nil {
			return v, err
		}
		for _, r := range rows {
			if isSignIn(r.Action) || len(v.Events) == eventsShown {
				continue
			}
			v.Events = append(v.Events, w.event(r, names))
		}
	}
	return v, nil
}

// nextStep is the one thing to do while there is nothing to count; nil once there is.
func (d *Dashboard) nextStep(c *fiber.Ctx, o control.Overview) *views.NextStepView {
	if o.FirstCall || o.Before.Requests+o.Before.Refused > 0 {
		return nil
	}
	w := d.words(c)
	step, icon, href, need := "ask", "message-circle-more", "/shares", access.SeeLists
	switch {
	case o.Providers == 0:
		step, icon, href, need = "provider", "server", "/providers/new", access.ChangeProviders
	case o.Bots == 0:
		step, icon, href, need = "bot", "bot", "/bots/new", access.ChangeAccess
	case o.Tokens+o.Shares == 0:
		step, icon, href, need = "share", "share-2", "/shares/new", access.ChangeAccess
	}
	key := "overview.next." + step
	v := &views.NextStepView{Empty: views.EmptyView{Icon: icon, Title: w.T(key), Text: w.T(key + "_text")}}
	if d.actor(c).May(need) {
		v.Button, v.Href = w.T(key+"_button"), href
	}
	return v
}

// todayStats are the four numbers of today against yesterday by this time.
func (w words) todayStats(o control.Overview) []views.StatView {
	stat := func(name, value, by string, now, before int64, share bool, of func(db.OverviewDay) int64) views.StatView {
		v := views.StatView{Label: w.T("overview.today." + name), Value: value, DeltaTone: views.Ok, Note: w.T("overview.by_now", by)}
		line := &views.SparkView{Now: series(o.TodayLine, of), Before: series(o.YesterdayLine, of), Tone: views.Info}
		v.Spark = line
		switch {
		case before == 0:
			v.Note = w.T("overview.none_by_now")
		case share:
			v.Delta = w.change(now, before)
		case now != before:
			v.Delta = w.signed(now - before)
		}
		if now < before && name != bySpend {
			v.DeltaTone = views.Off
		}
		if name == "refused" {
			line.Tone = views.Warn
			if now > before {
				v.DeltaTone = views.Warn
			}
		}
		return v
	}
	t, b := o.Today, o.ByNow
	all := []views.StatView{
		stat(byRequests, w.Number(t.Requests), w.Number(b.Requests), t.Requests, b.Requests, true, func(d db.OverviewDay) int64 { return d.Requests }),
		stat(bySpend, w.Money(t.Units, w.per), w.Money(b.Units, w.per), t.Units, b.Units, true, func(d db.OverviewDay) int64 { return d.Units }),
		stat(byCustomers, w.Number(t.Customers), w.Number(b.Customers), t.Customers, b.Customers, false, func(d db.OverviewDay) int64 { return d.Customers }),
		stat("refused", w.Number(t.Refused), w.Number(b.Refused), t.Refused, b.Refused, false, func(d db.OverviewDay) int64 { return d.Refused }),
	}
	for i, href := range []string{"/requests", "/usage", "/usage?by=customer", "/requests?outcome=refused"} {
		all[i].Href = href
	}
	return all
}

func series(days []db.OverviewDay, of func(db.OverviewDay) int64) []float64 {
	out := make([]float64, len(days))
	for i, one := range days {
		out[i] = float64(of(one))
	}
	return out
}

// change is how much more or less, in percent.
func (w words) change(now, before int64) string {
	if before == 0 {
		return ""
	}
	much := (float64(now) - float64(before)) / float64(before) * 100
	switch {
	case much >= 0.5:
		return fmt.Sprintf("+%.0f%%", much)
	case much <= -0.5:
		return fmt.Sprintf("−%.0f%%", -much)
	}
	return "±0%"
}

func (w words) signed(n int64) string {
	if n > 0 {
		return "+" + w.Number(n)
	}
	return w.Number(n)
}

// overviewChart draws the last thirty days.
func (w words) overviewChart(o control.Overview, by string) views.OverviewChartView {
	v := views.OverviewChartView{Title: w.T("overview.chart." + by), Text: w.chartText(o)}
	for _, one := range []string{byRequests, bySpend, byCustomers} {
		v.Tabs = append(v.Tabs, views.TabView{Text: w.T("overview.tab." + one), Href: "/?by=" + one, Active: one == by})
	}
	v.Chart = views.ChartView{Label: v.Title, Money: by == bySpend}
	for i, day := range o.Days {
		at, _ := time.Parse(time.DateOnly, day.Day)
		one := views.ChartDay{Answered: day.Requests, Refused: day.Refused, Today: i == len(o.Days)-1, Chosen: i == len(o.Days)-1}
		one.Readout = [4]string{w.WeekdayShort(at, time.UTC), w.Number(day.Requests), w.Number(day.Refused), w.Money(day.Units, w.per)}
		switch by {
		case bySpend:
			one.Answered, one.Refused = w.cents(day.Units), 0
		case byCustomers:
			one.Answered, one.Refused, one.Readout[3] = day.Customers, 0, w.N("overview.customers", day.Customers)
		}
		if one.Today {
			one.Axis = w.T("kit.today")
			one.Expected = map[string]int64{byRequests: o.ExpectedRequests, bySpend: w.cents(o.ExpectedUnits)}[by]
		} else if at.Weekday() == time.Monday && i < len(o.Days)-6 {
			one.Axis = w.DayShort(at, time.UTC)
		}
		v.Chart.Days = append(v.Chart.Days, one)
	}
	return v
}

func (w words) cents(units int64) int64 {
	return units/w.per*100 + units%w.per*100/w.per
}

func (w words) chartText(o control.Overview) string {
	var sum db.OverviewDay
	for _, day := range o.Days {
		sum.Requests += day.Requests
		sum.Units += day.Units
	}
	text := w.N("overview.sum", sum.Requests, w.Money(sum.Units, w.per))
	change := w.change(sum.Requests, o.Before.Requests)
	switch {
	case change == "":
		return text
	case change[0] == '+':
		return text + " · " + w.T("overview.more", change[1:])
	case change == "±0%":
		return text + " · " + w.T("overview.same")
	}
	return text + " · " + w.T("overview.less", change[len("−"):])
}
