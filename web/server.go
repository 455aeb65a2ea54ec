// Package web is the one Fiber app: what happens to every request before a
// handler sees it, the list of all routes, and the door in whose words an error
// is spelled.
//
// It promises that a request with a foreign Host, a smuggled body or a guessed
// origin reaches no handler, that every answer carries the policy headers of its
// kind, and that no fault shows more than the request's id. It decides nothing
// about anyone's rights.
//
// Start with routes.go, which leads to the two lists of addresses. This file is
// the order of what comes before.
package web

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"latchkey/internal/lang"
	"latchkey/web/ops"
	"latchkey/web/page"
	"latchkey/web/wire"
)

// Limits of a connection (checklist C59).
const (
	headerMax      = 16 << 10         // bytes of all header lines
	headWait       = 10 * time.Second // for the header lines
	bodyWait       = 30 * time.Second // for the body after them
	idleWait       = 60 * time.Second // between two requests
	connectionsMax = 16_384
)

// New builds the app.
func New(r Rooms) *fiber.App {
	r.counts = ops.NewCounts()
	app := fiber.New(fiber.Config{
		AppName: "Latchkey", DisableStartupMessage: true,
		Immutable: true, CaseSensitive: true, StrictRouting: true, UnescapePath: false,
		ReadBufferSize: headerMax, BodyLimit: wire.AskMax + 1, ReadTimeout: headWait, IdleTimeout: idleWait,
		Concurrency: connections(), EnableTrustedProxyCheck: true, EnableIPValidation: true,
		ErrorHandler: r.errorHandler,
	})
	app.Server().DisablePreParseMultipartForm = true // a form that is none is its handler's to refuse
	app.Server().HeaderReceived = func(h *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
		if !slices.Contains(fiber.DefaultMethods, string(h.Method())) {
			h.SetMethod(fiber.MethodTrace) // what nobody knows is refused as that is, by the door and not by the framework
		}
		if h.ContentLength() != 0 {
			c.ReadTimeout = bodyWait
		}
		return c
	}
	app.Use(r.name, r.recover, r.checkFraming, r.checkHost, wire.FindAddress(r.Config.TrustedProxies), r.headers, r.language)
	r.routes(app)
	return app
}

// connections is how many there may be at once: no more than most of the files that
// this process may have open.
func connections() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur > 2*connectionsMax {
		return connectionsMax
	}
	return min(connectionsMax, int(files.Cur)*8/10)
}

// name gives the request its id and its line in the log.
func (r Rooms) name(c *fiber.Ctx) error {
	began := r.Now()
	c.Set("X-Request-Id", r.Gateway.NewRequestID())
	err := c.Next()
	if err != nil {
		err = r.errorHandler(c, err)
	}
	r.counts.Count(c, r.Now().Sub(began))
	if r.Log.Enabled(c.UserContext(), slog.LevelDebug) {
		// The pattern and never the address: some addresses hold a secret.
		r.Log.Debug("request", "method", c.Method(), "route", c.Route().Path, "status", c.Response().StatusCode(),
			"ms", r.Now().Sub(began).Milliseconds(), "request", c.GetRespHeader("X-Request-Id"))
	}
	return err
}

// recover turns a panic into a fault of this request alone.
func (r Rooms) recover(c *fiber.Ctx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("panic in a handler", "route", c.Route().Path, "panic", p, "stack", string(debug.Stack()))
			err = errors.New("panic in a handler")
		}
	}()
	return c.Next()
}

// checkFraming refuses what two servers could cut apart in two ways.
func (r Rooms) checkFraming(c *fiber.Ctx) error {
	const chunked = -1 // as the engine tells a body that is sent in chunks
	if c.Request().Header.ContentLength() == chunked {
		raw := "\n" + strings.ToLower(string(c.Request().Header.RawHeaders()))
		if strings.Contains(raw, "\ncontent-length:") {
			c.Context().SetConnectionClose()
			return fiber.NewError(fiber.StatusBadRequest, "A request has a length or is chunked, not both.")
		}
	}
	switch c.Method() {
	case fiber.MethodTrace, fiber.MethodConnect:
		return fiber.ErrMethodNotAllowed
	}
	return c.Next()
}

