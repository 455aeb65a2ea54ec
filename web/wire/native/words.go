package native

import (
	"latchkey/db"
	"latchkey/web/manual"
)

// words says of every route what it is for and which structs it goes through.
func words() map[string]word {
	all := map[string]word{
		"GET /workspaces":        listed("Workspaces that the caller may know of.", workspaceView{}),
		"POST /workspaces":       {text: "Make a further workspace.", body: newWorkspace{}, answer: oneWorkspace{}, example: `{"name":"Acme"}`},
		"GET /workspaces/:id":    {text: "One workspace, with its budget.", answer: oneWorkspace{}},
		"PATCH /workspaces/:id":  {text: "Change a workspace; group and budget by an instance admin.", body: editWorkspace{}, answer: oneWorkspace{}, example: `{"name":"Acme"}`},
		"DELETE /workspaces/:id": {text: "Delete a workspace and end all that is in it."},

		"GET /usage": {text: "Sums of usage.", answer: usageSchema(), query: []manual.Parameter{
			{Name: "by", Text: "What it is summed by.", Schema: manual.OneOf(string(db.ByDay), string(db.ByToken), string(db.ByShare), string(db.ByCustomer), string(db.ByBot), string(db.ByModel))},
			manual.Text("from", "First day, 2026-11-01."), manual.Text("to", "Last day."), manual.Text("sort", "day or -day; -units where it is not summed by day."),
			manual.Number("limit", "Rows of a page, 1 to 200."), manual.Text("cursor", "The next_cursor of the page before."),
		}},
		"GET /requests": listed("The log of calls, newest first.", requestView{}, append([]manual.Parameter{
			manual.Text("token_id", "Of this API token."), manual.Text("share_id", "Of this link."), manual.Text("customer_id", "Of this customer."), manual.Text("bot_id", "Of this bot."),
		}, period...)...),
		"GET /requests/:id/trace": {text: "One call with each rule that was asked about it.", answer: traceView{}},
		"POST /why":               {text: "What would become of a call, rule by rule, changing nothing.", body: whyBody{}, answer: whyView{}, example: `{"token":"sk-…","model":"gpt-4o-mini"}`},
		"GET /audit":              listed("What was done in the workspace, newest first.", auditView{}),

		"GET /settings":   {text: "The instance's settings.", answer: settingsView{}},
		"PATCH /settings": {text: "Change the instance's settings.", body: settingsBody{}, answer: settingsView{}, example: `{"registration":"closed"}`},
	}
	for _, more := range []map[string]word{peopleWords(), providerWords(), accessWords(), priceWords()} {
		for route, w := range more {
			all[route] = w
		}
	}
	return all
}

func usageSchema() manual.Schema {
	return manual.Object(
		manual.F("by", manual.String()), manual.F("from", manual.String()), manual.F("to", manual.String()), manual.F("items", manual.List(fields.Of(sumView{}))),
		manual.F("next_cursor", manual.OrNull(manual.String())), manual.F("total", manual.OrNull(manual.Integer())), manual.F("sum", fields.Of(figuresView{})),
	)
}

// noun says what each act on rows of one kind is for.
func noun(path, one string, view, single, fresh, edit any, example string) map[string]word {
	return map[string]word{
		"GET " + path:             listed("The workspace's "+path[1:]+".", view),
		"POST " + path:            {text: "Make " + one + ".", body: fresh, answer: single, example: example},
		"GET " + path + "/:id":    {text: "Show " + one + ".", answer: single},
		"PATCH " + path + "/:id":  {text: "Change " + one + ".", body: edit, answer: single, example: `{"version":1}`},
		"DELETE " + path + "/:id": {text: "Delete " + one + "."},
	}
}

func peopleWords() map[string]word {
	all := noun("/members", "a member", memberView{}, memberView{}, newMember{}, editMember{}, `{"username":"mei.tanaka","role":"editor"}`)
	for route, w := range noun("/users", "a user", userView{}, userView{}, newUser{}, editUser{}, `{"username":"mei.tanaka"}`) {
		all[route] = w
	}
	all["GET /users"] = listed("The instance's users.", userView{})
	return all
}

