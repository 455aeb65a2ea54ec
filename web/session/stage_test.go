package session

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

// shelf keeps sessions in memory, and counts what is asked of it.
type shelf struct {
	mu       sync.Mutex
	visits   map[string]access.Visit // by value
	lookups  int
	writes   int
	renewals int
	broken   error
}

func newShelf() *shelf { return &shelf{visits: map[string]access.Visit{}} }

func (s *shelf) put(value string, a access.Actor) {
	a.SessionHash = []byte(value)
	s.visits[value] = access.Visit{Actor: a, Session: access.Session{Hash: []byte(value), Data: "{}"}}
}

func (s *shelf) find(value string, workspaceID int64) (access.Visit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookups++
	if s.broken != nil {
		return access.Visit{}, s.broken
	}
	v, ok := s.visits[value]
	if !ok || (v.Actor.Kind == access.ActorCustomer) != (workspaceID != 0) || workspaceID != 0 && v.Actor.WorkspaceID != workspaceID {
		return access.Visit{}, access.Fail(access.SignedOut, "signed_out", "Sign in first.")
	}
	return v, nil
}

func (s *shelf) Visit(_ context.Context, value, _ string) (access.Visit, error) {
	return s.find(value, 0)
}

func (s *shelf) CustomerVisit(_ context.Context, workspaceID int64, value, _ string) (access.Visit, error) {
	return s.find(value, workspaceID)
}

func (s *shelf) SaveSession(_ context.Context, by access.Actor, data string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	v, ok := s.visits[string(by.SessionHash)]
	if !ok {
		return errors.New("no such session")
	}
	v.Session.Data = data
	s.visits[string(by.SessionHash)] = v
	return nil
}

func (s *shelf) RenewSession(_ context.Context, by access.Actor) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewals++
	v := s.visits[string(by.SessionHash)]
	delete(s.visits, string(by.SessionHash))
	value := string(by.SessionHash) + "+"
	v.Actor.SessionHash, v.Session.Hash, v.Session.Data = []byte(value), []byte(value), "{}"
	s.visits[value] = v
	return value, nil
}

func (s *shelf) SignOut(_ context.Context, by access.Actor) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.visits, string(by.SessionHash))
	return nil
}

// stage is a Fiber app with one route for each thing that sessions do.
type stage struct {
	t     *testing.T
	app   *fiber.App
	shelf *shelf
	jar   map[string]string
	last  *http.Response
}

var acme = access.Workspace{ID: 7, PublicID: "a1b2c3d4e5f60718293a4b5c6d7e8f90"}

func newStage(t *testing.T, secure bool) *stage {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	k := &stage{t: t, shelf: newShelf(), jar: map[string]string{}}
	s := New(Options{Keeper: k.shelf, Keys: [][]byte{key}, Secure: secure, Address: func(*fiber.Ctx) string { return "192.0.2.7" }})
	k.app = fiber.New(fiber.Config{Immutable: true, ReadBufferSize: 64 << 10, ErrorHandler: func(c *fiber.Ctx, err error) error {
		if access.KindOf(err) == access.SignedOut {
			return c.Status(401).SendString("signed out")
		}
		return c.Status(500).SendString(err.Error())
	}})
	k.app.Get("/anonymous", func(c *fiber.Ctx) error { return c.SendString("hello") })
	k.app.Get("/in/:value", func(c *fiber.Ctx) error {
		s.SetDevice(c, "device-of-"+c.Params("value"))
		return s.SignIn(c, c.Params("value"))
	})
	k.app.Get("/who", func(c *fiber.Ctx) error {
		v, err := s.Visit(c)
		if err != nil {
			return err
		}
		if again, err := s.Visit(c); err != nil || again.Actor.Name != v.Actor.Name || s.Actor(c).Name != v.Actor.Name {
			return errors.New("the second look differs")
		}
		return c.SendString(v.Actor.Name + " " + string(v.Actor.Role))
	})
	k.app.Get("/device", func(c *fiber.Ctx) error { return c.SendString(s.Device(c)) })
	k.app.Get("/say/:text", func(c *fiber.Ctx) error { return s.AddNotice(c, c.Params("text")) })
	k.app.Get("/hear", func(c *fiber.Ctx) error { return c.SendString(strings.Join(s.TakeNotices(c), ",")) })
	k.app.Get("/out", func(c *fiber.Ctx) error { return s.SignOut(c) })
	k.app.Get("/switch/:value", func(c *fiber.Ctx) error {
		if _, err := s.Visit(c); err != nil {
			return err
		}
		if err := s.SignIn(c, c.Params("value")); err != nil {
			return err
		}
		return c.SendString(s.Actor(c).Name)
	})
	k.app.Get("/c/in/:value", func(c *fiber.Ctx) error { return s.SignInCustomer(c, acme, c.Params("value")) })
	k.app.Get("/c/who", func(c *fiber.Ctx) error {
		v, err := s.CustomerVisit(c, acme)
		if err != nil {
			return err
		}
		return c.SendString(v.Actor.Name)
	})
	k.app.Get("/c/out", func(c *fiber.Ctx) error { return s.SignOutCustomer(c, acme) })
	return k
}

// get asks as a browser does: with its cookies, keeping those of the answer.
func (k *stage) get(path string) (int, string) {
	k.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for name, value := range k.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := k.app.Test(r, -1)
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, cookie := range resp.Cookies() {
		if seen[cookie.Name] {
			k.t.Errorf("%s: the cookie %s is set twice", path, cookie.Name)
		}
		seen[cookie.Name] = true
		if k.jar[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(k.jar, cookie.Name)
		}
	}
	k.last = resp
	return resp.StatusCode, string(body)
}

func (k *stage) want(path string, status int, body string) {
	k.t.Helper()
	if got, text := k.get(path); got != status || text != body {
		k.t.Fatalf("%s: %d %q, want %d %q", path, got, text, status, body)
	}
}
