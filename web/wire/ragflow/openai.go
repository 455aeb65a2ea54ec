package ragflow

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// Complete serves POST /api/v1/chats_openai/{id}/chat/completions and its like: a
// bot asked by a program in the words of the OpenAI API. Refusals keep RAGFlow's
// envelope, under the status that such clients expect.
func (d *Door) Complete(c *fiber.Ctx) error {
	text, err := bearerOf(c)
	if err != nil {
		return err
	}
	raw, err := wire.Body(c, wire.AskMax)
	if err != nil {
		return err
	}
	o, err := strict.Parse(raw)
	if err != nil {
		return d.refuse(c, err)
	}
	a, err := wire.Ask(c, func(ctx context.Context) (*gateway.Answer, error) {
		return d.Gateway.Ask(ctx, gateway.Question{
			RequestID: c.GetRespHeader("X-Request-Id"), Secret: text, Address: wire.Address(c), Door: access.DoorRAGFlow, Path: gateway.Chat, Bot: part(c, "id"), Body: o,
		})
	})
	if err != nil {
		return d.refuse(c, err)
	}
	if a.Body == nil {
		l := d.lang(c)
		return wire.Stream(c, &wire.Relay{Reading: a, Field: "data:", Fail: func(into []byte, why error) ([]byte, error) {
			return appendEvent(into, d.spellError(l, a.RequestID, ofGateway(why)).body())
		}}, d.Now, d.Log)
	}
	defer a.Close()
	c.Set(fiber.HeaderContentType, "application/json; charset=utf-8")
	return c.Send(a.Body)
}

// refuse answers a refusal of the gateway under its own status.
func (d *Door) refuse(c *fiber.Ctx, err error) error {
	if errors.Is(err, gateway.ErrLeft) {
		return nil // nobody is there to read it
	}
	status := gateway.Status(err)
	if err := d.Error(c, ofGateway(err)); err != nil {
		return err
	}
	c.Status(status)
	return nil
}
