package dashboard

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// usageBys are the dimensions, in the order of the tabs.
var usageBys = []db.UsageBy{db.ByDay, db.ByToken, db.ByShare, db.ByCustomer, db.ByBot, db.ByModel}

// usageQuery is the state of the page as its address says it.
type usageQuery struct {
	by       db.UsageBy
	from, to string
	offset   int
}

func readUsage(c *fiber.Ctx) usageQuery {
	q := usageQuery{by: db.UsageBy(c.Query("by")), from: c.Query("from"), to: c.Query("to"), offset: max(c.QueryInt("offset"), 0)}
	if !slices.Contains(usageBys, q.by) {
		q.by = db.ByDay
	}
	return q
}

// at is an address of the page, or of its CSV, with this state.
func (q usageQuery) at(path string) string {
	v := url.Values{"by": {string(q.by)}}
	if q.from != "" {
		v.Set("from", q.from)
	}
	if q.to != "" {
		v.Set("to", q.to)
	}
	if q.offset > 0 {
		v.Set("offset", strconv.Itoa(q.offset))
	}
	return path + "?" + v.Encode()
}

// usageRowsDay is how many days are read for chart and table together.
const usageRowsDay = 400

func (q usageQuery) form() control.UsageForm {
	f := control.UsageForm{By: q.by, From: q.from, To: q.to, Newest: true, Offset: q.offset, Limit: rowsPerPage}
	if q.by == db.ByDay {
		f.Limit, f.Offset = usageRowsDay, 0
	}
	return f
}

// Usage is what the workspace used by day, token, link, customer, bot or model.
func (d *Dashboard) Usage(c *fiber.Ctx) error {
	d.Gateway.Flush()
	q := readUsage(c)
	u, err := d.Control.Usage(c.UserContext(), d.actor(c), q.form())
	status, problem := fiber.StatusOK, ""
	if access.KindOf(err) == access.Invalid {
		// The span is at fault: the page says so and shows the last thirty days.
		status, problem = page.StatusOf(err), page.Say(c, err)
		q.from, q.to = "", ""
		u, err = d.Control.Usage(c.UserContext(), d.actor(c), q.form())
	}
	if err != nil {
		return err
	}
	q.from, q.to = u.From, u.To
	v, err := d.usageBody(c, q, u)
	if err != nil {
		return err
	}
	v.Problem = problem
	if page.IsPart(c) {
		return page.PartStatus(c, fiber.StatusOK, views.UsageBody(v), views.ExportPart(v.Export))
	}
	return page.Status(c, status, views.UsagePage(views.UsageView{Shell: d.shell(c, "usage", page.Lang(c).T("usage.title")), Body: v}))
}

// UsageCSV is the same as CSV, whole.
func (d *Dashboard) UsageCSV(c *fiber.Ctx) error {
	d.Gateway.Flush()
	by, q := d.actor(c), readUsage(c)
	f := q.form()
	f.Offset, f.Limit, f.Newest = 0, db.ListMax, false
	w, mark := d.words(c), marked(c)
	head := [][]string{{string(q.by), "name", "requests", "refused", "prompt_tokens", "completion_tokens", "dollars", "units"}}
	return d.download(c, "usage", func(ctx context.Context) ([]byte, error) {
		u, err := d.Control.Usage(ctx, by, f)
		if err != nil || len(u.Rows) == 0 && head == nil {
			return nil, err
		}
		f.Offset += len(u.Rows)
		rows, first := head, head != nil
		head = nil
		for _, r := range u.Rows {
			rows = append(rows, []string{
				usageKeyCSV(u.By, r), r.Name, strconv.FormatInt(r.Requests, 10), strconv.FormatInt(r.Refused, 10),
				strconv.FormatInt(r.Prompt, 10), strconv.FormatInt(r.Completion, 10), w.dollars(r.Units), strconv.FormatInt(r.Units, 10),
			})
		}
		return control.CSV(rows, first && mark), nil
	})
}

// usageKeyCSV names a row for programs: the day, the model, or the public id.
func usageKeyCSV(by db.UsageBy, r db.UsageSum) string {
	if by == db.ByDay || by == db.ByModel {
		return r.Key
	}
	return r.PublicID
}

func (d *Dashboard) usageBody(c *fiber.Ctx, q usageQuery, u control.Usage) (views.UsageBodyView, error) {
	w := d.words(c)
	v := views.UsageBodyView{
		Form: views.UsageFormView{By: string(q.by), From: u.From, To: u.To, Spans: w.usageSpans(q)}, Export: views.ExportView{List: "usage", Href: q.at("/usage.csv")},
		Totals: w.usageTotals(u.Sum), Title: w.T("usage.by." + string(q.by)), Text: w.usageSpan(u), Key: w.T("usage.key." + string(q.by)),
		Empty: views.EmptyView{Icon: "chart-column", Title: w.T("usage.none"), Text: w.T("usage.none_text")},
	}
	for _, by := range usageBys {
		one := usageQuery{by: by, from: q.from, to: q.to}
		v.Tabs = append(v.Tabs, views.TabView{Text: w.T("usage.tab." + string(by)), Href: one.at("/usage"), Active: by == q.by})
	}
	marks, err := d.usageMarks(c, u)
	if err != nil {
		return v, err
	}
	for _, marked := range marks {
		if marked {
			v.Default = w.T("usage.default_price")
		}
	}
	for _, r := range u.Rows {
		v.Rows = append(v.Rows, w.usageRow(q, u, r, marks[r.Key]))
	}
	if q.by == db.ByDay && len(u.Rows) > 0 {
		v.Chart = w.usageChart(u)
	}
	v.Pager = w.usagePager(q, u)
	return v, nil
}

// usageMarks says which models cost the default price.
func (d *Dashboard) usageMarks(c *fiber.Ctx, u control.Usage) (map[string]bool, error) {
	if u.By != db.ByModel {
		return nil, nil
	}
	var names []string
	for _, r := range u.Rows {
		if r.Units > 0 {
			names = append(names, r.Key)
		}
	}
	return d.Control.DefaultPriced(c.UserContext(), d.actor(c), names)
}

func (w words) usagePager(q usageQuery, u control.Usage) views.PagerView {
	v := views.PagerView{Target: "usage", Text: w.T("tokens.showing", w.Number(int64(len(u.Rows))), w.Number(u.Total))}
	if q.by == db.ByDay {
		return v
	}
	if q.offset > 0 {
		before := q
		before.offset = max(q.offset-rowsPerPage, 0)
		v.Previous = before.at("/usage")
	}
	if int64(q.offset+len(u.Rows)) < u.Total {
		after := q
		after.offset = q.offset + rowsPerPage
		v.Next = after.at("/usage")
	}
	return v
}

// usageSpans are the shortcuts: the last days up to today.
func (w words) usageSpans(q usageQuery) []views.TabView {
	today := w.now.In(w.work)
	var all []views.TabView
	for _, days := range []int{7, 30, 90, 365} {
		one := usageQuery{by: q.by, from: today.AddDate(0, 0, 1-days).Format(time.DateOnly), to: today.Format(time.DateOnly)}
		all = append(all, views.TabView{Text: w.N("usage.days", int64(days)), Href: one.at("/usage"), Active: one.from == q.from && one.to == q.to})
	}
	return all
}
