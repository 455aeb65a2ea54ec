// Package page is the only place that knows how a view becomes an answer: whole
// page or htmx part, status, headers, language, nonce, error page. Every HX-
// header of the product is written or read here.
//
// It promises that a view is drawn completely before a byte is sent, that no
// personal page is ever stored by a browser or a proxy, that a nonce is new for
// each answer and never travels in a part, and that a redirect or a return-to
// never leaves this host. It refuses to decide anything: handlers say what to
// show.
//
// Start with Show, Part and ShowOrPart here, Error in error.go, Redirect and
// ReturnTo in redirect.go.
package page

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/lang"
	"latchkey/views"
)

type local uint8

const (
	nonceLocal local = iota
	langLocal
	workspaceLocal
)

// NewNonce draws 128 random bits for the policy header of this answer and
// remembers them for Nonce. The server's middleware calls it once per request.
func NewNonce(c *fiber.Ctx) string {
	var bits [16]byte
	rand.Read(bits[:])
	nonce := base64.RawURLEncoding.EncodeToString(bits[:])
	c.Locals(nonceLocal, nonce)
	return nonce
}

// Nonce is what NewNonce drew for this answer, or "".
func Nonce(c *fiber.Ctx) string {
	nonce, _ := c.Locals(nonceLocal).(string)
	return nonce
}

// SetLang chooses the language of this answer.
func SetLang(c *fiber.Ctx, l lang.Lang) { c.Locals(langLocal, l) }

// Lang is the language of this answer: what SetLang chose, else what the
// browser asks for.
func Lang(c *fiber.Ctx) lang.Lang {
	if l, ok := c.Locals(langLocal).(lang.Lang); ok {
		return l
	}
	return lang.Negotiate(c.Get(fiber.HeaderAcceptLanguage), lang.English)
}

// SetWorkspace names, by its public id, the workspace that this answer is drawn
// for; every form of the kit then carries it.
func SetWorkspace(c *fiber.Ctx, publicID string) { c.Locals(workspaceLocal, publicID) }

// IsPart reports whether htmx asks for a part. Going back in the history and
// swapping a whole body ask for the page.
func IsPart(c *fiber.Ctx) bool {
	return c.Get("HX-Request") == "true" && c.Get("HX-Request-Type") != "full" &&
		c.Get("HX-History-Restore-Request") != "true"
}

// Show answers 200 with a whole page.
func Show(c *fiber.Ctx, whole templ.Component) error {
	return Status(c, fiber.StatusOK, whole)
}

// Status answers with a whole page under another status.
func Status(c *fiber.Ctx, status int, whole templ.Component) error {
	return render(c, status, templ.WithNonce(viewContext(c), Nonce(c)), whole)
}

// Part answers 200 with parts: the one that replaces the target first, those
// that go elsewhere (views.Partial, views.ToastPart) after it.
func Part(c *fiber.Ctx, parts ...templ.Component) error {
	return PartStatus(c, fiber.StatusOK, parts...)
}

// PartStatus is Part under another status: 422 for a form that comes back.
func PartStatus(c *fiber.Ctx, status int, parts ...templ.Component) error {
	return render(c, status, viewContext(c), parts...)
}

// ShowOrPart answers with the part if htmx asks for one, else with the page
// that holds it.
func ShowOrPart(c *fiber.Ctx, whole, part templ.Component) error {
	return StatusOrPart(c, fiber.StatusOK, whole, part)
}

// StatusOrPart is ShowOrPart under another status: a refused form answers 422
// either way.
func StatusOrPart(c *fiber.Ctx, status int, whole, part templ.Component) error {
	if IsPart(c) {
		return PartStatus(c, status, part)
	}
	return Status(c, status, whole)
}

// Secret answers the POST of a copy button: the bare text for the page's own
// script, which asks for text/plain, else a page that shows it.
func Secret(c *fiber.Ctx, secret string, whole templ.Component) error {
	if c.Get(fiber.HeaderAccept) != fiber.MIMETextPlain {
		return Show(c, whole)
	}
	personal(c)
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.SendString(secret)
}

// PushURL puts another address into the browser's bar for this part; replace
// keeps the history as long as it was.
func PushURL(c *fiber.Ctx, path string, replace bool) {
	if replace {
		c.Set("HX-Replace-Url", ReturnTo(path))
		return
	}
	c.Set("HX-Push-Url", ReturnTo(path))
}

func viewContext(c *fiber.Ctx) context.Context {
	ctx := lang.With(c.UserContext(), Lang(c))
	if id, ok := c.Locals(workspaceLocal).(string); ok {
		ctx = views.WithWorkspace(ctx, id)
	}
	return ctx
}

// render draws everything into a buffer first: an error leaves no half page.
func render(c *fiber.Ctx, status int, ctx context.Context, parts ...templ.Component) error {
	buffer := templ.GetBuffer()
	defer templ.ReleaseBuffer(buffer)
	for _, part := range parts {
		if err := part.Render(ctx, buffer); err != nil {
			return err
		}
	}
	personal(c)
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	c.Set(fiber.HeaderContentLanguage, Lang(c).Tag())
	// Send keeps the slice, and the buffer goes back to its pool.
	return c.Status(status).Send(append([]byte(nil), buffer.Bytes()...))
}

func personal(c *fiber.Ctx) {
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Vary("HX-Request", "HX-Request-Type", fiber.HeaderAcceptLanguage, fiber.HeaderCookie)
}
