package botshare

import m "latchkey/web/manual"

// What the manual says of bot-share's door.

var spelled = m.Reader{Notes: map[string]string{
	"id": "A UUID.", "bot_id": "A UUID.", "expires_at": "ISO 8601; null: never.", "created_at": "ISO 8601.", "revoked_at": "ISO 8601; null: not.",
}}

var managers = []m.Credential{m.Login, m.Master}

// Manual is bot-share's part of the manual.
func Manual() m.Door {
	problem := m.Object(m.F("type", m.String()), m.F("loc", m.List(m.Any())), m.F("msg", m.String()), m.O("input", m.Any()), m.O("ctx", m.Any()))
	return m.Door{
		Name: "botshare", Title: "bot-share", Failure: m.Object(m.F("detail", m.Either(m.String(), m.List(problem)))),
		About: "Share links, customers and their chat. An admin is whoever may change access in some workspace; the master key is one everywhere. " +
			"Each address also with a slash at its end.",
		Operations: append(append(shareOperations(), customerOperations()...), accountOperations()...),
	}
}

func itemsOf(v any) m.Schema { return m.Object(m.F("items", m.List(spelled.Of(v)))) }

func shareOperations() []m.Operation {
	share := spelled.Of(shareView{})
	chat := m.Open(
		m.F("bot_id", m.String()), m.F("messages", m.List(m.Open(m.F("role", m.String()), m.F("content", m.Any())))), m.O("stream", m.OrNull(m.Bool())),
		m.O("share_token", m.About(m.OrNull(m.String()), "A customer has to send one.")),
	)
	return []m.Operation{
		{
			Method: "POST", Path: "/api/v1/bots/{id}/share-tokens", Text: "Make a share link on a bot.", By: managers, Answer: share,
			Body: m.Open(m.O("name", m.OrNull(m.String())), m.O("expires_at", m.OrNull(m.String()))), Example: `{"name":"Partners","expires_at":"2026-12-31T23:59:59Z"}`,
		},
		{Method: "GET", Path: "/api/v1/bots/{id}/share-tokens", Text: "A bot's links, newest first, revoked ones too.", By: managers, Answer: itemsOf(shareView{})},
		{Method: "DELETE", Path: "/api/v1/bot-share-tokens/{id}", Text: "Revoke a link.", By: managers, Answer: spelled.Of(done{})},
		{Method: "GET", Path: "/api/v1/public/bot-share/{share}", Text: "What a customer sees of a link's bot.", By: []m.Credential{m.Login}, Answer: spelled.Of(botView{})},
		{
			Method: "POST", Path: "/api/v3/chat/completions", Text: "Ask a bot.", By: []m.Credential{m.Login, m.Token, m.Master}, Body: chat, Example: `{"bot_id":"…","messages":[{"role":"user","content":"Hello"}]}`,
			Answer: m.Open(m.F("choices", m.List(m.Any()))), Events: m.Open(m.F("choices", m.List(m.Any()))),
		},
	}
}

func customerOperations() []m.Operation {
	password := m.F("password", m.String())
	return []m.Operation{
		{
			Method: "POST", Path: "/api/v1/end-users", Text: "Make a customer.", By: managers, Answer: spelled.Of(customerView{}),
			Headers: []m.Parameter{m.Text(workspaceHeader, "Id of the workspace, for the master key.")},
			Body:    m.Open(m.F("username", m.String()), password, m.O("email", m.OrNull(m.String()))), Example: `{"username":"maria","password":"…"}`,
		},
		{Method: "GET", Path: "/api/v1/end-users", Text: "The customers of the caller's workspaces, newest first.", By: managers, Answer: itemsOf(customerView{})},
		{
			Method: "POST", Path: "/api/v1/end-users/{id}/reset-password", Text: "Give a customer a new password and end their sign-ins.", By: managers,
			Body: m.Open(password), Answer: spelled.Of(done{}), Example: `{"password":"…"}`,
		},
		{Method: "DELETE", Path: "/api/v1/end-users/{id}", Text: "Delete a customer.", By: managers, Answer: spelled.Of(done{})},
	}
}

func accountOperations() []m.Operation {
	account := spelled.Of(accountView{})
	return []m.Operation{
		{
			Method: "POST", Path: "/api/v1/auth/login", Text: "Sign in as a user or a customer.", Open: true, Example: `{"username":"maria","password":"…"}`,
			Body:   m.Open(m.F("username", m.String()), m.F("password", m.String()), m.O("share_token", m.OrNull(m.String()))),
			Answer: m.With(account, m.F("token", m.String()), m.F("expires_at", m.String())),
		},
		{Method: "GET", Path: "/api/v1/auth/verify", Text: "Who the caller is.", By: []m.Credential{m.Login, m.Token, m.Master}, Answer: m.With(account, m.F("valid", m.Bool()))},
		{Method: "POST", Path: "/api/v1/auth/logout", Text: "End the login token.", By: []m.Credential{m.Login}, Answer: spelled.Of(done{})},
	}
}
