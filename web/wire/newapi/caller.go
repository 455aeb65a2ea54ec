package newapi

import (
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// Door serves New API's management.
type Door struct {
	Control  *control.Control
	Origin   func(c *fiber.Ctx) string // scheme and host that people reach this server by
	Now      func() time.Time
	Started  time.Time
	Version  string
	Log      *slog.Logger
	Language lang.Lang // of messages to clients that name none
}

const (
	cookieName = "session" // New API's own name for it
	cookiePath = "/api/"
	userHeader = "New-Api-User"
)

// As serves an address for the user who calls.
func (d *Door) As(serve func(*fiber.Ctx, access.Actor) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		by, err := d.caller(c)
		if err == nil {
			err = serve(c, by)
		}
		if err != nil {
			return d.Error(c, err)
		}
		return nil
	}
}

// Open serves an address for whoever calls.
func (d *Door) Open(serve func(*fiber.Ctx) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := serve(c); err != nil {
			return d.Error(c, err)
		}
		return nil
	}
}

// caller says which user calls: by the header, else by the cookie.
func (d *Door) caller(c *fiber.Ctx) (access.Actor, error) {
	if text := wire.Bearer(c); text != "" {
		return d.admit(c, text, false)
	}
	if text := c.Cookies(cookieName); text != "" {
		return d.admit(c, text, true)
	}
	return access.Actor{}, nobody
}

// admit judges a credential. A cookie, which a browser sends by itself, counts only
// with the user's number beside it or from a page of this server.
func (d *Door) admit(c *fiber.Ctx, text string, cookie bool) (access.Actor, error) {
	by, err := d.Control.ActorOfBearer(c.UserContext(), text, wire.Address(c).String(), access.DoorNewAPI, "")
	wire.Known(c, err)
	switch kind := access.KindOf(err); {
	case err != nil && (kind == 0 || kind == access.Busy):
		return access.Actor{}, err
	case err != nil || by.Kind != access.ActorUser:
		return access.Actor{}, badCredential
	}
	return by, d.checkUser(c, by, cookie)
}

// checkUser compares the number that the client names with the user's.
func (d *Door) checkUser(c *fiber.Ctx, by access.Actor, cookie bool) error {
	text := strings.TrimSpace(c.Get(userHeader))
	if text == "" {
		if cookie && !d.ownPage(c) {
			return userMissing
		}
		return nil
	}
	switch number, err := strconv.ParseInt(text, 10, 64); {
	case err != nil:
		return userMalformed
	case number != by.ID:
		return userOther
	}
	return nil
}

// ownPage reports whether a browser says that a page of this server calls.
func (d *Door) ownPage(c *fiber.Ctx) bool {
	origin := c.Get(fiber.HeaderOrigin)
	return c.Get("Sec-Fetch-Site") == "same-origin" || origin != "" && strings.EqualFold(origin, d.Origin(c))
}

// notElsewhere refuses what a page of another site sends: a browser would keep the
// cookie that it never asked for.
func (d *Door) notElsewhere(c *fiber.Ctx) error {
	site := c.Get("Sec-Fetch-Site")
	if site == "none" || site == "" && c.Get(fiber.HeaderOrigin) == "" || d.ownPage(c) {
		return nil
	}
	return access.Fail(access.Forbidden, "cross_origin", "This came from a page of another site. Nothing was changed. Open the page here and try again.")
}

func (d *Door) setCookie(c *fiber.Ctx, value string, until time.Time) {
	c.Cookie(&fiber.Cookie{
		Name: cookieName, Value: value, Path: cookiePath, Expires: until, HTTPOnly: true, SameSite: fiber.CookieSameSiteStrictMode,
		Secure: strings.HasPrefix(d.Origin(c), "https://"),
	})
}
