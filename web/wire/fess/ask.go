package fess

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// found is what the search call answers: the one thing that the bot says.
type found struct {
	head
	Q           string   `json:"q"`
	ExecTime    float64  `json:"exec_time"` // seconds
	PageSize    int      `json:"page_size"`
	PageNumber  int      `json:"page_number"`
	RecordCount int      `json:"record_count"`
	PageCount   int      `json:"page_count"`
	Result      []result `json:"result"`
}

type result struct {
	Title   string `json:"title"`
	Content string `json:"content_description"`
	URL     string `json:"url"`
	Lang    string `json:"lang"`
}

// Search serves GET /json/: the token's bot answers q. The token stands in the
// Authorization header, or in the parameter that it names for itself.
func (d *Door) Search(c *fiber.Ctx) error {
	began := d.Now()
	text, err := d.credential(c)
	if err != nil {
		return d.askError(c, err)
	}
	q := c.Query("q")
	if strings.TrimSpace(q) == "" || !utf8.ValidString(q) {
		return d.noQuestion(c, text)
	}
	a, err := d.ask(c, text, q)
	if err != nil {
		return d.askError(c, err)
	}
	return send(c, fiber.StatusOK, found{
		head: done(), Q: q, ExecTime: seconds(d.Now().Sub(began)), PageSize: 1, PageNumber: 1, RecordCount: 1, PageCount: 1,
		Result: []result{{Title: a.BotName(), Content: a.Text}},
	})
}

// credential is the text that the caller presents, "" for none.
func (d *Door) credential(c *fiber.Ctx) (string, error) {
	if text := wire.Bearer(c); text != "" {
		return text, nil
	}
	return d.Gateway.InAddress(c.UserContext(), wire.Parameters(string(c.Request().URI().QueryString())))
}

// noQuestion refuses a call without q, once it is known that the caller may call.
func (d *Door) noQuestion(c *fiber.Ctx, text string) error {
	_, err := d.Gateway.Holding(c.UserContext(), text, wire.Address(c))
	if err == nil {
		err = required(labelQuery)
	}
	return d.askError(c, err)
}

// ask asks the token's bot.
func (d *Door) ask(c *fiber.Ctx, text, q string) (*gateway.Answer, error) {
	messages, err := json.Marshal([]map[string]string{{"role": "user", "content": q}})
	if err != nil {
		return nil, err
	}
	o := &strict.Object{}
	o.Set("messages", messages)
	a, err := wire.Ask(c, func(ctx context.Context) (*gateway.Answer, error) {
		return d.Gateway.Ask(ctx, gateway.Question{
			RequestID: c.GetRespHeader("X-Request-Id"), Secret: text, Address: wire.Address(c), Door: access.DoorFess, Path: gateway.Chat, Body: o,
		})
	})
	if err != nil {
		return nil, err
	}
	return a.Answer, a.Close()
}
