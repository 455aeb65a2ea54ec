package dashboard

import (
	"io"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

func (d *Dashboard) botPicture(row db.BotRow) *views.BotPictureView {
	v := &views.BotPictureView{Href: botHref(row.PublicID) + "/face"}
	if row.AvatarID != 0 {
		v.Face.Src = v.Href + "?v=" + strconv.FormatInt(row.AvatarID, 10)
	}
	return v
}

// BotFace is the bot's picture.
func (d *Dashboard) BotFace(c *fiber.Ctx) error {
	picture, err := d.Control.BotAvatar(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, picture.ContentType)
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox")
	c.Set(fiber.HeaderCacheControl, "private, max-age=300")
	return c.Send(picture.Body)
}

// SetBotFace takes a picture for the bot.
func (d *Dashboard) SetBotFace(c *fiber.Ctx) error {
	file, err := uploaded(c, control.AvatarBytesMax)
	if err != nil {
		return err
	}
	err = d.Control.SetBotAvatar(c.UserContext(), d.actor(c), c.Params("id"), file)
	if access.KindOf(err) == access.Invalid {
		return d.faceRefused(c, err)
	}
	if err != nil {
		return err
	}
	return d.say(c, botHref(c.Params("id")), "bots.face_saved")
}

func (d *Dashboard) faceRefused(c *fiber.Ctx, err error) error {
	row, lost := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if lost != nil {
		return lost
	}
	form, lost := d.botForm(c, row)
	if lost != nil {
		return lost
	}
	picture := d.botPicture(row)
	picture.Problem = page.Say(c, err)
	try := d.tryView(row.Bot)
	return d.showBot(c, page.StatusOf(err), row, form, &try, picture)
}

// RemoveBotFace takes the picture away.
func (d *Dashboard) RemoveBotFace(c *fiber.Ctx) error {
	if err := d.Control.DropBotAvatar(c.UserContext(), d.actor(c), c.Params("id")); err != nil {
		return err
	}
	return d.say(c, botHref(c.Params("id")), "bots.face_saved")
}

// uploaded is the one file of a form, cut one byte after most.
func uploaded(c *fiber.Ctx, most int64) ([]byte, error) {
	if !isUpload(c) {
		return nil, nil
	}
	form, err := c.Context().MultipartForm()
	if err != nil || len(form.File["file"]) == 0 {
		return nil, nil
	}
	f, err := form.File["file"][0].Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
