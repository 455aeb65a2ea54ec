package openai

import (
	"math"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/web/wire"
)

// What a token's holder asks about their own token, in the words of New API.

// unlimitedDollars stands for a budget without a limit.
const unlimitedDollars = 100_000_000

// Usage serves GET /api/usage/token.
func (d *Door) Usage(c *fiber.Ctx) error {
	if c.Get(fiber.HeaderAuthorization) == "" {
		return sendJSON(c, fiber.StatusUnauthorized, map[string]any{"success": false, "message": "No Authorization header"})
	}
	h, err := d.Gateway.Holding(c.UserContext(), wire.Bearer(c), wire.Address(c))
	if err != nil {
		return d.Error(c, err)
	}
	limits := map[string]bool{}
	for _, m := range h.Token.Models {
		limits[m] = true
	}
	expires := int64(0)
	if !h.Token.ExpiresAt.IsZero() {
		expires = h.Token.ExpiresAt.Unix()
	}
	remain := remaining(h.Purse)
	return sendJSON(c, fiber.StatusOK, map[string]any{"code": true, "message": "ok", "data": map[string]any{
		"object": "token_usage", "name": h.Token.Name, "total_granted": remain + h.Purse.Used, "total_used": h.Purse.Used,
		"total_available": remain, "unlimited_quota": h.Purse.Unlimited, "model_limits": limits,
		"model_limits_enabled": h.Token.ModelsLimited, "expires_at": expires,
	}})
}

// remaining is what is left of a limited purse; an unlimited one counts nothing
// down.
func remaining(p access.Purse) int64 {
	if p.Unlimited {
		return max(0, p.Quota-p.Used-p.Reserved)
	}
	return max(0, p.Remain())
}

// Subscription serves GET /dashboard/billing/subscription: the budget in dollars.
func (d *Door) Subscription(c *fiber.Ctx) error {
	h, err := d.Gateway.Holding(c.UserContext(), wire.Credential(c), wire.Address(c))
	if err != nil {
		return d.Error(c, err)
	}
	limit := float64(unlimitedDollars)
	if !h.Purse.Unlimited {
		limit = d.dollars(remaining(h.Purse) + h.Purse.Used)
	}
	until := int64(0)
	if !h.Token.ExpiresAt.IsZero() {
		until = h.Token.ExpiresAt.Unix()
	}
	return sendJSON(c, fiber.StatusOK, map[string]any{
		"object": "billing_subscription", "has_payment_method": true, "soft_limit_usd": limit, "hard_limit_usd": limit,
		"system_hard_limit_usd": limit, "access_until": until,
	})
}

// Billed serves GET /dashboard/billing/usage: what was used, in cents. The dates
// that clients send are accepted and say nothing.
func (d *Door) Billed(c *fiber.Ctx) error {
	h, err := d.Gateway.Holding(c.UserContext(), wire.Credential(c), wire.Address(c))
	if err != nil {
		return d.Error(c, err)
	}
	return sendJSON(c, fiber.StatusOK, map[string]any{"object": "list", "total_usage": d.dollars(h.Purse.Used) * 100})
}

func (d *Door) dollars(units int64) float64 {
	const fine = 1e6 // of a dollar: six decimals are told
	return math.Round(float64(units)/float64(d.UnitsPerDollar)*fine) / fine
}

// HolderLog serves GET /api/log/token?key=: the newest answered calls of the token.
func (d *Door) HolderLog(c *fiber.Ctx) error {
	text := c.Query("key")
	if text == "" {
		text = wire.Bearer(c)
	}
	h, rows, err := d.Gateway.HolderLog(c.UserContext(), text, wire.Address(c))
	if err != nil {
		return d.Error(c, err)
	}
	data := make([]map[string]any, 0, len(rows))
	for _, r := range rows {
		data = append(data, logLine(h, r))
	}
	return sendJSON(c, fiber.StatusOK, map[string]any{"success": true, "message": "", "data": data})
}

// consumed is New API's type of a line that was charged.
const consumed = 2

func logLine(h gateway.Holding, r db.RequestRow) map[string]any {
	return map[string]any{
		"id": r.ID, "user_id": h.Token.CreatedBy, "created_at": r.At.Unix(), "type": consumed, "content": "", "username": "",
		"token_name": h.Token.Name, "model_name": r.Model, "quota": r.Units, "prompt_tokens": r.Usage.Prompt,
		"completion_tokens": r.Usage.Completion, "use_time": int64(r.Total.Seconds()), "is_stream": r.Stream, "channel": 0,
		"channel_name": "", "token_id": h.Token.ID, "group": h.Group.Name, "ip": r.Address, "other": "",
	}
}

// Verify serves the check that nginx, Caddy and Traefik make before they let a
// call through: 204 with what the token is, or 401 or 403 with the rule.
func (d *Door) Verify(c *fiber.Ctx) error {
	cost, err := costOf(c)
	if err != nil {
		return d.Error(c, err)
	}
	text, err := d.presented(c)
	if err != nil {
		return d.Error(c, err)
	}
	h, err := d.Gateway.Verify(c.UserContext(), gateway.Check{
		RequestID: c.GetRespHeader("X-Request-Id"), Secret: text, Address: wire.Address(c), Cost: cost,
	})
	if err != nil {
		return d.Error(c, err)
	}
	c.Set("X-Latchkey-Token", h.Token.PublicID)
	c.Set("X-Latchkey-Workspace", h.Workspace.PublicID)
	c.Set("X-Latchkey-Permissions", strings.Join(h.Token.Permissions, ","))
	return c.SendStatus(fiber.StatusNoContent)
}

// presented is the secret that the call which the proxy asks about came with: in a
// header, or in its address, in the parameter that the token names for itself.
func (d *Door) presented(c *fiber.Ctx) (string, error) {
	if text := wire.Credential(c); text != "" {
		return text, nil
	}
	text, err := d.Gateway.InAddress(c.UserContext(), wire.Parameters(string(c.Request().URI().QueryString())))
	if text != "" || err != nil {
		return text, err
	}
	return d.Gateway.InAddress(c.UserContext(), wire.ForwardedParameters(c))
}

// costOf reads what the proxy charges: the cost of the configured address, which
// wins, or the header. Each may stand there once.
func costOf(c *fiber.Ctx) (int64, error) {
	var texts []string
	for _, v := range c.Context().QueryArgs().PeekMulti("cost") {
		texts = append(texts, string(v))
	}
	if len(texts) == 0 {
		for _, v := range c.Request().Header.PeekAll("X-Latchkey-Cost") {
			texts = append(texts, string(v))
		}
	}
	if len(texts) == 0 {
		return 0, nil
	}
	cost, err := strconv.ParseInt(texts[0], 10, 64)
	if err != nil || len(texts) > 1 || cost < 0 || cost > access.UnitsMax {
		return 0, access.Fail(access.Invalid, "cost_malformed", "The cost is one whole number of units, 0 or more.").At("cost")
	}
	return cost, nil
}
