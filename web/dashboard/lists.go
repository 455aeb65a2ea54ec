package dashboard

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// rowsPerPage is how many rows a list shows at once.
const rowsPerPage = 50

// countMax is how far a list that is filtered counts its rows.
const countMax = 200

// searchMax bounds what is searched for, in characters.
const searchMax = 200

// listing is the state of a list as its address says it: search, filters, page.
type listing struct {
	path   string // of the list: /tokens
	name   string // the same without the slash, the id of its part
	page   db.Page
	bot    string     // public id of the bot that is filtered by
	sort   string     // as the address says it: "name", "-name", "" for newest first
	cursor string     // "from" or "until" was given
	boxes  bool       // on a phone: the rows can be ticked
	odd    []string   // what the address says that this list does not know
	extra  url.Values // filters that this list alone has
}

// readListing reads the state of a list from the query. Unknown statuses and bots
// filter by nothing, so that an old bookmark still shows a list, and the list says
// so.
func (d *Dashboard) readListing(c *fiber.Ctx, name string, statuses ...access.Status) (listing, error) {
	p := listing{path: "/" + name, name: name, page: db.Page{Query: strings.TrimSpace(c.Query("q")), Limit: rowsPerPage + 1, Count: countMax}}
	if text := []rune(p.page.Query); len(text) > searchMax {
		p.page.Query = string(text[:searchMax])
	}
	if s := access.Status(c.Query("status")); slices.Contains(statuses, s) {
		p.page.Status = s
	} else if s != "" {
		p.odd = append(p.odd, "status="+string(s))
	}
	if id := c.Query("bot"); id != "" {
		bot, err := d.Control.Bot(c.UserContext(), d.actor(c), id)
		switch {
		case err == nil:
			p.bot, p.page.BotID = id, bot.ID
		case access.KindOf(err) != access.NotFound:
			return p, err
		default:
			p.odd = append(p.odd, "bot="+id)
		}
	}
	p.boxes = c.Query("select") == "1" && d.actor(c).May(access.ChangeAccess)
	readSort(c, &p)
	return p, d.readCursor(c, &p)
}

// scope is the list that a cursor belongs to.
func (p listing) scope() string {
	if p.page.Sort == "" {
		return p.name
	}
	return p.name + " by " + string(p.page.Sort)
}

// readCursor reads which page: the rows after "from", or those before "until".
func (d *Dashboard) readCursor(c *fiber.Ctx, p *listing) error {
	text := c.Query("from")
	if text != "" {
		p.cursor = "from"
	} else if text = c.Query("until"); text != "" {
		p.cursor, p.page.Oldest = "until", !p.page.Oldest
	}
	at, err := d.Control.OpenCursor(d.actor(c), p.scope(), text)
	p.page = p.page.From(at)
	return err
}

// query is the state as it goes into addresses, without the page.
func (p listing) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"q": p.page.Query, "status": string(p.page.Status), "bot": p.bot, "sort": p.sort} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if p.boxes {
		q.Set("select", "1")
	}
	for name := range p.extra {
		q.Set(name, p.extra.Get(name))
	}
	return q
}

// filtered reports whether the list may hide rows.
func (p listing) filtered() bool {
	p.sort, p.boxes = "", false
	return len(p.query()) > 0 || p.cursor != ""
}

// hidden carries the order, and that rows can be ticked, through the tool bar's
// form.
func (p listing) hidden() (all []views.OptionView) {
	if p.sort != "" {
		all = append(all, views.OptionView{Label: "sort", Value: p.sort})
	}
	if p.boxes {
		all = append(all, views.OptionView{Label: "select", Value: "1"})
	}
	return all
}

// unknown says what of the address was left out.
func (p listing) unknown(l lang.Lang) string {
	if len(p.odd) == 0 {
		return ""
	}
	return l.T("kit.filter_unknown", short(strings.Join(p.odd, ", ")))
}

// boxed gives a list the button that shows the boxes on a phone, or hides them.
func (p listing) boxed(t views.ToolbarView) views.ToolbarView {
	t.Selecting, p.boxes = p.boxes, !p.boxes
	t.Select = p.at(p.path)
	return t
}

// at is an address below the list's own with the state of the list behind it.
func (p listing) at(path string) string {
	if q := p.query().Encode(); q != "" {
		return path + "?" + q
	}
	return path
}

// whole is the first page of all rows, as many at once as there may be.
func (p listing) whole() db.Page {
	all := p.page
	all.Before, all.Key, all.Limit, all.Count = 0, "", db.ListMax, 0
	if p.cursor == "until" {
		all.Oldest = !all.Oldest
	}
	return all
}

// csv is the address of the list as CSV, whole.
func (p listing) csv() string {
	p.boxes = false
	return p.at(p.path + ".csv")
}

