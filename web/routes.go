package web

import (
	"log/slog"
	"path"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/config"
	"latchkey/internal/gateway"
	"latchkey/static"
	"latchkey/web/ops"
	"latchkey/web/wire/openai"
)

// Rooms is what the app is made of.
type Rooms struct {
	Config  config.Config
	Port    string // that is listened on
	Gateway *gateway.Gateway
	OpenAI  *openai.Door
	Ops     *ops.Ops
	Now     func() time.Time
	Log     *slog.Logger
}

// routes is every address of the product, on one screen.
func (r Rooms) routes(app *fiber.App) {
	// What tools and browsers fetch.
	app.Get("/healthz", r.Ops.Healthy)
	app.Get("/readyz", r.Ops.Ready)
	app.Get("/static/*", asset)
	app.Get("/favicon.ico", asset)

	// The gateway.
	app.Post("/v1/chat/completions", r.OpenAI.Ask(gateway.Chat))
	app.Get("/v1/models", crossOrigin, r.OpenAI.Models)
	app.Options("/v1/models", crossOrigin)
	app.Get("/v1/models/*", crossOrigin, r.OpenAI.Model)
	app.All("/v1/*", r.OpenAI.NotFound)
}

// crossOrigin lets pages elsewhere read what a token's holder may read. No cookie
// is ever looked at there.
func crossOrigin(c *fiber.Ctx) error {
	c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
	if c.Method() == fiber.MethodOptions {
		c.Set(fiber.HeaderAccessControlAllowHeaders, "Authorization, X-Api-Key, Content-Type")
		c.Set(fiber.HeaderAccessControlAllowMethods, "GET")
		return c.SendStatus(fiber.StatusNoContent)
	}
	return c.Next()
}

// asset serves the files inside the binary.
func asset(c *fiber.Ctx) error {
	name := c.Params("*")
	if name == "" {
		name = path.Base(static.URL("favicon.svg"))
	}
	body, kind, encoding, ok := static.Open(name, c.Get(fiber.HeaderAcceptEncoding))
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderCacheControl, static.CacheControl)
	if encoding != "" {
		c.Set(fiber.HeaderContentEncoding, encoding)
	}
	return c.Send(body)
}
