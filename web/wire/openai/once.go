package openai

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

const (
	onceHeader  = "Idempotency-Key"
	againHeader = "Idempotency-Replayed"
)

// answerOnce asks once for each key of a token, within a day: the same call again
// gets the first answer and is charged nothing, another call with the key is 422,
// one still under way 409. A refusal is not kept, nor is a stream.
func (d *Door) answerOnce(c *fiber.Ctx, q gateway.Question) error {
	h, err := d.Gateway.Holding(c.UserContext(), q.Secret, q.Address)
	wire.Known(c, err)
	if err != nil {
		return d.Error(c, err)
	}
	if q.Body, err = strict.Parse(q.Raw); err != nil {
		return d.Error(c, err)
	}
	if string(q.Body.Get("stream")) == "true" {
		return d.answer(c, q)
	}
	by := access.Actor{Kind: access.ActorToken, ID: h.Token.ID, PublicID: h.Token.PublicID, WorkspaceID: h.Workspace.ID}
	call := control.Call{Key: c.Get(onceHeader), Method: c.Method(), Path: c.Path(), Body: q.Raw}
	kept, err := d.Control.OnceForCall(c.UserContext(), by, call, func() (control.Answer, error) {
		a, err := d.ask(c, q)
		if err != nil {
			return control.Answer{}, err
		}
		defer a.Close()
		setPace(c, a.Pace)
		return control.Answer{Status: fiber.StatusOK, Body: a.Body}, nil
	})
	if err != nil {
		return d.Error(c, err)
	}
	if kept.Again {
		c.Set(againHeader, "true")
	}
	return sendBody(c, kept.Body)
}

func sendBody(c *fiber.Ctx, body []byte) error {
	c.Set(fiber.HeaderContentType, "application/json; charset=utf-8")
	return c.Send(body)
}

// isReused reports a key that came with another call before.
func isReused(err error) bool {
	for _, p := range access.Problems(err) {
		if p.Code == "key_reused" {
			return true
		}
	}
	return false
}
