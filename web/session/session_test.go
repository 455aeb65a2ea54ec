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

var mei = access.Actor{Kind: access.ActorUser, Name: "mei", WorkspaceID: 3, Role: access.Owner}

func TestSignInAndOut(t *testing.T) {
	k := newStage(t, false)
	k.shelf.put("v1", mei)
	k.want("/anonymous", 200, "hello")
	k.want("/who", 401, "signed out")
	if k.shelf.lookups != 0 || k.shelf.writes != 0 || len(k.last.Cookies()) != 0 {
		t.Fatalf("%d looks, %d writes for nobody", k.shelf.lookups, k.shelf.writes)
	}
	k.want("/in/v1", 200, "")
	copied := k.jar["latchkey"]
	if copied == "" || strings.Contains(copied, "v1") {
		t.Fatalf("cookie %q", copied)
	}
	before := k.shelf.lookups
	k.want("/who", 200, "mei owner")
	if got := k.shelf.lookups - before; got != 1 {
		t.Fatalf("%d looks in one request", got)
	}
	writes := k.shelf.writes
	k.want("/who", 200, "mei owner")
	if k.shelf.writes != writes {
		t.Fatal("a reading request wrote")
	}
	k.want("/out", 200, "")
	if k.last.Header.Get("Clear-Site-Data") == "" || k.jar["latchkey"] != "" {
		t.Fatalf("%v, jar %v", k.last.Header, k.jar)
	}
	k.want("/who", 401, "signed out")
	k.jar["latchkey"] = copied
	k.want("/who", 401, "signed out")
	k.want("/out", 200, "") // nobody is signed out without a word
}

func TestCookieAttributes(t *testing.T) {
	for _, secure := range []bool{false, true} {
		k := newStage(t, secure)
		k.shelf.put("v1", mei)
		k.get("/in/v1")
		cookies := k.last.Cookies()
		k.get("/c/in/v2")
		cookies = append(cookies, k.last.Cookies()...)
		prefix, life := "", map[string]int{}
		if secure {
			prefix = "__Host-"
		}
		for _, c := range cookies {
			life[c.Name] = c.MaxAge
			if !c.HttpOnly || c.Secure != secure || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
				t.Errorf("secure %v: %+v", secure, c)
			}
		}
		want := map[string]int{prefix + "latchkey": 7 * 24 * 3600, prefix + "latchkey-c-a1b2c3d4": 90 * 24 * 3600, prefix + "latchkey-device": 365 * 24 * 3600}
		for name, age := range want {
			if life[name] != age {
				t.Errorf("secure %v: %s lives %d s, want %d", secure, name, life[name], age)
			}
		}
		if len(life) != len(want) {
			t.Errorf("cookies %v", life)
		}
	}
}

// Whatever is in the cookie, it is a session or it is nothing.
func TestBrokenCookies(t *testing.T) {
	k := newStage(t, false)
	k.shelf.put("v1", mei)
	k.get("/in/v1")
	good := k.jar["latchkey"]
	other := newStage(t, false) // signs with another key
	other.get("/in/v1")
	k.get("/c/in/v1")
	for _, broken := range []string{
		"", "v1", good[:len(good)-4], good + "A", "A" + good[1:], strings.Repeat("A", 5000), strings.Repeat(good, 40), "a|b|c", "%00", "\"", other.jar["latchkey"],
		k.jar["latchkey-c-a1b2c3d4"], // a customer's, under the users' name
	} {
		k.jar = map[string]string{"latchkey": broken}
		k.want("/who", 401, "signed out")
	}
	k.jar = map[string]string{"latchkey": good}
	k.want("/who", 200, "mei owner")
}

func TestFaultIsNotSignedOut(t *testing.T) {
	k := newStage(t, false)
	k.shelf.put("v1", mei)
	k.get("/in/v1")
	k.shelf.broken = errors.New("the disk is gone")
	k.want("/who", 500, "the disk is gone")
}

func TestNoticesAreSaidOnce(t *testing.T) {
	k := newStage(t, false)
	k.shelf.put("v1", mei)
	k.get("/in/v1")
	k.want("/say/saved", 200, "")
	k.want("/say/twice", 200, "")
	k.want("/hear", 200, "saved,twice")
	k.want("/hear", 200, "")
	k.get("/out")
	k.want("/say/nobody", 200, "")
	k.want("/hear", 200, "")
}

