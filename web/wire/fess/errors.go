package fess

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// failure is an answer that says why not.
type failure struct {
	head
	Message string `json:"message"`
}

// Error answers a refusal or a fault in Fess's envelope.
func (d *Door) Error(c *fiber.Ctx, err error) error {
	problems := access.Problems(err)
	if len(problems) == 0 {
		d.Log.Error("fault at Fess's door", "request", c.GetRespHeader("X-Request-Id"), "error", err)
		return send(c, fiber.StatusInternalServerError, failure{head{version, statusFault}, errorCode(c)})
	}
	first := problems[0]
	status, code := answerOf(first)
	if s := wire.BodyStatus(err); s != 0 {
		status = s
	}
	wire.SetRetryAfter(c, err)
	return send(c, status, failure{head{version, code}, d.sentence(c, problems, code)})
}

// answerOf is the HTTP status and the status of a kind of refusal of control.
func answerOf(e *access.Error) (status, code int) {
	switch e.Kind {
	case access.SignedOut, access.Revoked, access.Expired:
		return fiber.StatusUnauthorized, statusNobody
	case access.Forbidden:
		if e.Field != "" {
			return fiber.StatusBadRequest, statusBad // a value that this caller may not give
		}
		return fiber.StatusForbidden, statusNobody
	case access.NotFound:
		return fiber.StatusNotFound, statusBad
	case access.Limited:
		return fiber.StatusTooManyRequests, statusFailed
	case access.Busy, access.Upstream:
		return fiber.StatusServiceUnavailable, statusFailed
	case access.Invalid, access.Conflict, access.Spent:
	}
	return fiber.StatusBadRequest, statusBad
}

// sentence is what Fess says, else what Latchkey does, each problem in turn.
func (d *Door) sentence(c *fiber.Ctx, problems []*access.Error, code int) string {
	l := d.lang(c)
	if code == statusNobody {
		return say(l, unauthorized())
	}
	said := make([]string, 0, len(problems))
	for _, p := range problems {
		switch {
		case strings.HasPrefix(p.Code, "json_"):
			said = append(said, errorCode(c)+" "+say(l, p))
		case p.Code == "stale":
			said = append(said, say(l, access.Fail(access.Conflict, "fess_stale", "Failed to update the data. (It was changed meanwhile: versionNo is stale.)")))
		default:
			said = append(said, say(l, p))
		}
	}
	return strings.Join(said, " ")
}

// say spells a problem, and the fields that it names, in a language.
func say(l lang.Lang, e *access.Error) string {
	args := make([]any, len(e.Args))
	for i, a := range e.Args {
		if name, ok := a.(label); ok {
			a = name.in(l)
		}
		args[i] = a
	}
	return l.Error(e.Code, e.Text, args...)
}

// label names a field to people, in English.
type label string

func (n label) in(l lang.Lang) string {
	return l.T("fess.label." + strings.ReplaceAll(strings.ToLower(string(n)), " ", "_"))
}

func required(field label) error {
	return access.Fail(access.Invalid, "fess_required", "%s is required.", field)
}

func notNumber(field label) error {
	return access.Fail(access.Invalid, "fess_number", "%s must be a number.", field)
}

func notText(field label) error {
	return access.Fail(access.Invalid, "fess_text", "%s must be text.", field)
}

func sizeOf(field label, least, most int) error {
	return access.Fail(access.Invalid, "fess_size", "The size of %s must be between %d and %d.", field, least, most)
}

func unauthorized() *access.Error {
	return access.Fail(access.SignedOut, "fess_unauthorized", "Unauthorized request.")
}

// errorCode names this request the way Fess names an error: the log knows the id.
func errorCode(c *fiber.Ctx) string {
	id := c.GetRespHeader("X-Request-Id")
	if len(id) == 32 {
		id = id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
	}
	return "error_code:" + id
}

// askError answers a refusal or a fault of the gateway.
func (d *Door) askError(c *fiber.Ctx, err error) error {
	if errors.Is(err, gateway.ErrLeft) {
		return nil // nobody is there to read it
	}
	problems := access.Problems(err)
	if len(problems) == 0 {
		return d.Error(c, err)
	}
	if problems[0].Code == "model_missing" { // it named none, and is bound to none
		problems[0] = access.Fail(access.Invalid, "fess_no_bot", "This token has no bot.")
	}
	status, code := gateway.Status(err), statusBad
	switch {
	case status == fiber.StatusUnauthorized:
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer error="invalid_token"`)
		code = statusNobody
	case status == fiber.StatusForbidden:
		code = statusNobody
	case status == fiber.StatusTooManyRequests || status >= fiber.StatusInternalServerError:
		code = statusFailed
	}
	wire.SetRetryAfter(c, err)
	return send(c, status, failure{head{version, code}, say(d.lang(c), problems[0])})
}

// Owns reports whether an address is Fess's to spell errors for.
func Owns(path string) bool {
	return wire.Below(path, "/api/admin", "/json")
}

func (d *Door) lang(c *fiber.Ctx) lang.Lang { return wire.Lang(c, d.Language) }
