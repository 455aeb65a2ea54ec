package dashboard

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// askToken asks before a token is ended: what it carried stands first.
func (d *Dashboard) askToken(c *fiber.Ctx, verb string) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	reach, err := d.Control.TokenReach(c.UserContext(), d.actor(c), row.PublicID)
	if err != nil {
		return err
	}
	l, href := page.Lang(c), tokenHref(row.PublicID)
	v := views.ConfirmView{
		Title: l.T("tokens."+verb+"_title", row.Name), Reach: d.reachOfToken(c, reach), Text: l.T("tokens." + verb + "_text"),
		Action: href + "/" + verb, Button: l.T("tokens.act." + verb), Target: "#dialog", Keep: href,
	}
	if verb == "revoke" && row.Enabled {
		v.Other, v.OtherIcon, v.OtherPost = l.T("tokens.disable_instead"), "ban", href+"/disable"
	}
	return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "tokens", v.Title), v), views.ConfirmPanel(v))
}

func (d *Dashboard) reachOfToken(c *fiber.Ctx, reach db.TokenReach) string {
	l := page.Lang(c)
	text := l.N("tokens.reach", reach.Calls)
	if reach.Embeds > 0 {
		text += " " + l.N("tokens.reach_embeds", reach.Embeds)
	}
	return text
}

// AskRevokeToken, AskDisableToken and AskDeleteToken ask first.
func (d *Dashboard) AskRevokeToken(c *fiber.Ctx) error  { return d.askToken(c, "revoke") }
func (d *Dashboard) AskDisableToken(c *fiber.Ctx) error { return d.askToken(c, "disable") }
func (d *Dashboard) AskDeleteToken(c *fiber.Ctx) error  { return d.askToken(c, "delete") }

// endToken carries an act on a token out and says so.
func (d *Dashboard) endToken(c *fiber.Ctx, act func(context.Context, access.Actor, string) error, key, undo string) error {
	if err := act(c.UserContext(), d.actor(c), c.Params("id")); err != nil {
		return err
	}
	row, err := d.token(c)
	if err != nil {
		return err
	}
	return d.tokenDone(c, row, key, undo)
}

// RevokeToken switches a token off for good; for ten seconds it can be taken back.
func (d *Dashboard) RevokeToken(c *fiber.Ctx) error {
	return d.endToken(c, d.Control.RevokeToken, "tokens.said.revoked", tokenHref(c.Params("id"))+"/undo-revoke")
}

// UndoRevokeToken takes a revocation back.
func (d *Dashboard) UndoRevokeToken(c *fiber.Ctx) error {
	return d.endToken(c, d.Control.UndoRevokeToken, "tokens.said.restored", "")
}

// DisableToken stops a token until it is enabled.
func (d *Dashboard) DisableToken(c *fiber.Ctx) error {
	return d.endToken(c, d.Control.DisableToken, "tokens.said.disabled", "")
}

// EnableToken lets a disabled token work again.
func (d *Dashboard) EnableToken(c *fiber.Ctx) error {
	return d.endToken(c, d.Control.EnableToken, "tokens.said.enabled", "")
}

// DeleteToken removes a token from every door.
func (d *Dashboard) DeleteToken(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	if err := d.Control.DeleteToken(c.UserContext(), d.actor(c), row.PublicID); err != nil {
		return err
	}
	toast := views.ToastView{Tone: views.Ok, Text: page.Lang(c).T("tokens.said.deleted", row.Name)}
	if onList(c, "/tokens") {
		return page.Part(c, views.RowGone(tokenRowID(row)), views.DialogDone(), views.ToastPart(toast))
	}
	return page.RedirectSaying(c, d, "/tokens", toast)
}
