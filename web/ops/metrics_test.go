package ops

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/testbed"
)

// serve puts the metrics of an app with one route on a port of this machine.
func serve(t *testing.T, token string) string {
	t.Helper()
	k := NewCounts()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use(func(c *fiber.Ctx) error {
		err := c.Next()
		if e, ok := err.(*fiber.Error); ok {
			err = c.SendStatus(e.Code)
		}
		k.Count(c, 30*time.Millisecond)
		return err
	})
	app.Get("/s/:share", func(c *fiber.Ctx) error { return c.SendString("hello") })
	app.Get("/metrics", k.Metrics(token))
	l, base := testbed.Listen(t)
	testbed.Serve(t, app, l)
	return base
}

func get(t *testing.T, address string, headers ...string) (int, string) {
	t.Helper()
	resp, text := testbed.Send(t, http.MethodGet, address, "", headers...)
	return resp.StatusCode, text
}

// The numbers tell routes and never addresses: a share's text is in none, and
// addresses that nobody serves make one number.
func TestMetricsTellRoutes(t *testing.T) {
	base := serve(t, "")
	for _, path := range []string{"/s/secret-one", "/s/secret-two", "/nowhere/1", "/nowhere/2"} {
		get(t, base+path)
	}
	status, text := get(t, base+"/metrics")
	if status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	for _, line := range []string{
		`latchkey_http_requests_total{method="GET",route="/s/:share",status="2xx"} 2`, `latchkey_http_request_seconds_count{route="/s/:share"} 2`,
		`latchkey_http_request_seconds_bucket{route="/s/:share",le="0.02"} 0`, `latchkey_http_request_seconds_bucket{route="/s/:share",le="0.1"} 2`,
		`route="none",status="4xx"} 2`, "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	if strings.Contains(text, "secret-") || strings.Contains(text, "nowhere") {
		t.Errorf("an address is told:\n%s", text)
	}
}

// Metrics are this machine's, or the token's: what a proxy on this machine hands on
// is from elsewhere.
func TestMetricsNeedTheTokenElsewhere(t *testing.T) {
	for _, c := range []struct {
		name, token string
		headers     []string
		want        int
	}{
		{"this machine", "", nil, 200},
		{"this machine, with a token set", "metrics-token", nil, 200},
		{"through a proxy", "", []string{"X-Forwarded-For", "192.0.2.7"}, 401},
		{"through another", "", []string{"Forwarded", "for=192.0.2.7"}, 401},
		{"through one that hides", "", []string{"Via", "1.1 proxy"}, 401},
		{"with no token set, an empty bearer", "", []string{"X-Real-Ip", "192.0.2.7", "Authorization", "Bearer "}, 401},
		{"with the wrong bearer", "metrics-token", []string{"X-Real-Ip", "192.0.2.7", "Authorization", "Bearer metrics"}, 401},
		{"with the bearer", "metrics-token", []string{"X-Real-Ip", "192.0.2.7", "Authorization", "Bearer metrics-token"}, 200},
	} {
		if status, text := get(t, serve(t, c.token)+"/metrics", c.headers...); status != c.want || (status != 200) == strings.Contains(text, "go_goroutines") {
			t.Errorf("%s: %d, want %d: %.100s", c.name, status, c.want, text)
		}
	}
}
