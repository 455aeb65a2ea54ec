package newapi

import (
	"context"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/web/wire"
)

// keysMax is how many keys one call shows.
const keysMax = 100

// Tokens serves GET /api/token/.
func (d *Door) Tokens(c *fiber.Ctx, by access.Actor) error {
	number, size := page(func(name string) string { return c.Query(name) })
	rows, total, err := d.Control.TokensAt(c.UserContext(), by, offset(number, size), size)
	if err != nil {
		return d.orSay(c, err, "获取Token列表失败")
	}
	items, err := d.spell(c.UserContext(), by, rows)
	if err != nil {
		return d.orSay(c, err, "获取Token列表失败")
	}
	return sendData(c, struct {
		Items []tokenView `json:"items"`
		Total int64       `json:"total"`
		Page  int64       `json:"page"`
		Size  int         `json:"page_size"`
	}{items, total, number, size})
}

// SearchTokens serves GET /api/token/search.
func (d *Door) SearchTokens(c *fiber.Ctx, by access.Actor) error {
	rows, stopped, err := d.Control.SearchTokens(c.UserContext(), by, c.Query("keyword"), c.Query("token"))
	if err != nil {
		return d.orSay(c, err, "搜索Token失败")
	}
	items, err := d.spell(c.UserContext(), by, rows)
	if err != nil {
		return d.orSay(c, err, "搜索Token失败")
	}
	a := answer{Success: true, Data: items}
	if stopped {
		a.Message = "仅搜索了最新的令牌，更早的令牌未包含在内"
	}
	return wire.SendJSON(c, fiber.StatusOK, a)
}

// spell spells tokens and their keys.
func (d *Door) spell(ctx context.Context, by access.Actor, rows []db.TokenRow) ([]tokenView, error) {
	views := make([]tokenView, 0, len(rows))
	if len(rows) == 0 {
		return views, nil
	}
	s, err := d.scene(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	keys, err := d.Control.SpellTokens(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		views = append(views, s.token(r, keys[i]))
	}
	return views, nil
}

func (d *Door) scene(ctx context.Context, by access.Actor, rows []db.TokenRow) (s scene, err error) {
	w, err := d.Control.Workspace(ctx, by)
	if err != nil {
		return s, err
	}
	s = scene{now: d.Now(), zone: w.Location()}
	for _, r := range rows {
		if r.CreatedBy == 0 {
			s.owner, err = d.Control.FirstOwner(ctx, by)
			break
		}
	}
	return s, err
}

// sendToken answers with one token.
func (d *Door) sendToken(c *fiber.Ctx, by access.Actor, row db.TokenRow, err error) error {
	if err != nil {
		return err
	}
	views, err := d.spell(c.UserContext(), by, []db.TokenRow{row})
	if err != nil {
		return err
	}
	return sendData(c, views[0])
}

// Token serves GET /api/token/{id}.
func (d *Door) Token(c *fiber.Ctx, by access.Actor) error {
	number, err := numberOf(c)
	if err != nil {
		return err
	}
	row, err := d.Control.TokenByNumber(c.UserContext(), by, number)
	return d.sendToken(c, by, row, err)
}

func numberOf(c *fiber.Ctx) (int64, error) {
	number, err := strconv.ParseInt(c.Params("id"), 10, 64)
	if err != nil {
		return 0, tokenUnknown
	}
	return number, nil
}

// CreateToken serves POST /api/token/. The contract's answer says nothing of the
// token: clients find it in the list.
func (d *Door) CreateToken(c *fiber.Ctx, by access.Actor) error {
	b, err := d.tokenBody(c, settings)
	if err != nil {
		return err
	}
	if b.expires != nil && *b.expires == 0 {
		b.expires = nil
	}
	if b.remain == nil {
		b.remain = new(int64)
	}
	if b.unlimited == nil {
		b.unlimited = new(bool)
	}
	f, err := b.form()
	if err != nil {
		return err
	}
	if _, err := d.Control.CreateToken(c.UserContext(), by, f); err != nil {
		return err
	}
	return sendDone(c)
}

func (d *Door) tokenBody(c *fiber.Ctx, parts part) (tokenBody, error) {
	raw, err := wire.Body(c, wire.BodyMax)
	if err != nil {
		return tokenBody{}, err
	}
	b, err := readToken(raw, parts)
	if err != nil {
		return b, err
	}
	return b, b.checkName()
}

// EditToken serves PUT /api/token/.
func (d *Door) EditToken(c *fiber.Ctx, by access.Actor) error {
	if c.Query("status_only") != "" {
		return d.setStatus(c, by)
	}
	b, err := d.tokenBody(c, identity|settings)
	if err != nil {
		return err
	}
	if b.id == nil {
		return tokenUnknown
	}
	if b.status != nil && (*b.status < 0 || *b.status > exhausted) {
		return badBody
	}
	f, err := b.form()
	if err != nil {
		return err
	}
	row, err := d.Control.EditTokenByNumber(c.UserContext(), by, *b.id, f, b.status != nil && *b.status == enabled)
	return d.sendToken(c, by, row, err)
}

// setStatus serves PUT /api/token/?status_only=…, which reads nothing else.
func (d *Door) setStatus(c *fiber.Ctx, by access.Actor) error {
	b, err := d.tokenBody(c, identity)
	if err != nil {
		return err
	}
	if b.id == nil {
		return tokenUnknown
	}
	if b.status == nil || *b.status != enabled && *b.status != disabled {
		return badBody
	}
	row, err := d.Control.SetTokenByNumberEnabled(c.UserContext(), by, *b.id, *b.status == enabled)
	return d.sendToken(c, by, row, err)
}

// DeleteToken serves DELETE /api/token/{id}.
func (d *Door) DeleteToken(c *fiber.Ctx, by access.Actor) error {
	number, err := numberOf(c)
	if err != nil {
		return err
	}
	if err := d.Control.DeleteTokenByNumber(c.UserContext(), by, number); err != nil {
		return err
	}
	return sendDone(c)
}

// DeleteTokens serves POST /api/token/batch.
func (d *Door) DeleteTokens(c *fiber.Ctx, by access.Actor) error {
	numbers, err := d.numbers(c)
	if err != nil {
		return err
	}
	n, err := d.Control.DeleteTokens(c.UserContext(), by, numbers)
	if err != nil {
		return err
	}
	return sendData(c, n)
}

func (d *Door) numbers(c *fiber.Ctx) ([]int64, error) {
	raw, err := wire.Body(c, wire.BodyMax)
	if err != nil {
		return nil, err
	}
	return readNumbers(raw)
}

// RevealToken serves POST /api/token/{id}/key.
func (d *Door) RevealToken(c *fiber.Ctx, by access.Actor) error {
	number, err := numberOf(c)
	if err != nil {
		return err
	}
	key, err := d.Control.RevealTokenByNumber(c.UserContext(), by, number)
	if err != nil {
		return err
	}
	return sendData(c, map[string]string{"key": prefixed(key)})
}

// RevealTokens serves POST /api/token/batch/keys.
func (d *Door) RevealTokens(c *fiber.Ctx, by access.Actor) error {
	numbers, err := d.numbers(c)
	if err != nil {
		return err
	}
	if len(numbers) > keysMax {
		return badBody
	}
	texts, err := d.Control.RevealTokens(c.UserContext(), by, numbers)
	if err != nil {
		return err
	}
	keys := make(map[string]string, len(texts))
	for number, text := range texts {
		keys[strconv.FormatInt(number, 10)] = prefixed(text)
	}
	return sendData(c, map[string]any{"keys": keys})
}
