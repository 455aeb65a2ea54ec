package fess

import m "latchkey/web/manual"

// What the manual says of Fess's door.

var spelled = m.Reader{Notes: map[string]string{
	"expiredTime": "Unix milliseconds; absent: never.", "createdTime": "Unix milliseconds.", "updatedTime": "Unix milliseconds.",
	"parameterName": "Query parameter that may carry the token.",
	"versionNo":     "Edits so far; an edit that names a stale one is refused.",
}}

// Manual is Fess's part of the manual.
func Manual() m.Door {
	door := m.Door{
		Name: "fess", Title: "Fess", Failure: response(m.O("message", m.String())),
		About:      "Fess's access tokens, and the search call that uses one. Fields are read in camelCase and in snake_case. Each address also with a slash at its end.",
		Operations: settingOperations(),
	}
	for i := range door.Operations {
		door.Operations[i].By = []m.Credential{m.Token, m.Login}
	}
	door.Operations = append(door.Operations, m.Operation{
		Method: "GET", Path: "/json", Text: "The token's bot answers a question.", By: []m.Credential{m.Token}, Open: true,
		Query:  []m.Parameter{m.Needed(m.Text("q", "The question.")), m.Text("token", "The token, in the parameter that it names for itself.")},
		Answer: m.Object(m.F("response", spelled.Of(found{}))),
	})
	return door
}

func response(fields ...m.Field) m.Schema {
	return m.Object(m.F("response", m.Object(append([]m.Field{m.F("version", m.String()), m.F("status", m.Integer())}, fields...)...)))
}

func settingOperations() []m.Operation {
	one := spelled.Of(setting{})
	one["properties"].(m.Schema)["permissions"] = m.About(m.Either(m.List(m.String()), m.String()), "As they came: a list, or a text with one a line.")
	page := m.Open(m.O("page", m.Integer()), m.O("size", m.Integer()), m.O("id", m.String()))
	body := m.Open(
		m.F("name", m.String()), m.O("token", m.About(m.OrNull(m.String()), "The token's own text, 16 to 256 characters; one is made when left out.")),
		m.O("parameterName", m.OrNull(m.String())), m.O("expiredTime", m.OrNull(m.Integer())), m.O("expires", m.About(m.OrNull(m.String()), "2026-12-31T23:59:59, in the workspace's zone.")),
		m.O("permissions", m.OrNull(m.Either(m.List(m.String()), m.String()))),
	)
	made := m.Object(m.F("response", spelled.Of(changed{})))
	const base = "/api/admin/accesstoken/"
	list := []m.Operation{}
	for _, method := range []string{"GET", "PUT", "POST"} {
		list = append(list, m.Operation{
			Method: method, Path: base + "settings", Text: "The workspace's tokens by name.", Optional: true, Query: []m.Parameter{
				m.Number("page", "From 0."), m.Number("size", "Rows of a page; 20 when left out."), m.Text("id", "This token alone."),
			},
			Answer: response(m.F("settings", m.List(one)), m.F("total", m.Integer())),
		})
		if method != "GET" {
			list[len(list)-1].Body = page
		}
	}
	return append(list, []m.Operation{
		{Method: "POST", Path: base + "setting", Text: "Make a token.", Body: body, Answer: made, Example: `{"name":"Data pipeline","permissions":["guest"]}`},
		{
			Method: "PUT", Path: base + "setting", Text: "Change what is sent of a token.", Answer: made, Body: m.With(body, m.F("id", m.String()), m.O("versionNo", m.OrNull(m.Integer()))),
			Example: `{"id":"…","name":"Data pipeline","versionNo":1}`,
		},
		{Method: "GET", Path: base + "setting/{id}", Text: "One token.", Answer: response(m.F("setting", one))},
		{Method: "DELETE", Path: base + "setting/{id}", Text: "Delete a token.", Answer: made},
	}...)
}
