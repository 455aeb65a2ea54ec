package dashboard

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// BulkTokens, BulkShares and BulkCustomers change the rows that were ticked, or
// every row of the list as it is searched and filtered.
func (d *Dashboard) BulkTokens(c *fiber.Ctx) error    { return d.bulk(c, "tokens") }
func (d *Dashboard) BulkShares(c *fiber.Ctx) error    { return d.bulk(c, "shares") }
func (d *Dashboard) BulkCustomers(c *fiber.Ctx) error { return d.bulk(c, "customers") }

func (d *Dashboard) bulk(c *fiber.Ctx, list string) error {
	verb, all, ids := c.Params("verb"), ticked(c, "all"), fields(c, "id")
	p, err := d.pickedFrom(c, list)
	if err == nil && len(ids) > control.BulkMax {
		err = access.Fail(access.Invalid, "bulk_too_many", "Too many rows at once: the most is %d. Nothing was changed.", control.BulkMax)
	}
	switch {
	case err != nil:
		return err
	case verb == "export" && all:
		return d.exportAll(c, p, control.Export{List: list, Page: p.whole()})
	case len(ids) == 0 && !all:
		return page.RedirectSaying(c, d, p.at(p.path), views.ToastView{Tone: views.Off, Text: page.Lang(c).T("bulk.none")})
	case verb == "export":
		return d.exportPicked(c, p, ids)
	case !control.BulkVerb(list, verb):
		return fiber.ErrNotFound
	case (all || ends(verb)) && !ticked(c, "confirmed"):
		return d.askBulk(c, p, verb, ids, all)
	case all:
		j, err := d.Control.BulkAll(c.UserContext(), d.actor(c), list, verb, p.page)
		if err != nil {
			return err
		}
		return page.Redirect(c, jobHref(j.PublicID))
	}
	return d.bulkPicked(c, p, verb, ids)
}

// ends reports whether a verb takes something away for good, or from people.
func ends(verb string) bool { return verb == "revoke" || verb == "delete" || verb == "end-sessions" }

// bulkPicked acts on the rows that were ticked. Where some were left as they were,
// a page says which and why.
func (d *Dashboard) bulkPicked(c *fiber.Ctx, p listing, verb string, ids []string) error {
	done, left, err := d.Control.Bulk(c.UserContext(), d.actor(c), p.name, verb, ids)
	if err != nil {
		return err
	}
	l, back := page.Lang(c), backToList(c, p.at(p.path))
	said := l.T("bulk.done."+verb, l.N("bulk.n."+p.name, done))
	if len(left) == 0 {
		return page.RedirectSaying(c, d, back, views.ToastView{Tone: views.Ok, Text: said})
	}
	v := views.JobView{Title: bulkTitle(l, p.name, verb), Tone: views.Warn, Summary: said + " " + l.N("bulk.left", int64(len(left))), Back: back}
	v.Left = leftOutRows(l, p.path+"/", left)
	v.Shell = d.shell(c, p.name, v.Title)
	return page.Show(c, views.JobPage(v))
}

func bulkTitle(l lang.Lang, list, verb string) string {
	return l.T("bulk.do."+verb, l.T("bulk.noun."+list))
}

// listStatuses are what the lists whose rows can be changed together filter by.
var listStatuses = map[string][]access.Status{"tokens": tokenStatuses, "shares": shareStatuses, "customers": customerStatuses}

// pickedFrom is the list that the ticked rows stood in, as the form carries it.
func (d *Dashboard) pickedFrom(c *fiber.Ctx, list string) (listing, error) {
	p := listing{path: "/" + list, name: list, page: db.Page{Query: field(c, "q"), Status: access.Status(field(c, "status"))}, sort: field(c, "sort")}
	if s := p.page.Status; s != "" && !slices.Contains(listStatuses[list], s) {
		return p, access.Fail(access.Invalid, "filter_unknown", "This list has no such filter. Nothing was changed: go back to the list and choose again.")
	}
	id := field(c, "bot")
	if id == "" {
		return p, nil
	}
	bot, err := d.Control.Bot(c.UserContext(), d.actor(c), id)
	p.bot, p.page.BotID = id, bot.ID
	return p, err
}

