package dashboard

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// SetupBot asks for the first bot.
func (d *Dashboard) SetupBot(c *fiber.Ctx) error {
	l := page.Lang(c)
	return d.showSetupBot(c, fiber.StatusOK, "", views.SetupBotView{
		Name: l.T("setup.bot_name_is"), Prompt: l.T("setup.bot_prompt_is"), Welcome: l.T("setup.bot_welcome_is"),
	})
}

func (d *Dashboard) showSetupBot(c *fiber.Ctx, status int, chosen string, v views.SetupBotView) error {
	made, err := d.firsts(c)
	if err != nil {
		return err
	}
	v.Setup, v.Form, v.Missing = d.setupView(c, stepBot, &made), d.formKey(c), len(made.providers) == 0
	for _, p := range made.providers {
		for _, m := range p.Models {
			if m.Kind != access.ChatModel {
				continue
			}
			value := p.PublicID + " " + m.Name
			v.Models = append(v.Models, views.OptionView{Value: value, Label: m.Name + " · " + p.Name, Chosen: value == chosen})
		}
	}
	return page.Status(c, status, views.SetupBotPage(v))
}

// MakeFirstBot makes it.
func (d *Dashboard) MakeFirstBot(c *fiber.Ctx) error {
	provider, model, _ := strings.Cut(field(c, "model"), " ")
	_, _, err := d.once(c, func() (string, error) {
		row, err := d.Control.CreateBot(c.UserContext(), d.actor(c), control.BotForm{
			Name: sent(c, "name"), Provider: &provider, Model: &model, SystemPrompt: sent(c, "system_prompt"), Welcome: sent(c, "welcome"),
		})
		return row.PublicID, err
	})
	if refused(err) {
		return d.showSetupBot(c, page.StatusOf(err), field(c, "model"), views.SetupBotView{
			Failed: true, Errors: page.FieldErrors(c, err), Name: field(c, "name"), Prompt: field(c, "system_prompt"), Welcome: field(c, "welcome"),
		})
	}
	if err != nil {
		return err
	}
	return page.Redirect(c, "/setup/share")
}

// SetupShare asks for the first share link.
func (d *Dashboard) SetupShare(c *fiber.Ctx) error {
	return d.showSetupShare(c, fiber.StatusOK, "", "", views.SetupShareView{Name: page.Lang(c).T("setup.share_name_is")})
}

// setupEnds are the ends that the set-up offers for a link, in days; 0 is never.
var setupEnds = []struct {
	value string
	days  int64
}{{"never", 0}, {"30", 30}, {"90", 90}}

func (d *Dashboard) showSetupShare(c *fiber.Ctx, status int, bot, ends string, v views.SetupShareView) error {
	made, err := d.firsts(c)
	if err != nil {
		return err
	}
	l := page.Lang(c)
	v.Setup, v.Form, v.Missing = d.setupView(c, stepShare, &made), d.formKey(c), len(made.bots) == 0
	for _, b := range made.bots {
		v.Bots = append(v.Bots, views.OptionView{Value: b.PublicID, Label: b.Name, Chosen: b.PublicID == bot})
	}
	for _, e := range setupEnds {
		o := views.OptionView{Value: e.value, Label: l.T("setup.never"), Chosen: e.value == ends}
		if e.days > 0 {
			o.Label = l.N("time.in_days", e.days)
		}
		v.Expires = append(v.Expires, o)
	}
	return page.Status(c, status, views.SetupSharePage(v))
}

// MakeFirstShare makes it.
func (d *Dashboard) MakeFirstShare(c *fiber.Ctx) error {
	f := control.ShareForm{Bot: sent(c, "bot"), Name: sent(c, "name")}
	for _, e := range setupEnds {
		if e.days > 0 && e.value == field(c, "expires") {
			at := d.Now().Add(time.Duration(e.days) * 24 * time.Hour)
			f.ExpiresAt = &at
		}
	}
	var made control.IssuedShare
	_, _, err := d.once(c, func() (_ string, err error) {
		made, err = d.Control.CreateShare(c.UserContext(), d.actor(c), f)
		return "", err
	})
	if refused(err) {
		return d.showSetupShare(c, page.StatusOf(err), field(c, "bot"), field(c, "expires"), views.SetupShareView{
			Failed: true, Errors: page.FieldErrors(c, err), Name: field(c, "name"),
		})
	}
	if err != nil {
		return err
	}
	if d.Control.Reveal == control.RevealNever && made.Secret != "" {
		// Nothing will show it again, so the form of the last step carries it.
		return d.showSetupCustomer(c, fiber.StatusOK, views.SetupCustomerView{Link: made.Secret})
	}
	return page.Redirect(c, "/setup/customer")
}

