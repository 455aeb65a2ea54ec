package manual

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Version is of the contract, not of the program.
const Version = "1"

// object is a part of the document.
type object = map[string]any

var schemes = map[Credential]object{
	Login:  {"type": "http", "scheme": "bearer", "description": "A login token, from signing in at any door."},
	Token:  {"type": "http", "scheme": "bearer", "bearerFormat": "sk-…", "description": "An API token."},
	Header: {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API token."},
	Beta:   {"type": "http", "scheme": "bearer", "description": "The beta key of an API token: it opens a bot's chat and nothing else."},
	Master: {"type": "http", "scheme": "bearer", "description": "The operator's master key."},
	Access: {"type": "http", "scheme": "bearer", "description": "New API's user access token."},
	Cookie: {"type": "apiKey", "in": "cookie", "name": "session", "description": "The cookie of New API's sign-in."},
	Metric: {"type": "http", "scheme": "bearer", "description": "The operator's token for metrics."},
}

// OpenAPI is the document as JSON.
func (m Manual) OpenAPI() ([]byte, error) {
	paths := map[string]object{}
	tags := make([]object, 0, len(m))
	for _, d := range m {
		tags = append(tags, object{"name": d.Title, "description": d.About})
		for _, o := range d.Operations {
			if paths[o.Path] == nil {
				paths[o.Path] = object{}
			}
			method := strings.ToLower(o.Method)
			said := d.operation(o)
			if other, shared := paths[o.Path][method].(object); shared {
				said = both(other, said)
			}
			paths[o.Path][method] = said
		}
	}
	text, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Latchkey", "version": Version, "summary": "Who may use which AI bot, and how much.",
			"description": "Every door of Latchkey: the gateway in the words of the OpenAI API, the native API, and the four dialects over the same store.",
		},
		"servers": []object{{"url": "/", "description": "This server"}},
		"tags":    tags, "paths": paths, "components": object{"securitySchemes": schemes},
	}, "", " ")
	return append(text, '\n'), err
}

func (d Door) operation(o Operation) object {
	out := object{"tags": []string{d.Title}, "operationId": o.ID(), "summary": o.Text, "responses": d.responses(o)}
	if all := o.parameters(); len(all) > 0 {
		out["parameters"] = all
	}
	if o.Body != nil {
		out["requestBody"] = object{"required": !o.Optional, "content": object{kind(o.BodyKind): object{"schema": o.Body}}}
	}
	security := []object{}
	for _, by := range o.By {
		security = append(security, object{string(by): []string{}})
	}
	if o.Open {
		security = append(security, object{})
	}
	out["security"] = security
	return out
}

func (o Operation) parameters() (all []object) {
	for _, name := range o.Parameters() {
		all = append(all, object{"name": name, "in": "path", "required": true, "schema": String()})
	}
	for place, list := range map[string][]Parameter{"query": o.Query, "header": o.Headers} {
		for _, p := range list {
			all = append(all, object{"name": p.Name, "in": place, "required": p.Required, "description": p.Text, "schema": p.Schema})
		}
	}
	slices.SortStableFunc(all, func(a, b object) int {
		return strings.Compare(a["in"].(string)+a["name"].(string), b["in"].(string)+b["name"].(string))
	})
	return all
}

func (d Door) responses(o Operation) object {
	done := object{"description": http.StatusText(o.Code())}
	content := object{}
	if o.Answer != nil {
		content[kind(o.AnswerKind)] = object{"schema": o.Answer}
	}
	if o.Events != nil {
		content["text/event-stream"] = object{"schema": About(String(), "Events; the data of each is one JSON text, until the last."), "x-event": o.Events}
	}
	if len(content) > 0 {
		done["content"] = content
	}
	if len(o.Sets) > 0 {
		headers := object{}
		for _, p := range o.Sets {
			headers[p.Name] = object{"description": p.Text, "schema": p.Schema}
		}
		done["headers"] = headers
	}
	all := object{strconv.Itoa(o.Code()): done}
	for _, status := range o.Also {
		other := maps.Clone(done)
		other["description"] = http.StatusText(status)
		all[strconv.Itoa(status)] = other
	}
	if d.Failure != nil {
		all["default"] = object{"description": "Refused, or failed", "content": object{kind(d.FailureIs): object{"schema": d.Failure}}}
	}
	return all
}

func kind(text string) string {
	if text == "" {
		return "application/json"
	}
	return text
}

// both joins two doors' words for one address: a call is in one of them.
func both(a, b object) object {
	out := maps.Clone(a)
	out["tags"] = slices.Concat(a["tags"].([]string), b["tags"].([]string))
	out["summary"] = a["summary"].(string) + " Or: " + b["summary"].(string)
	if body, ok := b["requestBody"]; ok {
		out["requestBody"] = join(a["requestBody"], body)
	}
	responses := maps.Clone(a["responses"].(object))
	for status, r := range b["responses"].(object) {
		responses[status] = join(responses[status], r)
	}
	out["responses"] = responses
	return out
}

// join makes one body or answer of two whose JSON is either.
func join(a, b any) any {
	one, ok := a.(object)
	if !ok {
		return b
	}
	two, out := b.(object), maps.Clone(one)
	left, right := jsonOf(one), jsonOf(two)
	if left != nil && right != nil {
		out["content"] = object{kind(""): object{"schema": Either(left, right)}}
	}
	if headers, ok := two["headers"]; ok {
		out["headers"] = headers
	}
	return out
}

func jsonOf(part object) Schema {
	content, _ := part["content"].(object)
	media, _ := content[kind("")].(object)
	s, _ := media["schema"].(Schema)
	return s
}
