package chat

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// squeezeLevel is fast, and makes a page about a sixth.
const squeezeLevel = 4

// squeeze compresses a page that was drawn, for phones on slow lines. A page whose
// address says what stands in it is left as it is: its length would tell somebody
// who chooses that text, and counts the bytes, what else it holds.
func squeeze(c *fiber.Ctx) {
	if len(c.Request().URI().QueryString()) > 0 || c.Method() != fiber.MethodGet || !strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
		return
	}
	c.Response().SetBodyRaw(fasthttp.AppendGzipBytesLevel(nil, c.Response().Body(), squeezeLevel))
	c.Set(fiber.HeaderContentEncoding, "gzip")
	c.Vary(fiber.HeaderAcceptEncoding)
}