// SetupCustomer asks for the first customer.
func (d *Dashboard) SetupCustomer(c *fiber.Ctx) error {
	return d.showSetupCustomer(c, fiber.StatusOK, views.SetupCustomerView{})
}

func (d *Dashboard) showSetupCustomer(c *fiber.Ctx, status int, v views.SetupCustomerView) error {
	made, err := d.firsts(c)
	if err != nil {
		return err
	}
	v.Setup, v.Form = d.setupView(c, stepCustomer, &made), d.formKey(c)
	return page.Status(c, status, views.SetupCustomerPage(v))
}

// MakeFirstCustomer makes it, and shows what to send them.
func (d *Dashboard) MakeFirstCustomer(c *fiber.Ctx) error {
	var made control.Enrolled
	_, again, err := d.once(c, func() (_ string, err error) {
		made, err = d.Control.CreateCustomer(c.UserContext(), d.actor(c), control.CustomerForm{Username: sent(c, "username"), Email: sent(c, "email")})
		return "", err
	})
	if refused(err) {
		return d.showSetupCustomer(c, page.StatusOf(err), views.SetupCustomerView{
			Failed: true, Errors: page.FieldErrors(c, err), Username: field(c, "username"), Email: field(c, "email"), Link: field(c, "link"),
		})
	}
	if err != nil {
		return err
	}
	if again {
		return page.Redirect(c, "/customers") // its password was shown once
	}
	return d.showSetupDone(c, made)
}

// FinishSetup ends the set-up without a customer.
func (d *Dashboard) FinishSetup(c *fiber.Ctx) error { return d.showSetupDone(c, control.Enrolled{}) }

// showSetupDone closes the set-up and shows what was made: the answer to a POST,
// so that the link is in no page that could be opened again.
func (d *Dashboard) showSetupDone(c *fiber.Ctx, customer control.Enrolled) error {
	made, err := d.firsts(c)
	if err != nil {
		return err
	}
	v := views.SetupDoneView{Setup: d.setupView(c, stepDone, &made)}
	text, share, err := d.firstLink(c, made)
	if err != nil {
		return err
	}
	if text != "" {
		v.BotName, v.Link = share.BotName, d.Origin(c)+"/s/"+text
		if v.QR, err = qr(v.Link); err != nil {
			return err
		}
		if customer.Password != "" {
			v.Text = handOver(page.Lang(c), v.BotName, v.Link, customer.Row.Username, customer.Password)
		}
	}
	if v.Name = customer.Row.Username; v.Name != "" {
		v.Password = customer.Password
		v.Setup.Steps[stepCustomer].Done, v.Setup.Steps[stepCustomer].Text = true, v.Name
	}
	if err := d.Control.FinishSetup(c.UserContext(), d.actor(c)); err != nil {
		return err
	}
	return page.Show(c, views.SetupDonePage(v))
}

// firstLink is the token of the first share link: what the form carries, else
// what is stored, "" where there is none or it may not be shown.
func (d *Dashboard) firstLink(c *fiber.Ctx, made firsts) (text string, share db.ShareRow, err error) {
	if len(made.shares) == 0 {
		return "", share, nil
	}
	share = made.shares[0]
	if text = field(c, "link"); text != "" {
		if o, err := d.Control.ShareOf(c.UserContext(), text); err == nil && o.Share.ID == share.ID {
			return text, share, nil
		}
	}
	text, err = d.Control.RevealShare(c.UserContext(), d.actor(c), share.PublicID)
	if access.KindOf(err) == access.Forbidden {
		return "", share, nil
	}
	return text, share, err
}
