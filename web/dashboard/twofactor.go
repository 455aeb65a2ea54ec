package dashboard

import (
	"net/url"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

const twoFactorPath = "/settings/two-factor"

// TwoFactor says whether the reader signs in with a code as well.
func (d *Dashboard) TwoFactor(c *fiber.Ctx) error { return d.showTwoFactor(c, fiber.StatusOK, nil) }

func (d *Dashboard) showTwoFactor(c *fiber.Ctx, status int, problem error) error {
	v := views.TwoFactorView{Settings: d.settings(c, twoFactorPath), On: at(c).User.TwoFactor, Errors: page.FieldErrors(c, problem), Failed: problem != nil}
	if v.On {
		left, err := d.Control.RecoveryCodesLeft(c.UserContext(), d.actor(c))
		if err != nil {
			return err
		}
		v.Left, v.Few = page.Lang(c).N("twofactor.left", left), left < 3
	}
	return page.Status(c, status, views.TwoFactorPage(v))
}

// confirmFirst leads to the page that asks for the password again where err wants
// one.
func confirmFirst(c *fiber.Ctx, err error) (led bool, answer error) {
	if _, needed := needsPassword(c, err); needed {
		return true, page.Redirect(c, "/confirm?next="+url.QueryEscape(twoFactorPath))
	}
	return false, err
}

// ProposeApp shows what the reader's authenticator app scans. It is not on before
// the app has given a right code.
func (d *Dashboard) ProposeApp(c *fiber.Ctx) error {
	app, err := d.Control.ProposeApp(c.UserContext(), d.actor(c))
	if led, err := confirmFirst(c, err); led || err != nil {
		return err
	}
	return d.showApp(c, fiber.StatusOK, app, nil)
}

func (d *Dashboard) showApp(c *fiber.Ctx, status int, app control.ProposedApp, problem error) error {
	code, err := qr(app.URL)
	if err != nil {
		return err
	}
	return page.Status(c, status, views.TwoFactorAppPage(views.TwoFactorAppView{
		Settings: d.settings(c, twoFactorPath), QR: code, Text: spaced(app.Text), Sealed: app.Sealed,
		Failed: problem != nil, Errors: page.FieldErrors(c, problem),
	}))
}

// spaced groups a long word by four, for typing.
func spaced(text string) string {
	out := ""
	for i := 0; i < len(text); i += 4 {
		if i > 0 {
			out += " "
		}
		out += text[i:min(i+4, len(text))]
	}
	return out
}

// EnableTwoFactor switches it on and shows the recovery codes, this once.
func (d *Dashboard) EnableTwoFactor(c *fiber.Ctx) error {
	codes, err := d.Control.EnableTwoFactor(c.UserContext(), d.actor(c), field(c, "app"), field(c, "code"))
	if led, answer := confirmFirst(c, err); led {
		return answer
	}
	if refused(err) {
		app, lost := d.Control.ProposedAgain(c.UserContext(), d.actor(c), field(c, "app"))
		if lost != nil {
			return d.showTwoFactor(c, page.StatusOf(err), err)
		}
		return d.showApp(c, page.StatusOf(err), app, err)
	}
	if err != nil {
		return err
	}
	return d.showCodes(c, codes)
}

func (d *Dashboard) showCodes(c *fiber.Ctx, codes []string) error {
	return page.Show(c, views.RecoveryCodesPage(views.RecoveryCodesView{Settings: d.settings(c, twoFactorPath), Codes: codes}))
}

// ReplaceRecoveryCodes shows new recovery codes; the old ones end.
func (d *Dashboard) ReplaceRecoveryCodes(c *fiber.Ctx) error {
	codes, err := d.Control.ReplaceRecoveryCodes(c.UserContext(), d.actor(c))
	if led, err := confirmFirst(c, err); led || err != nil {
		return err
	}
	return d.showCodes(c, codes)
}

// DisableTwoFactor lets the reader in by password alone from now on.
func (d *Dashboard) DisableTwoFactor(c *fiber.Ctx) error {
	err := d.Control.DisableTwoFactor(c.UserContext(), d.actor(c), field(c, "code"))
	if led, answer := confirmFirst(c, err); led {
		return answer
	}
	if refused(err) {
		return d.showTwoFactor(c, page.StatusOf(err), err)
	}
	if err != nil {
		return err
	}
	return d.say(c, twoFactorPath, "twofactor.said_off")
}
