package botshare

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/web/wire"
)

// shareBody is what a client sends of a share token.
type shareBody struct{ name, expires string }

func readShare(r *reader) (b shareBody, err error) {
	b.name, b.expires = r.optional("name"), r.optional("expires_at")
	return b, r.err()
}

// form spells the body for control. An end that has passed is taken, an empty one
// is none.
func (b shareBody) form(bot string) (control.ShareForm, error) {
	f := control.ShareForm{Bot: &bot, Name: &b.name, Lenient: true, ForOwner: true}
	if b.expires == "" {
		return f, nil
	}
	at, ok := parseMoment(b.expires)
	at = at.Truncate(time.Millisecond) // as it is stored
	if !ok || at.IsZero() {            // which the house takes for never
		return f, expiryMalformed
	}
	f.ExpiresAt = &at
	return f, nil
}

// CreateShare serves POST /api/v1/bots/{bot_id}/share-tokens. The master key hears
// of a bot that is missing last, anybody else before what is wrong with the end.
func (d *Door) CreateShare(c *fiber.Ctx) error {
	b, err := read(c, wire.BodyMax, readShare)
	if err != nil {
		return err
	}
	by, err := d.admin(c)
	if err != nil {
		return err
	}
	bot := publicID(c.Params("id"))
	f, wrong := b.form(bot)
	at, err := d.Control.AtBot(c.UserContext(), by, bot)
	if wrong != nil && access.KindOf(err) != access.Forbidden {
		return wrong
	}
	if err != nil {
		return say(err, access.NotFound, botUnknown)
	}
	made, err := d.Control.CreateShare(c.UserContext(), at, f)
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, spellShare(made.Row.Share, c.Params("id"), made.Secret))
}

// Shares serves GET /api/v1/bots/{bot_id}/share-tokens. To the master key a bot
// that is missing has none.
func (d *Door) Shares(c *fiber.Ctx) error {
	by, err := d.admin(c)
	if err != nil {
		return err
	}
	list := items[shareView]{Items: []shareView{}}
	bot := publicID(c.Params("id"))
	at, err := d.Control.AtBot(c.UserContext(), by, bot)
	if access.KindOf(err) == access.NotFound {
		return wire.SendJSON(c, fiber.StatusOK, list)
	}
	if err != nil {
		return err
	}
	links, texts, err := d.Control.SharesOfBot(c.UserContext(), at, bot)
	if err != nil {
		return err
	}
	for i, s := range links {
		list.Items = append(list.Items, spellShare(s, c.Params("id"), texts[i]))
	}
	return wire.SendJSON(c, fiber.StatusOK, list)
}

// RevokeShare serves DELETE /api/v1/bot-share-tokens/{share_token_id}. Again moves
// the time.
func (d *Door) RevokeShare(c *fiber.Ctx) error {
	by, err := d.admin(c)
	if err != nil {
		return err
	}
	id := publicID(c.Params("id"))
	at, err := d.Control.AtShare(c.UserContext(), by, id)
	if err == nil {
		err = d.Control.RevokeShare(c.UserContext(), at, id)
	}
	if err != nil {
		return say(err, access.NotFound, shareUnknown)
	}
	return sendDone(c, "已吊销")
}
