// Package session is who is signed in: gorilla/sessions over Fiber, with the rows
// in the database and nothing but a signed random value in the cookie. A chat in
// another site's page has cookies of its own: embed.go.
//
// It promises that a cookie that is broken, too long, signed with a lost key or
// of a session that has ended is the same as none; that the session is looked up
// once in a request, and only when somebody asks; that nothing is written for
// visitors who are not signed in; and that a value is renewed, the old one dead at
// once, when the role behind it changes. Users and the customers of each
// workspace have cookies of their own names, and none opens another's door.
//
// It refuses to judge a password or a role: the Keeper, which is control, does.
// Start with Visit here; bridge.go is gorilla over Fiber, origin.go what a
// changing request must come with.
package session

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"latchkey/internal/access"
)

// Keeper is where sessions are kept, and who judges them: control.Control.
type Keeper interface {
	// Visit answers who is behind a session's value; SignedOut: nobody.
	Visit(ctx context.Context, value, address string) (access.Visit, error)
	CustomerVisit(ctx context.Context, workspaceID int64, value, address string) (access.Visit, error)
	SaveSession(ctx context.Context, by access.Actor, data string) error
	RenewSession(ctx context.Context, by access.Actor) (value string, err error)
	SignOut(ctx context.Context, by access.Actor) error
}

// Options is what Sessions are made with.
type Options struct {
	Keeper  Keeper
	Keys    [][]byte                // that sign cookies, the newest first
	Secure  bool                    // people reach this server over https
	Address func(*fiber.Ctx) string // where a call comes from, behind trusted proxies
}

// Sessions is the room. It is safe for concurrent use.
type Sessions struct {
	Options
	codecs []securecookie.Codec
}

// cookieMax is the longest cookie value that is looked at, in bytes.
const cookieMax = 4096

// New makes Sessions.
func New(o Options) *Sessions {
	s := &Sessions{Options: o}
	for _, key := range o.Keys {
		codec := securecookie.New(key, nil)
		codec.MaxAge(0) // the row knows when a session ends
		codec.SetSerializer(securecookie.NopEncoder{})
		s.codecs = append(s.codecs, codec)
	}
	return s
}

// Cookie names of plain http; over https they begin with __Host-.
const (
	userCookie   = "latchkey"
	deviceCookie = "latchkey-device"
	hostPrefix   = "__Host-"
)

func (s *Sessions) cookieName(name string) string {
	if s.Secure {
		return hostPrefix + name
	}
	return name
}

// desk is the sessions of one kind of visitor: users, or the customers of one
// workspace. It is a gorilla store.
type desk struct {
	*Sessions
	workspaceID int64  // 0: users
	name        string // of the cookie
	framed      bool   // of a chat in another site's page
}

func (s *Sessions) users() desk { return desk{Sessions: s, name: s.cookieName(userCookie)} }

// customers have a cookie for each workspace, so that somebody with accounts in
// two keeps both.
func (s *Sessions) customers(w access.Workspace) desk {
	return desk{Sessions: s, workspaceID: w.ID, name: s.cookieName(userCookie + "-c-" + w.PublicID[:8])}
}

func (d desk) life() int {
	if d.workspaceID == 0 {
		return int(access.UserLifetime.Seconds())
	}
	return int(access.CustomerLife.Seconds())
}

// Visit is the user who is signed in. Nobody is SignedOut.
func (s *Sessions) Visit(c *fiber.Ctx) (access.Visit, error) { return s.users().visit(c) }

// Actor is the actor of Visit, the zero Actor for nobody.
func (s *Sessions) Actor(c *fiber.Ctx) access.Actor {
	v, _ := s.Visit(c)
	return v.Actor
}

// SignIn hands the browser the value of a new or renewed session.
func (s *Sessions) SignIn(c *fiber.Ctx, value string) error { return s.users().hand(c, value) }

// SignOut ends the session of the user who is signed in, and clears what the
// browser keeps of it.
func (s *Sessions) SignOut(c *fiber.Ctx) error { return s.users().end(c) }

// CustomerVisit is the customer of a workspace who is signed in. Nobody is
// SignedOut.
func (s *Sessions) CustomerVisit(c *fiber.Ctx, w access.Workspace) (access.Visit, error) {
	return s.customers(w).visit(c)
}

// SignInCustomer hands the browser the value of a customer's session.
func (s *Sessions) SignInCustomer(c *fiber.Ctx, w access.Workspace, value string) error {
	return s.customers(w).hand(c, value)
}

// SignOutCustomer ends the session of a workspace's customer.
func (s *Sessions) SignOutCustomer(c *fiber.Ctx, w access.Workspace) error {
	return s.customers(w).end(c)
}

