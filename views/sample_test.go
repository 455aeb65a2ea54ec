package views

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// with draws parent round children.
func with(parent templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return parent.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

// raw is markup of the tests themselves.
func raw(html string) templ.Component { return templ.Raw(html) }

func sampleShell(title, active string) ShellView {
	return ShellView{
		Title: title, Active: active, Workspace: "acme-support", Path: "/" + active, HasProvider: true,
		Workspaces: []WorkspaceChoice{{ID: "a1", Name: "acme-support", Active: true}, {ID: "b2", Name: "acme-labs"}},
		User:       UserView{Name: "Lin Wei", Initials: "LW", Role: "Owner"},
		Counts:     CountsView{Bots: "6", Tokens: "8", Shares: "7", Customers: "142", Providers: "3"},
	}
}

type sampleToken struct {
	name, under, key, status, models, more, budget, used, expires string
	tone, late                                                    Tone
	percent                                                       int
	limited                                                       bool
}

var sampleTokens = []sampleToken{
	{name: "Support desk widget", under: "Support Bot · lin.wei", key: "sk-lk…x9Ka", status: "Active", tone: Ok, models: "gpt-4o-mini", more: "+1", budget: "$41.20 of $100", percent: 41, limited: true, used: "2 min ago", expires: "in 84 days", late: Off},
	{name: "客服小程序 · 生产", under: "Support Bot · zhou.ming", key: "sk-lk…c2Vd", status: "Active", tone: Ok, models: "qwen-max", budget: "$92.85 of $100", percent: 93, limited: true, used: "just now", expires: "in 12 days", late: Warn},
	{name: "Docs search", under: "Docs Bot · ana.souza", key: "sk-lk…0pLz", status: "Active", tone: Ok, models: "all models", budget: "$3.07, no limit", used: "3 h ago", expires: "never", late: Off},
	{name: "Nightly eval runner", under: "Eval Bot · ci-bot", key: "sk-lk…h7Qe", status: "Exhausted", tone: Warn, models: "gpt-4.1", more: "+2", budget: "$250.00 of $250", percent: 100, limited: true, used: "6 h ago", expires: "in 30 days", late: Off},
	{name: "Partner: Northwind", under: "Sales Bot · lin.wei", key: "sk-lk…mW3s", status: "Disabled", tone: Off, models: "gpt-4o-mini", budget: "$12.40 of $50", percent: 25, limited: true, used: "9 days ago", expires: "in 201 days", late: Off},
	{name: "Mobile app v1", under: "Concierge · ana.souza", key: "sk-lk…Ru8a", status: "Expired", tone: Bad, models: "gpt-4o-mini", budget: "$77.01 of $80", percent: 96, limited: true, used: "21 days ago", expires: "14 days ago", late: Bad},
	{name: "HR onboarding assistant", under: "HR Bot · zhou.ming", key: "sk-lk…4iJp", status: "Active", tone: Ok, models: "qwen-plus", more: "+1", budget: "$18.66 of $60", percent: 31, limited: true, used: "14 min ago", expires: "in 55 days", late: Off},
	{name: "Data pipeline", under: "any bot · ci-bot", key: "sk-lk…N0tB", status: "Active", tone: Ok, models: "text-embedding-3-small", budget: "$5.50 of $20", percent: 27, limited: true, used: "1 h ago", expires: "in 6 days", late: Warn},
}

func sampleRow(t sampleToken) templ.Component {
	cell := func(label string, inner ...templ.Component) templ.Component {
		open := "<td>"
		if label != "" {
			open = `<td data-label="` + label + `">`
		}
		return templ.Join(append(append([]templ.Component{raw(open)}, inner...), raw("</td>"))...)
	}
	models := []templ.Component{raw("<span>" + t.models + "</span>")}
	if t.more != "" {
		models = append(models, raw(`<span class="more ml-1">`+t.more+`</span>`))
	}
	return templ.Join(
		raw(`<tr id="token-1024" data-row>`), Pick("bulk", "1024", t.name),
		raw("<td>"), TwoLine(t.name, "/tokens/1024", t.under), raw("</td>"),
		cell("", KeyChip(KeyChipView{Masked: t.key, Reveal: "/tokens/1024/reveal", Name: t.name})),
		cell("", Status(t.tone, t.status)),
		cell("", models...),
		cell("", Budget(BudgetView{Text: t.budget, Percent: t.percent, Limited: t.limited})),
		cell("Last used", Time(t.used, "Fri 20 Nov 2026, 14:19", Off)),
		cell("Expires", Time(t.expires, "Fri 12 Feb 2027, 00:00", t.late)),
		raw(`<td class="end">`), RowMenu(RowMenuView{Name: t.name, Href: "/tokens/1024"}), raw("</td></tr>"),
	)
}

func sampleList() templ.Component { return sampleListOf("") }

func sampleListOf(query string) templ.Component {
	rows := make([]templ.Component, 0, len(sampleTokens))
	for _, t := range sampleTokens {
		if strings.Contains(strings.ToLower(t.name), query) {
			rows = append(rows, sampleRow(t))
		}
	}
	return templ.Join(
		raw(`<section class="card" id="tokens" data-picks>`),
		Toolbar(ToolbarView{
			Action: "/tokens", Target: "tokens", Query: query, Placeholder: "Search name, bot, owner or key", Note: "8 tokens · $500.69 this month",
			Filters: []FilterView{
				{Name: "status", Label: "Status", Options: []OptionView{{Label: "Any status", Chosen: true}, {Value: "active", Label: "Active"}}},
				{Name: "bot", Label: "Bot", Options: []OptionView{{Label: "All bots", Chosen: true}, {Value: "1", Label: "Support Bot"}}},
			},
		}),
		with(BulkBar("bulk"), raw(`<button class="btn" data-variant="outline" data-size="sm">Disable</button>`)),
		raw(`<div class="table-wrap"><table class="table two folds"><thead><tr>`), PickAll(),
		SortHead(SortView{Text: "Name", Href: "/tokens?sort=name", Target: "tokens"}),
		raw(`<th>Key</th><th>Status</th><th>Models</th><th>Budget used</th><th>Last used</th><th>Expires</th><th><span class="sr-only">Actions</span></th></tr></thead><tbody id="tokens-rows">`),
		templ.Join(rows...), raw("</tbody></table></div>"),
		Pager(PagerView{Text: "Showing 8 of 8", Target: "tokens"}), raw("</section>"),
	)
}

func sampleTokensPage(tail ...templ.Component) templ.Component {
	return with(Shell(sampleShell("API tokens", "tokens")), append([]templ.Component{with(Content(),
		with(PageHeader(HeaderView{Title: "API tokens", Subtitle: "For programs. Each can be tied to a bot, to models, to addresses and to a budget."}),
			LinkButton("download", "Export", "/tokens.csv", "outline", ""), OpenDialog("plus", "New token", "/tokens/new", "primary", true)),
		sampleList(),
	)}, tail...)...)
}

func sampleForm(problem string) templ.Component {
	return with(Panel(PanelView{Title: "New token", Text: "Only the name is required. Everything can be changed later, except the key.", Back: "/tokens"}),
		with(PanelForm("/tokens"),
			with(PanelBody(),
				Field(FieldView{Name: "name", Label: "Name", Value: "Billing export script", Error: problem, Autofocus: true, Required: true}),
				raw(`<div class="pair">`),
				Select(SelectView{Name: "bot", Label: "Bot", Help: "Calls get its prompt and settings.", Options: []OptionView{{Label: "Support Bot"}}}),
				Select(SelectView{Name: "group", Label: "Group", Help: "60 requests and 40,000 tokens a minute", Options: []OptionView{{Label: "default"}}}),
				raw(`</div>`),
				CheckList("models", "Models", "Leave empty to allow every model the bot’s provider has.", "", []OptionView{{Value: "gpt-4o-mini", Label: "gpt-4o-mini", Chosen: true}, {Value: "qwen-plus", Label: "qwen-plus", Chosen: true}, {Value: "gpt-4.1", Label: "gpt-4.1"}}),
				raw(`<div class="pair">`),
				MoneyField(FieldView{Name: "budget", Label: "Budget", Value: "50.00", Help: "In total. Once spent, calls are refused."}),
				Select(SelectView{Name: "expires", Label: "Expires", Help: "Thu 18 Feb 2027, 14:21, your time", Options: []OptionView{{Label: "After 90 days"}}}),
				raw(`</div>`),
				with(Fold("shield", "More limits", "any address · can be copied again · header only", false), TextArea(FieldView{Name: "addresses", Label: "Addresses", Rows: "3", Mono: true})),
			),
			with(PanelFoot("The key is shown next."), Cancel("/tokens"), Submit("Create token")),
		),
	)
}

func sampleCreated() templ.Component {
	code := "curl https://latchkey.acme.example/v1/chat/completions \\\n  -H \"Authorization: Bearer $LATCHKEY_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{\"model\": \"gpt-4o-mini\", \"stream\": true,\n       \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'"
	return with(Panel(PanelView{Title: "“Billing export script” is ready", Text: "Support Bot · gpt-4o-mini, qwen-plus · $50.00 · until 18 Feb 2027", Icon: "check", Tone: Ok, Size: "wide", Back: "/tokens"}),
		with(PanelBody(),
			SecretField(SecretView{ID: "key", Label: "Key", Value: "sk-lkR4vT8nQz1YbK6wJ0sLc9HdU3pGfX7aEoM5iBtC2qWkm2Xe", Help: "Keep it like a password. You can copy it again from the list; each copy is logged."}),
			raw(`<div class="row"><span class="legend mr-auto">Try it</span>`),
			Segments([]TabView{{Text: "curl", Href: "#", Active: true}, {Text: "Python", Href: "#"}, {Text: "Node", Href: "#"}, {Text: "RAGFlow", Href: "#"}, {Text: "New API", Href: "#"}, {Text: "Fess", Href: "#"}}, ""),
			raw(`</div>`),
			CodeBlock(CodeView{ID: "snippet", Code: code}),
			Waiting("Waiting for the first call.", "This line changes when it comes in."),
		),
		with(PanelFoot(""), LinkButton("plus", "Make another", "/tokens/new", "outline", ""), raw(`<button type="button" class="btn" data-close>Done</button>`)),
	)
}

func sampleSetup() templ.Component {
	return with(Setup(SetupView{
		Title: "Connect a model", Step: "Step 3 of 6", Lead: "Where should answers come from? You can add more, or change this, at any time.",
		Heading: "Set up in six short steps", Intro: "At the end a customer has a link that answers. Any step can be skipped.",
		Foot: "This page opened with the one-time code from the server’s start line, and closes for good when you finish.",
		Steps: []StepView{
			{Number: "1", Title: "Your account", Text: "lin@acme.example", Done: true},
			{Number: "2", Title: "Workspace", Text: "Acme Support", Done: true},
			{Number: "3", Title: "Connect a model", Text: "Choosing where answers come from", Now: true},
			{Number: "4", Title: "First bot", Text: "A name, a prompt, a greeting"},
			{Number: "5", Title: "Share link", Text: "With its QR code"},
			{Number: "6", Title: "First customer", Text: "And a text to send them"},
		},
	}),
		RadioCards("provider", "Model", []OptionView{
			{Value: "demo", Label: "Demo model", Badge: "Ready now", Icon: "flask-conical", Chosen: true, Text: "Built in. Streams prepared answers, needs no key, costs nothing: see the whole path first."},
			{Value: "openai", Label: "OpenAI-compatible service", Icon: "plug", Text: "You need its base URL and a key. The key is sealed on this server and never shown again."},
			{Value: "own", Label: "Model on your own network", Icon: "hard-drive", Text: "Ollama, vLLM and the like. Private addresses stay closed until you allow this one host."},
		}),
		raw(`<div class="way">`), LinkButton("arrow-left", "Back", "/setup?step=2", "outline", ""),
		raw(`<div class="end">`), LinkButton("", "Skip this step", "/setup?step=4", "ghost", ""), raw(`<button class="btn">Use the demo model</button></div></div>`),
	)
}

func sampleConfirm() templ.Component {
	return Confirm(ConfirmView{
		Title: "Revoke this link?", Reach: "3 customers, 41 questions today.",
		Text:   "They are refused at their next question, and the one answer streaming now is cut within a second. Their accounts and your other links stay.",
		Action: "/shares/1/revoke", Button: "Revoke link", Other: "Pause instead", OtherIcon: "pause", OtherPost: "/shares/1/pause", Keep: "/shares/1", Target: "#share-1",
	})
}

func sampleChart() ChartView {
	answered := []int64{15200, 16400, 7800, 7300, 15700, 18200, 17200, 17700, 18400, 9800, 8000, 17300, 19500, 18000, 18000, 19200, 9700, 9800, 20200, 19600, 20000, 20700, 20400, 12600, 9500, 21510, 21200, 22300, 21400, 18000}
	v := ChartView{Label: "Requests, last 30 days"}
	for i, n := range answered {
		d := ChartDay{Answered: n, Refused: n / 60, Readout: [4]string{"Mon 16 Nov", "21,510", "1,120", "$30.12"}}
		switch i {
		case 4:
			d.Axis = "26 Oct"
		case 11:
			d.Axis = "2 Nov"
		case 18:
			d.Axis = "9 Nov"
		case 25:
			d.Axis, d.Refused, d.Chosen = "16 Nov", 1120, true
		case 29:
			d.Axis, d.Today, d.Expected = "Today", true, 24800
		}
		v.Days = append(v.Days, d)
	}
	return v
}

func sampleOverview() templ.Component {
	attention := func(icon string, tone Tone, title, text, since, button string) templ.Component {
		return templ.Join(raw("<li>"), Tile(icon, tone), raw(`<div class="words"><b>`+title+`</b><div class="caption quiet">`+text+`</div></div><span class="when">`+since+`</span>`), LinkButton("", button, "#", "outline", "sm"), raw("</li>"))
	}
	before := []float64{5, 4, 5, 4, 6, 7, 8, 10, 12, 16, 19, 22, 24, 26, 25, 23, 20, 17, 14, 11, 9, 8, 6, 5}
	now := []float64{4, 5, 4, 4, 5, 6, 9, 10, 13, 14, 20, 23, 25, 28, 29}
	stat := func(label, value, delta, note string, tone, spark Tone) templ.Component {
		return StatCard(StatView{Label: label, Value: value, Delta: delta, DeltaTone: tone, Note: note, Spark: &SparkView{Now: now, Before: before, Tone: spark}})
	}
	return with(Shell(sampleShell("Overview", "overview")), with(Content(),
		with(PageHeader(HeaderView{Title: "Overview", Subtitle: "Friday 20 November, 14:21 · numbers update as calls finish"}), OpenDialog("share-2", "New share link", "/shares/new", "outline", false), OpenDialog("plus", "New token", "/tokens/new", "primary", true)),
		with(Card(CardView{Title: "Needs attention", Count: "2", Tone: Warn, Ruled: true, Note: "Most urgent first · a row leaves by itself once it is mended"}, nil),
			raw(`<ul class="list">`),
			attention("server", Bad, "Provider “Frankfurt vLLM” is failing", "38 of its last 40 calls got 502. Calls go to “Paris gateway” meanwhile; 0 customers saw an error.", "since 13:52", "Open provider"),
			attention("clock", Warn, "Share link “Beta pilot” expires tomorrow", "14 customers use it, 96 questions this week.", "in 19 hours", "Extend…"),
			raw("</ul>")),
		raw(`<div class="stats">`),
		stat("Requests today", "18,204", "+12%", "16,254 by now yesterday", Ok, Info), stat("Spend today", "$21.37", "−4%", "$22.31 by now yesterday", Ok, Info),
		stat("Active customers", "63", "+5", "58 by now yesterday", Ok, Info), stat("Refused calls", "241", "+198", "212 of them one token", Warn, Warn),
		raw(`</div><div class="columns">`),
		with(Card(CardView{Title: "Requests, last 30 days", Text: "495,382 requests · $688.41 · 8% more than the 30 days before"}, Segments([]TabView{{Text: "Requests", Href: "?by=requests", Active: true}, {Text: "Spend", Href: "?by=spend"}, {Text: "Customers", Href: "?by=customers"}}, "")), with(Body(), BarChart(sampleChart()))),
		with(Card(CardView{Title: "Recent events"}, raw(`<a class="link" href="/audit">Audit log</a>`)), raw(`<ul class="list plain small">`), raw(`<li>`), Tile("bot", Off), raw(`<div class="words"><b>Lin Wei</b> changed Support Bot’s prompt</div><span class="quiet caption">14:18</span></li></ul>`)),
		raw(`</div>`),
	))
}

func sampleShares() templ.Component {
	aside := templ.Join(
		raw(`<div class="stack"><div class="row"><h2 class="text-lg font-semibold">Acme help desk</h2>`), Status(Ok, "Active"), raw(`</div>`),
		raw(`<div class="row">`), QR(QRView{ViewBox: "0 0 8 8", Path: "M0 0h3v3h-3zM5 0h3v3h-3zM0 5h3v3h-3zM4 4h1v1h-1zM6 6h2v2h-2z"}), CopyButton("Copy link", "#link", "primary", "sm"), raw("</div>"),
		Bar(8, "41 of 500 questions"), Bars([]int64{12, 9, 33, 38, 42, 40, 36, 15, 10, 40, 45, 33, 38, 28}, "Last 14 days"), sampleConfirm(), raw("</div>"),
	)
	return with(Shell(sampleShell("Share links", "shares")), with(WithAside(aside),
		with(PageHeader(HeaderView{Title: "Share links", Subtitle: "For people. A customer opens the link, signs in, and chats."}), OpenDialog("plus", "New link", "/shares/new", "primary", true)), sampleList()))
}

func sampleLogin() templ.Component {
	return with(Bare(BareView{Title: "Sign in", Path: "/login", Footer: []string{"Acme can read what is written here.", "Powered by Latchkey"}}),
		raw(`<header>`), Mark(), raw(`<h1>Sign in to Latchkey</h1><p>Acme Support</p></header><form method="post" class="fields">`),
		Field(FieldView{Name: "username", Label: "User name", Value: "mei.tanaka", Autocomplete: "username"}),
		Field(FieldView{Name: "password", Label: "Password", Type: "password", Value: "never shown", Autocomplete: "current-password"}),
		raw(`<button class="btn block">Sign in</button></form>`))
}
