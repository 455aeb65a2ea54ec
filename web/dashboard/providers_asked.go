package dashboard

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// testOptions are the models that a test can ask.
func testOptions(l lang.Lang, models []access.Model, chosen string) []views.OptionView {
	out := []views.OptionView{{Value: "", Label: l.T("providers.test_first")}}
	for _, m := range models {
		out = append(out, views.OptionView{Value: m.Name, Label: m.Name, Chosen: m.Name == chosen})
	}
	return out
}

// fetchedModels puts what fetching found out into the form. With few models and
// none chosen yet, all are ticked.
func (d *Dashboard) fetchedModels(c *fiber.Ctx, v *views.ProviderFormView, s sentProvider, names []string, err error) {
	l := page.Lang(c)
	v.AskPrivate = d.privateAsked(c, v.BaseURL, err)
	if err != nil {
		v.Models.Tone, v.Models.Fetched = views.Bad, page.Say(c, err)
		if v.AskPrivate != "" {
			v.Models.Tone, v.Models.Fetched = views.Warn, l.T("providers.private_first")
		}
		return
	}
	const few = 20
	chosen := s.ticked
	if len(chosen) == 0 && s.lines == "" && len(s.listed) == 0 && len(names) <= few {
		chosen = names
	}
	v.Models.Options = boxesOf(slices.Concat(names, s.listed), chosen)
	v.Models.Tone, v.Models.Fetched = views.Ok, l.N("providers.fetched", int64(len(names)))
	if len(names) == 0 {
		v.Models.Tone, v.Models.Fetched = views.Warn, l.T("providers.fetched_none")
	}
	if models, err := readModels(chosen, s.lines); err == nil {
		v.Test.Options = testOptions(l, models, s.test)
	}
}

// testedProvider puts what a test found out into the form.
func (d *Dashboard) testedProvider(c *fiber.Ctx, v *views.ProviderFormView, check control.Check, err error) {
	l := page.Lang(c)
	v.AskPrivate = d.privateAsked(c, v.BaseURL, err)
	if err != nil {
		v.Test.Tone, v.Test.Title, v.Test.Text = views.Bad, l.T("providers.test_failed"), page.Say(c, err)
		if said := control.ProviderSaid(err); said != "" {
			v.Test.Text += " " + l.T("providers.test_said", said)
		}
		if v.AskPrivate != "" {
			v.Test.Tone, v.Test.Text = views.Warn, l.T("providers.private_first")
		}
		return
	}
	v.Test.Tone, v.Test.Title = views.Ok, l.T("providers.test_ok")
	var said []string
	if check.Models != nil {
		said = append(said, l.N("providers.test_lists", int64(len(check.Models))))
	}
	if check.Model != "" && check.Sample != "" {
		said = append(said, l.T("providers.test_word", check.Model, l.Duration(check.FirstByte), check.Sample))
	} else if check.Model != "" {
		said = append(said, l.T("providers.test_answered", check.Model, l.Duration(check.FirstByte)))
	}
	if check.Model != "" && check.Models != nil && !check.Listed {
		said = append(said, l.T("providers.test_unlisted", check.Model))
	}
	v.Test.Text = strings.Join(said, " ")
}

// healthWords say how a provider did within the last half minute.
func (d *Dashboard) healthWords(l lang.Lang, id int64) string {
	h := d.Gateway.Health(id)
	calls := l.N("providers.health_calls", int64(h.Calls))
	switch {
	case h.Calls == 0:
		return l.T("providers.health_none")
	case h.Failed == 0:
		return l.T("providers.health_good", calls)
	}
	return l.T("providers.health_bad", calls, l.Number(int64(h.Failed)))
}
