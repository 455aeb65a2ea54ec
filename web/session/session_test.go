package session

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

var mei = access.Actor{Kind: access.ActorUser, Name: "mei", WorkspaceID: 3, Role: access.Owner}

func TestSignInAndOut(t *testing.T) {
	k := newStage(t, false)
	const value = "the-value-of-a-session" // longer than chance writes into a signature
	k.shelf.put(value, mei)
	k.want("/anonymous", 200, "hello")
	k.want("/who", 401, "signed out")
	if k.shelf.lookups != 0 || k.shelf.writes != 0 || len(k.last.Cookies()) != 0 {
		t.Fatalf("%d looks, %d writes for nobody", k.shelf.lookups, k.shelf.writes)
	}
	k.want("/in/"+value, 200, "")
	copied := k.jar["latchkey"]
	if copied == "" || strings.Contains(copied, value) {
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
