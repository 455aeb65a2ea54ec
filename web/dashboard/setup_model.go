package dashboard

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// Ways to get answers, as the set-up offers them.
const (
	fromDemo    = "demo"
	fromService = "service"
	fromOwn     = "own"
)

// SetupModel asks where answers come from.
func (d *Dashboard) SetupModel(c *fiber.Ctx) error {
	return d.showSetupModel(c, fiber.StatusOK, fromDemo, views.SetupModelView{})
}

func (d *Dashboard) showSetupModel(c *fiber.Ctx, status int, chosen string, v views.SetupModelView) error {
	made, err := d.firsts(c)
	if err != nil {
		return err
	}
	l := page.Lang(c)
	v.Setup, v.Form, v.TryDemo = d.setupView(c, stepModel, &made), d.formKey(c), true
	v.Choices = []views.OptionView{
		{Value: fromDemo, Label: l.T("setup.demo"), Text: l.T("setup.demo_text"), Badge: l.T("setup.demo_ready"), Icon: "flask-conical"},
		{Value: fromService, Label: l.T("setup.service"), Text: l.T("setup.service_text"), Icon: "plug"},
		{Value: fromOwn, Label: l.T("setup.own"), Text: l.T("setup.own_text"), Icon: "hard-drive"},
	}
	for i := range v.Choices {
		v.Choices[i].Chosen = v.Choices[i].Value == chosen
	}
	return page.Status(c, status, views.SetupModelPage(v))
}

// setupProvider reads the form of the chosen way.
func setupProvider(c *fiber.Ctx, demoName string) (way string, f control.ProviderForm, model string) {
	way = field(c, "provider")
	url, key, name := access.DemoURL, "", demoName
	switch way {
	case fromService:
		url, key, model = strings.TrimSpace(field(c, "base_url")), field(c, "api_key"), field(c, "model")
		name = control.HostOf(url)
	case fromOwn:
		url, key, model = strings.TrimSpace(field(c, "own_url")), field(c, "own_key"), field(c, "own_model")
		name = control.HostOf(url)
		f.AllowPrivate = field(c, "allow_private") != "" && field(c, "allow_private") == name
	default:
		way = fromDemo
	}
	f.Name, f.BaseURL, f.Key, f.SetUp = &name, &url, &key, true
	return way, f, strings.TrimSpace(model)
}

// ConnectModel connects the provider with the models that it lists, or the one
// that was named.
func (d *Dashboard) ConnectModel(c *fiber.Ctx) error {
	way, f, model := setupProvider(c, page.Lang(c).T("setup.demo"))
	_, _, err := d.once(c, func() (string, error) {
		models, err := d.modelsOf(c, f, model)
		if err != nil {
			return "", err
		}
		f.Models = &models
		row, err := d.Control.CreateProvider(c.UserContext(), d.actor(c), f)
		return row.PublicID, err
	})
	if kind := access.KindOf(err); kind == access.Upstream || refused(err) {
		return d.refuseModel(c, way, f, err)
	}
	if err != nil {
		return err
	}
	return page.Redirect(c, "/setup/bot")
}

// modelsOf are the models to list: the named one, else all that the provider
// offers.
func (d *Dashboard) modelsOf(c *fiber.Ctx, f control.ProviderForm, model string) ([]access.Model, error) {
	names := []string{model}
	if model == "" {
		var err error
		if names, err = d.Control.FetchModels(c.UserContext(), d.actor(c), "", f); err != nil {
			return nil, err
		}
	}
	models := make([]access.Model, 0, len(names))
	for _, name := range names {
		if len(models) < control.ProviderModelsMax {
			models = append(models, access.Model{Name: name})
		}
	}
	if len(models) == 0 {
		return nil, access.Fail(access.Invalid, "model_none", "This service lists no model. Write the name of one.").At("models")
	}
	return models, nil
}

// refuseModel brings the form back, with what is wrong at the fields of the way
// that was chosen.
func (d *Dashboard) refuseModel(c *fiber.Ctx, way string, f control.ProviderForm, err error) error {
	v := views.SetupModelView{
		Failed: true, Errors: page.FieldErrors(c, err), URL: field(c, "base_url"), Model: field(c, "model"),
		OwnURL: field(c, "own_url"), OwnModel: field(c, "own_model"),
	}
	if way == fromOwn {
		v.Errors["own_url"], v.Errors["own_models"] = v.Errors["base_url"], v.Errors["models"]
		if control.PrivateHostAsked(err) {
			v.AllowHost, v.Errors = control.HostOf(*f.BaseURL), map[string]string{"": page.Lang(c).T("setup.private_confirm")}
		}
	}
	return d.showSetupModel(c, page.StatusOf(err), way, v)
}

// TryDemo asks the demo model, so that the page shows an answer by itself; a
// question that was posted is asked instead.
func (d *Dashboard) TryDemo(c *fiber.Ctx) error {
	l, url := page.Lang(c), access.DemoURL
	v := views.SetupTryView{Question: l.T("setup.try_question"), Tone: views.Ok}
	if asked := field(c, "question"); asked != "" {
		v.Question, v.Asked = asked, true
	}
	f := control.ProviderForm{BaseURL: &url, SetUp: true}
	names, err := d.Control.FetchModels(c.UserContext(), d.actor(c), "", f)
	if err == nil {
		var first time.Duration
		v.Answer, first, err = d.Control.SampleAnswer(c.UserContext(), d.actor(c), f, firstChat(names), v.Question)
		v.State = l.T("setup.try_connected", l.Duration(max(first.Round(time.Millisecond), time.Millisecond)))
	}
	if kind := access.KindOf(err); kind == access.Upstream || kind == access.Invalid {
		v.State, v.Tone, err = page.Say(c, err), views.Bad, nil
	}
	if err != nil {
		return err
	}
	return page.Part(c, views.SetupTry(v))
}

func firstChat(names []string) string {
	for _, name := range names {
		if access.GuessKind(name) == access.ChatModel {
			return name
		}
	}
	return ""
}
