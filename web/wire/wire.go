// Package wire is what all programs' doors share: who calls and from where, what
// body came, how a stream goes out, and how an error finds its envelope.
//
// It promises that an address is the socket's unless a listed proxy says
// otherwise, that no body is inflated, and that a reader who hangs up is noticed
// at once, in silence too. It knows no dialect and no rule: each door decodes and
// encodes for itself.
//
// Start with reply.go for what every answer has, relay.go and stream.go for those
// that run, address.go for who is calling.
package wire

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

// What a body may weigh, in bytes (checklist C58).
const (
	BodyMax   = 1 << 20  // of pages and of calls that manage
	AskMax    = 20 << 20 // of calls that ask
	UploadMax = 2 << 20
)

// Body returns the request's body as it was sent. A compressed body is refused,
// and one over most bytes.
func Body(c *fiber.Ctx, most int) ([]byte, error) {
	if e := c.Get(fiber.HeaderContentEncoding); e != "" && !strings.EqualFold(e, "identity") {
		return nil, access.Fail(access.Invalid, "content_encoding", "Send the body uncompressed.")
	}
	body := c.BodyRaw()
	if len(body) > most {
		return nil, access.Fail(access.Invalid, "body_too_large", "The body is larger than %d KiB.", most>>10)
	}
	return body, nil
}

// statusOfCode is where the status of a refusal of Body is not that of its kind.
var statusOfCode = map[string]int{"content_encoding": fiber.StatusUnsupportedMediaType, "body_too_large": fiber.StatusRequestEntityTooLarge}

// BodyStatus is the HTTP status of an error of Body, or 0 for any other.
func BodyStatus(err error) int {
	for _, p := range access.Problems(err) {
		return statusOfCode[p.Code]
	}
	return 0
}

// IsJSON reports whether the request says that its body is JSON.
func IsJSON(c *fiber.Ctx) bool {
	kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == fiber.MIMEApplicationJSON || strings.HasSuffix(kind, "+json")
}

// Bearer returns the credential of the Authorization header, with or without the
// word Bearer, or "".
func Bearer(c *fiber.Ctx) string {
	text := strings.TrimSpace(c.Get(fiber.HeaderAuthorization))
	if word, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(word, "bearer") {
		return strings.TrimSpace(rest)
	}
	if strings.EqualFold(text, "bearer") {
		return ""
	}
	return text
}

// Credential returns what a program of the gateway presents: Authorization, else
// x-api-key.
func Credential(c *fiber.Ctx) string {
	if text := Bearer(c); text != "" {
		return text
	}
	return strings.TrimSpace(c.Get("X-Api-Key"))
}
