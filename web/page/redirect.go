package page

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/views"
)

// ReturnTo is path if it is a path of this host and nothing else: one slash,
// no second one, no backslash, no control character. Anything else is "/".
func ReturnTo(path string) string {
	if len(path) > 2048 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return "/"
	}
	for _, r := range path {
		// A browser reads a backslash as a slash and drops tabs and new lines.
		if r == '\\' || r < 0x20 || r == 0x7f || r >= 0x80 && r <= 0x9f {
			return "/"
		}
	}
	parsed, err := url.Parse(path)
	if err != nil || parsed.Host != "" || parsed.Scheme != "" {
		return "/"
	}
	return path
}

// Redirect leads on after a POST: 303 for a form, the htmx header for a part,
// since a fetch would follow a 303 and swap a whole page in.
func Redirect(c *fiber.Ctx, path string) error {
	path = ReturnTo(path)
	personal(c)
	if c.Get("HX-Request") == "true" {
		c.Set("HX-Redirect", path)
		return c.SendStatus(fiber.StatusOK)
	}
	return c.Redirect(path, fiber.StatusSeeOther)
}

// Back is the path that a part's page is at, for a link that comes back.
func Back(c *fiber.Ctx) string {
	if c.Get("HX-Request") != "true" {
		return ReturnTo(c.OriginalURL())
	}
	current, err := url.Parse(c.Get("HX-Current-URL"))
	if err != nil {
		return "/"
	}
	return ReturnTo(current.RequestURI())
}

// Notices keeps what is to be said after a redirect, once: the session does.
type Notices interface {
	// Put remembers a toast for the next whole page of this reader.
	Put(c *fiber.Ctx, toast views.ToastView) error
	// Take returns what was remembered and forgets it.
	Take(c *fiber.Ctx) []views.ToastView
}

// RedirectSaying is Redirect with a toast on the page it leads to.
func RedirectSaying(c *fiber.Ctx, notices Notices, path string, toast views.ToastView) error {
	if err := notices.Put(c, toast); err != nil {
		return err
	}
	return Redirect(c, path)
}
