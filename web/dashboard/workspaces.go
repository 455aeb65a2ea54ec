package dashboard

import (
	"encoding/json"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// Workspace shows the workspace in view to its owners.
func (d *Dashboard) Workspace(c *fiber.Ctx) error {
	return page.Show(c, views.WorkspacePage(d.workspaceView(c)))
}

func (d *Dashboard) workspaceView(c *fiber.Ctx) views.WorkspaceView {
	w, b := d.workspace(c), d.brand(c)
	return views.WorkspaceView{
		Settings: d.settings(c, "/settings/workspace"), Name: w.Name, TimeZone: w.TimeZone, Version: version(w.Version), ID: w.PublicID,
		Zones: zones, BrandName: b.Name, Colour: b.Colour, Credit: !b.NoCredit, Legal: b.Legal, MayDelete: !b.NoDelete,
	}
}

// brand is how the workspace in view looks to its customers.
func (d *Dashboard) brand(c *fiber.Ctx) control.Brand {
	var b control.Brand
	if json.Unmarshal([]byte(d.workspace(c).Brand), &b) != nil {
		return control.Brand{}
	}
	return b
}

// EditWorkspace changes name, time zone and brand.
func (d *Dashboard) EditWorkspace(c *fiber.Ctx) error {
	b := control.Brand{
		Name: field(c, "brand_name"), Colour: field(c, "colour"), NoCredit: !ticked(c, "credit"), Legal: strings.TrimSpace(field(c, "legal")),
		NoDelete: !ticked(c, "may_delete"),
	}
	_, err := d.Control.EditWorkspace(c.UserContext(), d.actor(c), control.WorkspaceForm{
		Name: sent(c, "name"), TimeZone: sent(c, "time_zone"), Brand: &b, Version: versionOf(c),
	})
	if refused(err) {
		v := d.workspaceView(c)
		v.Failed, v.Errors = true, formErrors(c, err)
		v.Name, v.TimeZone, v.BrandName, v.Colour, v.Credit = field(c, "name"), field(c, "time_zone"), b.Name, b.Colour, !b.NoCredit
		v.Legal, v.MayDelete, v.Version = b.Legal, !b.NoDelete, versionAgain(c, v.Errors, v.Version)
		return page.Status(c, page.StatusOf(err), views.WorkspacePage(v))
	}
	if err != nil {
		return err
	}
	return d.say(c, "/settings/workspace", "settings.saved")
}
