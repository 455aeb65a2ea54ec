package dashboard

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// shareDone says what became of a link. Beside the list its details and its row
// are replaced; elsewhere its page is drawn anew.
func (d *Dashboard) shareDone(c *fiber.Ctx, id, key, undo string) error {
	row, err := d.Control.Share(c.UserContext(), d.actor(c), id)
	if err != nil {
		return err
	}
	l := page.Lang(c)
	toast := views.ToastView{Tone: views.Ok, Text: l.T(key, shareName(l, row.Share))}
	if undo != "" {
		toast.UndoText, toast.UndoAction = l.T("kit.undo"), undo
	}
	if onList(c, "/shares") {
		return page.Part(c, views.ShareRowChanged(d.shareRow(c, row)), views.DialogDone(), views.ToastPart(toast))
	}
	return page.RedirectSaying(c, d, backToShare(c, id), toast)
}

// backToShare is the link's page with the list as it was beside it.
func backToShare(c *fiber.Ctx, id string) string {
	if back := page.Back(c); pathOf(back) == shareHref(id) {
		return back
	}
	return shareHref(id)
}

// endShare carries an act on a link out and says so.
func (d *Dashboard) endShare(c *fiber.Ctx, act func(context.Context, access.Actor, string) error, key, undo string) error {
	id := c.Params("id")
	if err := act(c.UserContext(), d.actor(c), id); err != nil {
		return err
	}
	return d.shareDone(c, id, key, undo)
}

// PauseShare closes a link until it is resumed.
func (d *Dashboard) PauseShare(c *fiber.Ctx) error {
	return d.endShare(c, d.Control.PauseShare, "shares.said.paused", shareHref(c.Params("id"))+"/resume")
}

// ResumeShare opens a paused link again.
func (d *Dashboard) ResumeShare(c *fiber.Ctx) error {
	return d.endShare(c, d.Control.ResumeShare, "shares.said.resumed", "")
}

// RevokeShare switches a link off for good; for ten seconds it can be taken back.
func (d *Dashboard) RevokeShare(c *fiber.Ctx) error {
	return d.endShare(c, d.Control.RevokeShare, "shares.said.revoked", shareHref(c.Params("id"))+"/undo-revoke")
}

// UndoRevokeShare takes a revocation back.
func (d *Dashboard) UndoRevokeShare(c *fiber.Ctx) error {
	return d.endShare(c, d.Control.UndoRevokeShare, "shares.said.restored", "")
}

// DeleteShare removes a link from every door.
func (d *Dashboard) DeleteShare(c *fiber.Ctx) error {
	row, err := d.share(c)
	if err != nil {
		return err
	}
	if err := d.Control.DeleteShare(c.UserContext(), d.actor(c), row.PublicID); err != nil {
		return err
	}
	l := page.Lang(c)
	toast := views.ToastView{Tone: views.Ok, Text: l.T("shares.said.deleted", shareName(l, row.Share))}
	if onList(c, "/shares") {
		return page.Part(c, views.RowGone(shareRowID(row)), views.DialogDone(), views.ToastPart(toast))
	}
	return page.RedirectSaying(c, d, "/shares", toast)
}

// AskRevokeShare and AskDeleteShare ask first.
func (d *Dashboard) AskRevokeShare(c *fiber.Ctx) error { return d.askShare(c, "revoke") }
func (d *Dashboard) AskDeleteShare(c *fiber.Ctx) error { return d.askShare(c, "delete") }

// askShare asks before a link is ended: in place beside the list, in the dialog
// from a menu, with the whole page without script.
func (d *Dashboard) askShare(c *fiber.Ctx, verb string) error {
	row, err := d.share(c)
	if err != nil {
		return err
	}
	v, err := d.shareConfirm(c, row, verb)
	if err != nil {
		return err
	}
	switch {
	case !page.IsPart(c):
		return d.showShare(c, row, &v)
	case c.Query("in") == "place":
		return page.Part(c, views.Confirm(v))
	}
	return page.Part(c, views.ConfirmPanel(v))
}
