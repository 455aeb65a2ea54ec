package dashboard

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// The statuses that the list of customers can be filtered by.
var customerStatuses = []access.Status{access.StatusEnabled, access.StatusDisabled}

func customerHref(id string) string { return "/customers/" + id }

// Customers lists the workspace's customers.
func (d *Dashboard) Customers(c *fiber.Ctx) error {
	v, err := d.customerList(c)
	if err != nil {
		return err
	}
	if page.IsPart(c) {
		return page.Part(c, views.CustomersBody(v), views.ExportPart(v.Export))
	}
	notes, err := d.jobNotes(c, "customers")
	if err != nil {
		return err
	}
	return page.Show(c, views.CustomersPage(views.CustomersView{Shell: d.shell(c, "customers", page.Lang(c).T("customers.title")), List: v, Jobs: notes}))
}

func (d *Dashboard) customerList(c *fiber.Ctx) (views.CustomerListView, error) {
	p, err := d.readListing(c, "customers", customerStatuses...)
	if err != nil {
		return views.CustomerListView{}, err
	}
	rows, total, err := d.Control.Customers(c.UserContext(), d.actor(c), p.page)
	if err != nil {
		return views.CustomerListView{}, err
	}
	rows, more := cutPage(rows, p)
	v := views.CustomerListView{
		Heads:  d.heads(c, p, map[string]string{"name": "customers.customer", "used": "customers.last_login", "made": "customers.added"}),
		Export: p.exportView(total), Filtered: p.filtered(), ReadOnly: !d.actor(c).May(access.ChangeAccess),
		Toolbar: views.ToolbarView{
			Action: p.path, Target: p.name, Unknown: p.unknown(page.Lang(c)), Query: p.page.Query, Placeholder: page.Lang(c).T("customers.search"), Note: d.countNote(c, p, total),
			Filters: []views.FilterView{d.statusFilter(c, p, customerStatuses...)}, Hidden: p.hidden(),
		},
	}
	for _, row := range rows {
		v.Rows = append(v.Rows, d.customerRow(c, row))
	}
	v.Bulk = d.picked(c, p, len(rows), total)
	if !v.ReadOnly && (len(rows) > 0 || p.boxes) {
		v.Toolbar = p.boxed(v.Toolbar)
	}
	if len(rows) > 0 {
		v.Pager = d.pager(c, p, rows[0].Place(p.page.Sort), rows[len(rows)-1].Place(p.page.Sort), len(rows), more, total)
	}
	return v, nil
}

func (d *Dashboard) customer(c *fiber.Ctx) (db.CustomerRow, error) {
	return d.Control.Customer(c.UserContext(), d.actor(c), c.Params("id"))
}

// Customer is the page of one customer.
func (d *Dashboard) Customer(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	v, err := d.customerPage(c, row)
	if err != nil {
		return err
	}
	return page.Show(c, views.CustomerPage(v))
}

// CustomerMenu is the menu of a customer's row.
func (d *Dashboard) CustomerMenu(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	return page.Part(c, views.CustomerMenu(views.CustomerMenuView{Row: customerRowID(row), Href: customerHref(row.PublicID), Disabled: !row.Enabled}))
}

// NewCustomer shows the form of a new customer.
func (d *Dashboard) NewCustomer(c *fiber.Ctx) error {
	return d.showCustomerForm(c, fiber.StatusOK, d.customerForm(c, nil))
}

func (d *Dashboard) showCustomerForm(c *fiber.Ctx, status int, v views.CustomerFormView) error {
	form := views.CustomerForm(v)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "customers", v.Title), form), form)
}

// readCustomer reads the form of a customer. A password goes along only where it
// was chosen: scripts send none, or one without saying so.
func readCustomer(c *fiber.Ctx) control.CustomerForm {
	f := control.CustomerForm{Username: sent(c, "username"), Email: sent(c, "email"), Note: sent(c, "note"), Version: versionOf(c)}
	if by := field(c, "password_by"); by == "chosen" || by == "" && field(c, "password") != "" {
		plain := field(c, "password")
		f.Password = &plain
	}
	return f
}

