package wire

import (
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"latchkey/internal/access"
)

// handle runs a handler on a request.
func handle(t *testing.T, r *fasthttp.Request, h func(*fiber.Ctx)) {
	t.Helper()
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	ran := false
	app.Use(func(c *fiber.Ctx) error { ran = true; h(c); return nil })
	r.SetRequestURI("/")
	var ctx fasthttp.RequestCtx
	ctx.Init(r, nil, nil)
	app.Handler()(&ctx)
	if !ran {
		t.Fatal("the handler did not run")
	}
}

func TestCredential(t *testing.T) {
	for _, c := range []struct{ authorization, key, bearer, credential string }{
		{"", "", "", ""},
		{"Bearer sk-lk1", "", "sk-lk1", "sk-lk1"},
		{"bearer sk-lk1", "", "sk-lk1", "sk-lk1"},
		{"BEARER   sk-lk1  ", "", "sk-lk1", "sk-lk1"},
		{"sk-lk1", "", "sk-lk1", "sk-lk1"},
		{"Bearer", "", "", ""},
		{"Bearer ", "sk-lk2", "", "sk-lk2"},
		{"Bearer sk-lk1", "sk-lk2", "sk-lk1", "sk-lk1"},
		{"", " sk-lk2 ", "", "sk-lk2"},
		{"Basic bGluOnB3", "", "Basic bGluOnB3", "Basic bGluOnB3"},
		{"Bearer a b", "", "a b", "a b"},
	} {
		var r fasthttp.Request
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		if c.key != "" {
			r.Header.Set("x-api-key", c.key)
		}
		handle(t, &r, func(x *fiber.Ctx) {
			if got := Bearer(x); got != c.bearer {
				t.Errorf("%q bears %q, want %q", c.authorization, got, c.bearer)
			}
			if got := Credential(x); got != c.credential {
				t.Errorf("%q and %q present %q, want %q", c.authorization, c.key, got, c.credential)
			}
		})
	}
}

func TestIsJSON(t *testing.T) {
	for kind, want := range map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "Application/JSON ;x": true, "application/problem+json": true,
		"": false, "text/plain": false, "application/x-www-form-urlencoded": false, "text/json": false, "application/jsonp": false, "multipart/form-data; x=application/json": false,
	} {
		var r fasthttp.Request
		r.Header.SetContentType(kind)
		handle(t, &r, func(c *fiber.Ctx) {
			if got := IsJSON(c); got != want {
				t.Errorf("%q: %t", kind, got)
			}
		})
	}
}

func TestBody(t *testing.T) {
	const most = 100
	for _, c := range []struct {
		name, encoding, body, code string
		status                     int
	}{
		{"plain", "", "hello", "", 0},
		{"said to be plain", "identity", "hello", "", 0},
		{"as much as fits", "", strings.Repeat("x", most), "", 0},
		{"one more", "", strings.Repeat("x", most+1), "body_too_large", 413},
		{"gzip", "gzip", "\x1f\x8b", "content_encoding", 415},
		{"deflate", "DEFLATE", "x", "content_encoding", 415},
		{"br", "br", "x", "content_encoding", 415},
		{"twice", "gzip, gzip", "x", "content_encoding", 415},
		{"unheard of", "x-secret", "x", "content_encoding", 415},
	} {
		var r fasthttp.Request
		r.Header.SetMethod("POST")
		r.SetBodyString(c.body)
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		handle(t, &r, func(x *fiber.Ctx) {
			body, err := Body(x, most)
			code := ""
			for _, p := range access.Problems(err) {
				code = p.Code
			}
			if code != c.code || code == "" && string(body) != c.body || BodyStatus(err) != c.status {
				t.Errorf("%s: %q, %v with %d", c.name, body, err, BodyStatus(err))
			}
		})
	}
	if s := BodyStatus(access.Fail(access.Busy, "storage", "x")); s != 0 {
		t.Errorf("another refusal has the status %d", s)
	}
}
