package botshare

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/web/wire"
)

// Bot serves GET /api/v1/public/bot-share/{share_token}: what a customer needs to
// draw the bot's page. The first look takes the customer's place on the link.
func (d *Door) Bot(c *fiber.Ctx) error {
	by, err := d.customer(c)
	if err != nil {
		return err
	}
	text := c.Params("share")
	o, err := d.Control.LinkFor(c.UserContext(), by, text)
	if err != nil {
		return err
	}
	if o.Bot.Deleted {
		return botUnknown
	}
	if _, err := d.Control.EnterShare(c.UserContext(), by, o); err != nil {
		return err
	}
	v, err := spellBot(o.Bot, d.picture(c, o.Bot, text))
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, v)
}

// picture is where the picture of a link's bot is found, "" where none was given.
func (d *Door) picture(c *fiber.Ctx, b access.Bot, share string) string {
	if b.AvatarID == 0 {
		return ""
	}
	return d.Origin(c) + "/s/" + share + "/face"
}