// visit looks the session up, once in a request.
func (d desk) visit(c *fiber.Ctx) (access.Visit, error) {
	known, err := d.known(c)
	if err != nil {
		return access.Visit{}, err
	}
	return known.visit, d.keepRole(c, known)
}

// roleKey is where a session notes the role that it was used with last.
const roleKey = "role"

// keepRole renews the session's value when the role behind it is another than at
// its last use.
func (d desk) keepRole(c *fiber.Ctx, k *known) error {
	if d.workspaceID != 0 || k.checked {
		return nil
	}
	k.checked = true
	a := k.visit.Actor
	now := strconv.FormatInt(a.WorkspaceID, 10) + " " + string(a.Role) + " " + strconv.FormatBool(a.IsAdmin)
	before, noted := k.session.Values[roleKey].(string)
	if before == now {
		return nil
	}
	if noted {
		value, err := d.Keeper.RenewSession(c.UserContext(), a)
		if err != nil {
			return err
		}
		if err := d.hand(c, value); err != nil {
			return err
		}
		if k, err = d.known(c); err != nil {
			return err
		}
		k.checked = true
	}
	k.session.Values[roleKey] = now
	return ignoreBusy(d.save(c, k))
}

// ignoreBusy lets pages be read while the disk takes no writes.
func ignoreBusy(err error) error {
	if access.KindOf(err) == access.Busy {
		return nil
	}
	return err
}

// hand makes value the session of this browser, in the answer and for the rest of
// this request.
func (d desk) hand(c *fiber.Ctx, value string) error {
	b := d.bridge(c)
	fresh := sessions.NewSession(d, d.name)
	fresh.ID, fresh.IsNew, fresh.Options = value, true, d.cookieOptions()
	if err := fresh.Save(b.request, b); err != nil {
		return err
	}
	b.flush(c, d.name)
	b.hand(c, d.name, value)
	return nil
}

func (d desk) end(c *fiber.Ctx) error {
	known, err := d.known(c)
	if access.KindOf(err) == access.SignedOut {
		err = nil
	} else if err == nil {
		err = d.Keeper.SignOut(c.UserContext(), known.visit.Actor)
	}
	if err != nil {
		return err
	}
	b := d.bridge(c)
	gone := sessions.NewSession(d, d.name)
	gone.Options = d.cookieOptions()
	gone.Options.MaxAge = -1
	if err := gone.Save(b.request, b); err != nil {
		return err
	}
	b.flush(c, d.name)
	b.hand(c, d.name, "")
	// Not "storage", which would forget the theme, nor "cookies", which would sign
	// customers out who share this browser.
	c.Set("Clear-Site-Data", `"cache"`)
	return nil
}

func (d desk) cookieOptions() *sessions.Options {
	o := &sessions.Options{Path: "/", MaxAge: d.life(), Secure: d.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if d.framed && d.Secure {
		// In a frame of another site only such a cookie comes along, and the same
		// chat in a third site's frame has another one.
		o.SameSite, o.Partitioned = http.SameSiteNoneMode, true
	}
	return o
}

// AddNotice remembers a text for the next page of the user who is signed in. For
// nobody it remembers nothing.
func (s *Sessions) AddNotice(c *fiber.Ctx, text string) error {
	d := s.users()
	k, err := d.known(c)
	if access.KindOf(err) == access.SignedOut {
		return nil
	}
	if err != nil {
		return err
	}
	k.session.AddFlash(text)
	return ignoreBusy(d.save(c, k))
}

// TakeNotices returns what was remembered, and forgets it.
func (s *Sessions) TakeNotices(c *fiber.Ctx) []string {
	d := s.users()
	k, err := d.known(c)
	if err != nil {
		return nil
	}
	var texts []string
	for _, f := range k.session.Flashes() {
		if text, ok := f.(string); ok {
			texts = append(texts, text)
		}
	}
	if len(texts) > 0 && d.save(c, k) != nil {
		return texts // said twice is better than never
	}
	return texts
}

// Device is what the browser's device cookie holds, "" for none.
func (s *Sessions) Device(c *fiber.Ctx) string {
	value := c.Cookies(s.cookieName(deviceCookie))
	if len(value) > cookieMax {
		return ""
	}
	return value
}

// deviceLife is how long a browser stays known.
const deviceLife = 365 * 24 * 60 * 60 // seconds

// SetDevice keeps the browser known.
func (s *Sessions) SetDevice(c *fiber.Ctx, value string) {
	if value == "" || strings.ContainsAny(value, " ;,\"\\") {
		return
	}
	b := s.bridge(c)
	o := s.users().cookieOptions()
	o.MaxAge = deviceLife
	http.SetCookie(b, sessions.NewCookie(s.cookieName(deviceCookie), value, o))
	b.flush(c, s.cookieName(deviceCookie))
}
