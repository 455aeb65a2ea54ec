package dashboard

import (
	"context"
	"encoding/hex"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// customerDone says what became of a customer.
func (d *Dashboard) customerDone(c *fiber.Ctx, row db.CustomerRow, key string) error {
	toast := views.ToastView{Tone: views.Ok, Text: page.Lang(c).T(key, row.Username)}
	if onList(c, "/customers") {
		return page.Part(c, views.CustomerRowChanged(d.customerRow(c, row)), views.DialogDone(), views.ToastPart(toast))
	}
	return page.RedirectSaying(c, d, customerHref(row.PublicID), toast)
}

func (d *Dashboard) endCustomer(c *fiber.Ctx, act func(context.Context, access.Actor, string) error, key string) error {
	if err := act(c.UserContext(), d.actor(c), c.Params("id")); err != nil {
		return err
	}
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	return d.customerDone(c, row, key)
}

// DisableCustomer keeps a customer out; every sign-in ends.
func (d *Dashboard) DisableCustomer(c *fiber.Ctx) error {
	return d.endCustomer(c, d.Control.DisableCustomer, "customers.said.disabled")
}

// EnableCustomer lets a disabled customer in again.
func (d *Dashboard) EnableCustomer(c *fiber.Ctx) error {
	return d.endCustomer(c, d.Control.EnableCustomer, "customers.said.enabled")
}

// EndCustomerSessions signs a customer out everywhere.
func (d *Dashboard) EndCustomerSessions(c *fiber.Ctx) error {
	return d.endCustomer(c, d.Control.EndCustomerSessions, "customers.said.ended")
}

// EndCustomerSession ends one sign-in, named by its hash.
func (d *Dashboard) EndCustomerSession(c *fiber.Ctx) error {
	hash, err := hex.DecodeString(c.Params("session"))
	if err != nil {
		return fiber.ErrNotFound
	}
	return d.endCustomer(c, func(ctx context.Context, by access.Actor, id string) error {
		return d.Control.EndCustomerSession(ctx, by, id, hash)
	}, "customers.said.end_one")
}

// DeleteCustomer removes a customer.
func (d *Dashboard) DeleteCustomer(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	if err := d.Control.DeleteCustomer(c.UserContext(), d.actor(c), row.PublicID); err != nil {
		return err
	}
	toast := views.ToastView{Tone: views.Ok, Text: page.Lang(c).T("customers.said.deleted", row.Username)}
	if onList(c, "/customers") {
		return page.Part(c, views.RowGone(customerRowID(row)), views.DialogDone(), views.ToastPart(toast))
	}
	return page.RedirectSaying(c, d, "/customers", toast)
}

// AskDisableCustomer, AskDeleteCustomer and AskEndSessions ask first.
func (d *Dashboard) AskDisableCustomer(c *fiber.Ctx) error {
	return d.askCustomer(c, "disable", "disable")
}

func (d *Dashboard) AskDeleteCustomer(c *fiber.Ctx) error {
	return d.askCustomer(c, "delete", "delete")
}

func (d *Dashboard) AskEndSessions(c *fiber.Ctx) error {
	return d.askCustomer(c, "end", "end-sessions")
}

// askCustomer asks before a customer is kept out: what they have stands first.
func (d *Dashboard) askCustomer(c *fiber.Ctx, verb, path string) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	reach, err := d.Control.CustomerReach(c.UserContext(), d.actor(c), row.PublicID)
	if err != nil {
		return err
	}
	l, href := page.Lang(c), customerHref(row.PublicID)
	v := views.ConfirmView{
		Title: l.T("customers."+verb+"_title", row.Username), Text: l.T("customers." + verb + "_text"), Action: href + "/" + path,
		Reach:  l.T("customers.reach", l.N("customers.n_links", reach.Links), l.N("customers.n_sessions", reach.Sessions), l.N("customers.n_questions", reach.Today)),
		Button: l.T("customers.do." + verb), Target: "#dialog", Keep: href,
	}
	if verb == "delete" && row.Enabled {
		v.Other, v.OtherIcon, v.OtherPost = l.T("customers.disable_instead"), "ban", href+"/disable"
	}
	return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "customers", v.Title), v), views.ConfirmPanel(v))
}
