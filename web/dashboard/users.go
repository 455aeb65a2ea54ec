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

const usersPath = "/settings/users"

func userHref(id string) string { return usersPath + "/" + id }

// Users lists the users of the instance.
func (d *Dashboard) Users(c *fiber.Ctx) error {
	p, err := d.readListing(c, "users", customerStatuses...)
	if err != nil {
		return err
	}
	p.path = usersPath
	rows, total, err := d.Control.Users(c.UserContext(), d.actor(c), p.page)
	if err != nil {
		return err
	}
	rows, more := cutPage(rows, p)
	list := views.UserListView{Filtered: p.filtered(), Toolbar: views.ToolbarView{
		Action: usersPath, Target: "users", Query: p.page.Query, Placeholder: page.Lang(c).T("users.search"), Note: d.countNote(c, p, total),
		Filters: []views.FilterView{d.statusFilter(c, p, customerStatuses...)},
	}}
	for _, u := range rows {
		list.Rows = append(list.Rows, d.userRow(c, u))
	}
	if len(rows) > 0 {
		list.Pager = d.pager(c, p, db.Place{Number: rows[0].ID}, db.Place{Number: rows[len(rows)-1].ID}, len(rows), more, total)
	}
	if page.IsPart(c) {
		return page.Part(c, views.UsersBody(list))
	}
	return page.Show(c, views.UsersPage(views.UsersView{Settings: d.settings(c, usersPath), List: list}))
}

func (d *Dashboard) userRow(c *fiber.Ctx, u access.User) views.UserRowView {
	w := d.words(c)
	v := views.UserRowView{
		ID: u.PublicID, Name: u.Shown(), Href: userHref(u.PublicID), Under: u.Email, Initials: initials(u.Shown()),
		Admin: u.IsAdmin, Self: u.ID == d.actor(c).UserNumber(), Created: w.Ago(u.CreatedAt, w.now), CreatedAt: w.Moment(u.CreatedAt, w.zone),
	}
	if v.Name != u.Username {
		v.Under = u.Username
	}
	v.Tone, v.Status = w.userState(u)
	v.Login, v.LoginAt = w.ago(u.LastLoginAt, "settings.never")
	return v
}

func (w words) userState(u access.User) (views.Tone, string) {
	switch {
	case !u.Enabled:
		return views.Off, w.T("tokens.state.disabled")
	case u.MustChange:
		return views.Warn, w.T("users.must_change")
	}
	return views.Ok, w.T("tokens.state.enabled")
}

// NewUser shows the form of a new user.
func (d *Dashboard) NewUser(c *fiber.Ctx) error {
	return d.showNewUser(c, fiber.StatusOK, views.UserFormView{})
}

func (d *Dashboard) showNewUser(c *fiber.Ctx, status int, v views.UserFormView) error {
	v.Once = d.formKey(c)
	form := views.UserNewForm(v)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "instance", page.Lang(c).T("users.new")), form), form)
}

// CreateUser makes a user with a home workspace and shows the password, this once.
func (d *Dashboard) CreateUser(c *fiber.Ctx) error {
	made, err := d.handOut(c, func() (handedOut, error) {
		admin := ticked(c, "is_admin")
		account, err := d.Control.CreateUser(c.UserContext(), d.actor(c), control.UserForm{
			Username: sent(c, "username"), Email: sent(c, "email"), IsAdmin: &admin, Workspace: field(c, "home"),
		})
		return handedOut{ID: account.User.PublicID, Secret: account.Password}, err
	})
	if path, needed := needsPassword(c, err); needed {
		return page.Redirect(c, path)
	}
	if refused(err) {
		return d.showNewUser(c, page.StatusOf(err), views.UserFormView{
			Failed: true, Errors: formErrors(c, err), Username: field(c, "username"), Email: field(c, "email"), Home: field(c, "home"), Admin: ticked(c, "is_admin"),
		})
	}
	if err != nil {
		return err
	}
	return d.showUserPassword(c, made, true)
}

