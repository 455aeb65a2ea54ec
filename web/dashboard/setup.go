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

// The steps of the set-up. After the first, which takes the one-time code, each
// is a page of its own that the first admin may skip, and all of them close for
// good at the end.
const (
	stepAccount = iota
	stepWorkspace
	stepModel
	stepBot
	stepShare
	stepCustomer
	stepDone
)

var stepKeys = []string{"account", "workspace", "model", "bot", "share", "customer", "done"}

// Setup is the first page of a new instance. Later it leads to the step that
// comes next, or away.
func (d *Dashboard) Setup(c *fiber.Ctx) error {
	there, err := d.Control.IsSetUp(c.UserContext())
	if err != nil {
		return err
	}
	if there {
		return page.Redirect(c, "/setup/workspace")
	}
	return page.Show(c, views.SetupAccountPage(views.SetupAccountView{Setup: d.setupView(c, stepAccount, nil)}))
}

// CreateAdmin makes the first admin and signs them in.
func (d *Dashboard) CreateAdmin(c *fiber.Ctx) error {
	in, err := d.Control.Setup(c.UserContext(), control.SetupForm{
		Code: field(c, "code"), User: accountForm(c), Address: address(c), Agent: c.Get(fiber.HeaderUserAgent), Device: d.Sessions.Device(c),
	})
	switch kind := access.KindOf(err); {
	case kind == access.Conflict && !fieldFault(err):
		return d.say(c, "/login", "setup.already")
	case kind == access.Invalid || kind == access.Conflict || kind == access.Forbidden || kind == access.Expired || kind == access.Limited:
		v := views.SetupAccountView{
			Setup: d.setupView(c, stepAccount, nil), Failed: true, Errors: page.FieldErrors(c, err),
			Code: field(c, "code"), Username: field(c, "username"), Email: field(c, "email"),
		}
		return page.Status(c, page.StatusOf(err), views.SetupAccountPage(v))
	case err != nil:
		return err
	}
	if err := d.open(c, in); err != nil {
		return err
	}
	return page.Redirect(c, "/setup/workspace")
}

// fieldFault reports whether an error belongs to a field of the form.
func fieldFault(err error) bool {
	for _, p := range access.Problems(err) {
		if p.Field != "" {
			return true
		}
	}
	return false
}

// SettingUp lets only the admin pass who is going through the set-up. When that is
// over, its pages lead to the overview.
func (d *Dashboard) SettingUp(c *fiber.Ctx) error {
	finished, err := d.Control.SetupFinished(c.UserContext())
	if err != nil {
		return err
	}
	if finished || !d.actor(c).May(access.RunInstance) || !d.actor(c).May(access.ChangeProviders) {
		return page.Redirect(c, "/")
	}
	return c.Next()
}

// firsts is what the set-up has made so far.
type firsts struct {
	providers []db.ProviderRow
	bots      []access.Bot
	shares    []db.ShareRow
}

func (d *Dashboard) firsts(c *fiber.Ctx) (f firsts, err error) {
	ctx, by := c.UserContext(), d.actor(c)
	if f.providers, err = d.Control.Providers(ctx, by); err != nil {
		return f, err
	}
	if f.bots, err = d.Control.BotChoices(ctx, by); err != nil {
		return f, err
	}
	f.shares, _, err = d.Control.Shares(ctx, by, db.Page{Limit: 1})
	return f, err
}

// setupView is the frame of a step: what is done says what was chosen, what comes
// says what it will ask.
func (d *Dashboard) setupView(c *fiber.Ctx, step int, made *firsts) views.SetupView {
	l, h := page.Lang(c), at(c)
	key := "setup." + stepKeys[step]
	v := views.SetupView{
		Title: l.T(key), Lead: l.T(key + ".lead"), Heading: l.T("setup.heading"), Intro: l.T("setup.intro"), Foot: l.T("setup.foot"),
		Path: page.ReturnTo(c.Path()), Toasts: d.Take(c),
	}
	if step < stepDone {
		v.Step = l.T("setup.step", step+1, stepDone)
	}
	chosen := make([]string, stepDone)
	if made != nil {
		chosen = made.chosen(h)
	}
	for i, name := range stepKeys[:stepDone] {
		s := views.StepView{Number: l.Number(int64(i + 1)), Title: l.T("setup." + name), Text: l.T("setup." + name + ".asks")}
		switch {
		case i == step:
			s.Now = true
		case chosen[i] != "":
			s.Done, s.Text = true, chosen[i]
		}
		v.Steps = append(v.Steps, s)
	}
	return v
}

// chosen are the words beside the steps that are done.
func (f *firsts) chosen(h here) []string {
	out := make([]string, stepDone)
	out[stepAccount], out[stepWorkspace] = h.User.Username, h.workspace.Name
	if h.User.Email != "" {
		out[stepAccount] = h.User.Email
	}
	if len(f.providers) > 0 {
		out[stepModel] = f.providers[0].Name
	}
	if len(f.bots) > 0 {
		out[stepBot] = f.bots[0].Name
	}
	if len(f.shares) > 0 {
		out[stepShare] = f.shares[0].Name
	}
	return out
}

// SetupWorkspace asks for the workspace's name.
func (d *Dashboard) SetupWorkspace(c *fiber.Ctx) error {
	w := d.workspace(c)
	return d.showSetupWorkspace(c, fiber.StatusOK, views.SetupWorkspaceView{Name: w.Name, TimeZone: w.TimeZone, Version: version(w.Version)})
}

func (d *Dashboard) showSetupWorkspace(c *fiber.Ctx, status int, v views.SetupWorkspaceView) error {
	made, err := d.firsts(c)
	if err != nil {
		return err
	}
	v.Setup, v.Zones = d.setupView(c, stepWorkspace, &made), zones
	return page.Status(c, status, views.SetupWorkspacePage(v))
}

// NameWorkspace names it.
func (d *Dashboard) NameWorkspace(c *fiber.Ctx) error {
	_, err := d.Control.EditWorkspace(c.UserContext(), d.actor(c), control.WorkspaceForm{
		Name: sent(c, "name"), TimeZone: sent(c, "time_zone"), Version: versionOf(c),
	})
	if refused(err) {
		return d.showSetupWorkspace(c, page.StatusOf(err), views.SetupWorkspaceView{
			Failed: true, Errors: page.FieldErrors(c, err), Name: field(c, "name"), TimeZone: field(c, "time_zone"), Version: field(c, "version"),
		})
	}
	if err != nil {
		return err
	}
	return page.Redirect(c, "/setup/model")
}

// handOver is the text that brings a customer to the bot.
func handOver(l lang.Lang, bot, link, username, password string) string {
	return l.T("setup.hand_over_text", bot) + "\n\n" + link + "\n\n" +
		l.T("setup.hand_over_name", username) + "\n" + l.T("setup.hand_over_password", password)
}
