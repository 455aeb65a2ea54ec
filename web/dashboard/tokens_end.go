package dashboard

import (
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
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

// bulkMax bounds how many tokens one press changes: a page of them.
const bulkMax = 200

// extension is what "extend" adds: to the present end, or to now where that has
// passed. A token without an end needs none.
const extension = 30 * 24 * time.Hour

// BulkTokens changes the tokens that were ticked, each for itself: what one of
// them refuses does not stop the rest.
func (d *Dashboard) BulkTokens(c *fiber.Ctx) error {
	ids := fields(c, "id")
	if len(ids) == 0 {
		return d.say(c, "/tokens", "tokens.said.none")
	}
	ids = ids[:min(len(ids), bulkMax)]
	act := map[string]func(*fiber.Ctx, string) error{
		"enable": d.one(d.Control.EnableToken), "disable": d.one(d.Control.DisableToken), "extend": d.extendToken,
		"revoke": d.one(d.Control.RevokeToken),
	}[c.Params("verb")]
	switch {
	case c.Params("verb") == "export":
		return d.exportTokens(c, ids)
	case act == nil:
		return fiber.ErrNotFound
	case c.Params("verb") == "revoke" && !ticked(c, "confirmed"):
		return d.askBulkRevoke(c, ids)
	}
	return d.bulk(c, ids, act)
}

func (d *Dashboard) one(act func(context.Context, access.Actor, string) error) func(*fiber.Ctx, string) error {
	return func(c *fiber.Ctx, id string) error { return act(c.UserContext(), d.actor(c), id) }
}

func (d *Dashboard) bulk(c *fiber.Ctx, ids []string, act func(*fiber.Ctx, string) error) error {
	l := page.Lang(c)
	var failed int64
	why := ""
	for _, id := range ids {
		if err := act(c, id); access.KindOf(err) != 0 {
			failed, why = failed+1, page.Say(c, err)
		} else if err != nil {
			return err
		}
	}
	if done := int64(len(ids)) - failed; failed == 0 || done > 0 {
		if err := d.Put(c, views.ToastView{Tone: views.Ok, Text: l.N("tokens.said.bulk", done)}); err != nil {
			return err
		}
	}
	if failed > 0 {
		return page.RedirectSaying(c, d, backToList(c, "/tokens"), views.ToastView{Tone: views.Bad, Text: l.N("tokens.said.bulk_failed", failed, why)})
	}
	return page.Redirect(c, backToList(c, "/tokens"))
}

func (d *Dashboard) extendToken(c *fiber.Ctx, id string) error {
	row, err := d.Control.Token(c.UserContext(), d.actor(c), id)
	if err != nil || row.ExpiresAt.IsZero() {
		return err
	}
	from := row.ExpiresAt
	if now := d.Now(); from.Before(now) {
		from = now
	}
	until := from.Add(extension)
	_, err = d.Control.EditToken(c.UserContext(), d.actor(c), id, control.TokenForm{ExpiresAt: &until, Version: row.Version})
	return err
}

// askBulkRevoke asks before many tokens are ended, with the calls of all of them.
func (d *Dashboard) askBulkRevoke(c *fiber.Ctx, ids []string) error {
	var sum db.TokenReach
	for _, id := range ids {
		reach, err := d.Control.TokenReach(c.UserContext(), d.actor(c), id)
		if err != nil {
			return err
		}
		sum.Calls, sum.Embeds = sum.Calls+reach.Calls, sum.Embeds+reach.Embeds
	}
	l, n := page.Lang(c), int64(len(ids))
	v := views.ConfirmView{
		Title: l.N("tokens.bulk_revoke_title", n), Reach: d.reachOfToken(c, sum), Text: l.T("tokens.bulk_revoke_text"),
		Action: "/tokens/bulk/revoke", Button: l.N("tokens.bulk_revoke", n), Keep: backToList(c, "/tokens"),
		Hidden: []views.OptionView{{Label: "confirmed", Value: "1"}},
	}
	return page.Show(c, views.BulkConfirm(d.shell(c, "tokens", v.Title), views.BulkConfirmView{Confirm: v, IDs: ids}))
}

// exportTokens answers with the ticked tokens as CSV.
func (d *Dashboard) exportTokens(c *fiber.Ctx, ids []string) error {
	by, w, left := d.actor(c), d.words(c), slices.Clone(ids)
	return d.csv(c, "tokens", tokenHead, func(ctx context.Context) ([][]string, error) {
		if len(left) == 0 {
			return nil, nil
		}
		id := left[0]
		left = left[1:]
		row, err := d.Control.Token(ctx, by, id)
		if err != nil {
			return nil, err
		}
		return [][]string{tokenCells(w, row)}, nil
	})
}
