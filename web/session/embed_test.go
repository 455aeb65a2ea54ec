package session

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

// Cookies of a chat in another site's page: over https they go along with its
// frame and with no other, and none of them opens a customer's or a user's door.
func TestEmbedCookies(t *testing.T) {
	token := access.Token{PublicID: "0123456789abcdef0123456789abcdef"}
	for _, secure := range []bool{false, true} {
		shelf := newShelf()
		shelf.put("e1", access.Actor{Kind: access.ActorCustomer, Name: "jun", WorkspaceID: acme.ID})
		s := New(Options{Keeper: shelf, Keys: [][]byte{make([]byte, 32)}, Secure: secure, Address: func(*fiber.Ctx) string { return "192.0.2.7" }})
		app := fiber.New(fiber.Config{Immutable: true})
		app.Get("/in", func(c *fiber.Ctx) error {
			s.SetVisitor(c, token, "anyone")
			s.SetLooks(c, token, "zh.plain")
			return s.SignInEmbed(c, acme, token, "e1")
		})
		app.Get("/who", func(c *fiber.Ctx) error {
			v, err := s.EmbedVisit(c, acme, token)
			_, asCustomer := s.CustomerVisit(c, acme)
			_, asUser := s.Visit(c)
			if err != nil || asCustomer == nil || asUser == nil {
				return c.SendString("wrong door")
			}
			return c.SendString(v.Actor.Name + " " + s.Visitor(c, token) + " " + s.Looks(c, token))
		})
		in, err := app.Test(httptest.NewRequest(http.MethodGet, "/in", nil), -1)
		if err != nil {
			t.Fatal(err)
		}
		in.Body.Close()
		ask := httptest.NewRequest(http.MethodGet, "/who", nil)
		lines := in.Header.Values("Set-Cookie")
		var sent []string
		for _, line := range lines {
			far := strings.Contains(line, "SameSite=None") && strings.Contains(line, "Secure") && strings.Contains(line, "Partitioned")
			if far != secure || !strings.Contains(line, "HttpOnly") || !strings.Contains(line, "Path=/") || strings.HasPrefix(line, "__Host-") != secure {
				t.Errorf("secure %v: %s", secure, line)
			}
			sent = append(sent, strings.SplitN(line, ";", 2)[0])
			value := strings.SplitN(strings.SplitN(line, ";", 2)[0], "=", 2)[1]
			for _, other := range []string{"latchkey", "latchkey-c-" + acme.PublicID[:8]} {
				if secure {
					other = "__Host-" + other
				}
				sent = append(sent, other+"="+value)
			}
		}
		if len(lines) != 3 {
			t.Fatalf("secure %v: %d cookies", secure, len(lines))
		}
		ask.Header.Set("Cookie", strings.Join(sent, "; "))
		who, err := app.Test(ask, -1)
		if err != nil {
			t.Fatal(err)
		}
		var body [200]byte
		n, _ := who.Body.Read(body[:])
		who.Body.Close()
		if got := string(body[:n]); got != "jun anyone zh.plain" {
			t.Errorf("secure %v: %q", secure, got)
		}
	}
}
