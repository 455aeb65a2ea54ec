package native

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

type failure struct {
	Error failureBody `json:"error"`
}

type failureBody struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Rule      string `json:"rule,omitempty"`
	RequestID string `json:"request_id"`
}

// statuses are the HTTP statuses of the kinds; a fault is 500.
var statuses = map[access.Kind]int{
	access.Invalid: 400, access.SignedOut: 401, access.Forbidden: 403, access.NotFound: 404, access.Conflict: 409,
	access.Spent: 403, access.Revoked: 403, access.Expired: 403, access.Limited: 429, access.Busy: 503, access.Upstream: 502,
}

// statusOfCode is where a status is not that of its kind.
var statusOfCode = map[string]int{
	"method": 405, "content_type": 415, "key_reused": 422,
}

// rules are the kinds of refusal that a rule about the credential made.
var rules = map[access.Kind]bool{access.Spent: true, access.Revoked: true, access.Expired: true, access.Limited: true}

// Error answers a refusal or a fault in the envelope of the native API. Where
// several fields are wrong, the code is the first one's and the message names all.
func (d *Door) Error(c *fiber.Ctx, err error) error {
	id := c.GetRespHeader("X-Request-Id")
	problems := access.Problems(err)
	if len(problems) == 0 {
		d.Log.Error("fault at the native API", "request", id, "error", err)
		return sendError(c, fiber.StatusInternalServerError, failureBody{
			Code: "internal_error", Message: "Something broke inside Latchkey.", RequestID: id,
		})
	}
	first := problems[0]
	status := statuses[first.Kind]
	if s := statusOfCode[first.Code]; s != 0 {
		status = s
	} else if s := wire.BodyStatus(err); s != 0 {
		status = s
	}
	out := failureBody{Code: first.Code, Message: sentence(wire.Lang(c, d.Language), problems), RequestID: id}
	if rules[first.Kind] || first.Code == "ip_not_allowed" {
		out.Rule = first.Code
	}
	wire.SetRetryAfter(c, err)
	if status == fiber.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	return sendError(c, status, out)
}

func sendError(c *fiber.Ctx, status int, b failureBody) error {
	if err := send(c, failure{b}); err != nil {
		return err
	}
	c.Status(status)
	return nil
}

// sentence says what is wrong, each problem with the field it is about.
func sentence(l lang.Lang, problems []*access.Error) string {
	said := make([]string, 0, len(problems))
	for _, p := range problems {
		text := l.Error(p.Code, p.Text, p.Args...)
		if p.Field != "" && !named(text, p.Field) {
			text = p.Field + ": " + text
		}
		said = append(said, text)
	}
	return strings.Join(said, " ")
}

// named reports whether a text says which field it is about. A field that is also
// an everyday word counts only at the start or in quotes.
func named(text, field string) bool {
	return strings.HasPrefix(text, field+" ") || strings.Contains(text, `"`+field+`"`) || strings.ContainsAny(field, "-_.") && strings.Contains(text, field)
}
