package session

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"latchkey/internal/access"
)

// bridge is the one net/http request that stands for a Fiber request: gorilla
// keeps what it knows in the request's context, so it must be the same object
// throughout. It is also the ResponseWriter that takes the cookies.
type bridge struct {
	request *http.Request
	header  http.Header
	address string
	handed  map[string]string // values that were handed out in this request, by cookie name
}

type bridgeKey struct{}

func (s *Sessions) bridge(c *fiber.Ctx) *bridge {
	if b, ok := c.Locals(bridgeKey{}).(*bridge); ok {
		return b
	}
	b := &bridge{header: http.Header{}, address: s.Address(c), handed: map[string]string{}}
	b.stand(c)
	c.Locals(bridgeKey{}, b)
	return b
}

// stand makes the request, with a registry of its own.
func (b *bridge) stand(c *fiber.Ctx) {
	r := &http.Request{
		Method: c.Method(), Host: string(c.Context().Host()), URL: &url.URL{Path: c.Path()},
		Header: http.Header{"Cookie": {string(c.Request().Header.Peek(fiber.HeaderCookie))}},
	}
	b.request = r.WithContext(context.WithValue(c.UserContext(), bridgeKey{}, b))
}

func (b *bridge) Header() http.Header       { return b.header }
func (*bridge) WriteHeader(int)             {}
func (*bridge) Write(p []byte) (int, error) { return len(p), nil }

// flush moves the cookies into the answer; one of the same name that stands there
// already is replaced.
func (b *bridge) flush(c *fiber.Ctx, name string) {
	for _, line := range b.header.Values("Set-Cookie") {
		c.Response().Header.DelCookie(name)
		c.Response().Header.Add(fiber.HeaderSetCookie, line)
	}
	b.header.Del("Set-Cookie")
}

// hand makes the rest of the request see value as what it came with.
func (b *bridge) hand(c *fiber.Ctx, name, value string) {
	b.handed[name] = value
	b.stand(c)
}

// known is a session that was looked up in this request.
type known struct {
	session *sessions.Session
	visit   access.Visit
	checked bool // the role behind it
	err     error
}

const valuesVisit = "\x00visit" // where New leaves what it found; never saved

// known returns the session of this desk, from gorilla's registry.
func (d desk) known(c *fiber.Ctx) (*known, error) {
	session, err := sessions.GetRegistry(d.bridge(c).request).Get(d, d.name)
	if err != nil {
		return nil, err
	}
	k, _ := session.Values[valuesVisit].(*known)
	return k, k.err
}

// Get is part of a gorilla store.
func (d desk) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(d, name)
}

// New reads the cookie and looks the session up. A cookie that leads nowhere is a
// new session; only a fault of the database is an error.
func (d desk) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(d, name)
	session.Options, session.IsNew = d.cookieOptions(), true
	k := &known{session: session}
	session.Values[valuesVisit] = k
	b, _ := r.Context().Value(bridgeKey{}).(*bridge)
	value, ok := d.value(b, r, name)
	if !ok {
		k.err = access.Fail(access.SignedOut, "signed_out", "Sign in first.")
		return session, nil
	}
	k.visit, k.err = d.find(r.Context(), value, b.address)
	if k.err != nil {
		return session, nil
	}
	session.ID, session.IsNew = value, false
	var data map[string]any
	// What cannot be read is an empty session, not a broken one.
	if json.Unmarshal([]byte(k.visit.Session.Data), &data) == nil {
		for key, one := range data {
			session.Values[key] = one
		}
	}
	return session, nil
}

func (d desk) find(ctx context.Context, value, address string) (access.Visit, error) {
	if d.workspaceID != 0 {
		return d.Keeper.CustomerVisit(ctx, d.workspaceID, value, address)
	}
	return d.Keeper.Visit(ctx, value, address)
}

// value is the session value that the request came with, or was handed since.
func (d desk) value(b *bridge, r *http.Request, name string) (string, bool) {
	if handed, ok := b.handed[name]; ok {
		return handed, handed != ""
	}
	cookie, err := r.Cookie(name)
	if err != nil || len(cookie.Value) > cookieMax {
		return "", false
	}
	var value []byte
	if securecookie.DecodeMulti(name, cookie.Value, &value, d.codecs...) != nil {
		return "", false
	}
	return string(value), true
}

// Save writes the session's cookie: a signed value, or the end of one. What the
// session keeps is written by save.
func (d desk) Save(_ *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return nil
	}
	signed, err := securecookie.EncodeMulti(session.Name(), []byte(session.ID), d.codecs...)
	if err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), signed, session.Options))
	return nil
}

// save writes what a session keeps into its row.
func (d desk) save(c *fiber.Ctx, k *known) error {
	data := map[string]any{}
	for key, value := range k.session.Values {
		if name, ok := key.(string); ok && name != valuesVisit {
			data[name] = value
		}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return d.Keeper.SaveSession(c.UserContext(), k.visit.Actor, string(text))
}
