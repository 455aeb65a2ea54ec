package control

import (
	"bytes"
	"context"
	"image"
	"image/color"
	_ "image/gif" // what may be uploaded
	"image/jpeg"
	"image/png"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Bounds of a picture.
const (
	AvatarBytesMax = 2 << 20
	avatarSideMax  = 4096
	avatarAreaMax  = 4 << 20 // pixels
	avatarScansMax = 64      // passes over a JPEG
	avatarSide     = 192     // of what is kept: twice the largest face on a page
	avatarQuality  = 88
)

// SetBotAvatar keeps a picture as the bot's face: drawn anew, square and small, so
// that nothing of the file that was sent is kept but what it shows.
func (c *Control) SetBotAvatar(ctx context.Context, by access.Actor, bot string, file []byte) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	body, kind, err := redraw(file)
	if err != nil {
		return err
	}
	return c.DB.SetBotAvatar(ctx, by, by.WorkspaceID, bot, &db.Blob{PublicID: secret.NewPublicID(c.Random), ContentType: kind, Body: body})
}

// DropBotAvatar gives a bot the face back that bots have without a picture.
func (c *Control) DropBotAvatar(ctx context.Context, by access.Actor, bot string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	return c.DB.SetBotAvatar(ctx, by, by.WorkspaceID, bot, nil)
}

// BotAvatar is a bot's picture, for the dashboard.
func (c *Control) BotAvatar(ctx context.Context, by access.Actor, bot string) (db.Blob, error) {
	row, err := c.Bot(ctx, by, bot)
	if err != nil {
		return db.Blob{}, err
	}
	return c.DB.Blob(ctx, by.WorkspaceID, row.AvatarID)
}

func badPicture(code, text string, args ...any) error {
	return access.Fail(access.Invalid, "picture_"+code, text, args...).At("file")
}

// redraw looks at a picture's head before it unpacks it.
func redraw(file []byte) (body []byte, kind string, err error) {
	switch {
	case len(file) == 0:
		return nil, "", badPicture("missing", "Choose a picture first.")
	case len(file) > AvatarBytesMax:
		return nil, "", badPicture("heavy", "A picture may weigh %d MB at most.", AvatarBytesMax>>20)
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, "", badPicture("unknown", "This is no PNG, JPEG or GIF, or it is damaged.")
	}
	if head.Width < 1 || head.Height < 1 || head.Width > avatarSideMax || head.Height > avatarSideMax || head.Width*head.Height > avatarAreaMax {
		return nil, "", badPicture("large", "This picture has %d × %d points: at most %d a side and 4 million in all.", head.Width, head.Height, avatarSideMax)
	}
	if format == "jpeg" && bytes.Count(file, []byte{0xff, 0xda}) > avatarScansMax {
		return nil, "", badPicture("unknown", "This is no PNG, JPEG or GIF, or it is damaged.")
	}
	whole, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, "", badPicture("unknown", "This is no PNG, JPEG or GIF, or it is damaged.")
	}
	return encodeFace(square(whole))
}

// encodeFace spells a face that lets nothing through as JPEG, any other as PNG.
func encodeFace(face *image.NRGBA) (body []byte, kind string, err error) {
	var out bytes.Buffer
	if face.Opaque() {
		err = jpeg.Encode(&out, face, &jpeg.Options{Quality: avatarQuality})
		return out.Bytes(), "image/jpeg", err
	}
	err = png.Encode(&out, face)
	return out.Bytes(), "image/png", err
}

// square cuts the middle out of a picture and makes it small: each point is the
// mean of those that it stands for.
func square(from image.Image) *image.NRGBA {
	b := from.Bounds()
	side := min(b.Dx(), b.Dy())
	left, top := b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2
	size := min(side, avatarSide)
	out := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			area := image.Rect(left+x*side/size, top+y*side/size, left+(x+1)*side/size, top+(y+1)*side/size)
			out.Set(x, y, mean(from, area))
		}
	}
	return out
}

func mean(from image.Image, area image.Rectangle) color.Color {
	var r, g, b, a, n uint64
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			cr, cg, cb, ca := from.At(x, y).RGBA()
			r, g, b, a, n = r+uint64(cr), g+uint64(cg), b+uint64(cb), a+uint64(ca), n+1
		}
	}
	return color.RGBA64{uint16(r / n), uint16(g / n), uint16(b / n), uint16(a / n)}
}
