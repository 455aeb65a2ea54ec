package ragflow

import (
	m "latchkey/web/manual"
)

// What the manual says of RAGFlow's door.

var spelled = m.Reader{Notes: map[string]string{
	"create_time": "Unix milliseconds.", "update_time": "Unix milliseconds.", "create_date": "RFC 1123.", "update_date": "RFC 1123.",
	"beta": "32 characters; it opens a bot's chat.", "dialog_id": "The bot that the token is bound to.", "source": "The bot's kind.",
}}

// Manual is RAGFlow's part of the manual.
func Manual() m.Door {
	door := m.Door{
		Name: "ragflow", Title: "RAGFlow", Failure: refused(),
		About: "Accounts, API tokens and embedded chats as RAGFlow's clients ask for them. Every answer holds code, message and, but for code 102, data; " +
			"HTTP is 200 unless the caller is nobody. Each address also with a slash at its end.",
	}
	for _, some := range [][]m.Operation{accountOperations(), tokenOperations(), supportOperations(), adminOperations(), chatOperations()} {
		door.Operations = append(door.Operations, some...)
	}
	return door
}

func refused() m.Schema {
	return m.Object(m.F("code", m.Integer()), m.F("message", m.String()), m.O("data", m.Either(m.Null(), m.Is(false))), m.O("error", m.String()))
}

// tells is an answer with data, or a refusal.
func tells(data m.Schema) m.Schema {
	return m.Either(m.Object(m.F("code", m.Is(codeDone)), m.F("message", m.String()), m.F("data", data)), refused())
}

func yes() m.Schema { return tells(m.Is(true)) }

var (
	users    = []m.Credential{m.Login}
	managers = []m.Credential{m.Login, m.Token}
	admins   = []m.Credential{m.Login, m.Master}
	signed   = []m.Parameter{m.Text("Authorization", "The login token.")}
)

func text(names ...string) m.Schema {
	fields := make([]m.Field, 0, len(names))
	for _, name := range names {
		fields = append(fields, m.F(name, m.String()))
	}
	return m.Open(fields...)
}

func accountOperations() []m.Operation {
	user := tells(spelled.Of(userView{}))
	register := m.Operation{
		Method: "POST", Path: "/v1/user/register", Text: "Make an account, where the instance lets strangers in, and sign in.", Open: true, Sets: signed,
		Body: text("email", "nickname", "password"), Answer: user, Example: `{"email":"mei@acme.example","nickname":"Mei","password":"…"}`,
	}
	login := m.Operation{
		Method: "POST", Path: "/v1/user/login", Text: "Sign in; the login token stands in the header Authorization of the answer.", Open: true, Sets: signed,
		Body: text("email", "password"), Answer: user, Example: `{"email":"lin@acme.example","password":"…"}`,
	}
	all := []m.Operation{
		register, login, renamed(register, "/api/v1/users"), renamed(login, "/api/v1/auth/login"), renamed(login, "/api/v1/admin/login"),
		{Method: "GET", Path: "/v1/user/logout", Text: "End the login token.", By: users, Answer: yes()},
		{Method: "POST", Path: "/api/v1/auth/logout", Text: "End the login token.", By: users, Answer: yes()},
		{Method: "GET", Path: "/v1/user/info", Text: "Who calls.", By: users, Answer: user},
	}
	get := login
	get.Method, get.Body, get.Text = "GET", nil, "Sign in, with the same body as POST."
	return append(all, get)
}

func renamed(o m.Operation, path string) m.Operation {
	o.Path = path
	return o
}

func tokenOperations() (all []m.Operation) {
	create := m.Operation{
		Method: "POST", Path: "/v1/system/new_token", Text: "Make an API token.", By: users, Optional: true, Query: []m.Parameter{m.Text("name", "Its name.")},
		Body:   m.Open(m.O("name", m.String()), m.O("dialog_id", m.About(m.String(), "A bot to bind it to.")), m.O("canvas_id", m.String())),
		Answer: tells(spelled.Of(issued{})), Example: `{"name":"Data pipeline"}`,
	}
	list := m.Operation{
		Method: "GET", Path: "/v1/system/token_list", Text: "The tenant's API tokens, in the order in which they were made.", By: users,
		Answer: tells(m.List(spelled.Of(listed{}))),
	}
	end := m.Operation{
		Method: "DELETE", Path: "/v1/system/token/{token}", Text: "Delete an API token by its text; an unknown one is gone already.", By: users, Answer: yes(),
	}
	all = append(all, create, list, end)
	create.By, list.By, end.By = managers, managers, managers
	for _, noun := range []string{"tokens", "keys"} {
		base := "/api/v1/system/" + noun
		all = append(all, renamed(create, base), renamed(list, base), renamed(end, base+"/{token}"))
	}
	return all
}

