package dashboard

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// foundMost is how many rows of each sort the search shows; the rest are in the
// list of that sort.
const foundMost = 6

// Search looks for a text in everything that the workspace has: by name, note,
// bot or last characters, and for one call by its id.
func (d *Dashboard) Search(c *fiber.Ctx) error {
	l := page.Lang(c)
	text := strings.TrimSpace(c.Query("q"))
	if r := []rune(text); len(r) > searchMax {
		text = string(r[:searchMax])
	}
	v := views.SearchView{Query: text, Title: l.T("search.title")}
	if text != "" {
		v.Title = l.T("search.for", text)
		for _, look := range []func(*fiber.Ctx, string) (views.FoundView, error){
			d.findBots, d.findTokens, d.findShares, d.findCustomers, d.findRequest,
		} {
			found, err := look(c, text)
			if err != nil {
				return err
			}
			if len(found.Rows) > 0 {
				v.Found = append(v.Found, found)
			}
		}
	}
	if page.IsPart(c) {
		return page.Part(c, views.SearchBody(v))
	}
	v.Shell = d.shell(c, "", v.Title)
	v.Shell.Query = text
	return page.Show(c, views.SearchPage(v))
}

// found cuts the rows that are shown and leads on to the list where there are more.
func found[R any](c *fiber.Ctx, list, text string, rows []R, row func(R) views.FoundRow) views.FoundView {
	v := views.FoundView{Title: page.Lang(c).T(list + ".title")}
	if len(rows) > foundMost {
		rows, v.More = rows[:foundMost], "/"+list+"?q="+url.QueryEscape(text)
	}
	for _, r := range rows {
		v.Rows = append(v.Rows, row(r))
	}
	return v
}

func (d *Dashboard) findBots(c *fiber.Ctx, text string) (views.FoundView, error) {
	rows, _, err := d.Control.Bots(c.UserContext(), d.actor(c), db.Page{Query: text, Limit: foundMost + 1})
	return found(c, "bots", text, rows, func(r db.BotRow) views.FoundRow {
		return views.FoundRow{Name: r.Name, Href: botHref(r.PublicID), Under: r.Model}
	}), err
}

func (d *Dashboard) findTokens(c *fiber.Ctx, text string) (views.FoundView, error) {
	w := d.words(c)
	rows, err := d.Control.TokenPage(c.UserContext(), d.actor(c), db.Page{Query: text, Limit: foundMost + 1})
	return found(c, "tokens", text, rows, func(r db.TokenRow) views.FoundRow {
		v := views.FoundRow{Name: r.Name, Href: tokenHref(r.PublicID), Under: w.tokenUnder(r), Mono: control.KeyMask + r.Hint}
		v.Tone, v.Status = w.state(r.Status(r.Purse.At(w.now, w.work), w.now))
		return v
	}), err
}

func (d *Dashboard) findShares(c *fiber.Ctx, text string) (views.FoundView, error) {
	w := d.words(c)
	rows, err := d.Control.SharePage(c.UserContext(), d.actor(c), db.Page{Query: text, Limit: foundMost + 1})
	return found(c, "shares", text, rows, func(r db.ShareRow) views.FoundRow {
		v := views.FoundRow{Name: shareName(w.Lang, r.Share), Href: shareHref(r.PublicID), Under: r.BotName, Mono: "…" + r.Hint}
		v.Tone, v.Status = w.state(r.Status(w.now))
		return v
	}), err
}

func (d *Dashboard) findCustomers(c *fiber.Ctx, text string) (views.FoundView, error) {
	w := d.words(c)
	rows, err := d.Control.CustomerPage(c.UserContext(), d.actor(c), db.Page{Query: text, Limit: foundMost + 1})
	return found(c, "customers", text, rows, func(r db.CustomerRow) views.FoundRow {
		v := views.FoundRow{Name: r.Username, Href: customerHref(r.PublicID), Under: or(r.Email, r.Note)}
		v.Tone, v.Status = w.state(customerStatus(r.Customer))
		return v
	}), err
}

// findRequest finds one call, by its whole id.
func (d *Dashboard) findRequest(c *fiber.Ctx, text string) (views.FoundView, error) {
	d.Gateway.Flush()
	r, err := d.Control.Request(c.UserContext(), d.actor(c), text)
	if access.KindOf(err) == access.NotFound {
		return views.FoundView{}, nil
	}
	row := d.words(c).requestRow(r, false)
	return found(c, "requests", text, []views.FoundRow{{
		Name: row.Who, Href: row.Href, Under: row.When + " · " + row.Bot, Mono: r.RequestID, Tone: row.Tone, Status: row.Outcome,
	}}, func(f views.FoundRow) views.FoundRow { return f }), err
}
