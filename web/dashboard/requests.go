package dashboard

import (
	"net/url"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

var outcomes = []access.Outcome{access.Answered, access.Partial, access.Refused, access.Broken}

// requestListing is the state of the request log as its address says it.
type requestListing struct {
	listing
	rows db.RequestPage
}

// narrowings are what other pages narrow the log to; they come as public ids.
var narrowings = []string{"token", "share", "customer", "day"}

// readRequests reads the state of the log from the query. What cannot be read
// narrows nothing, so that an old bookmark still shows a list.
func (d *Dashboard) readRequests(c *fiber.Ctx) (requestListing, error) {
	list, err := d.readListing(c, "requests")
	if err != nil {
		return requestListing{}, err
	}
	list.extra = url.Values{}
	p := requestListing{listing: list}
	p.rows = db.RequestPage{
		Query: list.page.Query, BotID: list.page.BotID, Before: list.page.Before, Oldest: list.page.Oldest, Limit: list.page.Limit,
		Token: c.Query("token"), Share: c.Query("share"), Customer: c.Query("customer"),
	}
	if o := access.Outcome(c.Query("outcome")); slices.Contains(outcomes, o) {
		p.rows.Outcome = o
		p.extra.Set("outcome", string(o))
	} else if o != "" {
		p.odd = append(p.odd, "outcome="+string(o))
	}
	if day, err := time.ParseInLocation(time.DateOnly, c.Query("day"), d.workspace(c).Location()); err == nil {
		p.rows.From, p.rows.To = day, day.AddDate(0, 0, 1)
		p.extra.Set("day", c.Query("day"))
	} else if c.Query("day") != "" {
		p.odd = append(p.odd, "day="+c.Query("day"))
	}
	for _, name := range narrowings[:3] {
		if value := c.Query(name); value != "" {
			p.extra.Set(name, value)
		}
	}
	return p, nil
}

// Requests is the request log.
func (d *Dashboard) Requests(c *fiber.Ctx) error {
	d.Gateway.Flush() // a refusal of a moment ago is on the page
	v, err := d.requestList(c)
	if err != nil {
		return err
	}
	if page.IsPart(c) {
		return page.Part(c, views.RequestsBody(v), views.ExportPart(v.Export))
	}
	notes, err := d.jobNotes(c, "requests")
	if err != nil {
		return err
	}
	return page.Show(c, views.RequestsPage(views.RequestsView{Shell: d.shell(c, "requests", page.Lang(c).T("requests.title")), List: v, Jobs: notes}))
}

func (d *Dashboard) requestList(c *fiber.Ctx) (views.RequestListView, error) {
	p, err := d.readRequests(c)
	if err != nil {
		return views.RequestListView{}, err
	}
	rows, total, err := d.Control.Requests(c.UserContext(), d.actor(c), p.rows)
	if err != nil {
		return views.RequestListView{}, err
	}
	bots, err := d.botFilter(c, p.listing)
	if err != nil {
		return views.RequestListView{}, err
	}
	rows, more := cutPage(rows, p.listing)
	marks, err := d.requestMarks(c, rows)
	w := d.words(c)
	v := views.RequestListView{
		Heads:  d.heads(c, p.listing, map[string]string{"made": "requests.time"}),
		Export: p.exportView(total), Filtered: p.filtered(), Only: w.only(p, rows),
		Toolbar: views.ToolbarView{
			Action: p.path, Target: p.name, Unknown: p.unknown(page.Lang(c)), Query: p.page.Query, Placeholder: w.T("requests.search"), Note: d.countNote(c, p.listing, total),
			Filters: []views.FilterView{w.outcomeFilter(p), bots}, Hidden: append(hidden(p.extra, narrowings...), p.hidden()...),
		},
	}
	for _, row := range rows {
		one := w.requestRow(row, marks[row.Model])
		v.Default = v.Default || one.Marked
		v.Rows = append(v.Rows, one)
	}
	if len(rows) > 0 {
		v.Pager = d.pager(c, p.listing, db.Place{Number: rows[0].ID}, db.Place{Number: rows[len(rows)-1].ID}, len(rows), more, total)
	}
	return v, err
}

// hidden carries the filters that have no field of their own through the form.
func hidden(values url.Values, names ...string) []views.OptionView {
	var all []views.OptionView
	for _, name := range names {
		if value := values.Get(name); value != "" {
			all = append(all, views.OptionView{Label: name, Value: value})
		}
	}
	return all
}

func (d *Dashboard) requestMarks(c *fiber.Ctx, rows []db.RequestRow) (map[string]bool, error) {
	var names []string
	for _, r := range rows {
		if r.Units > 0 {
			names = append(names, r.Model)
		}
	}
	return d.Control.DefaultPriced(c.UserContext(), d.actor(c), names)
}

// only names what the log is narrowed to, each with the log without it.
func (w words) only(p requestListing, rows []db.RequestRow) []views.OnlyView {
	var all []views.OnlyView
	for _, name := range narrowings {
		value := p.extra.Get(name)
		if value == "" {
			continue
		}
		without := p.listing
		without.extra = url.Values{}
		for key := range p.extra {
			if key != name {
				without.extra.Set(key, p.extra.Get(key))
			}
		}
		all = append(all, views.OnlyView{Text: w.onlyText(name, value, rows), Without: without.at(p.path)})
	}
	return all
}

func (w words) onlyText(name, value string, rows []db.RequestRow) string {
	if name == "day" {
		day, _ := time.Parse(time.DateOnly, value)
		return w.WeekdayShort(day, time.UTC)
	}
	shown := ""
	if len(rows) > 0 {
		shown = map[string]string{"token": rows[0].TokenName, "share": rows[0].ShareName, "customer": rows[0].CustomerName}[name]
	}
	if shown == "" {
		return w.T("requests.only." + name)
	}
	return w.T("requests.only_named", w.T("requests.only."+name), shown)
}

func (w words) outcomeFilter(p requestListing) views.FilterView {
	f := views.FilterView{Name: "outcome", Label: w.T("requests.outcome"), Options: []views.OptionView{
		{Label: w.T("requests.any_outcome"), Chosen: p.rows.Outcome == ""},
	}}
	for _, o := range outcomes {
		f.Options = append(f.Options, views.OptionView{Value: string(o), Label: w.T("requests.outcome." + string(o)), Chosen: p.rows.Outcome == o})
	}
	return f
}

// Request is the page of one call: why it ended as it did, rule by rule.
func (d *Dashboard) Request(c *fiber.Ctx) error {
	d.Gateway.Flush()
	r, err := d.Control.Request(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	v, err := d.trace(c, r)
	if err != nil {
		return err
	}
	return page.Show(c, views.TracePage(v))
}
