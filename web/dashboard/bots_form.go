package dashboard

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// readBot reads the form of a bot. What the page did not send stays as it is.
func readBot(c *fiber.Ctx) (control.BotForm, error) {
	f := control.BotForm{
		Name: sent(c, "name"), Slug: sent(c, "slug"), Kind: sent(c, "kind"), SystemPrompt: newlines(sent(c, "system_prompt")),
		Welcome: newlines(sent(c, "welcome")), Settings: sent(c, "settings"), Version: versionOf(c),
	}
	if text := sent(c, "model"); text != nil {
		provider, model, _ := strings.Cut(*text, ":")
		f.Provider, f.Model = &provider, &model
	}
	if text := sent(c, "suggested_questions"); text != nil {
		list := lines(*text)
		f.SuggestedQuestions = &list
	}
	if text := sent(c, "allowed_origins"); text != nil {
		list := lines(*text)
		f.AllowedOrigins = &list
	}
	if text := sent(c, "params"); text != nil {
		params, err := control.JoinParams(*text, field(c, "temperature"), field(c, "max_tokens"))
		if err != nil {
			return f, err
		}
		f.Params = &params
	}
	days, err := readKeep(sent(c, "keep"), field(c, "keep_days"))
	f.RetentionDays = days
	return f, err
}

// newlines spells line breaks as one character: a form sends two.
func newlines(text *string) *string {
	if text == nil {
		return nil
	}
	plain := strings.ReplaceAll(*text, "\r\n", "\n")
	return &plain
}

func readKeep(keep *string, text string) (**int64, error) {
	if keep == nil {
		return nil, nil
	}
	var days *int64
	switch *keep {
	case "never":
		days = new(int64)
	case "days":
		if strings.TrimSpace(text) == "" {
			return nil, access.Fail(access.Invalid, "retention_range", "Conversations are kept for 0 to %d days, or for ever.", control.RetentionMax).At("retention_days")
		}
		n, err := number(text, "retention_days")
		if err != nil {
			return nil, err
		}
		days = &n
	}
	return &days, nil
}

// newBotForm is the form of a new bot.
func (d *Dashboard) newBotForm(c *fiber.Ctx) (views.BotFormView, error) {
	models, err := d.modelGroups(c, access.Bot{})
	return views.BotFormView{Action: "/bots", Back: "/bots", Once: d.formKey(c), Models: models}, err
}

// botForm is the form of a stored bot.
func (d *Dashboard) botForm(c *fiber.Ctx, row db.BotRow) (views.BotFormView, error) {
	models, err := d.modelGroups(c, row.Bot)
	v := views.BotFormView{
		Action: botHref(row.PublicID), Back: "/bots", Version: version(row.Version), Models: models,
		Name: row.Name, Slug: row.Slug, Prompt: row.SystemPrompt, Welcome: row.Welcome, Questions: strings.Join(row.SuggestedQuestions, "\n"),
		Origins: strings.Join(row.AllowedOrigins, "\n"), Settings: emptyObject(row.Settings),
	}
	v.Params, v.Temperature, v.MaxTokens = control.SplitParams(row.Params)
	l, keep := page.Lang(c), "always"
	kept := l.T("bots.keep.always")
	switch days := row.RetentionDays; {
	case days == nil:
	case *days == 0:
		keep, kept = "never", l.T("bots.keep.never")
	default:
		keep, v.KeepDays, kept = "days", strconv.FormatInt(*days, 10), l.N("bots.kept", *days)
	}
	v.Keep, v.Kinds = choices(l, "bots.keep", keep, "always", "days", "never"), choices(l, "bots.kind", string(row.Kind), "dialog", "agent")
	v.ParamsNow, v.MoreNow = paramsNow(l, row.Params), l.T("bots.more_now", kept, row.Slug)
	return v, err
}

func emptyObject(text string) string {
	if text == "{}" {
		return ""
	}
	return text
}

func paramsNow(l lang.Lang, params string) string {
	return or(strings.Join(control.ParamWords(params), " · "), l.T("bots.models_own"))
}

// choices are options whose labels stand in the catalogue under prefix.
func choices(l lang.Lang, prefix, chosen string, values ...string) []views.OptionView {
	out := make([]views.OptionView, 0, len(values))
	for _, value := range values {
		out = append(out, views.OptionView{Value: value, Label: l.T(prefix + "." + value), Chosen: value == chosen})
	}
	return out
}

// typedBot puts what was typed back into a form that was refused.
func (d *Dashboard) typedBot(c *fiber.Ctx, v *views.BotFormView, err error) {
	v.Failed, v.Errors = true, formErrors(c, err)
	for name, into := range map[string]*string{
		"name": &v.Name, "slug": &v.Slug, "system_prompt": &v.Prompt, "welcome": &v.Welcome, "suggested_questions": &v.Questions,
		"temperature": &v.Temperature, "max_tokens": &v.MaxTokens, "params": &v.Params, "settings": &v.Settings, "keep_days": &v.KeepDays,
		"allowed_origins": &v.Origins, "version": &v.Version,
	} {
		if text := sent(c, name); text != nil {
			*into = *text
		}
	}
	choose(v.Keep, field(c, "keep"))
	choose(v.Kinds, field(c, "kind"))
	for _, g := range v.Models {
		choose(g.Options, field(c, "model"))
	}
	v.ParamsOpen = v.Errors["params"] != ""
	v.MoreOpen = v.Errors["retention_days"]+v.Errors["allowed_origins"]+v.Errors["slug"]+v.Errors["kind"]+v.Errors["settings"] != ""
}

func choose(options []views.OptionView, value string) {
	if value == "" {
		return
	}
	for i := range options {
		options[i].Chosen = options[i].Value == value
	}
}

// modelGroups are the chat models that a bot can run on, by provider. A bot's own
// model stays in the list when its provider has dropped it.
func (d *Dashboard) modelGroups(c *fiber.Ctx, b access.Bot) ([]views.ModelGroupView, error) {
	providers, err := d.Control.Providers(c.UserContext(), d.actor(c))
	if err != nil {
		return nil, err
	}
	l := page.Lang(c)
	var groups, idle []views.ModelGroupView // those that do not serve now come last
	known := b.ID == 0
	for _, p := range providers {
		g := views.ModelGroupView{Label: p.Name}
		if !p.Serving() {
			_, word, _ := d.providerState(l, p.Provider)
			g.Label += " · " + word
		}
		for _, m := range p.Models {
			if m.Kind != access.ChatModel {
				continue
			}
			own := p.ID == b.ProviderID && m.Name == b.Model
			known = known || own
			g.Options = append(g.Options, views.OptionView{Value: p.PublicID + ":" + m.Name, Label: m.Name, Chosen: own})
		}
		switch {
		case len(g.Options) == 0:
		case p.Serving():
			groups = append(groups, g)
		default:
			idle = append(idle, g)
		}
	}
	groups = append(groups, idle...)
	if !known {
		groups = slices.Insert(groups, 0, lostModel(l, providers, b))
	}
	return groups, nil
}

// lostModel is the bot's present model where nobody lists it any more.
func lostModel(l lang.Lang, providers []db.ProviderRow, b access.Bot) views.ModelGroupView {
	provider := ""
	if i := slices.IndexFunc(providers, func(p db.ProviderRow) bool { return p.ID == b.ProviderID }); i >= 0 {
		provider = providers[i].PublicID
	}
	return views.ModelGroupView{
		Label:   l.T("bots.model_lost"),
		Options: []views.OptionView{{Value: provider + ":" + b.Model, Label: b.Model, Chosen: true}},
	}
}
