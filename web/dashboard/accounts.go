package dashboard

import (
	"net/url"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// LanguageCookie remembers which language was chosen, before anyone signs in.
const LanguageCookie = "latchkey-language"

// Login is the page that asks who it is. On an instance that has nobody yet it
// leads to the set-up.
func (d *Dashboard) Login(c *fiber.Ctx) error {
	there, err := d.Control.IsSetUp(c.UserContext())
	if err != nil {
		return err
	}
	if !there {
		return page.Redirect(c, "/setup")
	}
	next := page.ReturnTo(c.Query("next"))
	if _, err := d.Sessions.Visit(c); err == nil {
		return page.Redirect(c, next)
	}
	return d.showLogin(c, fiber.StatusOK, views.LoginView{Next: next})
}

func (d *Dashboard) showLogin(c *fiber.Ctx, status int, v views.LoginView) error {
	open, err := d.Control.RegistrationOpen(c.UserContext())
	if err != nil {
		return err
	}
	v.Register = open
	if v.Next == "/" {
		v.Next = ""
	}
	return page.Status(c, status, views.LoginPage(v))
}

// SignIn signs a user in and leads back to where they were going.
func (d *Dashboard) SignIn(c *fiber.Ctx) error {
	next := page.ReturnTo(field(c, "next"))
	in, err := d.Control.SignIn(c.UserContext(), control.Attempt{
		Name: field(c, "username"), Password: field(c, "password"), Door: access.DoorPage, Address: address(c),
		Agent: c.Get(fiber.HeaderUserAgent), Device: d.Sessions.Device(c),
	})
	if control.SecondNeeded(err) {
		return page.Show(c, views.SecondPage(views.SecondView{Ticket: in.Ticket, Next: next}))
	}
	if kind := access.KindOf(err); kind == access.SignedOut || kind == access.Limited {
		return d.showLogin(c, page.StatusOf(err), views.LoginView{Failed: page.Say(c, err), Username: field(c, "username"), Next: next})
	}
	if err != nil {
		return err
	}
	if err := d.open(c, in); err != nil {
		return err
	}
	return page.Redirect(c, next)
}

// SignInSecond takes the code of whoever gave the right password.
func (d *Dashboard) SignInSecond(c *fiber.Ctx) error {
	next := page.ReturnTo(field(c, "next"))
	in, err := d.Control.SignInSecond(c.UserContext(), control.Attempt{
		Door: access.DoorPage, Address: address(c), Agent: c.Get(fiber.HeaderUserAgent), Device: d.Sessions.Device(c),
	}, field(c, "ticket"), field(c, "code"))
	switch access.KindOf(err) {
	case access.Invalid, access.Limited:
		return page.Status(c, page.StatusOf(err), views.SecondPage(views.SecondView{Failed: page.Say(c, err), Ticket: field(c, "ticket"), Next: next}))
	case access.SignedOut:
		return d.showLogin(c, page.StatusOf(err), views.LoginView{Failed: page.Say(c, err), Next: next})
	}
	if err != nil {
		return err
	}
	if err := d.open(c, in); err != nil {
		return err
	}
	return page.Redirect(c, next)
}

// open hands a new session to the browser.
func (d *Dashboard) open(c *fiber.Ctx, in control.SignedIn) error {
	d.Sessions.SetDevice(c, in.Device)
	return d.Sessions.SignIn(c, in.Value)
}

// SignOut ends the session here.
func (d *Dashboard) SignOut(c *fiber.Ctx) error {
	if err := d.Sessions.SignOut(c); err != nil {
		return err
	}
	return page.Redirect(c, "/login")
}

// Register is the page where strangers sign up, where the instance is open.
func (d *Dashboard) Register(c *fiber.Ctx) error {
	open, err := d.Control.RegistrationOpen(c.UserContext())
	if err != nil {
		return err
	}
	if !open {
		return access.Fail(access.NotFound, "page_unknown", "There is nothing at this address.")
	}
	return page.Show(c, views.RegisterPage(views.RegisterView{}))
}

// SignUp makes an account with a workspace of its own and signs it in.
func (d *Dashboard) SignUp(c *fiber.Ctx) error {
	f := accountForm(c)
	made, err := d.Control.Register(c.UserContext(), access.DoorPage, address(c), f)
	if refused(err) {
		v := views.RegisterView{Failed: true, Errors: page.FieldErrors(c, err), Username: field(c, "username"), Email: field(c, "email")}
		return page.Status(c, page.StatusOf(err), views.RegisterPage(v))
	}
	if err != nil {
		return err
	}
	in, err := d.Control.SignIn(c.UserContext(), control.Attempt{
		Name: made.User.Username, Password: field(c, "password"), Door: access.DoorPage, Address: address(c),
		Agent: c.Get(fiber.HeaderUserAgent), Device: d.Sessions.Device(c),
	})
	if err != nil {
		return err
	}
	if err := d.open(c, in); err != nil {
		return err
	}
	return d.say(c, "/", "account.registered", made.User.Shown())
}

// accountForm reads what a new account needs. A form always has its password, so
// that none is made for somebody who left it out.
func accountForm(c *fiber.Ctx) control.UserForm {
	username, email, password := field(c, "username"), field(c, "email"), field(c, "password")
	return control.UserForm{Username: &username, Email: &email, Password: &password}
}

// Confirm asks for the password again, before something that takes a fresh one.
func (d *Dashboard) Confirm(c *fiber.Ctx) error {
	return page.Show(c, views.ConfirmPasswordPage(views.ConfirmPasswordView{
		Username: at(c).User.Username, Next: page.ReturnTo(c.Query("next")),
	}))
}

// ConfirmPassword makes the session fresh and leads back.
func (d *Dashboard) ConfirmPassword(c *fiber.Ctx) error {
	next := page.ReturnTo(field(c, "next"))
	value, err := d.Control.ConfirmPassword(c.UserContext(), d.actor(c), field(c, "password"))
	if refused(err) {
		v := views.ConfirmPasswordView{Failed: page.Say(c, err), Username: at(c).User.Username, Next: next}
		return page.Status(c, page.StatusOf(err), views.ConfirmPasswordPage(v))
	}
	if err != nil {
		return err
	}
	if err := d.Sessions.SignIn(c, value); err != nil {
		return err
	}
	return d.say(c, next, "account.confirmed")
}

// needsPassword reports an act that takes a fresh password, and where it is asked
// for.
func needsPassword(c *fiber.Ctx, err error) (path string, needed bool) {
	if !asksPassword(err) {
		return "", false
	}
	return "/confirm?next=" + url.QueryEscape(page.Back(c)), true
}

func asksPassword(err error) bool {
	return slices.ContainsFunc(access.Problems(err), func(p *access.Error) bool { return p.Code == "reveal_confirm" || p.Code == "confirm_password" })
}

// Language remembers the chosen language, for this browser and for the account.
func (d *Dashboard) Language(c *fiber.Ctx) error {
	l, known := lang.Parse(field(c, "lang"))
	if !known {
		return access.Fail(access.Invalid, "language_unknown", "Choose English or Chinese.").At("language")
	}
	c.Cookie(&fiber.Cookie{
		Name: LanguageCookie, Value: string(l), Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
		Secure: d.Sessions.Secure, HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
	})
	if a := d.Sessions.Actor(c); a.Kind == access.ActorUser {
		code := string(l)
		if _, err := d.Control.EditProfile(c.UserContext(), a, control.UserForm{Language: &code}); err != nil {
			return err
		}
	}
	return page.Redirect(c, page.ReturnTo(field(c, "next")))
}

// SwitchWorkspace brings another of the reader's workspaces into view.
func (d *Dashboard) SwitchWorkspace(c *fiber.Ctx) error {
	value, err := d.Control.SwitchWorkspace(c.UserContext(), d.actor(c), field(c, "to"))
	if err != nil {
		return err
	}
	if err := d.Sessions.SignIn(c, value); err != nil {
		return err
	}
	return page.Redirect(c, "/")
}