// CreateCustomer enrols a customer and shows the password that was made.
func (d *Dashboard) CreateCustomer(c *fiber.Ctx) error {
	made, err := d.handOut(c, func() (handedOut, error) {
		enrolled, err := d.Control.CreateCustomer(c.UserContext(), d.actor(c), readCustomer(c))
		return handedOut{ID: enrolled.Row.PublicID, Secret: enrolled.Password}, err
	})
	if refused(err) {
		v := d.customerForm(c, nil)
		v.Failed, v.Errors = true, formErrors(c, err)
		return d.showCustomerForm(c, page.StatusOf(err), v)
	} else if err != nil {
		return err
	}
	return d.showReady(c, made, true)
}

// AskEditCustomer shows the form of a customer who is there.
func (d *Dashboard) AskEditCustomer(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	return d.showCustomerForm(c, fiber.StatusOK, d.customerForm(c, &row))
}

// EditCustomer saves a customer.
func (d *Dashboard) EditCustomer(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	f := readCustomer(c)
	f.Password = nil
	saved, err := d.Control.EditCustomer(c.UserContext(), d.actor(c), row.PublicID, f)
	if refused(err) {
		v := d.customerForm(c, &row)
		v.Failed, v.Errors = true, formErrors(c, err)
		if isStale(v.Errors) {
			v.Version = version(row.Version)
		}
		return d.showCustomerForm(c, page.StatusOf(err), v)
	} else if err != nil {
		return err
	}
	return d.customerDone(c, saved, "customers.said.saved")
}

// AskResetCustomer asks how a password is replaced.
func (d *Dashboard) AskResetCustomer(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	return d.showReset(c, fiber.StatusOK, row, nil)
}

// ResetCustomerPassword gives a customer a new password and shows it once.
func (d *Dashboard) ResetCustomerPassword(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	made, err := d.handOut(c, func() (handedOut, error) {
		reset, err := d.Control.ResetCustomerPassword(c.UserContext(), d.actor(c), row.PublicID, readCustomer(c))
		return handedOut{ID: row.PublicID, Secret: reset.Password}, err
	})
	if refused(err) {
		return d.showReset(c, page.StatusOf(err), row, err)
	} else if err != nil {
		return err
	}
	return d.showReady(c, made, false)
}

// AskGiveLink offers the links that are kept to named customers.
func (d *Dashboard) AskGiveLink(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	links, err := d.linksToGive(c, row)
	if err != nil {
		return err
	}
	l, href := page.Lang(c), customerHref(row.PublicID)
	v := views.GiveLinkView{
		Title: l.T("customers.give_title", row.Username), Text: l.T("customers.give_text"), Action: href + "/give", Back: href, Links: links,
	}
	form := views.GiveLinkForm(v)
	return page.ShowOrPart(c, views.PanelPage(d.shell(c, "customers", v.Title), form), form)
}

// GiveLink puts the customer on a link's list.
func (d *Dashboard) GiveLink(c *fiber.Ctx) error {
	return d.setLink(c, field(c, "share"), d.Control.GiveLink, "customers.said.given")
}

// TakeLink takes the customer off a link's list.
func (d *Dashboard) TakeLink(c *fiber.Ctx) error {
	return d.setLink(c, c.Params("share"), d.Control.TakeLink, "customers.said.taken")
}

func (d *Dashboard) setLink(c *fiber.Ctx, share string, act func(context.Context, access.Actor, string, string) error, key string) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	link, err := d.Control.Share(c.UserContext(), d.actor(c), share)
	if err != nil {
		return err
	}
	if err := act(c.UserContext(), d.actor(c), share, row.PublicID); err != nil {
		return err
	}
	return d.say(c, customerHref(row.PublicID), key, row.Username, shareName(page.Lang(c), link.Share))
}

// SignInText answers a copy button with what a customer needs to sign in: name and
// link, which the audit log knows first. A password is in it only when it is made.
func (d *Dashboard) SignInText(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	text, err := d.signInText(c, row, "")
	if err != nil {
		return freshPassword(c, err, page.Back(c))
	}
	l, href := page.Lang(c), customerHref(row.PublicID)
	v := views.CustomerReadyView{Title: l.T("customers.shown_title", row.Username), Summary: l.T("customers.shown_text"), Href: href, Back: href, Text: text}
	return page.Secret(c, text, views.PanelPage(d.shell(c, "customers", row.Username), views.CustomerReady(v)))
}
