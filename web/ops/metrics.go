package ops

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Counts are the numbers of one server: calls and how long they took, by route,
// and what the process uses. A route is a pattern: no address, no name, no secret.
type Counts struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// unmatched is the route of calls that none serves.
const unmatched = "none"

// NewCounts begins to count.
func NewCounts() *Counts {
	k := &Counts{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_http_requests_total", Help: "Calls answered, by method, route and class of status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "latchkey_http_request_seconds", Help: "Seconds until an answer began, by route.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60},
		}, []string{"route"}),
	}
	k.registry.MustRegister(k.calls, k.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return k
}

var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Count counts an answered call. What no route serves is counted as one, so that
// nobody makes new numbers by asking for new addresses.
func (k *Counts) Count(c *fiber.Ctx, took time.Duration) {
	status, route := c.Response().StatusCode(), c.Route().Path
	if status == fiber.StatusNotFound && (route == "/" || strings.HasSuffix(route, "/*")) {
		route = unmatched
	}
	class := classes[0]
	if n := status / 100; n < len(classes) {
		class = classes[n]
	}
	k.calls.WithLabelValues(c.Route().Method, route, class).Inc()
	k.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Metrics serves GET /metrics to whoever has the token, and to this machine.
func (k *Counts) Metrics(token string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if !local(c) && !holds(c, token) {
			c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
			return c.Status(fiber.StatusUnauthorized).SendString("Send the token of LATCHKEY_METRICS_TOKEN as a bearer.\n")
		}
		families, err := k.registry.Gather()
		if err != nil {
			return err
		}
		var text bytes.Buffer
		format := expfmt.NewFormat(expfmt.TypeTextPlain)
		encoder := expfmt.NewEncoder(&text, format)
		for _, f := range families {
			if err := encoder.Encode(f); err != nil {
				return err
			}
		}
		c.Set(fiber.HeaderContentType, string(format))
		c.Set(fiber.HeaderCacheControl, "no-store")
		return c.Send(text.Bytes())
	}
}

// local reports whether a program on this machine calls. What a proxy hands on
// comes from elsewhere, wherever the proxy runs.
func local(c *fiber.Ctx) bool {
	for _, name := range []string{fiber.HeaderXForwardedFor, fiber.HeaderForwarded, "X-Real-Ip", fiber.HeaderVia} {
		if len(c.Request().Header.Peek(name)) > 0 {
			return false
		}
	}
	return c.Context().RemoteIP().IsLoopback()
}

// holds compares the bearer in a time that says nothing of the token.
func holds(c *fiber.Ctx, token string) bool {
	sent, ok := strings.CutPrefix(c.Get(fiber.HeaderAuthorization), "Bearer ")
	a, b := sha256.Sum256([]byte(sent)), sha256.Sum256([]byte(token))
	return ok && token != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
