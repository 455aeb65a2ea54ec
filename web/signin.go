package web

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// Two dialects share the addresses of signing in and out. Here they are told
// apart; neither knows of the other.

// login serves POST /api/v1/auth/login: a body with an email is RAGFlow's, any
// other is bot-share's. A nil handler is a dialect that is not served.
func (r Rooms) login(botshare, ragflow fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if ragflow != nil && hasEmail(c) {
			return ragflow(c)
		}
		return botshare(c)
	}
}

func hasEmail(c *fiber.Ctx) bool {
	raw, err := wire.Body(c, wire.BodyMax)
	if err != nil {
		return false
	}
	o, err := strict.Parse(raw)
	return err == nil && o.Has("email")
}

// logout serves POST /api/v1/auth/logout in the dialect of the door that issued
// the login token; whoever comes with none hears bot-share's.
func (r Rooms) logout(botshare, ragflow fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if ragflow == nil {
			return botshare(c)
		}
		door, err := r.BotShare.Control.LoginDoor(c.UserContext(), wire.Bearer(c))
		if err != nil && !errors.Is(err, access.NotFound) {
			return err
		}
		if door == access.DoorRAGFlow {
			return ragflow(c)
		}
		return botshare(c)
	}
}