// When the role behind a session changes, its value does; the old one is dead.
func TestRoleChangeRenews(t *testing.T) {
	k := newStage(t, false)
	k.shelf.put("v1", mei)
	k.get("/in/v1")
	k.want("/who", 200, "mei owner")
	old := k.jar["latchkey"]
	v := k.shelf.visits["v1"]
	v.Actor.Role = access.Viewer
	k.shelf.visits["v1"] = v
	k.want("/who", 200, "mei viewer")
	if k.shelf.renewals != 1 || k.jar["latchkey"] == old {
		t.Fatalf("%d renewals", k.shelf.renewals)
	}
	renewed := k.jar["latchkey"]
	k.want("/who", 200, "mei viewer")
	if k.shelf.renewals != 1 {
		t.Fatalf("renewed again")
	}
	k.jar["latchkey"] = old
	k.want("/who", 401, "signed out")
	k.jar["latchkey"] = renewed
	k.want("/who", 200, "mei viewer")
}

// A value that was handed out counts for the rest of its own request.
func TestHandedValueCountsAtOnce(t *testing.T) {
	k := newStage(t, false)
	k.shelf.put("v1", mei)
	bo := mei
	bo.Name = "bo"
	k.shelf.put("v2", bo)
	k.get("/in/v1")
	k.want("/switch/v2", 200, "bo")
	k.want("/who", 200, "bo owner")
}

func TestCustomersAndUsersSideBySide(t *testing.T) {
	k := newStage(t, true)
	k.shelf.put("v1", mei)
	k.shelf.put("c1", access.Actor{Kind: access.ActorCustomer, Name: "jun", WorkspaceID: acme.ID})
	k.get("/in/v1")
	k.get("/c/in/c1")
	k.want("/who", 200, "mei owner")
	k.want("/c/who", 200, "jun")
	k.want("/c/out", 200, "")
	k.want("/c/who", 401, "signed out")
	k.want("/who", 200, "mei owner")
	// One kind's value is nothing under the other's name.
	k.get("/c/in/v1")
	k.want("/c/who", 401, "signed out")
	k.get("/in/c1")
	k.want("/who", 401, "signed out")
}

func TestDevice(t *testing.T) {
	k := newStage(t, false)
	k.want("/device", 200, "")
	k.get("/in/v1")
	k.want("/device", 200, "device-of-v1")
	k.get("/out")
	k.want("/device", 200, "device-of-v1") // it outlives the session
	k.jar["latchkey-device"] = strings.Repeat("A", cookieMax+1)
	k.want("/device", 200, "")
}

func TestSameOrigin(t *testing.T) {
	const ok, no = 200, 403
	for _, one := range []struct {
		public, method, fetch, origin string
		want                          int
	}{
		{"", "GET", "cross-site", "https://evil.example", ok},
		{"", "HEAD", "cross-site", "", ok},
		{"", "POST", "same-origin", "", ok},
		{"", "POST", "none", "", ok},
		{"", "POST", "same-site", "", no},
		{"", "POST", "cross-site", "", no},
		{"", "POST", "nonsense", "", no},
		{"", "POST", "", "", ok}, // no page, a script
		{"", "POST", "", "http://example.com", ok},
		{"", "POST", "", "http://EXAMPLE.com", ok},
		{"", "POST", "", "http://evil.example", no},
		{"", "POST", "", "http://example.com.evil.example", no},
		{"", "POST", "", "http://example.com:8080", no},
		{"", "POST", "", "null", no},
		{"", "DELETE", "", "null", no},
		{"", "PUT", "cross-site", "http://example.com", no},
		{"https://bots.acme.example", "POST", "", "https://bots.acme.example", ok},
		{"https://bots.acme.example", "POST", "", "http://bots.acme.example", no},
		{"https://bots.acme.example", "POST", "", "http://example.com", no},
		{"https://bots.acme.example", "POST", "cross-site", "https://bots.acme.example", ok},
		{"https://bots.acme.example", "PATCH", "cross-site", "https://evil.example", no},
	} {
		app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
			if access.KindOf(err) == access.Forbidden {
				return c.SendStatus(403)
			}
			return err
		}})
		app.All("/", SameOrigin(one.public), func(c *fiber.Ctx) error { return c.SendStatus(200) })
		r := httptest.NewRequest(one.method, "/", nil)
		if one.fetch != "" {
			r.Header.Set("Sec-Fetch-Site", one.fetch)
		}
		if one.origin != "" {
			r.Header.Set("Origin", one.origin)
		}
		resp, err := app.Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != one.want {
			t.Errorf("%+v: %d", one, resp.StatusCode)
		}
	}
}

// A cookie is what pages are known by: a caller with one has to say where from.
func TestCookieWithoutOrigin(t *testing.T) {
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error { return c.SendStatus(403) }})
	app.All("/", SameOrigin(""), func(c *fiber.Ctx) error { return c.SendStatus(200) })
	for method, want := range map[string]int{"GET": 200, "POST": 403, "DELETE": 403} {
		r := httptest.NewRequest(method, "/", nil)
		r.Header.Set("Cookie", "latchkey=anything")
		resp, err := app.Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
}
