package dashboard

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/mileusna/useragent"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// Profile shows the reader's own account.
func (d *Dashboard) Profile(c *fiber.Ctx) error {
	return page.Show(c, views.ProfilePage(d.profileView(c)))
}

func (d *Dashboard) profileView(c *fiber.Ctx) views.ProfileView {
	l, u := page.Lang(c), at(c).User
	return views.ProfileView{
		Settings: d.settings(c, "/settings/profile"), Username: u.Username, Email: u.Email, Nickname: u.Nickname,
		Languages: languageOptions(l, u.Language), TimeZone: u.TimeZone, Zones: zones, Version: version(u.Version),
		TimeZoneHelp: l.T("settings.own_zone_help", d.workspace(c).Location().String()),
	}
}

// EditProfile changes the reader's own account.
func (d *Dashboard) EditProfile(c *fiber.Ctx) error {
	u, err := d.Control.EditProfile(c.UserContext(), d.actor(c), control.UserForm{
		Username: sent(c, "username"), Email: sent(c, "email"), Nickname: sent(c, "nickname"),
		Language: sent(c, "language"), TimeZone: sent(c, "time_zone"), Version: versionOf(c),
	})
	if refused(err) {
		v := d.profileView(c)
		v.Failed, v.Errors = true, formErrors(c, err)
		v.Username, v.Email, v.Nickname, v.TimeZone = field(c, "username"), field(c, "email"), field(c, "nickname"), field(c, "time_zone")
		v.Languages, v.Version = languageOptions(page.Lang(c), field(c, "language")), versionAgain(c, v.Errors, v.Version)
		return page.Status(c, page.StatusOf(err), views.ProfilePage(v))
	}
	if err != nil {
		return err
	}
	if l, ok := lang.Parse(u.Language); ok && u.Language != "" {
		page.SetLang(c, l)
	}
	return d.say(c, "/settings/profile", "settings.saved")
}

// Password shows the change of the reader's own password.
func (d *Dashboard) Password(c *fiber.Ctx) error {
	return page.Show(c, views.PasswordPage(d.passwordView(c)))
}

func (d *Dashboard) passwordView(c *fiber.Ctx) views.PasswordView {
	u := at(c).User
	return views.PasswordView{Settings: d.settings(c, "/settings/password"), Must: u.MustChange, Username: u.Username}
}

// ChangePassword replaces the reader's own password.
func (d *Dashboard) ChangePassword(c *fiber.Ctx) error {
	value, err := d.Control.ChangePassword(c.UserContext(), d.actor(c), field(c, "current"), field(c, "password"), ticked(c, "keep"))
	if refused(err) {
		v := d.passwordView(c)
		v.Failed, v.Errors = true, page.FieldErrors(c, err)
		return page.Status(c, page.StatusOf(err), views.PasswordPage(v))
	}
	if err != nil {
		return err
	}
	if err := d.Sessions.SignIn(c, value); err != nil {
		return err
	}
	return d.say(c, "/settings/password", "settings.password_changed")
}

// SignIns shows where the reader is signed in.
func (d *Dashboard) SignIns(c *fiber.Ctx) error {
	rows, err := d.Control.SignIns(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	v := views.SignInsView{Settings: d.settings(c, "/settings/sessions"), Others: len(rows) > 1}
	for _, r := range rows {
		v.Rows = append(v.Rows, d.presentSignIn(c, r))
	}
	return page.Show(c, views.SignInsPage(v))
}

func (d *Dashboard) presentSignIn(c *fiber.Ctx, r control.SignInRow) views.SignInRowView {
	l, now, zone := page.Lang(c), d.Now(), d.zone(c)
	v := views.SignInRowView{
		ID: r.ID, Current: r.Current, Seen: l.Ago(r.SeenAt, now), SeenAt: l.Moment(r.SeenAt, zone), Icon: "terminal", Name: l.T("settings.program"),
	}
	if r.Door == access.DoorPage {
		v.Icon, v.Name = presentAgent(l, r.Agent)
	}
	v.Under = l.T("settings.since", l.Moment(r.Since, zone), r.Address)
	return v
}

// presentAgent names a browser as its owner knows it.
func presentAgent(l lang.Lang, agent string) (icon, name string) {
	ua := useragent.Parse(agent)
	icon = "monitor"
	if ua.Mobile || ua.Tablet {
		icon = "smartphone"
	}
	switch {
	case ua.Name != "" && ua.OS != "":
		return icon, l.T("settings.browser_on", ua.Name, ua.OS)
	case ua.Name != "":
		return icon, ua.Name
	case strings.TrimSpace(agent) != "":
		return "terminal", l.T("settings.program")
	}
	return icon, l.T("settings.browser")
}

// EndSignIn ends one of the reader's other sign-ins.
func (d *Dashboard) EndSignIn(c *fiber.Ctx) error {
	if err := d.Control.EndSignIn(c.UserContext(), d.actor(c), c.Params("id")); err != nil {
		return err
	}
	return d.say(c, "/settings/sessions", "settings.ended")
}

// EndOtherSignIns ends all of them but the one that asks.
func (d *Dashboard) EndOtherSignIns(c *fiber.Ctx) error {
	if err := d.Control.EndOtherSignIns(c.UserContext(), d.actor(c)); err != nil {
		return err
	}
	return d.say(c, "/settings/sessions", "settings.ended_others")
}
