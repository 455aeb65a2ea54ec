package botshare

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// Chat serves POST /api/v3/chat/completions. All checks come before the first byte
// of an answer.
func (d *Door) Chat(c *fiber.Ctx) error {
	b, err := read(c, wire.AskMax, readChat)
	if err != nil {
		return err
	}
	by, err := d.find(c)
	switch access.KindOf(err) {
	case access.Revoked, access.Expired, access.Forbidden:
		// An API token that is known and may not be used: its owner finds the
		// refusal in the log of calls, which the gateway writes.
		b.share = ""
		return d.answer(c, access.Actor{Kind: access.ActorToken}, control.OpenedLink{}, b)
	}
	if err != nil {
		return sayCaller(err)
	}
	link, err := d.checkShare(c, by, b)
	if err != nil {
		return err
	}
	return d.answer(c, by, link, b)
}

// checkShare judges the share token of a question. A customer has to send one.
func (d *Door) checkShare(c *fiber.Ctx, by access.Actor, b chatBody) (link control.OpenedLink, err error) {
	if b.share == "" {
		if by.Kind == access.ActorCustomer {
			return link, linkMissing
		}
		return link, nil
	}
	if link, err = d.Control.LinkFor(c.UserContext(), by, b.share); err != nil {
		return link, err
	}
	if link.Bot.PublicID != b.bot {
		return link, linkOther
	}
	return link, nil
}

// answer asks and answers.
func (d *Door) answer(c *fiber.Ctx, by access.Actor, link control.OpenedLink, b chatBody) error {
	q, err := b.question()
	if err != nil {
		return err
	}
	ask, err := d.asker(c, by, link, b, q)
	if err != nil {
		return err
	}
	a, err := wire.Ask(c, ask)
	if err != nil {
		return say(sayNoBot(err), access.SignedOut, nobody)
	}
	if a.Body == nil {
		l := d.lang(c)
		return wire.Stream(c, &wire.Relay{Reading: a, Field: "data: ", Fail: func(into []byte, why error) ([]byte, error) {
			_, text := d.spellError(l, a.RequestID, sayNoBot(why))
			body, err := json.Marshal(detail{text})
			return wire.AppendEvent(into, "data: ", nil, body), err
		}}, d.Now, d.Log)
	}
	defer a.Close()
	return wire.SendRaw(c, fiber.StatusOK, a.Body)
}

// asker says how the gateway is asked for a caller. A customer takes a place on
// the link, if they have none; an API token pays for itself; anybody else asks the
// bots of their own workspaces.
func (d *Door) asker(c *fiber.Ctx, by access.Actor, link control.OpenedLink, b chatBody, q *strict.Object) (
	func(context.Context) (*gateway.Answer, error), error,
) {
	i := gateway.Inquiry{RequestID: c.GetRespHeader("X-Request-Id"), By: by, Bot: b.bot, Address: wire.Address(c), Body: q}
	switch by.Kind {
	case access.ActorCustomer:
		if !b.onlyTurns() {
			return nil, rolesOther
		}
		if _, err := d.Control.VisitShare(c.UserContext(), by, link); err != nil {
			return nil, err
		}
		i.ShareID = link.Share.ID
	case access.ActorToken:
		question := gateway.Question{
			RequestID: i.RequestID, Secret: wire.Bearer(c), Address: i.Address, Door: access.DoorBotShare, Path: gateway.Chat, Body: q,
			Bot: orNone(b.bot),
		}
		return func(ctx context.Context) (*gateway.Answer, error) { return d.Gateway.Ask(ctx, question) }, nil
	default:
		at, err := d.Control.AtBot(c.UserContext(), by, b.bot)
		if err != nil {
			return nil, say(err, access.NotFound, botUnknown)
		}
		i.By = at
	}
	return func(ctx context.Context) (*gateway.Answer, error) { return d.Gateway.AskAs(ctx, i) }, nil
}

// orNone names a bot that nobody has where an id is none: a token that is bound to
// no bot must not ask without one.
func orNone(bot string) string {
	if bot == "" {
		return "-"
	}
	return bot
}

// sayNoBot answers in the contract's words that a bot is not there, or is switched
// off.
func sayNoBot(err error) error {
	for _, p := range access.Problems(err) {
		if p.Code == "model_not_found" && p.Kind == access.NotFound {
			return botUnknown
		}
	}
	return err
}
