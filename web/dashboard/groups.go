package dashboard

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

const groupsPath = "/settings/groups"

// Groups lists the groups of the instance.
func (d *Dashboard) Groups(c *fiber.Ctx) error {
	rows, err := d.Control.Groups(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	v := views.GroupsView{Settings: d.settings(c, groupsPath)}
	for _, r := range rows {
		v.Rows = append(v.Rows, groupRow(page.Lang(c), r))
	}
	return page.Show(c, views.GroupsPage(v))
}

func groupRow(l lang.Lang, r db.GroupRow) views.GroupRowView {
	v := views.GroupRowView{
		ID: r.PublicID, Name: r.Name, Href: groupsPath + "/" + r.PublicID, Under: r.Description,
		Tone: views.Ok, Status: l.T("groups.active"), Ratio: "× " + access.FormatDecimal(r.RatioPPM, access.RatioOne),
		Models: l.T("groups.all_models"), Fixed: r.Name == db.DefaultGroup,
	}
	if !r.Enabled {
		v.Tone, v.Status = views.Off, l.T("groups.disabled")
	}
	if !r.AllModels {
		v.Models, v.ModelsTitle = l.N("groups.some_models", int64(len(r.Models))), strings.Join(r.Models, ", ")
	}
	var limits []string
	if r.RPM > 0 {
		limits = append(limits, l.N("groups.rpm_now", r.RPM))
	}
	if r.TPM > 0 {
		limits = append(limits, l.N("groups.tpm_now", r.TPM))
	}
	v.Limits = or(strings.Join(limits, " · "), l.T("groups.no_limit"))
	v.Reach = groupReach(l, r)
	return v
}

func groupReach(l lang.Lang, r db.GroupRow) string {
	var said []string
	if r.Tokens > 0 {
		said = append(said, l.N("groups.tokens", r.Tokens))
	}
	if r.Workspaces > 0 {
		said = append(said, l.N("groups.workspaces", r.Workspaces))
	}
	return or(strings.Join(said, " · "), l.T("groups.nobody"))
}

// NewGroup shows the form of a new group.
func (d *Dashboard) NewGroup(c *fiber.Ctx) error {
	return d.showGroup(c, fiber.StatusOK, d.newGroupForm(c))
}

func (d *Dashboard) newGroupForm(c *fiber.Ctx) views.GroupFormView {
	l := page.Lang(c)
	return views.GroupFormView{
		Title: l.T("groups.new"), Action: groupsPath, Submit: l.T("groups.create"), Once: d.formKey(c), Ratio: "1", Enabled: true,
		Which: choices(l, "groups.which", "all", "all", "some"),
	}
}

func (d *Dashboard) showGroup(c *fiber.Ctx, status int, v views.GroupFormView) error {
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "instance", v.Title), views.GroupForm(v)), views.GroupForm(v))
}

func readGroup(c *fiber.Ctx) (f control.GroupForm, err error) {
	f = control.GroupForm{Name: sent(c, "name"), Description: sent(c, "description"), Ratio: sent(c, "ratio"), Version: versionOf(c)}
	rpm, err := number(field(c, "rpm"), "rpm")
	if err != nil {
		return f, err
	}
	tpm, err := number(field(c, "tpm"), "tpm")
	if err != nil {
		return f, err
	}
	all, enabled, models := field(c, "which") != "some", ticked(c, "enabled"), lines(field(c, "models"))
	f.RPM, f.TPM, f.AllModels, f.Models = &rpm, &tpm, &all, &models
	if f.Name != nil && *f.Name != db.DefaultGroup {
		f.Enabled = &enabled // the default one has no such switch
	}
	return f, nil
}

// CreateGroup adds a group.
func (d *Dashboard) CreateGroup(c *fiber.Ctx) error {
	f, err := readGroup(c)
	if err == nil {
		_, _, err = d.once(c, func() (string, error) {
			_, err := d.Control.CreateGroup(c.UserContext(), d.actor(c), f)
			return groupsPath, err
		})
	}
	return d.groupedOr(c, err, d.newGroupForm(c))
}

// groupedOr leads back to the list, or shows the form as it was sent, marked.
func (d *Dashboard) groupedOr(c *fiber.Ctx, err error, v views.GroupFormView) error {
	if refused(err) {
		v.Failed, v.Errors = true, formErrors(c, err)
		v.Version = versionAgain(c, v.Errors, v.Version)
		v.Name, v.Description, v.Ratio = field(c, "name"), field(c, "description"), field(c, "ratio")
		v.RPM, v.TPM, v.Models, v.Enabled = field(c, "rpm"), field(c, "tpm"), field(c, "models"), ticked(c, "enabled")
		choose(v.Which, field(c, "which"))
		return d.showGroup(c, page.StatusOf(err), v)
	}
	if err != nil {
		return err
	}
	return d.say(c, groupsPath, "groups.saved")
}

// AskEditGroup shows the form of a group.
func (d *Dashboard) AskEditGroup(c *fiber.Ctx) error {
	v, err := d.groupForm(c)
	if err != nil {
		return err
	}
	return d.showGroup(c, fiber.StatusOK, v)
}

func (d *Dashboard) groupForm(c *fiber.Ctx) (views.GroupFormView, error) {
	r, err := d.Control.Group(c.UserContext(), d.actor(c), c.Params("id"))
	which := "all"
	if !r.AllModels {
		which = "some"
	}
	l := page.Lang(c)
	return views.GroupFormView{
		Title: r.Name, Action: groupsPath + "/" + r.PublicID, Submit: l.T("kit.save"), Version: version(r.Version), Fixed: r.Name == db.DefaultGroup,
		Name: r.Name, Description: r.Description, Ratio: access.FormatDecimal(r.RatioPPM, access.RatioOne), RPM: numberText(r.RPM), TPM: numberText(r.TPM),
		Which: choices(l, "groups.which", which, "all", "some"), Models: strings.Join(r.Models, "\n"), Enabled: r.Enabled,
	}, err
}

// EditGroup saves a group.
func (d *Dashboard) EditGroup(c *fiber.Ctx) error {
	f, err := readGroup(c)
	if err == nil {
		_, err = d.Control.EditGroup(c.UserContext(), d.actor(c), c.Params("id"), f)
	}
	if !refused(err) {
		return d.groupedOr(c, err, views.GroupFormView{})
	}
	v, lost := d.groupForm(c)
	if lost != nil {
		return lost
	}
	return d.groupedOr(c, err, v)
}

// AskDeleteGroup asks before a group is deleted.
func (d *Dashboard) AskDeleteGroup(c *fiber.Ctx) error {
	r, err := d.Control.Group(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	l := page.Lang(c)
	v := views.ConfirmView{
		Title: l.T("groups.delete_title", r.Name), Text: l.T("groups.delete_text"), Button: l.T("groups.delete"),
		Action: groupsPath + "/" + r.PublicID + "/delete", Keep: groupsPath,
	}
	if r.Tokens+r.Workspaces > 0 {
		v.Reach = l.T("groups.reach", groupReach(l, r))
	}
	return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "instance", v.Title), v), views.ConfirmPanel(v))
}

// DeleteGroup removes a group that nothing uses.
func (d *Dashboard) DeleteGroup(c *fiber.Ctx) error {
	if err := d.Control.DeleteGroup(c.UserContext(), d.actor(c), c.Params("id")); err != nil {
		return err
	}
	return d.say(c, groupsPath, "groups.deleted")
}
