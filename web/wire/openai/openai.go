// Package openai is the gateway's door: /v1/*, in the words of the OpenAI API.
//
// It promises that an official client works by changing only the base URL, that
// errors carry the status, type and code of the manual, and that nothing of the
// provider but the answer reaches the caller. It holds no rule: it decodes, asks
// the gateway, and encodes.
//
// Start with Chat in this file, errors.go for how a refusal is spelled, stream.go
// for answers that run.
package openai

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// Door serves the gateway.
type Door struct {
	Gateway        *gateway.Gateway
	Control        *control.Control // keeps the answers of keys; nil: keys are not heeded
	Now            func() time.Time
	Log            *slog.Logger
	Language       lang.Lang // of messages to clients that name none
	UnitsPerDollar int64     // quota units in one US dollar
}

// Ask serves an endpoint that asks: POST /v1/chat/completions and its like.
func (d *Door) Ask(path gateway.Path) fiber.Handler {
	return func(c *fiber.Ctx) error {
		q := gateway.Question{
			RequestID: c.GetRespHeader("X-Request-Id"), Secret: wire.Credential(c), Address: wire.Address(c),
			Door: access.DoorGateway, Path: path,
		}
		var err error
		if q.Raw, err = wire.Body(c, wire.AskMax); err != nil {
			return d.Error(c, err)
		}
		if d.Control != nil && c.Get(onceHeader) != "" {
			return d.answerOnce(c, q)
		}
		return d.answer(c, q)
	}
}

// ask asks the gateway.
func (d *Door) ask(c *fiber.Ctx, q gateway.Question) (*wire.Reading, error) {
	a, err := wire.Ask(c, func(ctx context.Context) (*gateway.Answer, error) { return d.Gateway.Ask(ctx, q) })
	wire.Known(c, err)
	return a, err
}

func (d *Door) answer(c *fiber.Ctx, q gateway.Question) error {
	a, err := d.ask(c, q)
	if err != nil {
		return d.Error(c, err)
	}
	setPace(c, a.Pace)
	if a.Body == nil {
		l := d.lang(c)
		return wire.Stream(c, &wire.Relay{Reading: a, Field: "data: ", Named: true, Fail: func(into []byte, why error) ([]byte, error) {
			body, err := json.Marshal(d.spellError(l, a.RequestID, why))
			return wire.AppendEvent(into, "data: ", nil, body), err
		}}, d.Now, d.Log)
	}
	defer a.Close()
	return sendBody(c, a.Body)
}

func setPace(c *fiber.Ctx, p gateway.Pace) {
	set := func(name string, n int64) { c.Set(name, strconv.FormatInt(n, 10)) }
	if p.LimitRequests > 0 {
		set("X-Ratelimit-Limit-Requests", p.LimitRequests)
		set("X-Ratelimit-Remaining-Requests", p.LeftRequests)
		c.Set("X-Ratelimit-Reset-Requests", p.Reset.String())
	}
	if p.LimitTokens > 0 {
		set("X-Ratelimit-Limit-Tokens", p.LimitTokens)
		set("X-Ratelimit-Remaining-Tokens", p.LeftTokens)
		c.Set("X-Ratelimit-Reset-Tokens", p.Reset.String())
	}
	if p.QuotaLimited {
		set("X-Latchkey-Quota-Remaining", p.QuotaLeft)
	}
}

type model struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	OwnedBy string   `json:"owned_by"`
	Serves  []string `json:"supported_endpoint_types"`
}

func spell(o gateway.Offer) model {
	return model{ID: o.ID, Object: "model", Created: o.Created, OwnedBy: o.OwnedBy, Serves: []string{"openai"}}
}

// anthropicModel is a model as clients of Anthropic read it.
type anthropicModel struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Name      string    `json:"display_name"`
	CreatedAt time.Time `json:"created_at"`
}

func spellForAnthropic(offers []gateway.Offer) map[string]any {
	list := map[string]any{"data": []anthropicModel{}, "first_id": nil, "has_more": false, "last_id": nil}
	if len(offers) == 0 {
		return list
	}
	data := make([]anthropicModel, 0, len(offers))
	for _, o := range offers {
		data = append(data, anthropicModel{o.ID, "model", o.ID, time.Unix(o.Created, 0).UTC()})
	}
	list["data"], list["first_id"], list["last_id"] = data, data[0].ID, data[len(data)-1].ID
	return list
}

// Models serves GET /v1/models: what the token may name.
func (d *Door) Models(c *fiber.Ctx) error {
	offers, err := d.Gateway.Models(c.UserContext(), wire.Credential(c), wire.Address(c))
	if err != nil {
		return d.Error(c, err)
	}
	if c.Get("X-Api-Key") != "" && c.Get("Anthropic-Version") != "" {
		return sendJSON(c, fiber.StatusOK, spellForAnthropic(offers))
	}
	data := make([]model, 0, len(offers))
	for _, o := range offers {
		data = append(data, spell(o))
	}
	return sendJSON(c, fiber.StatusOK, map[string]any{"success": true, "object": "list", "data": data})
}

// Model serves GET /v1/models/{m}.
func (d *Door) Model(c *fiber.Ctx) error {
	offers, err := d.Gateway.Models(c.UserContext(), wire.Credential(c), wire.Address(c))
	if err != nil {
		return d.Error(c, err)
	}
	for _, o := range offers {
		if o.ID == c.Params("*") {
			return sendJSON(c, fiber.StatusOK, spell(o))
		}
	}
	return d.Error(c, access.Fail(access.NotFound, "model_not_found", "There is no model %s here.", c.Params("*")).At("model"))
}

func sendJSON(c *fiber.Ctx, status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/json; charset=utf-8")
	return c.Status(status).Send(raw)
}

func (d *Door) lang(c *fiber.Ctx) lang.Lang {
	return wire.Lang(c, d.Language)
}
