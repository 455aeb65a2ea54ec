package ragflow

import (
	"context"
	"errors"
	"io"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
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
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.UserContext()))
	stop := wire.Watch(c, func() { cancel(gateway.ErrLeft) })
	a, err := d.Gateway.Ask(ctx, gateway.Question{
		RequestID: c.GetRespHeader("X-Request-Id"), Secret: text, Address: wire.Address(c), Door: access.DoorRAGFlow, Path: gateway.Chat, Bot: part(c, "id"), Body: o,
	})
	stop()
	if err != nil {
		cancel(nil)
		return d.refuse(c, err)
	}
	if a.Body == nil {
		return wire.Stream(c, &relay{door: d, answer: a, cancel: cancel, lang: d.lang(c)}, d.Now, d.Log)
	}
	defer cancel(nil)
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

// relay hands on a stream as the gateway has it.
type relay struct {
	door   *Door
	answer *gateway.Answer
	cancel context.CancelCauseFunc
	lang   lang.Lang
	events []gateway.Event
}

func (s *relay) Fill(into []byte) ([]byte, error) {
	var err error
	s.events, err = s.answer.Next(s.events[:0])
	for i := range s.events {
		into = append(append(append(into, "data:"...), s.events[i].Data...), '\n', '\n')
	}
	switch {
	case err == nil:
		return into, nil
	case errors.Is(err, gateway.ErrQuiet):
		return append(into, ": keep-alive\n\n"...), nil
	case errors.Is(err, io.EOF):
		return append(into, "data:[DONE]\n\n"...), io.EOF
	case errors.Is(err, gateway.ErrLeft):
		return into, io.EOF // nobody is there to read it
	}
	into, err = appendEvent(into, s.door.spellError(s.lang, s.answer.RequestID, ofGateway(err)).body())
	if err != nil {
		return into, err
	}
	return into, io.EOF
}

func (s *relay) Gone() {
	s.cancel(gateway.ErrLeft)
	s.answer.Stop(gateway.ErrLeft)
}

func (s *relay) Close() error {
	defer s.cancel(nil)
	return s.answer.Close()
}
