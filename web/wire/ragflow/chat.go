package ragflow

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// asking is what a client sends to a bot's chat.
type asking struct {
	bot      string // in a body that names one
	question string
	session  string
	plain    bool           // one JSON is wanted, not events
	turns    []gateway.Turn // of a client that keeps the conversation itself
}

// sessionMax is the longest id of a session, in bytes.
const sessionMax = 64

// readAsking reads a question, or the messages whose last is one.
func readAsking(o *strict.Object) (a asking, err error) {
	if o == nil {
		return a, required(nil, "question")
	}
	for _, one := range []struct {
		key  string
		into *string
	}{{"question", &a.question}, {"dialog_id", &a.bot}, {"conversation_id", &a.session}, {"session_id", &a.session}} {
		v := field(o, one.key)
		if v.sent && !v.null && !v.isText {
			return a, wrongType(one.key, "a text")
		}
		if v.isText && v.text != "" {
			*one.into = v.text
		}
	}
	if len(a.session) > sessionMax {
		return a, sessionUnknown
	}
	stream := true
	if raw := o.Get("stream"); raw != nil && json.Unmarshal(raw, &stream) != nil {
		return a, wrongType("stream", "true or false")
	}
	a.plain = !stream
	if raw := o.Get("messages"); raw != nil && string(raw) != "null" && a.question == "" {
		return a.withMessages(raw)
	}
	return a, nil
}

func wrongType(key, what string) error {
	return access.Fail(access.Invalid, "json_type", "%s must be %s.", key, what).At(key)
}

// withMessages takes the turns out of messages. Those of the role system are the
// bot's to write and are left out.
func (a asking) withMessages(raw []byte) (asking, error) {
	refused := access.Fail(access.Invalid, "messages_empty", "messages must be a list with at least one message.").At("messages")
	var messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	if json.Unmarshal(raw, &messages) != nil {
		return a, refused
	}
	for _, m := range messages {
		switch m.Role {
		case "user", "assistant":
			a.turns = append(a.turns, gateway.Turn{Role: m.Role, Text: m.Content})
		case "system":
		default:
			return a, refused
		}
	}
	if n := len(a.turns); n == 0 || a.turns[n-1].Role != "user" {
		return a, refused
	}
	a.question = a.turns[len(a.turns)-1].Text
	return a, nil
}

// AskBot serves POST /api/v1/chatbots/{id}/completions and /agentbots: what a page
// with a beta key asks.
func (d *Door) AskBot(c *fiber.Ctx) error {
	beta, ok := strictBearer(c)
	if !ok {
		return betaMalformed
	}
	link, err := d.Control.TalkOfBeta(c.UserContext(), beta, part(c, "id"))
	if err != nil {
		return ofBeta(err)
	}
	a, err := d.asking(c)
	if err != nil {
		return err
	}
	return d.talk(c, link, a, d.askAsPage)
}

// ofBeta words why a beta key opens nothing.
func ofBeta(err error) error {
	switch access.KindOf(err) {
	case access.SignedOut, access.Revoked, access.Expired:
		return betaUnknown
	case access.NotFound:
		return dialogUnknown
	}
	return ofBot(err)
}

// ofBot words a call that names no bot.
func ofBot(err error) error {
	if e, ok := errors.AsType[*access.Error](err); ok && e.Code == "model_missing" {
		return noBot
	}
	return err
}

func (d *Door) asking(c *fiber.Ctx) (asking, error) {
	o, err := body(c, wire.BodyMax, false)
	if err != nil {
		return asking{}, err
	}
	return readAsking(o)
}

// BotInfo serves GET /v1/conversation/getsse/{id} and /v1/canvas/getsse/{id}: what
// a page shows of the bot that its beta key opens.
func (d *Door) BotInfo(c *fiber.Ctx) error {
	beta, ok := strictBearer(c)
	if !ok {
		return betaMalformed
	}
	link, err := d.Control.TalkOfBeta(c.UserContext(), beta, part(c, "id"))
	if err != nil {
		return ofBeta(err)
	}
	face := link.Bot.Face()
	return sendData(c, success, map[string]any{
		"id": link.Bot.PublicID, "name": link.Bot.Name, "description": face.Description, "avatar": link.Bot.AvatarURL, "status": "1",
		"prompt_config": map[string]any{"prologue": face.Welcome},
	})
}

// Converse serves POST /api/v1/conversation/completion: for a program with an API
// token, and for a page with a beta key.
func (d *Door) Converse(c *fiber.Ctx) error {
	text, err := bearerOf(c)
	if err != nil {
		return err
	}
	a, err := d.asking(c)
	if err != nil {
		return err
	}
	link, err := d.Control.TalkOfBeta(c.UserContext(), text, a.bot)
	switch kind := access.KindOf(err); {
	case err == nil:
		return d.talk(c, link, a, d.askAsPage)
	case kind == access.SignedOut && link.Token.ID == 0:
		return d.converse(c, text, a)
	case kind == access.SignedOut, kind == access.Revoked, kind == access.Expired:
		return keyUnknown
	}
	return ofBeta(err)
}

// bearerOf is the credential of a program, which has a form of its own.
func bearerOf(c *fiber.Ctx) (string, error) {
	if c.Get(fiber.HeaderAuthorization) == "" {
		return "", keyMissing
	}
	text, ok := strictBearer(c)
	if !ok {
		return "", keyMalformed
	}
	return text, nil
}

// converse answers a program. What the rules refuse, the gateway refuses, so that
// it stands in the request log.
func (d *Door) converse(c *fiber.Ctx, text string, a asking) error {
	q := gateway.Question{
		RequestID: c.GetRespHeader("X-Request-Id"), Secret: text, Address: wire.Address(c), Door: access.DoorRAGFlow, Path: gateway.Chat, Bot: a.bot,
	}
	link, err := d.programs(c, text, a.bot)
	if err == nil && a.turns == nil {
		return d.talk(c, link, a, func(ctx context.Context, _ *fiber.Ctx, _ control.OpenedLink, asked db.Asked, turns []gateway.Turn) (*gateway.Answer, error) {
			q.Body = spellTurns(turns)
			return d.Gateway.AskStored(ctx, q, asked.Question.ID)
		})
	}
	if err != nil && access.KindOf(err) == 0 {
		return err
	}
	turns := a.turns
	if turns == nil {
		turns = []gateway.Turn{{Role: "user", Text: a.question}}
	}
	q.Body = spellTurns(turns)
	return d.deliver(c, a, func(ctx context.Context) (*gateway.Answer, error) { return d.Gateway.Ask(ctx, q) })
}

// programs finds what an API token's program talks with.
func (d *Door) programs(c *fiber.Ctx, text, bot string) (link control.OpenedLink, err error) {
	by, err := d.Control.ActorOfBearer(c.UserContext(), text, wire.Address(c).String(), access.DoorRAGFlow, "")
	if err != nil {
		return link, err
	}
	return d.Control.TalkOf(c.UserContext(), by, bot)
}

// spellTurns spells turns as a request of the gateway.
func spellTurns(turns []gateway.Turn) *strict.Object {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	messages := make([]message, 0, len(turns))
	for _, t := range turns {
		messages = append(messages, message{t.Role, t.Text})
	}
	raw, _ := json.Marshal(messages) // texts always have a spelling
	o := &strict.Object{}
	o.Set("messages", raw)
	o.Set("stream", json.RawMessage("true"))
	return o
}