func providerWords() map[string]word {
	all := noun("/providers", "a provider", providerView{}, providerView{}, providerBody{}, editProvider{},
		`{"name":"Acme models","base_url":"https://models.acme.example/v1","api_key":"…","models":["gpt-4o-mini"]}`)
	all["POST /providers/:id/test"] = word{text: "Ask a provider for its models, and a model for one word.", body: testBody{}, answer: checkView{}}
	all["GET /providers/:id/models"] = listed("What a provider offers at this moment.", offerView{})
	for route, w := range noun("/bots", "a bot", botView{}, botView{}, botBody{}, editBot{}, `{"name":"Support Bot","provider_id":"…","model":"gpt-4o-mini"}`) {
		all[route] = w
	}
	return all
}

func accessWords() map[string]word {
	all := noun("/tokens", "an API token", tokenView{}, tokenView{}, newToken{}, editToken{}, `{"name":"Data pipeline","quota":500000,"models":["gpt-4o-mini"]}`)
	more := []map[string]word{
		noun("/shares", "a share link", shareView{}, oneShare{}, shareBody{}, editShare{}, `{"bot_id":"…","name":"Partners","allowance":50}`),
		noun("/customers", "a customer", customerView{}, customerView{}, newCustomer{}, editCustomer{}, `{"username":"maria"}`),
	}
	verbs := map[string]string{
		"/tokens/:id/disable": "Switch an API token off.", "/tokens/:id/enable": "Switch an API token on.", "/tokens/:id/revoke": "Revoke an API token, for good.",
		"/tokens/:id/undo-revoke": "Take a revocation back, within ten seconds.", "/shares/:id/pause": "Pause a link.", "/shares/:id/resume": "Open a paused link.",
		"/shares/:id/revoke": "Revoke a link, for good.", "/shares/:id/undo-revoke": "Take a revocation back, within ten seconds.",
		"/customers/:id/disable": "Shut a customer out.", "/customers/:id/enable": "Let a customer in again.", "/customers/:id/end-sessions": "End a customer's sign-ins.",
	}
	views := map[byte]any{'t': tokenView{}, 's': oneShare{}, 'c': customerView{}}
	for path, text := range verbs {
		all["POST "+path] = word{text: text, body: nothing{}, answer: views[path[1]]}
	}
	secret := []manual.Field{manual.F("id", manual.String()), manual.F("secret", manual.String())}
	all["POST /tokens/:id/reveal"] = word{text: "Show an API token's secret again.", body: nothing{}, answer: manual.Object(append(secret, manual.F("beta", manual.String()))...)}
	all["POST /tokens/:id/rotate"] = word{text: "Give an API token a new secret.", body: rotateBody{}, answer: tokenView{}, example: `{"keep_old":"24h"}`}
	all["POST /shares/:id/reveal"] = word{text: "Show a link's text again.", body: nothing{}, answer: manual.Object(append(secret, manual.F("url", manual.String()))...)}
	all["POST /customers/import"] = word{
		text: "Enrol the customers of a CSV file (username, email, note, password; text/csv, at most 10,000 lines and 2 MB), all or none of them.", answer: importView{}, file: true, also: []int{201, 422},
		query: []manual.Parameter{manual.Text("dry_run", "1: check every line and enrol nobody.")},
	}
	all["POST /customers/:id/reset-password"] = word{text: "Give a customer a new password and end their sign-ins.", body: passwordBody{}, answer: customerView{}}
	for _, m := range more {
		for route, w := range m {
			all[route] = w
		}
	}
	return all
}

func priceWords() map[string]word {
	all := noun("/groups", "a group", groupView{}, groupView{}, groupBody{}, editGroup{}, `{"name":"partners","ratio":0.8}`)
	for route, w := range noun("/prices", "a price", priceView{}, priceView{}, priceBody{}, editPrice{}, `{"model":"gpt-4o-mini","prompt":0.15,"completion":0.6}`) {
		all[route] = w
	}
	all["GET /groups"], all["GET /prices"] = listed("The instance's groups.", groupView{}), listed("The instance's prices, in US dollars per 1,000,000 tokens.", priceView{})
	return all
}