func supportOperations() (all []m.Operation) {
	for _, base := range []string{"/v1/system", "/api/v1/system"} {
		all = append(
			all,
			m.Operation{Method: "GET", Path: base + "/ping", Text: "Answers pong.", Open: true, Answer: m.String(), AnswerKind: "text/plain"},
			m.Operation{
				Method: "GET", Path: base + "/config", Text: "Whether strangers may register.", Open: true,
				Answer: tells(m.Object(m.F("registerEnabled", m.Integer()), m.F("disablePasswordLogin", m.Bool()))),
			},
			m.Operation{
				Method: "GET", Path: base + "/public_key", Text: "The key under which clients may encrypt passwords, as PEM.", Open: true, Answer: m.String(), AnswerKind: "text/plain",
			},
		)
	}
	tenant := m.Object(
		m.F("tenant_id", m.String()), m.F("name", m.String()), m.F("role", m.String()), m.F("llm_id", m.String()), m.F("embd_id", m.String()),
		m.F("rerank_id", m.String()), m.F("asr_id", m.String()), m.F("img2txt_id", m.String()), m.F("tts_id", m.String()), m.F("parser_ids", m.String()),
	)
	state := m.Map(m.String())
	return append(
		all,
		m.Operation{Method: "GET", Path: "/v1/system/version", Text: "The version.", By: users, Answer: tells(m.String())},
		m.Operation{Method: "GET", Path: "/api/v1/system/version", Text: "The version.", Open: true, Answer: tells(m.String())},
		m.Operation{
			Method: "GET", Path: "/v1/system/status", Text: "Whether the database answers.", By: users,
			Answer: tells(m.Object(m.F("database", state), m.F("doc_engine", state), m.F("storage", state), m.F("redis", state))),
		},
		m.Operation{Method: "GET", Path: "/v1/user/tenant_info", Text: "The caller's workspace.", By: users, Answer: tells(tenant)},
		m.Operation{
			Method: "POST", Path: "/v1/user/set_tenant_info", Text: "Taken, and without effect: a bot names its own model.", By: users, Answer: yes(),
			Body: text("tenant_id", "asr_id", "embd_id", "img2txt_id", "llm_id"), Example: `{"tenant_id":"…","asr_id":"","embd_id":"","img2txt_id":"","llm_id":""}`,
		},
		m.Operation{Method: "GET", Path: "/v1/llm/my_llms", Text: "The workspace's providers and their models.", By: users, Answer: tells(m.Map(m.Any()))},
		m.Operation{
			Method: "POST", Path: "/v1/llm/set_api_key", Text: "Taken, and without effect.", By: users, Answer: yes(), Body: text("llm_factory", "api_key"),
			Example: `{"llm_factory":"OpenAI","api_key":"…"}`,
		},
	)
}

func adminOperations() (all []m.Operation) {
	const user = "/api/v1/admin/users/{email}/"
	for _, noun := range []struct{ create, list, one string }{{"new_token", "token_list", "token"}, {"keys", "keys", "keys"}} {
		all = append(
			all,
			m.Operation{
				Method: "POST", Path: user + noun.create, Text: "Make an API token in a user's workspace.", By: admins, Optional: true,
				Body: m.Open(m.O("name", m.String())), Answer: tells(spelled.Of(issued{})), Example: `{"name":"Data pipeline"}`,
			},
			m.Operation{Method: "GET", Path: user + noun.list, Text: "The API tokens of a user's workspace.", By: admins, Answer: tells(m.List(spelled.Of(listed{})))},
			m.Operation{Method: "DELETE", Path: user + noun.one + "/{token}", Text: "Delete an API token of a user's workspace.", By: admins, Answer: tells(m.Null())},
		)
	}
	return all
}

func chatOperations() (all []m.Operation) {
	betas := []m.Credential{m.Beta}
	question := m.Open(
		m.O("question", m.About(m.String(), "Empty: the welcome, and a session to ask in.")), m.O("session_id", m.OrNull(m.String())), m.O("conversation_id", m.OrNull(m.String())),
		m.O("stream", m.About(m.Bool(), "Events, unless false.")), m.O("messages", m.OrNull(m.List(text("role", "content")))), m.O("dialog_id", m.OrNull(m.String())),
	)
	answer := spelled.Of(said{})
	events := m.Object(m.F("code", m.Integer()), m.F("message", m.String()), m.F("data", m.Either(answer, m.Is(true))))
	const example = `{"question":"Hello","stream":false}`
	for _, noun := range []string{"chatbots", "agentbots"} {
		all = append(all, m.Operation{
			Method: "POST", Path: "/api/v1/" + noun + "/{id}/completions", Text: "Ask the bot that a beta key opens.", By: betas, Body: question,
			Answer: tells(answer), Events: events, Example: example,
		})
	}
	for _, noun := range []string{"conversation", "canvas"} {
		all = append(all, m.Operation{
			Method: "GET", Path: "/v1/" + noun + "/getsse/{id}", Text: "What a page shows of the bot that its beta key opens.", By: betas,
			Answer: tells(m.Object(
				m.F("id", m.String()), m.F("name", m.String()), m.F("description", m.String()), m.F("avatar", m.String()), m.F("status", m.String()),
				m.F("prompt_config", m.Object(m.F("prologue", m.String()))),
			)),
		})
	}
	all = append(all, m.Operation{
		Method: "POST", Path: "/api/v1/conversation/completion", Text: "Ask a bot.", By: []m.Credential{m.Token, m.Beta}, Body: question,
		Answer: tells(answer), Events: events, Example: example,
	})
	for _, noun := range []string{"chats_openai", "agents_openai", "openai"} {
		all = append(all, m.Operation{
			Method: "POST", Path: "/api/v1/" + noun + "/{id}/chat/completions", Text: "Ask a bot in the words of the OpenAI API.", By: []m.Credential{m.Token},
			Body: m.Open(m.F("messages", m.List(m.Open(m.F("role", m.String()))))), Answer: m.Open(m.F("choices", m.List(m.Any()))),
			Events: m.Open(m.F("choices", m.List(m.Any()))), Example: `{"model":"model","messages":[{"role":"user","content":"Hello"}]}`,
		})
	}
	return all
}
