package dashboard

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// Members lists who has a role in the workspace.
func (d *Dashboard) Members(c *fiber.Ctx) error {
	rows, err := d.Control.Members(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	v := views.MembersView{Settings: d.settings(c, "/settings/members"), Count: page.Lang(c).Number(int64(len(rows)))}
	for _, m := range rows {
		v.Rows = append(v.Rows, d.presentMember(c, m))
	}
	open, err := d.Control.Invitations(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	for _, i := range open {
		v.Invited = append(v.Invited, d.invitationRow(c, i))
	}
	return page.Show(c, views.MembersPage(v))
}

func (d *Dashboard) presentMember(c *fiber.Ctx, m db.MemberRow) views.MemberRowView {
	l, now, zone := page.Lang(c), d.Now(), d.zone(c)
	v := views.MemberRowView{
		ID: m.User.PublicID, Name: m.User.Shown(), Under: m.User.Email, Initials: initials(m.User.Shown()),
		Roles: roleOptions(l, m.Role), Version: version(m.Version), Self: m.UserID == d.actor(c).ID, Off: !m.User.Enabled,
		Joined: l.Ago(m.CreatedAt, now), JoinedAt: l.Moment(m.CreatedAt, zone), Seen: l.T("settings.never"),
	}
	if v.Under == "" && v.Name != m.User.Username {
		v.Under = m.User.Username
	}
	if !m.User.LastLoginAt.IsZero() {
		v.Seen, v.SeenAt = l.Ago(m.User.LastLoginAt, now), l.Moment(m.User.LastLoginAt, zone)
	}
	return v
}

func roleOptions(l lang.Lang, chosen access.Role) []views.OptionView {
	var all []views.OptionView
	for _, role := range access.Roles() {
		all = append(all, views.OptionView{
			Value: string(role), Label: l.T("role." + string(role)), Text: l.T("role." + string(role) + "_may"), Chosen: role == chosen,
		})
	}
	return all
}

// NewMember shows the form that takes somebody in.
func (d *Dashboard) NewMember(c *fiber.Ctx) error {
	v := views.MemberFormView{Roles: roleOptions(page.Lang(c), access.Editor)}
	return d.showMemberForm(c, fiber.StatusOK, v)
}

func (d *Dashboard) showMemberForm(c *fiber.Ctx, status int, v views.MemberFormView) error {
	shell := d.shell(c, "settings", page.Lang(c).T("settings.add_member"))
	return page.StatusOrPart(c, status, views.MemberFormPage(shell, v), views.MemberForm(v))
}

// CreateMember gives somebody a role; a new user's password is shown this once.
func (d *Dashboard) CreateMember(c *fiber.Ctx) error {
	l := page.Lang(c)
	made, err := d.Control.CreateMember(c.UserContext(), d.actor(c), control.MemberForm{
		Username: field(c, "username"), Email: sent(c, "email"), Role: access.Role(field(c, "role")),
	})
	if path, needed := needsPassword(c, err); needed {
		return page.Redirect(c, path)
	}
	if refused(err) {
		return d.showMemberForm(c, page.StatusOf(err), views.MemberFormView{
			Failed: true, Errors: page.FieldErrors(c, err), Username: field(c, "username"), Email: field(c, "email"),
			Roles: roleOptions(l, access.Role(field(c, "role"))),
		})
	}
	if err != nil {
		return err
	}
	if made.Password == "" {
		return d.say(c, "/settings/members", "settings.member_added", made.Row.User.Shown())
	}
	v := views.MemberMadeView{Name: made.Row.User.Shown(), Password: made.Password, Text: l.T("settings.member_made_help"), Back: "/settings/members"}
	if !page.IsPart(c) {
		return page.Show(c, views.MemberMadePage(d.shell(c, "settings", v.Name), v))
	}
	row := d.presentMember(c, made.Row)
	row.Fresh = true
	return page.Part(c, views.MemberMade(v), views.MemberRowAdded(row))
}

// EditMember changes a member's role.
func (d *Dashboard) EditMember(c *fiber.Ctx) error {
	m, err := d.Control.EditMember(c.UserContext(), d.actor(c), c.Params("id"), access.Role(field(c, "role")), versionOf(c))
	if path, needed := needsPassword(c, err); needed {
		return page.Redirect(c, path)
	}
	if refused(err) {
		return page.RedirectSaying(c, d, "/settings/members", views.ToastView{Tone: views.Bad, Text: page.Say(c, err)})
	}
	if err != nil {
		return err
	}
	return d.say(c, "/settings/members", "settings.role_changed", m.User.Shown(), page.Lang(c).T("role."+string(m.Role)))
}

// RemoveMember asks before a role is taken away.
func (d *Dashboard) RemoveMember(c *fiber.Ctx) error {
	l := page.Lang(c)
	m, err := d.Control.Member(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	v := views.ConfirmView{
		Title: l.T("settings.remove_title", m.User.Shown()), Reach: l.T("settings.remove_reach", d.workspace(c).Name), Text: l.T("settings.remove_text"),
		Action: "/settings/members/" + m.User.PublicID + "/remove", Button: l.T("settings.remove"), Keep: "/settings/members",
	}
	return page.ShowOrPart(c, views.MemberRemovePage(d.shell(c, "settings", v.Title), v), views.MemberRemove(v))
}

// DeleteMember takes a member's role away.
func (d *Dashboard) DeleteMember(c *fiber.Ctx) error {
	err := d.Control.DeleteMember(c.UserContext(), d.actor(c), c.Params("id"))
	if refused(err) {
		return page.RedirectSaying(c, d, "/settings/members", views.ToastView{Tone: views.Bad, Text: page.Say(c, err)})
	}
	if err != nil {
		return err
	}
	return d.say(c, "/settings/members", "settings.removed")
}
