package session

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

// SameOrigin refuses requests that would change something and come from a page
// elsewhere. A browser says so itself in Sec-Fetch-Site, an older one in Origin,
// which must be public ("https://bots.acme.example"), or where that is not set
// name the host that was asked. What comes with neither is no page but a script:
// with a cookie it is refused as well, since a cookie is what pages are known by.
func SameOrigin(public string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		switch c.Method() {
		case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
			return c.Next()
		}
		origin := c.Get(fiber.HeaderOrigin)
		switch c.Get("Sec-Fetch-Site") {
		case "same-origin", "none":
			return c.Next()
		case "":
			if origin == "" && c.Get(fiber.HeaderCookie) == "" || ownOrigin(origin, public, string(c.Context().Host())) {
				return c.Next()
			}
		default:
			// The page is ours under the public name, while the proxy's is another.
			if public != "" && origin == public {
				return c.Next()
			}
		}
		return access.Fail(access.Forbidden, "cross_origin", "This came from a page of another site. Nothing was changed. Open the page here and try again.")
	}
}

func ownOrigin(origin, public, host string) bool {
	if public != "" {
		return strings.EqualFold(origin, public)
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}
