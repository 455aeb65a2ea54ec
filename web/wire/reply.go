package wire

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
)

// SendJSON answers a program that manages: nobody on the way may keep it.
func SendJSON(c *fiber.Ctx, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return SendRaw(c, status, text)
}

// SendRaw is SendJSON of what is JSON already.
func SendRaw(c *fiber.Ctx, status int, text []byte) error {
	c.Set(fiber.HeaderContentType, "application/json; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).Send(text)
}

// SetRetryAfter says when a refused call may come again, in whole seconds, and
// reports whether the refusal knows.
func SetRetryAfter(c *fiber.Ctx, err error) bool {
	for _, p := range access.Problems(err) {
		if p.Wait > 0 {
			whole := (p.Wait + time.Second - 1) / time.Second
			c.Set(fiber.HeaderRetryAfter, strconv.FormatInt(int64(whole), 10))
			return true
		}
	}
	return false
}

// Sentence is what Latchkey says of an error, each problem in turn.
func Sentence(l lang.Lang, err error) string {
	problems := access.Problems(err)
	said := make([]string, 0, len(problems))
	for _, p := range problems {
		said = append(said, l.Error(p.Code, p.Text, p.Args...))
	}
	return strings.Join(said, " ")
}

// Lang is the language that a program asks for, else fallback.
func Lang(c *fiber.Ctx, fallback lang.Lang) lang.Lang {
	return lang.Negotiate(c.Get(fiber.HeaderAcceptLanguage), fallback)
}

// Below reports whether an address is one of prefixes or stands below it.
func Below(path string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}