// picked is what the bulk form of a list carries along.
func (d *Dashboard) picked(c *fiber.Ctx, p listing, rows int, total int64) views.BulkView {
	l := page.Lang(c)
	v := views.BulkView{Path: p.path + "/bulk/"}
	for _, name := range []string{"q", "status", "bot", "sort"} {
		if value := p.query().Get(name); value != "" {
			v.Hidden = append(v.Hidden, views.OptionView{Label: name, Value: value})
		}
	}
	if total > int64(rows) {
		v.All = l.T("bulk.all", l.N("bulk.n."+p.name, total))
		if _, more := p.moreThan(total); more {
			v.All = l.T("bulk.all_many")
		}
	}
	return v
}

// askBulk asks before many rows are changed; what they carry stands first.
func (d *Dashboard) askBulk(c *fiber.Ctx, p listing, verb string, ids []string, all bool) error {
	l := page.Lang(c)
	what := l.N("bulk.n."+p.name, int64(len(ids)))
	reach, err := d.bulkReach(c, p.name, ids)
	if err != nil {
		return err
	}
	v := views.BulkConfirmView{Confirm: views.ConfirmView{
		Reach: reach, Text: l.T("bulk.each"), Action: p.path + "/bulk/" + verb, Keep: backToList(c, p.at(p.path)),
		Hidden: append(d.picked(c, p, 0, 0).Hidden, views.OptionView{Label: "confirmed", Value: "1"}),
	}, IDs: ids}
	if key := "bulk.text." + p.name + "." + verb; l.Has(key) {
		v.Confirm.Text = l.T(key)
	}
	if all {
		if what, err = d.bulkCount(c, p); err != nil {
			return err
		}
		v.IDs, v.Confirm.Reach = nil, ""
		v.Confirm.Hidden = append(v.Confirm.Hidden, views.OptionView{Label: "all", Value: "1"})
	}
	v.Confirm.Title, v.Confirm.Button = l.T("bulk.ask."+verb, what), l.T("bulk.do."+verb, what)
	return page.Show(c, views.BulkConfirm(d.shell(c, p.name, v.Confirm.Title), v))
}

// bulkCount says how many rows the list has.
func (d *Dashboard) bulkCount(c *fiber.Ctx, p listing) (string, error) {
	ctx, by, l := c.UserContext(), d.actor(c), page.Lang(c)
	p.page.Limit = 1
	var n int64
	var err error
	switch p.name {
	case "tokens":
		_, n, err = d.Control.Tokens(ctx, by, p.page)
	case "shares":
		_, n, err = d.Control.Shares(ctx, by, p.page)
	default:
		_, n, err = d.Control.Customers(ctx, by, p.page)
	}
	if n > db.CountMax && p.filtered() {
		return l.T("bulk.many", l.Number(db.CountMax), l.T("bulk.noun."+p.name)), err
	}
	return l.N("bulk.n."+p.name, n), err
}

// bulkReach adds up what stops with each of the rows. One that is gone has nothing.
func (d *Dashboard) bulkReach(c *fiber.Ctx, list string, ids []string) (string, error) {
	ctx, by, l := c.UserContext(), d.actor(c), page.Lang(c)
	var tokens db.TokenReach
	var customers, today, links, sessions int64
	for _, id := range ids {
		var err error
		switch list {
		case "tokens":
			var r db.TokenReach
			r, err = d.Control.TokenReach(ctx, by, id)
			tokens.Calls, tokens.Embeds = tokens.Calls+r.Calls, tokens.Embeds+r.Embeds
		case "shares":
			var r db.ShareReach
			r, err = d.Control.ShareReach(ctx, by, id)
			customers, today = customers+r.Customers, today+r.Today
		default:
			var r db.CustomerReach
			r, err = d.Control.CustomerReach(ctx, by, id)
			links, sessions, today = links+r.Links, sessions+r.Sessions, today+r.Today
		}
		if err != nil && access.KindOf(err) != access.NotFound {
			return "", err
		}
	}
	switch list {
	case "tokens":
		return d.reachOfToken(c, tokens), nil
	case "shares":
		return l.T("shares.reach", l.N("shares.reach_customers", customers), l.N("shares.reach_questions", today)), nil
	}
	return l.T("customers.reach", l.N("customers.n_links", links), l.N("customers.n_sessions", sessions), l.N("customers.n_questions", today)), nil
}
