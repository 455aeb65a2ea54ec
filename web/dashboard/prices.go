package dashboard

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

const pricesPath = "/settings/prices"

// Prices lists what models cost, and what those cost that have no price.
func (d *Dashboard) Prices(c *fiber.Ctx) error { return d.showPrices(c, fiber.StatusOK, nil) }

func (d *Dashboard) showPrices(c *fiber.Ctx, status int, typed *views.DefaultPriceView) error {
	q := strings.TrimSpace(c.Query("q"))
	prices, err := d.Control.Prices(c.UserContext(), d.actor(c), q)
	if err != nil {
		return err
	}
	standard, at, err := d.Control.DefaultPriceAt(c.UserContext())
	if err != nil {
		return err
	}
	l := page.Lang(c)
	list := views.PriceListView{Filtered: q != "", Toolbar: views.ToolbarView{
		Action: pricesPath, Target: "prices", Query: q, Placeholder: l.T("prices.search"), Note: l.N("prices.count", int64(len(prices))),
	}}
	for _, p := range prices {
		list.Rows = append(list.Rows, views.PriceRowView{
			ID: p.PublicID, Model: p.Model, Href: pricesPath + "/" + p.PublicID, Prompt: d.price(c, p.Prompt), Completion: d.price(c, p.Completion),
		})
	}
	v := views.PricesView{Settings: d.settings(c, pricesPath), List: list, Default: views.DefaultPriceView{
		Prompt: d.Control.Dollars(standard.Prompt), Completion: d.Control.Dollars(standard.Completion), Version: version(at),
	}}
	if typed != nil {
		typed.Version = versionAgain(c, typed.Errors, v.Default.Version)
		v.Default = *typed
	}
	return page.StatusOrPart(c, status, views.PricesPage(v), views.PricesBody(list))
}

// price spells a price in dollars; 0 is a word.
func (d *Dashboard) price(c *fiber.Ctx, units int64) string {
	if units == 0 {
		return page.Lang(c).T("prices.free")
	}
	whole, decimals, _ := strings.Cut(d.Control.Dollars(units), ".")
	for len(decimals) < 2 {
		decimals += "0"
	}
	return "$" + whole + "." + decimals
}

// SetDefaultPrice saves what a model without a price costs.
func (d *Dashboard) SetDefaultPrice(c *fiber.Ctx) error {
	err := d.Control.SetDefaultPrice(c.UserContext(), d.actor(c), field(c, "prompt"), field(c, "completion"), versionOf(c))
	if refused(err) {
		return d.showPrices(c, page.StatusOf(err), &views.DefaultPriceView{
			Failed: true, Errors: formErrors(c, err), Prompt: field(c, "prompt"), Completion: field(c, "completion"),
		})
	}
	if err != nil {
		return err
	}
	return d.say(c, pricesPath, "prices.saved")
}

// NewPrice shows the form of a new price.
func (d *Dashboard) NewPrice(c *fiber.Ctx) error {
	return d.showPrice(c, fiber.StatusOK, d.newPriceForm(c))
}

func (d *Dashboard) newPriceForm(c *fiber.Ctx) views.PriceFormView {
	l := page.Lang(c)
	return views.PriceFormView{Title: l.T("prices.new"), Action: pricesPath, Submit: l.T("prices.create"), Once: d.formKey(c)}
}

// showPrice shows a price's form. It proposes the models of the workspace in view.
func (d *Dashboard) showPrice(c *fiber.Ctx, status int, v views.PriceFormView) error {
	providers, err := d.Control.Providers(c.UserContext(), d.actor(c))
	if err != nil && access.KindOf(err) != access.Forbidden {
		return err
	}
	for _, p := range providers {
		for _, m := range p.Models {
			v.Models = append(v.Models, m.UpstreamName)
		}
	}
	slices.Sort(v.Models)
	v.Models = slices.Compact(v.Models)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "instance", v.Title), views.PriceForm(v)), views.PriceForm(v))
}

func readPrice(c *fiber.Ctx) control.PriceForm {
	return control.PriceForm{Model: sent(c, "model"), Prompt: sent(c, "prompt"), Completion: sent(c, "completion"), Version: versionOf(c)}
}

// CreatePrice gives a model a price.
func (d *Dashboard) CreatePrice(c *fiber.Ctx) error {
	_, _, err := d.once(c, func() (string, error) {
		_, err := d.Control.CreatePrice(c.UserContext(), d.actor(c), readPrice(c))
		return pricesPath, err
	})
	return d.pricedOr(c, err, d.newPriceForm(c))
}

// pricedOr leads back to the list, or shows the form as it was sent, marked.
func (d *Dashboard) pricedOr(c *fiber.Ctx, err error, v views.PriceFormView) error {
	if refused(err) {
		v.Failed, v.Errors = true, formErrors(c, err)
		v.Version = versionAgain(c, v.Errors, v.Version)
		v.Model, v.Prompt, v.Completion = field(c, "model"), field(c, "prompt"), field(c, "completion")
		return d.showPrice(c, page.StatusOf(err), v)
	}
	if err != nil {
		return err
	}
	return d.say(c, pricesPath, "prices.saved")
}

// AskEditPrice shows the form of a price.
func (d *Dashboard) AskEditPrice(c *fiber.Ctx) error {
	v, err := d.priceForm(c)
	if err != nil {
		return err
	}
	return d.showPrice(c, fiber.StatusOK, v)
}

func (d *Dashboard) priceForm(c *fiber.Ctx) (views.PriceFormView, error) {
	p, err := d.Control.Price(c.UserContext(), d.actor(c), c.Params("id"))
	return views.PriceFormView{
		Title: p.Model, Action: pricesPath + "/" + p.PublicID, Submit: page.Lang(c).T("kit.save"), Version: version(p.Version),
		Model: p.Model, Prompt: d.Control.Dollars(p.Prompt), Completion: d.Control.Dollars(p.Completion),
	}, err
}

// EditPrice saves a price.
func (d *Dashboard) EditPrice(c *fiber.Ctx) error {
	_, err := d.Control.EditPrice(c.UserContext(), d.actor(c), c.Params("id"), readPrice(c))
	if !refused(err) {
		return d.pricedOr(c, err, views.PriceFormView{})
	}
	v, lost := d.priceForm(c)
	if lost != nil {
		return lost
	}
	return d.pricedOr(c, err, v) // a form that was stale is based on the present price from now on
}

// AskDeletePrice asks before a price is deleted.
func (d *Dashboard) AskDeletePrice(c *fiber.Ctx) error {
	p, err := d.Control.Price(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	standard, err := d.Control.DefaultPrice(c.UserContext())
	if err != nil {
		return err
	}
	l := page.Lang(c)
	v := views.ConfirmView{
		Title: l.T("prices.delete_title", p.Model), Text: l.T("prices.delete_text", d.price(c, standard.Prompt), d.price(c, standard.Completion)),
		Button: l.T("prices.delete"), Action: pricesPath + "/" + p.PublicID + "/delete", Keep: pricesPath,
	}
	return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "instance", v.Title), v), views.ConfirmPanel(v))
}

// DeletePrice removes a price.
func (d *Dashboard) DeletePrice(c *fiber.Ctx) error {
	if err := d.Control.DeletePrice(c.UserContext(), d.actor(c), c.Params("id")); err != nil {
		return err
	}
	return d.say(c, pricesPath, "prices.deleted")
}
