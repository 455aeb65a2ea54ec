package dashboard

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

func providerHref(id string) string { return "/providers/" + id }

// providerState is a provider's state in a word, and why.
func (d *Dashboard) providerState(l lang.Lang, p access.Provider) (tone views.Tone, word, why string) {
	health := d.Gateway.Health(p.ID)
	switch {
	case !p.PausedAt.IsZero():
		return views.Bad, l.T("providers.paused"), pauseReason(l, p.PauseReason)
	case !p.Enabled:
		return views.Off, l.T("providers.disabled"), ""
	case len(p.Models) == 0:
		return views.Warn, l.T("providers.without_models"), l.T("providers.without_models_text")
	case health.Open:
		return views.Bad, l.T("providers.failing"), l.T("providers.failing_text", l.Number(int64(health.Failed)), l.Number(int64(health.Calls)))
	}
	return views.Ok, l.T("providers.active"), ""
}

func pauseReason(l lang.Lang, code string) string {
	if key := "providers.pause." + code; l.Has(key) {
		return l.T(key)
	}
	return l.T("providers.pause_other")
}

func (d *Dashboard) providerRow(c *fiber.Ctx, r db.ProviderRow) views.ProviderRowView {
	l := page.Lang(c)
	v := views.ProviderRowView{
		ID: r.PublicID, Name: r.Name, Href: providerHref(r.PublicID), Address: shownAddress(l, r.BaseURL),
		Priority: strconv.FormatInt(r.Priority, 10), Bots: l.Number(r.Bots), Key: keyWord(l, r.Provider),
		Menu:     views.RowMenuView{Name: r.Name, Href: providerHref(r.PublicID), Menu: providerHref(r.PublicID) + "/menu"},
		ReadOnly: !d.actor(c).May(access.ChangeProviders),
	}
	v.Tone, v.Status, v.Why = d.providerState(l, r.Provider)
	names := modelNames(r.Models)
	if len(names) == 0 {
		v.Models = l.T("providers.no_models")
		return v
	}
	v.Models = names[0]
	if rest := names[1:]; len(rest) > 0 {
		const most = 20 // names in a title
		v.More, v.MoreTitle = "+"+l.Number(int64(len(rest))), strings.Join(rest[:min(len(rest), most)], ", ")
	}
	return v
}

func shownAddress(l lang.Lang, baseURL string) string {
	if baseURL == access.DemoURL {
		return l.T("providers.demo")
	}
	return strings.TrimPrefix(baseURL, "https://")
}

func keyWord(l lang.Lang, p access.Provider) string {
	if p.KeySealed != nil {
		return l.T("providers.key_stored")
	}
	return l.T("providers.key_none")
}

func modelNames(models []access.Model) []string {
	names := make([]string, 0, len(models))
	for _, m := range models {
		names = append(names, m.Name)
	}
	return names
}

// providerForm is the form of a stored provider, or of a new one.
func (d *Dashboard) providerForm(c *fiber.Ctx, p access.Provider) views.ProviderFormView {
	var lines, boxes []string
	for _, m := range p.Models {
		line, plain := modelLine(m)
		if plain {
			boxes = append(boxes, m.Name)
		} else {
			lines = append(lines, line)
		}
	}
	v := d.providerFrame(c, p)
	v.Name, v.BaseURL, v.Priority = p.Name, p.BaseURL, strconv.FormatInt(p.Priority, 10)
	v.Demo = p.BaseURL == access.DemoURL
	v.Models.Options, v.Models.More = boxesOf(boxes, boxes), strings.Join(lines, "\n")
	v.Test.Options = testOptions(page.Lang(c), p.Models, "")
	v.FoldNow = page.Lang(c).T("providers.fold_now", v.Priority)
	return v
}

// providerFrame is what a form says that does not depend on what was typed.
func (d *Dashboard) providerFrame(c *fiber.Ctx, p access.Provider) views.ProviderFormView {
	l := page.Lang(c)
	v := views.ProviderFormView{
		Title: l.T("providers.new"), Text: l.T("providers.new_about"), Action: "/providers", Back: "/providers", Submit: l.T("providers.connect"),
		Once: d.formKey(c), HasKey: p.KeySealed != nil, DemoOffered: d.Control.Demo,
	}
	href := "/providers"
	if p.PublicID != "" {
		href = providerHref(p.PublicID)
		v.Title, v.Text, v.Action, v.Submit = p.Name, "", href, l.T("kit.save")
		v.Once, v.Version, v.Editing = "", version(p.Version), true
	}
	v.Models.Href, v.Test.Href = href, href
	return v
}

// sentProvider is the form as it was sent, with the provider it is of.
func (d *Dashboard) sentProvider(c *fiber.Ctx, s sentProvider) (views.ProviderFormView, db.ProviderRow) {
	var row db.ProviderRow
	if id := c.Params("id"); id != "" {
		// A provider that has gone meanwhile is said when the form is saved.
		row, _ = d.Control.Provider(c.UserContext(), d.actor(c), id)
	}
	return d.typedProvider(c, s, row.Provider), row
}

