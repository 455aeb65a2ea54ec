package botshare

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// malformed is what is wrong with a body, in the words of FastAPI and Pydantic 2.
type malformed []problem

func (m malformed) Error() string { return "the body is malformed" }

type problem struct {
	Type  string          `json:"type"`
	Loc   []any           `json:"loc"`
	Msg   string          `json:"msg"`
	Input json.RawMessage `json:"input"`
	Ctx   *problemContext `json:"ctx,omitempty"`
}

type problemContext struct {
	Error string `json:"error"`
}

// inputMax is how much of what was sent is sent back.
const inputMax = 4 << 10

func echo(raw json.RawMessage) json.RawMessage {
	if len(raw) > inputMax {
		return json.RawMessage("{}")
	}
	return raw
}

// readObject reads a body. What could be read in two ways is no JSON here.
func readObject(raw []byte) (*strict.Object, error) {
	trimmed := bytes.Trim(raw, " \t\r\n")
	o, err := strict.Parse(trimmed)
	if err == nil {
		return o, nil
	}
	switch valid := utf8.Valid(trimmed) && json.Valid(trimmed); {
	case len(trimmed) == 0 || string(trimmed) == "null":
		return nil, malformed{{Type: "missing", Loc: []any{"body"}, Msg: "Field required", Input: json.RawMessage("null")}}
	case valid && trimmed[0] != '{':
		return nil, malformed{{
			Type: "model_attributes_type", Loc: []any{"body"}, Input: echo(trimmed),
			Msg: "Input should be a valid dictionary or object to extract fields from",
		}}
	}
	why := err.Error()
	if e, ok := errors.AsType[*access.Error](err); ok {
		why = e.Text
	}
	return nil, malformed{{
		Type: "json_invalid", Loc: []any{"body", 0}, Msg: "JSON decode error", Input: json.RawMessage("{}"), Ctx: &problemContext{why},
	}}
}

// reader takes fields out of an object and keeps all that is wrong, in order.
type reader struct {
	o     *strict.Object
	wrong malformed
}

func (r *reader) refuse(kind, msg string, input json.RawMessage, at ...any) {
	r.wrong = append(r.wrong, problem{Type: kind, Loc: append([]any{"body"}, at...), Msg: msg, Input: echo(input)})
}

func (r *reader) err() error {
	if len(r.wrong) > 0 {
		return r.wrong
	}
	return nil
}

// must returns a field that has to be there, nil where it is not.
func (r *reader) must(key string) json.RawMessage {
	raw := r.o.Get(key)
	if raw == nil {
		r.refuse("missing", "Field required", r.o.Encode(), key)
	}
	return raw
}

// required reads a text that has to be there.
func (r *reader) required(key string) (text string) {
	if raw := r.must(key); raw != nil && (string(raw) == "null" || json.Unmarshal(raw, &text) != nil) {
		r.refuse("string_type", "Input should be a valid string", raw, key)
	}
	return text
}

// optional reads a text that may be absent or null.
func (r *reader) optional(key string) (text string) {
	if raw := r.o.Get(key); raw != nil && json.Unmarshal(raw, &text) != nil {
		r.refuse("string_type", "Input should be a valid string", raw, key)
	}
	return text
}

// flag reads true or false, false where it is absent or null.
func (r *reader) flag(key string) (on bool) {
	if raw := r.o.Get(key); raw != nil && json.Unmarshal(raw, &on) != nil {
		r.refuse("bool_type", "Input should be a valid boolean", raw, key)
	}
	return on
}

// message is one of what was said.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// messages reads a list of what was said. A content is a text, or the list of
// parts that providers take.
func (r *reader) messages(key string) []message {
	raw := r.must(key)
	if raw == nil {
		return nil
	}
	var list []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		r.refuse("list_type", "Input should be a valid list", raw, key)
		return nil
	}
	all := make([]message, 0, len(list))
	for i, one := range list {
		all = append(all, r.message(one, key, i))
	}
	return all
}

func (r *reader) message(raw json.RawMessage, key string, i int) (m message) {
	o, err := strict.Parse(raw)
	if err != nil {
		r.refuse("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", raw, key, i)
		return m
	}
	for _, name := range []string{"role", "content"} {
		v := o.Get(name)
		switch {
		case v == nil:
			r.refuse("missing", "Field required", raw, key, i, name)
		case name == "content" && (v[0] == '"' || v[0] == '['):
			m.Content = v
		case v[0] != '"' || json.Unmarshal(v, &m.Role) != nil:
			r.refuse("string_type", "Input should be a valid string", v, key, i, name)
		}
	}
	return m
}

// read reads the request's body, of at most so many bytes.
func read[T any](c *fiber.Ctx, most int, fields func(*reader) (T, error)) (b T, err error) {
	raw, err := wire.Body(c, most)
	if err != nil {
		return b, err
	}
	o, err := readObject(raw)
	if err != nil {
		return b, err
	}
	return fields(&reader{o: o})
}

// chatBody is what a client asks.
type chatBody struct {
	messages []message
	bot      string // public id, "" for none
	share    string
	stream   bool
}

func readChat(r *reader) (b chatBody, err error) {
	b.messages = r.messages("messages")
	b.bot = publicID(r.required("bot_id"))
	b.share = r.optional("share_token")
	b.stream = r.flag("stream")
	return b, r.err()
}

// question spells what is asked for the gateway. Nothing else that was sent goes
// on: a bot answers as its owner made it.
func (b chatBody) question() (*strict.Object, error) {
	list, err := json.Marshal(b.messages)
	if err != nil {
		return nil, err
	}
	o := &strict.Object{}
	o.Set("messages", list)
	o.Set("stream", json.RawMessage(strconv.FormatBool(b.stream)))
	return o, nil
}

// onlyTurns reports whether everything was said by the asker or the bot.
func (b chatBody) onlyTurns() bool {
	for _, m := range b.messages {
		if m.Role != "user" && m.Role != "assistant" {
			return false
		}
	}
	return true
}
