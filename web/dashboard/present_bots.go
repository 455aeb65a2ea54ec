package dashboard

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

func botHref(id string) string { return "/bots/" + id }

// botStates are what the list can be filtered by.
var botStates = []access.Status{access.StatusEnabled, access.StatusDisabled}

// botList is the list with its tool bar and the way on.
func (d *Dashboard) botList(c *fiber.Ctx, p listing, rows []db.BotRow, total int64) (views.BotListView, error) {
	l := page.Lang(c)
	rows, more := cutPage(rows, p)
	v := views.BotListView{
		Filtered: p.filtered(), ReadOnly: !d.actor(c).May(access.ChangeAccess), MayProviders: d.actor(c).May(access.ChangeProviders),
		Toolbar: views.ToolbarView{
			Action: p.path, Target: p.name, Query: p.page.Query, Placeholder: l.T("bots.search"),
			Filters: []views.FilterView{d.statusFilter(c, p, botStates...)}, Note: d.countNote(c, p, total),
		},
	}
	var first, last db.Place
	if len(rows) > 0 {
		first.Number, last.Number = rows[0].ID, rows[len(rows)-1].ID
	}
	v.Pager = d.pager(c, p, first, last, len(rows), more, total)
	for _, r := range rows {
		v.Rows = append(v.Rows, d.botRow(c, r))
	}
	if len(rows) == 0 && !v.Filtered {
		providers, err := d.Control.Providers(c.UserContext(), d.actor(c))
		v.NoProvider = len(providers) == 0
		return v, err
	}
	return v, nil
}

func (d *Dashboard) botRow(c *fiber.Ctx, r db.BotRow) views.BotRowView {
	l, href := page.Lang(c), botHref(r.PublicID)
	v := views.BotRowView{
		ID: r.PublicID, Name: r.Name, Href: href, Under: "bot:" + r.Slug, Initials: initials(r.Name), Model: r.Model,
		Provider: or(r.ProviderName, l.T("bots.provider_gone")), Links: l.Number(r.Links), Tokens: l.Number(r.Tokens),
		Menu:     views.RowMenuView{Name: r.Name, Href: href, Menu: href + "/menu"},
		ReadOnly: !d.actor(c).May(access.ChangeAccess),
	}
	v.Tone, v.Status, v.Why = botState(l, r)
	return v
}

// botState is a bot's state in a word, and why.
func botState(l lang.Lang, r db.BotRow) (tone views.Tone, word, why string) {
	switch {
	case !r.Enabled:
		return views.Off, l.T("bots.disabled"), ""
	case r.Trouble != db.NoTrouble && r.Covered:
		return views.Warn, l.T("bots.covered"), l.T("bots.trouble."+string(r.Trouble)) + " " + l.T("bots.covered_text")
	case r.Trouble != db.NoTrouble:
		return views.Bad, l.T("bots.silent"), l.T("bots.trouble." + string(r.Trouble))
	}
	return views.Ok, l.T("bots.active"), ""
}

// botFrame is the head of a bot's page: tab is "", "links", "tokens" or
// "embed".
func (d *Dashboard) botFrame(c *fiber.Ctx, row db.BotRow, tab string) views.BotView {
	l, href := page.Lang(c), botHref(row.PublicID)
	v := views.BotView{
		Shell: d.shell(c, "bots", row.Name), ReadOnly: !d.actor(c).May(access.ChangeAccess),
		Header: views.HeaderView{Face: initials(row.Name), Title: row.Name, Mono: "bot:" + row.Slug, Subtitle: row.Model + " · " + or(row.ProviderName, l.T("bots.provider_gone"))},
		Tabs: []views.TabView{
			{Text: l.T("bots.settings"), Href: href, Active: tab == ""},
			{Text: l.T("bots.links"), Href: href + "/links", Count: l.Number(row.Links), Active: tab == "links"},
			{Text: l.T("bots.tokens"), Href: href + "/tokens", Count: l.Number(row.Tokens), Active: tab == "tokens"},
			{Text: l.T("embed.tab"), Href: embedHref(row.PublicID), Active: tab == "embed"},
		},
	}
	if d.actor(c).May(access.ReadConversations) {
		v.Tabs = append(v.Tabs, views.TabView{Text: l.T("conversations.short"), Href: talksHref(row.PublicID), Active: tab == "conversations"})
	}
	v.Shell.Crumbs = []views.LinkView{{Text: l.T("bots.title"), Href: "/bots"}, {Text: row.Name}}
	v.Header.Tone, v.Header.Status, v.Notice = botState(l, row)
	v.Tone = v.Header.Tone
	if v.Notice != "" && row.ProviderPublicID != "" && d.actor(c).May(access.ChangeProviders) {
		v.Mend = views.LinkView{Text: l.T("bots.open_provider"), Href: providerHref(row.ProviderPublicID)}
	}
	return v
}

// botFacts are a bot's settings for a reader who may not change them.
func (d *Dashboard) botFacts(c *fiber.Ctx, row db.BotRow) []views.Definition {
	l := page.Lang(c)
	return []views.Definition{
		{Term: l.T("bots.model"), Text: row.Model, Under: or(row.ProviderName, l.T("bots.provider_gone"))},
		{Term: l.T("bots.prompt"), Text: or(row.SystemPrompt, "–")},
		{Term: l.T("bots.welcome"), Text: or(row.Welcome, "–")},
		{Term: l.T("bots.questions"), Text: or(strings.Join(row.SuggestedQuestions, " · "), "–")},
		{Term: l.T("bots.params"), Text: paramsNow(l, row.Params)},
	}
}

func botActs(l lang.Lang, row db.BotRow) []views.ActView {
	href := botHref(row.PublicID)
	turn := views.ActView{Title: l.T("bots.disable_act"), Text: l.T("bots.disable_text"), Button: l.T("bots.disable"), Ask: href + "/disable"}
	if !row.Enabled {
		turn = views.ActView{Title: l.T("bots.enable_act"), Text: l.T("bots.enable_text"), Button: l.T("bots.enable"), Action: href + "/enable"}
	}
	return []views.ActView{turn, {
		Title: l.T("bots.delete_act"), Text: l.T("bots.delete_text"), Button: l.T("bots.delete"), Ask: href + "/delete", Danger: true,
	}}
}

// botReach says what stops with a bot, "" where nothing does.
func botReach(l lang.Lang, r control.BotReach) string {
	var said []string
	if r.Row.Links > 0 {
		said = append(said, l.N("bots.reach_links", r.Row.Links))
	}
	if r.Row.Tokens > 0 {
		said = append(said, l.N("bots.reach_tokens", r.Row.Tokens))
	}
	if r.Calls > db.CountMax {
		said = append(said, l.T("bots.reach_calls_many", l.Number(db.CountMax)))
	} else if r.Calls > 0 {
		said = append(said, l.N("bots.reach_calls", r.Calls))
	}
	if len(said) == 0 {
		return ""
	}
	all := said[0]
	for _, one := range said[1:] {
		all = l.T("bots.reach_two", all, one)
	}
	return l.T("bots.reach", all)
}