// showUserPassword shows the password that was made, the only time; a new user
// comes into the list behind the dialog.
func (d *Dashboard) showUserPassword(c *fiber.Ctx, made handedOut, isNew bool) error {
	l := page.Lang(c)
	u, err := d.Control.User(c.UserContext(), d.actor(c), made.ID)
	if err != nil {
		return err
	}
	panel := views.MemberMade(views.MemberMadeView{Name: u.Shown(), Password: made.Secret, Text: l.T("settings.member_made_help"), Back: userHref(u.PublicID)})
	if isNew && page.IsPart(c) {
		row := d.userRow(c, u)
		row.Fresh = true
		return page.Part(c, panel, views.UserRowAdded(row))
	}
	return page.ShowOrPart(c, views.PanelPage(d.shell(c, "instance", u.Shown()), panel), panel)
}

// User is the page of one user: what may be changed, and how to keep them out.
func (d *Dashboard) User(c *fiber.Ctx) error {
	u, err := d.Control.User(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	return d.showUser(c, fiber.StatusOK, u, userFormOf(u))
}

func userFormOf(u access.User) views.UserFormView {
	return views.UserFormView{Username: u.Username, Email: u.Email, Nickname: u.Nickname, Admin: u.IsAdmin, Version: version(u.Version)}
}

func (d *Dashboard) showUser(c *fiber.Ctx, status int, u access.User, form views.UserFormView) error {
	w := d.words(c)
	reach, err := d.Control.UserReach(c.UserContext(), d.actor(c), u.PublicID)
	if err != nil {
		return err
	}
	form.Action, form.Self = userHref(u.PublicID), u.ID == d.actor(c).UserNumber()
	v := views.UserPageView{
		Shell: d.shell(c, "instance", u.Shown()), Form: form,
		Header: views.HeaderView{Title: u.Shown(), Face: initials(u.Shown()), Subtitle: or(u.Email, u.Username)},
		Facts: []views.Definition{
			{Term: w.T("users.workspaces"), Text: w.N("users.n_workspaces", reach.Workspaces)},
			{Term: w.T("users.sign_ins"), Text: w.Number(reach.SignIns)},
			{Term: w.T("settings.last_seen"), Text: w.T("settings.never")},
			{Term: w.T("users.created"), Text: w.Moment(u.CreatedAt, w.zone)},
			{Term: w.T("tokens.public_id"), Text: u.PublicID, Mono: true},
		},
	}
	if !u.LastLoginAt.IsZero() {
		v.Facts[2].Text = w.Moment(u.LastLoginAt, w.zone)
	}
	v.Header.Tone, v.Header.Status = w.userState(u)
	v.Shell.Crumbs = []views.LinkView{{Text: w.T("nav.instance"), Href: usersPath}, {Text: w.T("users.title"), Href: usersPath}, {Text: u.Shown()}}
	if !form.Self {
		v.Acts = w.userActs(u)
	}
	return page.Status(c, status, views.UserPage(v))
}

func (w words) userActs(u access.User) []views.ActView {
	href := userHref(u.PublicID)
	toggle := views.ActView{Title: w.T("users.do.disable"), Text: w.T("users.disable_text"), Button: w.T("tokens.ask.disable"), Ask: href + "/disable"}
	if !u.Enabled {
		toggle = views.ActView{Title: w.T("users.do.enable"), Text: w.T("users.enable_text"), Button: w.T("tokens.enable"), Action: href + "/enable"}
	}
	all := []views.ActView{{Title: w.T("users.do.reset"), Text: w.T("users.reset_text"), Button: w.T("users.ask_reset"), Ask: href + "/reset"}}
	if u.TwoFactor {
		all = append(all, views.ActView{Title: w.T("users.do.two-factor"), Text: w.T("users.two-factor_text"), Button: w.T("users.ask_two_factor"), Ask: href + "/two-factor"})
	}
	return append(all, toggle,
		views.ActView{Title: w.T("users.do.delete"), Text: w.T("users.delete_text"), Button: w.T("tokens.ask.delete"), Ask: href + "/delete", Danger: true})
}

// EditUser saves a user.
func (d *Dashboard) EditUser(c *fiber.Ctx) error {
	by, id := d.actor(c), c.Params("id")
	old, err := d.Control.User(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	f := control.UserForm{Username: sent(c, "username"), Email: sent(c, "email"), Nickname: sent(c, "nickname"), Version: versionOf(c)}
	if admin := ticked(c, "is_admin"); old.ID != by.UserNumber() {
		f.IsAdmin = &admin // nobody takes their own powers away by a slip
	}
	u, err := d.Control.EditUser(c.UserContext(), by, id, f)
	if path, needed := needsPassword(c, err); needed {
		return page.Redirect(c, path)
	}
	if refused(err) {
		form := views.UserFormView{
			Failed: true, Errors: formErrors(c, err), Username: field(c, "username"), Email: field(c, "email"), Nickname: field(c, "nickname"),
			Admin: ticked(c, "is_admin"),
		}
		form.Version = versionAgain(c, form.Errors, version(old.Version))
		return d.showUser(c, page.StatusOf(err), old, form)
	}
	if err != nil {
		return err
	}
	return d.say(c, userHref(u.PublicID), "users.said.saved", u.Shown())
}

// AskUser asks before a user is reset, disabled or deleted: what they have stands
// first.
func (d *Dashboard) AskUser(verb string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		l, id := page.Lang(c), c.Params("id")
		u, err := d.Control.User(c.UserContext(), d.actor(c), id)
		if err != nil {
			return err
		}
		reach, err := d.Control.UserReach(c.UserContext(), d.actor(c), id)
		if err != nil {
			return err
		}
		v := views.ConfirmView{
			Title: l.T("users."+verb+"_title", u.Shown()), Text: l.T("users." + verb + "_text"), Action: userHref(id) + "/" + verb,
			Button: l.T("users.do." + verb), Keep: userHref(id),
		}
		if verb != "two-factor" {
			v.Reach = l.N("users.reach_sign_ins", reach.SignIns)
		}
		if verb == "reset" {
			v.Target, v.Hidden = "closest .panel", []views.OptionView{{Label: "once", Value: d.formKey(c)}}
		}
		if verb == "delete" {
			v.Reach += " " + l.N("users.reach_alone", reach.Alone)
		}
		return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "instance", v.Title), v), views.ConfirmPanel(v))
	}
}