// checkHost refuses names that the operator did not give this server.
func (r Rooms) checkHost(c *fiber.Ctx) error {
	if r.knowsHost(string(c.Context().Host())) {
		return c.Next()
	}
	if path := c.Path(); path == "/healthz" || path == "/readyz" {
		return c.Next()
	}
	return fiber.NewError(fiber.StatusMisdirectedRequest, "This host name is not served here. Set LATCHKEY_PUBLIC_URL to the address that people use.")
}

func (r Rooms) knowsHost(host string) bool {
	if host == "" || strings.ContainsAny(host, "/\\@ \t<>\"'") {
		return false
	}
	if r.Config.PublicURL.Set() {
		return strings.EqualFold(host, r.Config.PublicURL.Host)
	}
	if !r.Config.Loopback {
		return true
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, "80"
	}
	_, own, _ := net.SplitHostPort(r.Config.Addr)
	if r.Port != "" {
		own = r.Port
	}
	switch strings.ToLower(strings.Trim(name, "[]")) {
	case "localhost", "127.0.0.1", "::1":
		return port == own
	}
	return false
}

// Origin is the scheme and host that links of this answer begin with.
func (r Rooms) Origin(c *fiber.Ctx) string {
	if r.Config.PublicURL.Set() {
		return r.Config.PublicURL.String()
	}
	scheme := "http"
	if r.Config.TLS() {
		scheme = "https"
	}
	return scheme + "://" + string(c.Context().Host())
}

// secure reports whether people reach this server over https.
func (r Rooms) secure() bool { return r.Config.TLS() || r.Config.PublicURL.Secure() }

// gatewayPrefix is where programs ask.
const gatewayPrefix = "/v1/"

// ofGateway is for what every call passes: it copies nothing.
func ofGateway(c *fiber.Ctx) bool {
	return bytes.HasPrefix(c.Request().URI().PathOriginal(), []byte(gatewayPrefix))
}

// headers sets the policy of every answer; embed pages loosen it for themselves.
func (r Rooms) headers(c *fiber.Ctx) error {
	r.setPolicy(c)
	return c.Next()
}

func (r Rooms) setPolicy(c *fiber.Ctx) {
	c.Set("X-Content-Type-Options", "nosniff")
	if ofGateway(c) {
		return // programs draw no pages
	}
	nonce := page.NewNonce(c)
	c.Set("Referrer-Policy", "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	if r.secure() {
		c.Set("Strict-Transport-Security", "max-age=31536000")
	}
	c.Set("Content-Security-Policy", page.Policy(nonce, "'none'"))
}

// LanguageCookie remembers which language was chosen, before anyone signs in.
const LanguageCookie = "latchkey-language"

func (r Rooms) language(c *fiber.Ctx) error {
	if ofGateway(c) {
		return c.Next()
	}
	l, chosen := lang.Parse(c.Cookies(LanguageCookie))
	if !chosen {
		l = lang.Negotiate(c.Get(fiber.HeaderAcceptLanguage), r.fallback(c))
	}
	page.SetLang(c, l)
	return c.Next()
}

// fallback is the language of readers who ask for none that we have.
func (r Rooms) fallback(c *fiber.Ctx) lang.Lang {
	text := r.Config.Lang
	if r.Dashboard != nil {
		if stored, err := r.Dashboard.Control.DefaultLanguage(c.UserContext()); err == nil {
			text = stored
		}
	}
	l, _ := lang.Parse(text)
	return l
}

// Listener counts the strangers of each address, and wraps a listener in TLS when a
// certificate is given.
func Listener(l net.Listener, trusted []netip.Prefix, certificate func() (*tls.Certificate, error)) net.Listener {
	l = wire.Crowd(l, trusted)
	if certificate == nil {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate() },
	})
}
