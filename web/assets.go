package web

import (
	"path"

	"github.com/gofiber/fiber/v2"

	"latchkey/static"
)

// asset serves the files inside the binary.
func asset(c *fiber.Ctx) error {
	name := c.Params("*")
	if name == "" {
		name = path.Base(static.URL("favicon.svg"))
	}
	return sendAsset(c, name, static.CacheControl)
}

// embedScript is the one file that other sites' pages name: its address stays, so
// it is asked for again.
func embedScript(c *fiber.Ctx) error {
	c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return sendAsset(c, path.Base(static.URL("embed.js")), "public, max-age=600")
}

func sendAsset(c *fiber.Ctx, name, cacheControl string) error {
	body, kind, encoding, ok := static.Open(name, c.Get(fiber.HeaderAcceptEncoding))
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderCacheControl, cacheControl)
	if encoding != "" {
		c.Set(fiber.HeaderContentEncoding, encoding)
	}
	return c.Send(body)
}
