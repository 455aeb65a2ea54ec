package newapi

import m "latchkey/web/manual"

// What the manual says of New API's door.

var spelled = m.Reader{Notes: map[string]string{
	"expired_time": "Unix seconds; -1: never.", "created_time": "Unix seconds.", "accessed_time": "Unix seconds.", "remain_quota": "Units that are left.",
	"used_quota": "Units that were used.", "model_limits": "Names with commas between them.", "allow_ips": "Addresses and CIDR blocks with commas between them.",
	"status": "1 enabled, 2 disabled, 3 expired, 4 exhausted.", "user_id": "Number of who made it.", "key": "With sk- in front.",
}}

// Manual is New API's part of the manual.
func Manual() m.Door {
	door := m.Door{
		Name: "newapi", Title: "New API", Failure: refused(),
		About: "New API's management of tokens. Every answer is HTTP 200 with success true or false; only a caller who is nobody gets 401. " +
			"Each address also with a slash at its end.",
		Operations: append(tokenOperations(), accountOperations()...),
	}
	for i := range door.Operations {
		if o := &door.Operations[i]; !o.Open {
			o.By, o.Headers = users, []m.Parameter{m.Number(userHeader, "Number of the user, where the client knows it.")}
		}
	}
	return door
}

func refused() m.Schema {
	return m.Object(m.F("success", m.Is(false)), m.F("message", m.String()))
}

// said is an answer with data, or a refusal.
func said(data m.Schema) m.Schema {
	return m.Either(m.Object(m.F("success", m.Is(true)), m.F("message", m.String()), m.F("data", data)), refused())
}

// did is an answer without data, or a refusal.
func did() m.Schema {
	return m.Object(m.F("success", m.Bool()), m.F("message", m.String()))
}

var users = []m.Credential{m.Access, m.Login, m.Cookie}

func tokenOperations() []m.Operation {
	token := spelled.Of(tokenView{})
	body := m.Open(
		m.O("name", m.About(m.String(), "Up to 30 characters.")), m.O("expired_time", m.About(m.Integer(), "Unix seconds; -1: never.")),
		m.O("remain_quota", m.About(m.Integer(), "Units.")), m.O("unlimited_quota", m.Bool()), m.O("model_limits_enabled", m.Bool()),
		m.O("model_limits", m.About(m.Either(m.List(m.String()), m.String()), "A list, or names with commas.")),
		m.O("allow_ips", m.About(m.OrNull(m.String()), "Addresses and CIDR blocks with commas, lines or blanks.")), m.O("group", m.String()),
	)
	ids := m.Open(m.F("ids", m.List(m.Integer())))
	page := m.Object(m.F("items", m.List(token)), m.F("total", m.Integer()), m.F("page", m.Integer()), m.F("page_size", m.Integer()))
	return []m.Operation{
		{Method: "GET", Path: "/api/token", Text: "The workspace's tokens, newest first.", Answer: said(page), Query: []m.Parameter{
			m.Number("p", "Page, from 1."), m.Number("size", "Rows of a page, up to 100; 20 when left out."),
		}},
		{
			Method: "POST", Path: "/api/token", Text: "Make a token. The answer says nothing of it: look into the list.", Body: body, Answer: did(),
			Example: `{"name":"Data pipeline","remain_quota":500000,"expired_time":-1}`,
		},
		{
			Method: "PUT", Path: "/api/token", Text: "Change what is sent of a token.", Body: m.With(body, m.F("id", m.Integer()), m.O("status", m.Integer())), Answer: said(token),
			Query: []m.Parameter{m.Text("status_only", "Anything: change nothing but status, which is 1 or 2.")}, Example: `{"id":1,"name":"Data pipeline"}`,
		},
		{Method: "GET", Path: "/api/token/search", Text: "Tokens by a part of their name or key.", Answer: said(m.List(token)), Query: []m.Parameter{
			m.Text("keyword", "Part of a name."), m.Text("token", "Part of a key."),
		}},
		{Method: "POST", Path: "/api/token/batch", Text: "Delete tokens; the answer is how many were.", Body: ids, Answer: said(m.Integer()), Example: `{"ids":[1,2]}`},
		{
			Method: "POST", Path: "/api/token/batch/keys", Text: "Show the keys of up to 100 tokens.", Body: ids, Example: `{"ids":[1,2]}`,
			Answer: said(m.Object(m.F("keys", m.Map(m.String())))),
		},
		{Method: "GET", Path: "/api/token/{id}", Text: "One token.", Answer: said(token)},
		{Method: "DELETE", Path: "/api/token/{id}", Text: "Delete a token.", Answer: did()},
		{Method: "POST", Path: "/api/token/{id}/key", Text: "Show a token's key.", Answer: said(m.Object(m.F("key", m.String())))},
	}
}

func accountOperations() []m.Operation {
	account := m.Open(
		m.F("username", m.String()), m.F("password", m.String()), m.O("display_name", m.String()), m.O("email", m.String()),
	)
	all := []m.Operation{
		{Method: "GET", Path: "/api/user/self", Text: "Who calls.", Answer: said(spelled.Of(selfView{}))},
		{Method: "GET", Path: "/api/user/self/groups", Text: "Groups that a token may have.", Answer: said(m.Map(spelled.Of(groupView{})))},
		{Method: "GET", Path: "/api/user/token", Text: "A new user access token; the one before ends.", Answer: said(m.String())},
		{Method: "GET", Path: "/api/user/models", Text: "Models that the workspace may ask.", Answer: said(m.List(m.String()))},
	}
	open := []m.Operation{
		{Method: "GET", Path: "/api/status", Text: "What a client must know before anybody signed in.", Answer: said(m.Open(
			m.F("version", m.String()), m.F("system_name", m.String()), m.F("server_address", m.String()), m.F("quota_per_unit", m.Integer()),
			m.F("start_time", m.Integer()), m.F("setup", m.Bool()), m.F("register_enabled", m.Bool()),
		))},
		{
			Method: "POST", Path: "/api/user/login", Text: "Sign in, with a cookie.", Body: account, Answer: said(spelled.Of(userView{})),
			Example: `{"username":"lin","password":"…"}`,
		},
		{
			Method: "POST", Path: "/api/user/register", Text: "Make an account, where the instance lets strangers in.", Body: account, Answer: did(),
			Example: `{"username":"mei.tanaka","password":"…"}`,
		},
		{Method: "GET", Path: "/api/user/logout", Text: "End what the cookie holds.", Answer: did()},
	}
	for i := range open {
		open[i].Open = true
	}
	return append(all, open...)
}
