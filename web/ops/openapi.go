package ops

import (
	"sync"

	"github.com/gofiber/fiber/v2"

	"latchkey/web/manual"
)

// OpenAPI serves GET /openapi.json: the manual as a document for tools.
func (o *Ops) OpenAPI(all func() manual.Manual) fiber.Handler {
	document := sync.OnceValues(func() ([]byte, error) { return all().OpenAPI() })
	return func(c *fiber.Ctx) error {
		text, err := document()
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, "application/json; charset=utf-8")
		c.Set(fiber.HeaderCacheControl, "public, max-age=600")
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
		return c.Send(text)
	}
}