// ResetUser gives a user a password that is made, and shows it this once.
func (d *Dashboard) ResetUser(c *fiber.Ctx) error {
	made, err := d.handOut(c, func() (handedOut, error) {
		account, err := d.Control.ResetPassword(c.UserContext(), d.actor(c), c.Params("id"), nil)
		return handedOut{ID: account.User.PublicID, Secret: account.Password}, err
	})
	if err != nil {
		return err
	}
	return d.showUserPassword(c, made, false)
}

// ResetTwoFactor lets a user in by password alone, who lost phone and codes.
func (d *Dashboard) ResetTwoFactor(c *fiber.Ctx) error {
	return d.setUser(c, d.Control.ResetTwoFactor, "users.said.two_factor")
}

// DisableUser keeps a user out; every sign-in ends.
func (d *Dashboard) DisableUser(c *fiber.Ctx) error {
	return d.setUser(c, d.Control.DisableUser, "users.said.disabled")
}

// EnableUser lets a user in again.
func (d *Dashboard) EnableUser(c *fiber.Ctx) error {
	return d.setUser(c, d.Control.EnableUser, "users.said.enabled")
}

func (d *Dashboard) setUser(c *fiber.Ctx, act func(context.Context, access.Actor, string) (access.User, error), key string) error {
	u, err := act(c.UserContext(), d.actor(c), c.Params("id"))
	if refused(err) {
		return page.RedirectSaying(c, d, userHref(c.Params("id")), views.ToastView{Tone: views.Bad, Text: page.Say(c, err)})
	}
	if err != nil {
		return err
	}
	return d.say(c, userHref(u.PublicID), key, u.Shown())
}

// DeleteUser removes an account, and the workspaces that were its alone.
func (d *Dashboard) DeleteUser(c *fiber.Ctx) error {
	u, err := d.Control.User(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	err = d.Control.DeleteUser(c.UserContext(), d.actor(c), u.PublicID)
	if refused(err) {
		return page.RedirectSaying(c, d, userHref(u.PublicID), views.ToastView{Tone: views.Bad, Text: page.Say(c, err)})
	}
	if err != nil {
		return err
	}
	return d.say(c, usersPath, "users.said.deleted", u.Shown())
}
