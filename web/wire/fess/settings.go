package fess

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/web/wire"
)

// Settings serves GET and PUT /api/admin/accesstoken/settings.
func (d *Door) Settings(c *fiber.Ctx, by access.Actor) error {
	raw, err := wire.Body(c, wire.BodyMax)
	if err != nil {
		return err
	}
	l, err := readListing(func(name string) string { return c.Query(name) }, raw, int64(d.PageBase))
	if err != nil {
		return err
	}
	rows, total, err := d.Control.TokensNamed(c.UserContext(), by, l.id, l.offset, l.size)
	if err != nil {
		return err
	}
	settings, err := d.spell(c, by, rows)
	if err != nil {
		return err
	}
	return send(c, fiber.StatusOK, struct {
		head
		Settings []setting `json:"settings"`
		Total    int64     `json:"total"`
	}{done(), settings, total})
}

// spell spells tokens and their texts.
func (d *Door) spell(c *fiber.Ctx, by access.Actor, rows []db.TokenRow) ([]setting, error) {
	texts, err := d.Control.SpellTokens(c.UserContext(), by, rows)
	if err != nil {
		return nil, err
	}
	settings := make([]setting, 0, len(rows))
	for i, r := range rows {
		settings = append(settings, spell(r, texts[i]))
	}
	return settings, nil
}

// Setting serves GET /api/admin/accesstoken/setting/{id}. Clients of Fess send a
// body with it, which says nothing.
func (d *Door) Setting(c *fiber.Ctx, by access.Actor) error {
	row, err := d.Control.Token(c.UserContext(), by, c.Params("id"))
	if err != nil {
		return unknown(err, c.Params("id"))
	}
	settings, err := d.spell(c, by, []db.TokenRow{row})
	if err != nil {
		return err
	}
	return send(c, fiber.StatusOK, struct {
		head
		Setting setting `json:"setting"`
	}{done(), settings[0]})
}

// unknown says of a missing token, or another's, which one.
func unknown(err error, id string) error {
	if e, ok := err.(*access.Error); ok && e.Code == "not_found" {
		return access.Fail(access.NotFound, "fess_not_found", "The data %s is not found.", id)
	}
	return err
}

// changed is what creating, updating and deleting answer.
type changed struct {
	head
	ID      string `json:"id"`
	Token   string `json:"token,omitempty"`
	Created bool   `json:"created"`
}

// CreateSetting serves POST /api/admin/accesstoken/setting.
func (d *Door) CreateSetting(c *fiber.Ctx, by access.Actor) error {
	b, err := d.body(c, false)
	if err != nil {
		return err
	}
	if b.parameter == nil {
		b.parameter = new(usualParameter)
	}
	w, err := d.Control.Workspace(c.UserContext(), by)
	if err != nil {
		return err
	}
	f, err := b.form(w.Location())
	if err != nil {
		return err
	}
	k, err := d.Control.CreateToken(c.UserContext(), by, f)
	if err != nil {
		return err
	}
	return send(c, fiber.StatusOK, changed{done(), k.Row.PublicID, k.Secret, true})
}

func (d *Door) body(c *fiber.Ctx, editing bool) (body, error) {
	raw, err := wire.Body(c, wire.BodyMax)
	if err != nil {
		return body{}, err
	}
	return readBody(raw, editing)
}

// EditSetting serves PUT /api/admin/accesstoken/setting. The token's text never
// changes.
func (d *Door) EditSetting(c *fiber.Ctx, by access.Actor) error {
	b, err := d.body(c, true)
	if err != nil {
		return err
	}
	w, err := d.Control.Workspace(c.UserContext(), by)
	if err != nil {
		return err
	}
	f, err := b.form(w.Location())
	if err != nil {
		return err
	}
	if _, err := d.Control.EditToken(c.UserContext(), by, *b.id, f); err != nil {
		return unknown(err, *b.id)
	}
	return send(c, fiber.StatusOK, changed{done(), *b.id, "", false})
}

// DeleteSetting serves DELETE /api/admin/accesstoken/setting/{id}.
func (d *Door) DeleteSetting(c *fiber.Ctx, by access.Actor) error {
	id := c.Params("id")
	if err := d.Control.DeleteToken(c.UserContext(), by, id); err != nil {
		return unknown(err, id)
	}
	return send(c, fiber.StatusOK, changed{done(), id, "", false})
}
