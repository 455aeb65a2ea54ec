package session

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/sessions"

	"latchkey/internal/access"
)

// Cookies of embedded chats. They open no dashboard and no share link, and over
// https they are SameSite=None, Secure and Partitioned; over plain http a browser
// takes none across sites, so there they are Lax.
const (
	namedCookie   = "latchkey-e-" // a visitor whom the owner's server vouches for
	visitorCookie = "latchkey-v-" // one without a name
	looksCookie   = "latchkey-l-" // language and face
)

const visitorLife = 90 * 24 * 60 * 60 // seconds

// named are the vouched-for visitors of the chats of one token.
func (s *Sessions) named(w access.Workspace, token access.Token) desk {
	return desk{Sessions: s, workspaceID: w.ID, name: s.cookieName(namedCookie + token.PublicID[:8]), framed: true}
}

// EmbedVisit is the vouched-for visitor of an embedded chat. Nobody is SignedOut.
func (s *Sessions) EmbedVisit(c *fiber.Ctx, w access.Workspace, token access.Token) (access.Visit, error) {
	return s.named(w, token).visit(c)
}

// SignInEmbed hands the browser the value of a vouched-for visitor's session.
func (s *Sessions) SignInEmbed(c *fiber.Ctx, w access.Workspace, token access.Token, value string) error {
	return s.named(w, token).hand(c, value)
}

// SignOutEmbed ends the session of a vouched-for visitor.
func (s *Sessions) SignOutEmbed(c *fiber.Ctx, w access.Workspace, token access.Token) error {
	return s.named(w, token).end(c)
}

// Visitor is the value by which an embedded chat knows a visitor without a name,
// "" for none.
func (s *Sessions) Visitor(c *fiber.Ctx, token access.Token) string {
	return s.framedCookie(c, visitorCookie+token.PublicID[:8])
}

// SetVisitor keeps a visitor without a name known.
func (s *Sessions) SetVisitor(c *fiber.Ctx, token access.Token, value string) {
	s.setFramedCookie(c, visitorCookie+token.PublicID[:8], value)
}

// Looks is what was chosen for how an embedded chat looks, "" for nothing.
func (s *Sessions) Looks(c *fiber.Ctx, token access.Token) string {
	return s.framedCookie(c, looksCookie+token.PublicID[:8])
}

// SetLooks keeps it.
func (s *Sessions) SetLooks(c *fiber.Ctx, token access.Token, value string) {
	s.setFramedCookie(c, looksCookie+token.PublicID[:8], value)
}

func (s *Sessions) framedCookie(c *fiber.Ctx, name string) string {
	value := c.Cookies(s.cookieName(name))
	if len(value) > cookieMax {
		return ""
	}
	return value
}

func (s *Sessions) setFramedCookie(c *fiber.Ctx, name, value string) {
	if strings.ContainsAny(value, " ;,\"\\") {
		return
	}
	d := desk{Sessions: s, framed: true}
	o := d.cookieOptions()
	o.MaxAge = visitorLife
	b := s.bridge(c)
	http.SetCookie(b, sessions.NewCookie(s.cookieName(name), value, o))
	b.flush(c, s.cookieName(name))
}
