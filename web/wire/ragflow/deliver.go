package ragflow

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/web/wire"
)

// ask asks the gateway a stored question.
type ask func(ctx context.Context, c *fiber.Ctx, link control.OpenedLink, asked db.Asked, turns []gateway.Turn) (*gateway.Answer, error)

// askAsPage asks with the beta key that opened the link.
func (d *Door) askAsPage(ctx context.Context, c *fiber.Ctx, link control.OpenedLink, asked db.Asked, turns []gateway.Turn) (*gateway.Answer, error) {
	return d.Gateway.AskFor(ctx, gateway.Visit{
		RequestID: c.GetRespHeader("X-Request-Id"), Beta: link.Beta, BotID: link.Bot.ID, QuestionID: asked.Question.ID, Turns: turns,
		Address: wire.Address(c),
	})
}

// talk answers one question of a talk that the server keeps, or opens one.
func (d *Door) talk(c *fiber.Ctx, link control.OpenedLink, a asking, ask ask) error {
	fresh := a.session == "" || a.turns != nil
	if fresh {
		id, err := d.Control.NewTalk(link)
		if err != nil {
			return err
		}
		if a.session = id; a.question == "" {
			return d.greet(c, link, a)
		}
	}
	talk, err := d.Control.ResumeTalk(c.UserContext(), link, a.session, wire.Address(c).String())
	if access.KindOf(err) == access.NotFound {
		return sessionUnknown
	}
	if err != nil {
		return err
	}
	asked, before, err := d.Control.AskTalk(c.UserContext(), talk, a.question)
	if err != nil {
		return err
	}
	turns := a.turns
	if turns == nil {
		turns = gateway.TurnsOf(before, asked.Question.Text)
	}
	return d.deliver(c, a, func(ctx context.Context) (*gateway.Answer, error) { return ask(ctx, c, link, asked, turns) })
}

// greet answers a client that has asked nothing yet: the welcome, and the session
// to ask in.
func (d *Door) greet(c *fiber.Ctx, link control.OpenedLink, a asking) error {
	said := said{Answer: link.Bot.Face().Welcome, Session: &a.session}
	if a.plain {
		return sendData(c, "", said)
	}
	events, err := appendSaid(nil, said)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(append(events, lastEvent...))
}

// deliver asks the gateway and answers as the client wants it.
func (d *Door) deliver(c *fiber.Ctx, a asking, ask func(context.Context) (*gateway.Answer, error)) error {
	var text string
	r, err := wire.Ask(c, func(ctx context.Context) (answer *gateway.Answer, err error) {
		if answer, err = ask(ctx); err == nil && a.plain {
			defer answer.Close()
			text, err = collect(answer)
		}
		return answer, err
	})
	if err != nil {
		return ofGateway(err)
	}
	if !a.plain {
		return wire.Stream(c, &stream{Reading: r, door: d, lang: d.lang(c), session: a.session}, d.Now, d.Log)
	}
	defer r.Close()
	return sendData(c, "", spellSaid(r.Answer, a.session, text))
}

// collect reads an answer to its end.
func collect(a *gateway.Answer) (string, error) {
	var text bytes.Buffer
	var events []gateway.Event
	for {
		var err error
		events, err = a.Next(events[:0])
		for i := range events {
			text.Write(events[i].Text)
		}
		switch {
		case err == nil, errors.Is(err, gateway.ErrQuiet):
		case errors.Is(err, io.EOF):
			return text.String(), nil
		default:
			return "", err
		}
	}
}

// ofGateway words why the gateway did not answer: 401 for a credential that opens
// nothing, else a refusal like any other.
func ofGateway(err error) error {
	if errors.Is(err, gateway.ErrLeft) {
		return nil // nobody is there to read it
	}
	switch access.KindOf(err) {
	case access.SignedOut, access.Revoked, access.Expired:
		return keyUnknown
	case access.NotFound:
		return dialogUnknown
	}
	if e, ok := errors.AsType[*access.Error](err); ok && e.Code == "bot_not_allowed" {
		return dialogUnknown
	}
	return ofBot(err)
}