// cutPage takes the row off that was read only to know whether there are more, and
// puts the rest in the order of the list.
func cutPage[T any](rows []T, p listing) (shown []T, more bool) {
	if more = len(rows) > rowsPerPage; more {
		rows = rows[:rowsPerPage]
	}
	if p.cursor == "until" {
		slices.Reverse(rows)
	}
	return rows, more
}

// pager links to the pages before and after. first and last are the places at the
// ends of the page in view, total the rows of all pages.
func (d *Dashboard) pager(c *fiber.Ctx, p listing, first, last db.Place, rows int, more bool, total int64) views.PagerView {
	l := page.Lang(c)
	v := views.PagerView{Target: p.name}
	link := func(key string, at db.Place) string {
		q := p.query()
		q.Set(key, d.Control.Cursor(d.actor(c), p.scope(), at))
		return p.path + "?" + q.Encode()
	}
	back := p.cursor == "until"
	if rows > 0 && (p.cursor == "from" || back && more) {
		v.Previous = link("until", first)
	}
	if rows > 0 && (back || more) {
		v.Next = link("from", last)
	}
	switch {
	case p.cursor != "":
		v.Text = l.N("tokens.showing_page", int64(rows))
	default:
		v.Text = l.T("tokens.showing", l.Number(int64(rows)), l.Number(total))
		if than, more := p.moreThan(total); more {
			v.Text = l.T("tokens.showing_more", l.Number(int64(rows)), l.Number(than))
		}
	}
	return v
}

// moreThan reports whether a count was left before its end, and where. The rows of
// the great lists are known as long as nothing is searched or filtered.
func (p listing) moreThan(total int64) (than int64, more bool) {
	than = db.CountMax
	if p.name == "tokens" || p.name == "shares" || p.name == "customers" {
		if than = countMax; !p.page.Narrowed() {
			return total, false
		}
	}
	return than, total > than
}

// countNote is the count in a tool bar.
func (d *Dashboard) countNote(c *fiber.Ctx, p listing, total int64) string {
	l := page.Lang(c)
	if than, more := p.moreThan(total); more && l.Has(p.name+".count_more") {
		return l.T(p.name+".count_more", l.Number(than))
	}
	return l.N(p.name+".count", total)
}

// statusFilter is the choice of a status; words are those of the list's noun.
func (d *Dashboard) statusFilter(c *fiber.Ctx, p listing, statuses ...access.Status) views.FilterView {
	l := page.Lang(c)
	f := views.FilterView{Name: "status", Label: l.T("tokens.filter_status"), Options: []views.OptionView{
		{Label: l.T("tokens.any_status"), Chosen: p.page.Status == ""},
	}}
	for _, s := range statuses {
		f.Options = append(f.Options, views.OptionView{Value: string(s), Label: l.T("tokens.state." + string(s)), Chosen: p.page.Status == s})
	}
	return f
}

// botFilter is the choice of a bot.
func (d *Dashboard) botFilter(c *fiber.Ctx, p listing) (views.FilterView, error) {
	l := page.Lang(c)
	f := views.FilterView{Name: "bot", Label: l.T("tokens.filter_bot"), Options: []views.OptionView{
		{Label: l.T("tokens.all_bots"), Chosen: p.bot == ""},
	}}
	bots, err := d.Control.BotChoices(c.UserContext(), d.actor(c))
	for _, b := range bots {
		f.Options = append(f.Options, views.OptionView{Value: b.PublicID, Label: b.Name, Chosen: p.bot == b.PublicID})
	}
	return f, err
}

// onList reports whether a part was asked for from the list itself, so that its
// row can be replaced there; elsewhere the page is drawn anew.
func onList(c *fiber.Ctx, path string) bool {
	if !page.IsPart(c) {
		return false
	}
	before, _, _ := strings.Cut(page.Back(c), "?")
	return before == path
}

// onWholeList reports whether a part was asked for from the first page of the list,
// neither searched nor filtered: it can be drawn anew with what was made.
func onWholeList(c *fiber.Ctx, path string) bool { return onList(c, path) && page.Back(c) == path }

// freshPassword leads to the page that asks for the password again when that is
// what err wants, and comes back to where the reader was.
func freshPassword(c *fiber.Ctx, err error, back string) error {
	if !asksPassword(err) {
		return err
	}
	return page.Redirect(c, "/confirm?next="+url.QueryEscape(page.ReturnTo(back)))
}

// backToList is the list as the reader left it, when it was that list.
func backToList(c *fiber.Ctx, path string) string {
	from, err := url.Parse(c.Get(fiber.HeaderReferer))
	if err != nil || from.Path != path {
		return path
	}
	return page.ReturnTo(from.RequestURI())
}
