package dashboard

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// Providers lists the workspace's providers.
func (d *Dashboard) Providers(c *fiber.Ctx) error {
	rows, err := d.Control.Providers(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	v := views.ProvidersView{ReadOnly: !d.actor(c).May(access.ChangeProviders)}
	v.Shell = d.shell(c, "providers", page.Lang(c).T("providers.title"))
	for _, r := range rows {
		v.Rows = append(v.Rows, d.providerRow(c, r))
	}
	return page.ShowOrPart(c, views.ProvidersPage(v), views.ProvidersBody(v))
}

// Provider is the page of one provider.
func (d *Dashboard) Provider(c *fiber.Ctx) error {
	row, err := d.Control.Provider(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	return d.showProvider(c, fiber.StatusOK, row, d.providerForm(c, row.Provider))
}

// ProviderMenu is the menu of a provider's row.
func (d *Dashboard) ProviderMenu(c *fiber.Ctx) error {
	row, err := d.Control.Provider(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	return page.Part(c, views.ProviderMenu(views.ProviderMenuView{
		ID: row.PublicID, Href: providerHref(row.PublicID), Enabled: row.Enabled, Paused: !row.PausedAt.IsZero(),
	}))
}

// NewProvider shows the form of a new provider.
func (d *Dashboard) NewProvider(c *fiber.Ctx) error {
	return d.showNewProvider(c, fiber.StatusOK, d.providerForm(c, access.Provider{}))
}

// CreateProvider connects a provider and leads to its page.
func (d *Dashboard) CreateProvider(c *fiber.Ctx) error {
	sent, err := readProvider(c)
	where := ""
	if err == nil {
		where, _, err = d.once(c, func() (string, error) {
			row, err := d.Control.CreateProvider(c.UserContext(), d.actor(c), sent.form)
			return providerHref(row.PublicID), err
		})
	}
	if refused(err) {
		return d.showNewProvider(c, page.StatusOf(err), d.refusedProvider(c, sent, access.Provider{}, err))
	}
	if err != nil {
		return err
	}
	return d.say(c, where, "providers.created")
}

// EditProvider saves a provider's settings.
func (d *Dashboard) EditProvider(c *fiber.Ctx) error {
	sent, err := readProvider(c)
	if err == nil {
		_, err = d.Control.EditProvider(c.UserContext(), d.actor(c), c.Params("id"), sent.form)
	}
	if refused(err) {
		row, lost := d.Control.Provider(c.UserContext(), d.actor(c), c.Params("id"))
		if lost != nil {
			return lost
		}
		return d.showProvider(c, page.StatusOf(err), row, d.refusedProvider(c, sent, row.Provider, err))
	}
	if err != nil {
		return err
	}
	return d.say(c, providerHref(c.Params("id")), "providers.saved")
}

// FetchModels asks the endpoint of the form for its models and offers them.
func (d *Dashboard) FetchModels(c *fiber.Ctx) error {
	sent, err := readProvider(c)
	var names []string
	if err == nil {
		names, err = d.Control.FetchModels(c.UserContext(), d.actor(c), c.Params("id"), sent.form)
	}
	if !answered(err) {
		return err
	}
	v, p := d.sentProvider(c, sent)
	d.fetchedModels(c, &v, sent, names, err)
	if page.IsPart(c) {
		return page.Part(c, views.ProviderModels(v.Models), views.ProviderTestPart(v.Test), views.ProviderAddressPart(v))
	}
	return d.showProviderForm(c, p, v)
}

// TestProvider asks the real endpoint of the form and shows the result in place.
func (d *Dashboard) TestProvider(c *fiber.Ctx) error {
	sent, err := readProvider(c)
	var check control.Check
	if err == nil {
		check, err = d.Control.TryProvider(c.UserContext(), d.actor(c), c.Params("id"), sent.form, sent.testModel())
	}
	if !answered(err) {
		return err
	}
	v, p := d.sentProvider(c, sent)
	d.testedProvider(c, &v, check, err)
	if page.IsPart(c) {
		return page.Part(c, views.ProviderTest(v.Test), views.ProviderAddressPart(v))
	}
	return d.showProviderForm(c, p, v)
}

// answered reports whether err is nothing, or something to be said in the form.
func answered(err error) bool {
	switch access.KindOf(err) {
	case access.Invalid, access.Upstream, access.Limited, access.Busy:
		return true
	}
	return err == nil
}

// EnableProvider lets calls go to a disabled provider again.
func (d *Dashboard) EnableProvider(c *fiber.Ctx) error {
	return d.providerVerb(c, d.Control.EnableProvider(c.UserContext(), d.actor(c), c.Params("id")), "providers.is_enabled")
}

// DisableProvider stops calls to a provider.
func (d *Dashboard) DisableProvider(c *fiber.Ctx) error {
	return d.providerVerb(c, d.Control.DisableProvider(c.UserContext(), d.actor(c), c.Params("id")), "providers.is_disabled")
}

// ResumeProvider ends a pause.
func (d *Dashboard) ResumeProvider(c *fiber.Ctx) error {
	return d.providerVerb(c, d.Control.ResumeProvider(c.UserContext(), d.actor(c), c.Params("id")), "providers.is_resumed")
}

// providerVerb answers with the provider's row again, or leads back to its page.
func (d *Dashboard) providerVerb(c *fiber.Ctx, err error, key string) error {
	if err != nil {
		return err
	}
	if !page.IsPart(c) {
		return d.say(c, providerHref(c.Params("id")), key)
	}
	row, err := d.Control.Provider(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	return page.Part(c, views.ProviderRow(d.providerRow(c, row)),
		views.ToastPart(views.ToastView{Tone: views.Ok, Text: page.Lang(c).T(key)}))
}

// AskDeleteProvider shows what deleting a provider would stop.
func (d *Dashboard) AskDeleteProvider(c *fiber.Ctx) error {
	row, err := d.Control.Provider(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	l := page.Lang(c)
	v := views.ConfirmView{
		Title: l.T("providers.delete_title", row.Name), Text: l.T("providers.delete_text"), Button: l.T("providers.delete"),
		Action: providerHref(row.PublicID) + "/delete", Keep: providerHref(row.PublicID),
		Hidden: []views.OptionView{{Label: "confirmed", Value: "1"}},
	}
	if row.Bots > 0 {
		v.Reach = l.N("providers.reach", row.Bots)
	}
	return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "providers", v.Title), v), views.ConfirmPanel(v))
}

// DeleteProvider removes a provider.
func (d *Dashboard) DeleteProvider(c *fiber.Ctx) error {
	if err := d.Control.DeleteProvider(c.UserContext(), d.actor(c), c.Params("id"), ticked(c, "confirmed")); err != nil {
		return err
	}
	return d.say(c, "/providers", "providers.deleted")
}

// privateAsked is the host that an admin may list to get past err, "" for none.
func (d *Dashboard) privateAsked(c *fiber.Ctx, raw string, err error) string {
	if !d.actor(c).May(access.RunInstance) || errors.Is(err, access.Forbidden) {
		return ""
	}
	return askedHost(raw, err)
}
