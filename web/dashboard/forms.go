package dashboard

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

// formMax bounds the body of a form, in bytes. Uploads have a limit of their own.
const formMax = 1 << 20

// Form refuses a body that no form of ours sends: one that is compressed, too
// large, or of another kind.
func (d *Dashboard) Form(c *fiber.Ctx) error {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return c.Next()
	}
	if len(c.Request().Header.ContentEncoding()) > 0 {
		return fiber.NewError(fiber.StatusUnsupportedMediaType, "Send the form as it is, without compressing it.")
	}
	if c.Request().Header.ContentLength() > formMax && !isUpload(c) {
		return fiber.ErrRequestEntityTooLarge
	}
	kind, _, _ := strings.Cut(string(c.Request().Header.ContentType()), ";")
	switch strings.TrimSpace(strings.ToLower(kind)) {
	case "", fiber.MIMEApplicationForm, fiber.MIMEMultipartForm:
		return c.Next()
	}
	return fiber.NewError(fiber.StatusUnsupportedMediaType, "This address takes a form.")
}

func isUpload(c *fiber.Ctx) bool {
	return strings.HasPrefix(string(c.Request().Header.ContentType()), fiber.MIMEMultipartForm)
}

// field is what a field of the posted form holds, "" when it was not sent. The
// query is never looked at.
func field(c *fiber.Ctx, name string) string {
	all := fields(c, name)
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// fields is every value of a field of the posted form: the boxes that were ticked.
func fields(c *fiber.Ctx, name string) []string {
	if c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead {
		return nil
	}
	if isUpload(c) {
		form, err := c.Context().MultipartForm()
		if err != nil {
			return nil
		}
		return form.Value[name]
	}
	var out []string
	for _, value := range c.Context().PostArgs().PeekMulti(name) {
		out = append(out, strings.ToValidUTF8(string(value), "\uFFFD"))
	}
	return out
}

// sent is a field for a form of control: nil when it was not sent.
func sent(c *fiber.Ctx, name string) *string {
	all := fields(c, name)
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

// ticked reports whether a box was ticked.
func ticked(c *fiber.Ctx, name string) bool { return field(c, name) != "" }

// versionOf is the version that a form was drawn from, 0 when it does not say.
func versionOf(c *fiber.Ctx) int64 {
	n, _ := strconv.ParseInt(field(c, "version"), 10, 64)
	return n
}

// versionAgain is what a form that comes back is based on: the version it was drawn
// from, or, once it was told that it is behind the times, the present one, so that
// saving again decides.
func versionAgain(c *fiber.Ctx, problems map[string]string, present string) string {
	if isStale(problems) {
		return present
	}
	return field(c, "version")
}

// refused reports whether a form may come back filled in and marked: what was
// typed is at fault, or a name is taken.
func refused(err error) bool {
	kind := access.KindOf(err)
	return kind == access.Invalid || kind == access.Conflict
}
