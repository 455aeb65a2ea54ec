package ragflow

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// CreateToken serves POST /v1/system/new_token and the newer names of it.
func (d *Door) CreateToken(c *fiber.Ctx, by access.Actor) error {
	v, err := d.createToken(c, by)
	if err != nil {
		return err
	}
	return sendData(c, success, v)
}

func (d *Door) createToken(c *fiber.Ctx, by access.Actor) (issued, error) {
	o, err := body(c, wire.BodyMax, false)
	if err != nil {
		return issued{}, err
	}
	tenant, err := d.tenant(c, by)
	if err != nil {
		return issued{}, err
	}
	f, err := d.tokenForm(c, by, o)
	if err != nil {
		return issued{}, err
	}
	k, err := d.Control.CreateToken(c.UserContext(), by, f)
	if access.KindOf(err) == 0 && err != nil {
		d.Log.Error("fault at RAGFlow's door", "request", c.GetRespHeader("X-Request-Id"), "error", err)
		return issued{}, notIssued
	}
	return spellIssued(tenant, k), err
}

// tokenForm spells for control what was sent of a token. A bot that is switched off
// is no bot to bind to.
func (d *Door) tokenForm(c *fiber.Ctx, by access.Actor, o *strict.Object) (f control.TokenForm, err error) {
	name, bot, err := readBinding(o, c.Query("name"))
	if err != nil {
		return f, err
	}
	f = control.TokenForm{Name: &name, NameOptional: true, Bot: bot}
	if bot == nil {
		return f, nil
	}
	b, err := d.Control.Bot(c.UserContext(), by, *bot)
	if access.KindOf(err) == access.NotFound || err == nil && !b.Enabled {
		err = dialogUnknown
	}
	return f, err
}

// Tokens serves GET of the newer names of /v1/system/token_list.
func (d *Door) Tokens(c *fiber.Ctx, by access.Actor) error { return d.sendTokens(c, by, success) }

// TokenList serves GET /v1/system/token_list, whose message is empty.
func (d *Door) TokenList(c *fiber.Ctx, by access.Actor) error { return d.sendTokens(c, by, "") }

func (d *Door) sendTokens(c *fiber.Ctx, by access.Actor, message string) error {
	tenant, err := d.tenant(c, by)
	if err != nil {
		return err
	}
	rows, err := d.Control.TokensInOrder(c.UserContext(), by)
	if err != nil {
		return err
	}
	texts, err := d.Control.SpellTokens(c.UserContext(), by, rows)
	if err != nil {
		return err
	}
	betas, err := d.Control.SpellBetas(c.UserContext(), by, rows)
	if err != nil {
		return err
	}
	views := make([]listed, 0, len(rows))
	for i, r := range rows {
		views = append(views, spellListed(tenant, r, texts[i], betas[i]))
	}
	return sendData(c, message, views)
}

// DeleteToken serves DELETE /v1/system/token/{token} and the newer names of it. A
// token that is unknown or another's is gone already.
func (d *Door) DeleteToken(c *fiber.Ctx, by access.Actor) error {
	if by.WorkspaceID == 0 {
		return tenantUnknown
	}
	if _, err := d.Control.DeleteTokenByText(c.UserContext(), by, part(c, "token")); err != nil {
		return err
	}
	return sendDone(c)
}
