package fess

import (
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// Door serves Fess's access tokens and its search call.
type Door struct {
	Control  *control.Control
	Gateway  *gateway.Gateway
	PageBase int // number of the first page of the list: 0, or 1 for clients of Fess itself
	Now      func() time.Time
	Log      *slog.Logger
	Language lang.Lang // of messages to clients that name none
}

// As serves an address for whoever may manage access tokens.
func (d *Door) As(serve func(*fiber.Ctx, access.Actor) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		by, err := d.Control.ActorOfKeeper(c.UserContext(), wire.Bearer(c), wire.Address(c).String(), access.DoorFess, c.Get("X-Latchkey-Workspace"))
		wire.Known(c, err)
		if err == nil {
			err = serve(c, by)
		}
		if err != nil {
			return d.Error(c, err)
		}
		return nil
	}
}
