package openai

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/internal/upstream"
	"latchkey/web/wire"
)

type failure struct {
	Error failureBody `json:"error"`
}

type failureBody struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
}

// Error answers a refusal or a fault in the gateway's envelope.
func (d *Door) Error(c *fiber.Ctx, err error) error {
	if errors.Is(err, gateway.ErrLeft) {
		return nil // nobody is there to read it
	}
	status := gateway.Status(err)
	if s := wire.BodyStatus(err); s != 0 {
		status = s
	}
	if isReused(err) {
		status = fiber.StatusUnprocessableEntity
	}
	id := c.GetRespHeader("X-Request-Id")
	if !known(err) {
		d.Log.Error("fault at the gateway", "request", id, "error", err)
	}
	if e, ok := errors.AsType[*gateway.TooFast](err); ok {
		setPace(c, e.Pace)
	}
	if !wire.SetRetryAfter(c, err) && (status != fiber.StatusTooManyRequests && status < 500 || gateway.NeverFits(err)) {
		c.Set("X-Should-Retry", "false")
	}
	return sendJSON(c, status, d.spellError(d.lang(c), id, err))
}

// known reports whether the error has a kind; anything else is a fault.
func known(err error) bool {
	_, provider := errors.AsType[*upstream.Failure](err)
	return provider || len(access.Problems(err)) > 0
}

// spellError is the body of an error. A fault shows
// the request's id and nothing else.
func (d *Door) spellError(l lang.Lang, id string, err error) failure {
	body := failureBody{Message: "Something broke inside Latchkey.", Type: "new_api_error", Code: "internal_error"}
	if e, ok := errors.AsType[*access.Error](err); ok {
		body.Message, body.Code = l.Error(e.Code, e.Text, e.Args...), e.Code
		switch e.Kind {
		case access.Invalid, access.NotFound:
			body.Type = "invalid_request_error"
		}
		if e.Field != "" {
			body.Param = &e.Field
		}
	}
	body.Message += " (request id: " + id + ")"
	return failure{body}
}

// NotFound answers an unknown path below /v1.
func (d *Door) NotFound(c *fiber.Ctx) error {
	empty := ""
	return sendJSON(c, fiber.StatusNotFound, failure{failureBody{
		Message: "Invalid URL (" + c.Method() + " " + c.Path() + ")", Type: "invalid_request_error", Param: &empty,
	}})
}
