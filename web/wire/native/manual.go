package native

import (
	"reflect"
	"strings"

	"latchkey/internal/access"
	"latchkey/web/manual"
)

// What the manual says of the native API: routes.go has the addresses, the structs
// that bodies and answers go through have the fields, and words is the rest.

// Of is a value of the field, for the manual.
func (m Maybe[T]) Of() any { return m.Value }

// Schema is how the manual spells the number.
func (decimal) Schema() manual.Schema { return manual.Decimal() }

// Schema is how the manual spells a model: its name, or an object.
func (modelEntry) Schema() manual.Schema {
	return manual.Either(manual.String(), manual.Object(
		manual.F("name", manual.String()), manual.O("upstream_name", manual.String()),
		manual.O("kind", manual.OneOf(string(access.ChatModel), string(access.EmbeddingModel))), manual.O("max_output", manual.Integer()),
	))
}

var fields = manual.Reader{
	Values: map[reflect.Type][]string{
		reflect.TypeFor[access.Refill](): {string(access.RefillNone), string(access.RefillDaily), string(access.RefillWeekly), string(access.RefillMonthly)},
		reflect.TypeFor[access.Unit]():   {string(access.Units), string(access.Messages)},
	},
	Notes: map[string]string{
		"id": "Public id, 32 hex digits.", "number": "Row number, New API's id.", "expires_at": "RFC 3339, UTC; null: never.",
		"quota": "Budget in units.", "used": "Units used since the budget filled.", "reserved": "Units held by calls that run.",
		"remain": "Units left; null: unlimited.", "models": "Names that may be asked for; null: all.", "addresses": "Addresses and CIDR blocks; empty: any.",
		"group": "Name of a group; empty: the workspace's.", "rpm": "Requests a minute; 0: no limit.", "tpm": "Tokens a minute; 0: no limit.",
		"concurrent": "Calls at once; 0: no limit.", "version": "Edits so far; an edit that names a stale one is refused with 409.",
		"hint": "The secret's last four characters.", "secret": "Only in the answer that makes or shows it.", "status": "As it is at this moment.",
		"retention_days": "How long conversations are kept; null: for ever, 0: never stored.", "dollars": "The units in US dollars.",
		"parameter_name": "Query parameter that may carry the token at /json/ and the forward-auth check.",
		"keep_old":       "How long the old secret lives on: a duration such as 24h; 0s ends it at once.",
		"allowance":      "Of each customer and period; null: none.", "cap": "Units for the link as a whole; null: none.",
		"customers": "Ids of the customers who may open it; null: all.", "password": "One that was made, in the answer that made it.",
	},
}

// word is what the manual says of one route beside its address.
type word struct {
	text         string
	body, answer any
	query        []manual.Parameter
	example      string
	file         bool  // the body is a CSV file
	also         []int // other statuses with the same answer
}

// page is the answer of a list.
func page(view any) manual.Schema {
	return manual.Object(
		manual.F("items", manual.List(fields.Of(view))), manual.F("next_cursor", manual.OrNull(manual.String())),
		manual.F("total", manual.About(manual.OrNull(manual.Integer()), "Exact up to 1,000, else null.")),
	)
}

func listed(text string, view any, more ...manual.Parameter) word {
	return word{text: text, answer: page(view), query: append([]manual.Parameter{
		manual.Text("q", "Part of a name."), manual.Text("status", "Only rows in this state."),
		{Name: "sort", Text: "By when it was made.", Schema: manual.OneOf(oldestFirst, newestFirst)},
		manual.Number("limit", "Rows of a page, 1 to 200; 50 when left out."), manual.Text("cursor", "The next_cursor of the page before."),
	}, more...)}
}

var period = []manual.Parameter{manual.Text("from", "RFC 3339."), manual.Text("to", "RFC 3339.")}

// Manual is the native API's part of the manual.
func Manual() manual.Door {
	door := manual.Door{
		Name: "native", Title: "Native API", Failure: fields.Of(failure{}),
		About: "Everything that the pages do, for programs. Times are RFC 3339 in UTC, quota is counted in units, money in US dollars. " +
			"A body's field that nobody knows is refused by its name; in an edit, what is left out stays as it is.",
	}
	said := words()
	for _, r := range (&Door{}).Routes() {
		door.Operations = append(door.Operations, operation(r, said[r.Method+" "+r.Path]))
	}
	return door
}

func operation(r Route, w word) manual.Operation {
	o := manual.Operation{
		Method: r.Method, Path: Base + strings.ReplaceAll(r.Path, ":id", "{id}"), Text: w.text, Query: w.query, Example: w.example,
		By: []manual.Credential{manual.Login, manual.Token, manual.Master},
	}
	if r.Where == OfInstance && r.Need == access.RunInstance {
		o.By = []manual.Credential{manual.Login, manual.Master}
	}
	if r.Where == InWorkspace {
		o.Headers = append(o.Headers, manual.Text(workspaceHeader, "Id of the workspace; needed with the master key."))
	}
	if w.body != nil {
		o.Body = fields.Of(w.body)
		o.Optional = r.Method == "POST" && strings.Contains(r.Path, ":id/")
	}
	if w.file {
		o.Body, o.BodyKind = manual.String(), "text/csv"
	}
	o.Also = w.also
	switch answer := w.answer.(type) {
	case nil:
	case manual.Schema:
		o.Answer = answer
	default:
		o.Answer = fields.Of(answer)
	}
	switch {
	case r.Method == "DELETE":
		o.Status = 204
	case r.Method == "POST" && w.body != nil && strings.Count(r.Path, "/") == 1 && r.Path != "/why":
		o.Status = 201
		o.Headers = append(o.Headers, manual.Text(onceHeader, "The same key and body get the same answer, once made."))
	}
	return o
}