func (d *Dashboard) typedProvider(c *fiber.Ctx, s sentProvider, p access.Provider) views.ProviderFormView {
	v := d.providerFrame(c, p)
	v.Name, v.BaseURL, v.Priority = field(c, "name"), field(c, "base_url"), field(c, "priority")
	v.Demo = strings.TrimSpace(v.BaseURL) == access.DemoURL
	v.Models.Options, v.Models.More = boxesOf(s.listed, s.ticked), s.lines
	if s.form.Models != nil {
		v.Test.Options = testOptions(page.Lang(c), *s.form.Models, s.test)
	}
	if field(c, "version") != "" {
		v.Version = field(c, "version")
	}
	v.FoldNow = page.Lang(c).T("providers.fold_now", v.Priority)
	return v
}

// refusedProvider is the form that comes back, filled in and marked.
func (d *Dashboard) refusedProvider(c *fiber.Ctx, s sentProvider, p access.Provider, err error) views.ProviderFormView {
	v := d.typedProvider(c, s, p)
	v.Failed, v.Errors = true, formErrors(c, err)
	v.Models.Error = v.Errors["models"]
	v.AskPrivate = d.privateAsked(c, v.BaseURL, err)
	if isStale(v.Errors) {
		v.Version = version(p.Version)
	}
	return v
}

// formErrors are the complaints about a form by field. That somebody changed the
// row meanwhile stands at the top, since no field is to blame.
func formErrors(c *fiber.Ctx, err error) map[string]string {
	problems := page.FieldErrors(c, err)
	if said, stale := problems["version"]; stale {
		problems[""] = said
	}
	return problems
}

// isStale reports whether a form was based on an older version of its row. What
// comes back is then based on the present one, so that saving again decides.
func isStale(problems map[string]string) bool { return problems["version"] != "" }

// boxesOf are boxes for the names listed or ticked.
func boxesOf(listed, ticked []string) []views.OptionView {
	names := slices.Concat(listed, ticked)
	slices.Sort(names)
	names = slices.Compact(names)
	out := make([]views.OptionView, 0, len(names))
	for _, name := range names {
		out = append(out, views.OptionView{Value: name, Label: name, Chosen: slices.Contains(ticked, name)})
	}
	return out
}

func (d *Dashboard) showNewProvider(c *fiber.Ctx, status int, v views.ProviderFormView) error {
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "providers", v.Title), views.ProviderForm(v)), views.ProviderForm(v))
}

// showProviderForm shows the page that the form stands on, with what was typed.
func (d *Dashboard) showProviderForm(c *fiber.Ctx, row db.ProviderRow, v views.ProviderFormView) error {
	if row.PublicID == "" {
		return d.showNewProvider(c, fiber.StatusOK, v)
	}
	return d.showProvider(c, fiber.StatusOK, row, v)
}

// showProvider shows a provider's page with a form of it.
func (d *Dashboard) showProvider(c *fiber.Ctx, status int, row db.ProviderRow, form views.ProviderFormView) error {
	l := page.Lang(c)
	v := views.ProviderView{
		Shell: d.shell(c, "providers", row.Name), Form: form, ReadOnly: !d.actor(c).May(access.ChangeProviders),
		Header: views.HeaderView{Icon: "server", IconTone: views.Info, Title: row.Name, Subtitle: shownAddress(l, row.BaseURL)},
		Facts:  providerFacts(l, row),
	}
	v.Shell.Crumbs = []views.LinkView{{Text: l.T("providers.title"), Href: "/providers"}, {Text: row.Name}}
	var why string
	v.Header.Tone, v.Header.Status, why = d.providerState(l, row.Provider)
	if v.Header.Status != "" && why != "" {
		v.Tone, v.Notice = v.Header.Tone, why
	}
	if !row.PausedAt.IsZero() {
		v.Notice = l.T("providers.paused_since", l.Ago(row.PausedAt, d.Now())) + " " + why
		if !v.ReadOnly {
			v.Resume = providerHref(row.PublicID) + "/resume"
		}
	}
	bots, err := d.Control.BotChoices(c.UserContext(), d.actor(c))
	if err != nil {
		return err
	}
	for _, b := range bots {
		if b.ProviderID == row.ID {
			v.Bots = append(v.Bots, views.LinkView{Text: b.Name, Href: botHref(b.PublicID)})
		}
	}
	v.Acts, v.Health = providerActs(l, row), d.healthWords(l, row.ID)
	return page.Status(c, status, views.ProviderPage(v))
}

func providerFacts(l lang.Lang, row db.ProviderRow) []views.Definition {
	return []views.Definition{
		{Term: l.T("providers.base_url"), Text: row.BaseURL, Mono: true},
		{Term: l.T("providers.key"), Text: keyWord(l, row.Provider)},
		{Term: l.T("providers.models"), Text: strings.Join(modelNames(row.Models), ", ")},
		{Term: l.T("providers.priority"), Text: strconv.FormatInt(row.Priority, 10)},
	}
}

func providerActs(l lang.Lang, row db.ProviderRow) []views.ActView {
	href := providerHref(row.PublicID)
	turn := views.ActView{
		Title: l.T("providers.disable_title"), Text: l.T("providers.disable_text"), Button: l.T("providers.disable"), Action: href + "/disable",
	}
	if !row.Enabled {
		turn = views.ActView{
			Title: l.T("providers.enable_title"), Text: l.T("providers.enable_text"), Button: l.T("providers.enable"), Action: href + "/enable",
		}
	}
	return []views.ActView{turn, {
		Title: l.T("providers.delete_act"), Text: l.T("providers.delete_text"), Button: l.T("providers.delete"), Ask: href + "/delete", Danger: true,
	}}
}
