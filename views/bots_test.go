package views

import (
	"bytes"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"latchkey/internal/lang"
)

// What people and providers name things must never become markup.
func TestBotsAndProvidersAreEscaped(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>` + "\u202e"
	option := []OptionView{{Value: hostile, Label: hostile, Chosen: true}}
	errors := map[string]string{"": hostile, "name": hostile, "model": hostile, "base_url": hostile, "params": hostile, "prompt": hostile}
	turn := TryTurnView{ID: "try-1", Initials: "X", Question: hostile, Answer: hostile, Note: hostile, Problem: hostile}
	form := ProviderFormView{
		Title: hostile, Action: "/providers", Back: "/providers", Submit: hostile, Failed: true, Errors: errors, Name: hostile, BaseURL: hostile, AskPrivate: hostile,
		Models: ProviderModelsView{Href: "/providers", Options: option, More: hostile, Error: hostile, Fetched: hostile},
		Test:   ProviderTestView{Href: "/providers", Options: append(option, option...), Title: hostile, Text: hostile},
	}
	bot := BotFormView{
		Action: "/bots", Back: "/bots", Failed: true, Errors: errors, Name: hostile, Slug: hostile, Prompt: hostile, Welcome: hostile, Questions: hostile, Params: hostile,
		Settings: hostile, Origins: hostile, Models: []ModelGroupView{{Label: hostile, Options: option}}, Kinds: option, Keep: option, ParamsNow: hostile, MoreNow: hostile,
	}
	parts := map[string]templ.Component{
		"provider row":  ProviderRow(ProviderRowView{ID: "1", Name: hostile, Href: "/providers/1", Address: hostile, Status: hostile, Why: hostile, Models: hostile, More: hostile, MoreTitle: hostile}),
		"provider form": ProviderForm(form),
		"provider page": ProviderPage(ProviderView{Header: HeaderView{Title: hostile}, Notice: hostile, Form: form, Bots: []LinkView{{Text: hostile, Href: "/bots/1"}}, Health: hostile}),
		"bot row":       BotRow(BotRowView{ID: "1", Name: hostile, Href: "/bots/1", Under: hostile, Initials: `"<`, Model: hostile, Provider: hostile, Status: hostile, Why: hostile}),
		"bot form":      BotForm(bot),
		"bot page":      BotPage(BotView{Header: HeaderView{Title: hostile, Mono: hostile}, Notice: hostile, Form: bot, Try: &TryView{Href: "/bots/1", Welcome: hostile, Questions: []string{hostile}, Turns: []TryTurnView{turn}}}),
		"a trial":       templ.Join(TryBegins("/bots/1", turn), TryEnds(turn, nil), TryRefused(turn)),
		"price":         PriceForm(PriceFormView{Title: hostile, Failed: true, Errors: errors, Model: hostile, Prompt: hostile, Models: []string{hostile}}),
		"prices":        PricesBody(PriceListView{Rows: []PriceRowView{{ID: "1", Model: hostile, Href: "/settings/prices/1", Prompt: hostile}}}),
		"group":         GroupForm(GroupFormView{Title: hostile, Failed: true, Errors: errors, Name: hostile, Models: hostile, Which: option}),
		"groups":        GroupsPage(GroupsView{Rows: []GroupRowView{{ID: "1", Name: hostile, Under: hostile, ModelsTitle: hostile, Href: "/settings/groups/1"}}}),
	}
	for _, l := range lang.All() {
		for name, part := range parts {
			var b bytes.Buffer
			if err := part.Render(lang.With(t.Context(), l), &b); err != nil {
				t.Fatal(name, err)
			}
			html := b.String()
			if !strings.Contains(html, "alert(1)") {
				t.Errorf("%s does not show what it was given", name)
			}
			for _, danger := range []string{"<script>alert", "<img", "style=", " onclick", "javascript:"} {
				if strings.Contains(html, danger) {
					t.Errorf("%s in %s holds %s", name, l, danger)
				}
			}
		}
	}
}
