package openai

import m "latchkey/web/manual"

// What the manual says of the gateway's door.

var holders = []m.Credential{m.Token, m.Header}

// Manual is the gateway's part of the manual.
func Manual() m.Door {
	return m.Door{
		Name: "gateway", Title: "Gateway",
		Failure: m.Object(m.F("error", m.Reader{Notes: map[string]string{"code": "The rule that refused."}}.Of(failureBody{}))),
		About: "Ask models and bots in the words of the OpenAI API: an official client works by changing its base URL. A bot is a model named bot: and its id or slug; " +
			"a token that is bound to a bot asks that bot whatever it names.",
		Operations: append(askOperations(), holderOperations()...),
	}
}

func askOperations() []m.Operation {
	message := m.Open(m.F("role", m.String()))
	chunk := m.Open(m.F("choices", m.List(m.Any())))
	stream := m.O("stream", m.About(m.OrNull(m.Bool()), "Answer as events."))
	all := []m.Operation{
		{
			Path: "/v1/chat/completions", Text: "Answer a conversation.", Answer: chunk, Events: chunk,
			Body:    m.Open(m.O("model", m.String()), m.F("messages", m.List(message)), m.O("max_tokens", m.OrNull(m.Integer())), stream),
			Example: `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}`,
		},
		{
			Path: "/v1/completions", Text: "Go on with a text.", Answer: chunk, Events: chunk, Example: `{"model":"gpt-4o-mini","prompt":"Hello"}`,
			Body: m.Open(m.O("model", m.String()), m.F("prompt", m.Any()), m.O("max_tokens", m.OrNull(m.Integer())), stream),
		},
		{
			Path: "/v1/embeddings", Text: "Turn texts into vectors.", Answer: m.Open(m.F("data", m.List(m.Any()))), Example: `{"model":"text-embedding-3-small","input":"Hello"}`,
			Body: m.Open(m.F("model", m.String()), m.F("input", m.Any())),
		},
		{
			Path: "/v1/responses", Text: "Answer in the words of the Responses API. Nothing is kept from one call to the next: previous_response_id, conversation, background, prompt and references to items are refused.", Answer: m.Open(m.F("output", m.List(m.Any()))), Events: m.Open(m.F("type", m.String())),
			Body: m.Open(m.O("model", m.String()), m.F("input", m.Any()), m.O("max_output_tokens", m.OrNull(m.Integer())), stream), Example: `{"model":"gpt-4o-mini","input":"Hello"}`,
		},
	}
	for i := range all {
		all[i].Headers = []m.Parameter{m.Text(onceHeader, "Unless it streams: the same key and body get the same answer for a day, charged once.")}
		all[i].Method, all[i].By, all[i].Sets = "POST", holders, []m.Parameter{
			m.Number("X-Ratelimit-Limit-Requests", "Requests a minute, where they are limited."), m.Number("X-Ratelimit-Remaining-Requests", "What is left of them."),
			m.Number("X-Ratelimit-Limit-Tokens", "Tokens a minute, where they are limited."), m.Number("X-Ratelimit-Remaining-Tokens", "What is left of them."),
			m.Number("X-Latchkey-Quota-Remaining", "Units left of the budget, where there is one."),
		}
	}
	return all
}

func holderOperations() []m.Operation {
	one := m.Reader{}.Of(model{})
	all := []m.Operation{
		{Path: "/v1/models", Text: "What the token may ask; with x-api-key and anthropic-version in the shape that Anthropic's clients read.", By: holders, Answer: m.Either(
			m.Object(m.F("success", m.Bool()), m.F("object", m.Is("list")), m.F("data", m.List(one))),
			m.Object(m.F("data", m.List(m.Reader{}.Of(anthropicModel{}))), m.F("first_id", m.OrNull(m.String())), m.F("has_more", m.Is(false)), m.F("last_id", m.OrNull(m.String()))),
		)},
		{Path: "/v1/models/{model}", Text: "One of them.", By: holders, Answer: one},
		{Path: "/api/usage/token", Text: "The token's budget, as New API tells it.", By: []m.Credential{m.Token}, Answer: m.Object(
			m.F("code", m.Is(true)), m.F("message", m.String()), m.F("data", m.Object(
				m.F("object", m.String()), m.F("name", m.String()), m.F("total_granted", m.Integer()), m.F("total_used", m.Integer()), m.F("total_available", m.Integer()),
				m.F("unlimited_quota", m.Bool()), m.F("model_limits", m.Map(m.Bool())), m.F("model_limits_enabled", m.Bool()), m.F("expires_at", m.Integer()),
			)),
		)},
		{
			Path: "/api/log/token", Text: "The token's newest calls, as New API tells them.", By: []m.Credential{m.Token}, Open: true, Query: []m.Parameter{m.Text("key", "The token.")},
			Answer: m.Object(m.F("success", m.Is(true)), m.F("message", m.String()), m.F("data", m.List(logSchema()))),
		},
	}
	for _, base := range []string{"/dashboard/billing", "/v1/dashboard/billing"} {
		all = append(all, m.Operation{
			Path: base + "/subscription", Text: "The token's budget in dollars.", By: holders, Answer: m.Object(
				m.F("object", m.String()), m.F("has_payment_method", m.Bool()), m.F("soft_limit_usd", m.Decimal()), m.F("hard_limit_usd", m.Decimal()),
				m.F("system_hard_limit_usd", m.Decimal()), m.F("access_until", m.Integer()),
			),
		}, m.Operation{
			Path: base + "/usage", Text: "What the token used, in cents.", By: holders, Query: []m.Parameter{m.Text("start_date", "Says nothing."), m.Text("end_date", "Says nothing.")},
			Answer: m.Object(m.F("object", m.String()), m.F("total_usage", m.Decimal())),
		})
	}
	for i := range all {
		all[i].Method = "GET"
	}
	return append(all, verifyOperation("GET"), verifyOperation("POST"))
}

func logSchema() m.Schema {
	fields := []m.Field{m.F("is_stream", m.Bool())}
	for _, name := range []string{"id", "user_id", "created_at", "type", "quota", "prompt_tokens", "completion_tokens", "use_time", "channel", "token_id"} {
		fields = append(fields, m.F(name, m.Integer()))
	}
	for _, name := range []string{"content", "username", "token_name", "model_name", "channel_name", "group", "ip", "other"} {
		fields = append(fields, m.F(name, m.String()))
	}
	return m.Object(fields...)
}

func verifyOperation(method string) m.Operation {
	return m.Operation{
		Method: method, Path: "/api/latchkey/v1/verify", Text: "May this call go on? For nginx, Caddy and Traefik.", By: holders, Open: true, Status: 204,
		Query:   []m.Parameter{m.Number("cost", "Units to charge.")},
		Headers: []m.Parameter{m.Number("X-Latchkey-Cost", "Units to charge; cost wins."), m.Text("X-Forwarded-Uri", "Address of the call that the proxy asks about.")},
		Sets: []m.Parameter{
			m.Text("X-Latchkey-Token", "Id of the token."), m.Text("X-Latchkey-Workspace", "Id of its workspace."), m.Text("X-Latchkey-Permissions", "With commas between them."),
		},
	}
}
