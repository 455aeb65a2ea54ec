package dashboard

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// The statuses that the list of links can be filtered by.
var shareStatuses = []access.Status{access.StatusEnabled, access.StatusPaused, access.StatusExpired, access.StatusRevoked}

func shareHref(id string) string { return "/shares/" + id }

// Shares lists the workspace's share links.
func (d *Dashboard) Shares(c *fiber.Ctx) error {
	v, err := d.shareList(c, "")
	if err != nil {
		return err
	}
	if page.IsPart(c) {
		return page.Part(c, views.SharesBody(v), views.ExportPart("shares-export", v.Export))
	}
	return page.Show(c, views.SharesPage(views.SharesView{Shell: d.shell(c, "shares", page.Lang(c).T("shares.title")), List: v}))
}

// shareList reads the list by its query; open is the link beside it, "" for none.
func (d *Dashboard) shareList(c *fiber.Ctx, open string) (views.ShareListView, error) {
	p, err := d.readListing(c, "shares", shareStatuses...)
	if err != nil {
		return views.ShareListView{}, err
	}
	rows, total, err := d.Control.Shares(c.UserContext(), d.actor(c), p.page)
	if err != nil {
		return views.ShareListView{}, err
	}
	bots, err := d.botFilter(c, p)
	rows, more := cutPage(rows, p)
	v := views.ShareListView{
		Export: p.csv(), Filtered: p.filtered(), ReadOnly: !d.actor(c).May(access.ChangeAccess),
		Toolbar: views.ToolbarView{
			Action: p.path, Target: p.name, Query: p.page.Query, Placeholder: page.Lang(c).T("shares.search"), Note: d.countNote(c, "shares", total),
			Filters: []views.FilterView{d.statusFilter(c, p, shareStatuses...), bots},
		},
	}
	for _, row := range rows {
		one := d.shareRow(c, row)
		one.Href, one.Chosen = p.at(one.Href), row.PublicID == open
		v.Rows = append(v.Rows, one)
	}
	if len(rows) > 0 {
		v.Pager = d.pager(c, p, rows[0].ID, rows[len(rows)-1].ID, len(rows), more, total)
	}
	return v, err
}

// Share shows one link beside the list.
func (d *Dashboard) Share(c *fiber.Ctx) error {
	row, err := d.share(c)
	if err != nil {
		return err
	}
	return d.showShare(c, row, nil)
}

func (d *Dashboard) share(c *fiber.Ctx) (db.ShareRow, error) {
	return d.Control.Share(c.UserContext(), d.actor(c), c.Params("id"))
}

// showShare answers with a link's details: beside the list that is there, or with
// the whole page. confirm is the question that stands in place, nil for none.
func (d *Dashboard) showShare(c *fiber.Ctx, row db.ShareRow, confirm *views.ConfirmView) error {
	v, err := d.sharePage(c, row)
	if err != nil {
		return err
	}
	v.Confirm = confirm
	if page.IsPart(c) {
		return page.Part(c, views.ShareBody(v), views.ShareRowChanged(d.chosenRow(c, row)))
	}
	list, err := d.shareList(c, row.PublicID)
	if err != nil {
		return err
	}
	shell := d.shell(c, "shares", v.Name)
	shell.Crumbs = []views.LinkView{{Text: page.Lang(c).T("shares.title")}}
	return page.Show(c, views.SharesPage(views.SharesView{Shell: shell, List: list, Open: &v}))
}

func (d *Dashboard) chosenRow(c *fiber.Ctx, row db.ShareRow) views.ShareRowView {
	v := d.shareRow(c, row)
	v.Chosen = true
	return v
}

// ShareMenu is the menu of a link's row.
func (d *Dashboard) ShareMenu(c *fiber.Ctx) error {
	row, err := d.share(c)
	if err != nil {
		return err
	}
	return page.Part(c, views.ShareMenu(views.ShareMenuView{
		ID: row.PublicID, Href: shareHref(row.PublicID), Paused: !row.PausedAt.IsZero(), Revoked: !row.RevokedAt.IsZero(),
	}))
}

// NewShare shows the form of a new link.
func (d *Dashboard) NewShare(c *fiber.Ctx) error {
	v, err := d.shareForm(c, shareDraft{expires: endNever, unit: "none", who: "all", bot: c.Query("bot")}, nil)
	if err != nil {
		return err
	}
	return d.showShareForm(c, fiber.StatusOK, v)
}

func (d *Dashboard) showShareForm(c *fiber.Ctx, status int, v views.ShareFormView) error {
	form := views.ShareForm(v)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "shares", v.Title), form), form)
}

// CreateShare makes a link and shows it with its QR code.
func (d *Dashboard) CreateShare(c *fiber.Ctx) error {
	draft := readShare(c)
	form, err := d.shareOf(c, draft, nil)
	var made handedOut
	if err == nil {
		made, err = d.handOut(c, func() (handedOut, error) {
			issued, err := d.Control.CreateShare(c.UserContext(), d.actor(c), form)
			return handedOut{ID: issued.Row.PublicID, Secret: issued.Secret}, err
		})
	}
	if refused(err) {
		return d.shareRefused(c, draft, nil, err)
	} else if err != nil {
		return err
	}
	return d.showNewShare(c, made)
}

func (d *Dashboard) shareRefused(c *fiber.Ctx, draft shareDraft, row *db.ShareRow, err error) error {
	v, lost := d.shareForm(c, draft, row)
	if lost != nil {
		return lost
	}
	v.Failed, v.Errors = true, formErrors(c, err)
	if row != nil && isStale(v.Errors) {
		v.Version = version(row.Version)
	}
	v.FoldOpen = v.FoldOpen || inFold(v.Errors, "cap", "max_customers", "rpm", "customers")
	return d.showShareForm(c, page.StatusOf(err), v)
}

// AskEditShare shows the form of a link that is there.
func (d *Dashboard) AskEditShare(c *fiber.Ctx) error {
	row, err := d.share(c)
	if err != nil {
		return err
	}
	draft, err := d.shareDraftOf(c, row)
	if err != nil {
		return err
	}
	v, err := d.shareForm(c, draft, &row)
	if err != nil {
		return err
	}
	return d.showShareForm(c, fiber.StatusOK, v)
}

// EditShare saves a link.
func (d *Dashboard) EditShare(c *fiber.Ctx) error {
	row, err := d.share(c)
	if err != nil {
		return err
	}
	draft := readShare(c)
	form, err := d.shareOf(c, draft, &row)
	if err == nil {
		_, err = d.Control.EditShare(c.UserContext(), d.actor(c), row.PublicID, form)
	}
	if refused(err) {
		return d.shareRefused(c, draft, &row, err)
	} else if err != nil {
		return err
	}
	return d.shareDone(c, row.PublicID, "shares.said.saved", "")
}

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
		return page.Part(c, views.RowGone("share-"+row.PublicID), views.DialogDone(), views.ToastPart(toast))
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

// ShowShare answers the click that asks for the link and its QR code; the audit
// log knows first.
func (d *Dashboard) ShowShare(c *fiber.Ctx) error {
	row, text, err := d.reveal(c)
	if err != nil {
		return freshPassword(c, err, page.Back(c))
	}
	link, err := d.shownLink(c, row, text)
	if err != nil {
		return err
	}
	l := page.Lang(c)
	panel := views.ShareShownPanel(l.T("shares.shown_title", shareName(l, row.Share)), row.BotName, shareHref(row.PublicID), link)
	return page.ShowOrPart(c, views.PanelPage(d.shell(c, "shares", shareName(l, row.Share)), panel), views.ShareLink(link))
}

// AskShowShare is the masked link with its buttons, for the menu of a row.
func (d *Dashboard) AskShowShare(c *fiber.Ctx) error {
	row, err := d.share(c)
	if err != nil {
		return err
	}
	l := page.Lang(c)
	panel := views.ShareShownPanel(l.T("shares.shown_title", shareName(l, row.Share)), row.BotName, shareHref(row.PublicID), d.maskedLink(c, row))
	return page.ShowOrPart(c, views.PanelPage(d.shell(c, "shares", shareName(l, row.Share)), panel), panel)
}

// CopyShare answers a copy button with the link; the audit log knows first.
func (d *Dashboard) CopyShare(c *fiber.Ctx) error {
	row, text, err := d.reveal(c)
	if err != nil {
		return freshPassword(c, err, page.Back(c))
	}
	link, err := d.shownLink(c, row, text)
	if err != nil {
		return err
	}
	l := page.Lang(c)
	panel := views.ShareShownPanel(l.T("shares.shown_title", shareName(l, row.Share)), row.BotName, shareHref(row.PublicID), link)
	return page.Secret(c, link.URL, views.PanelPage(d.shell(c, "shares", shareName(l, row.Share)), panel))
}

// ShareQR answers with the QR code as a file; the audit log knows first.
func (d *Dashboard) ShareQR(c *fiber.Ctx) error {
	row, text, err := d.reveal(c)
	if err != nil {
		return freshPassword(c, err, page.Back(c))
	}
	code, err := qr(d.Origin(c) + "/s/" + text)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentType, "image/svg+xml")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="link-`+row.Hint+`.svg"`)
	return c.SendString(qrFile(code))
}

func (d *Dashboard) reveal(c *fiber.Ctx) (db.ShareRow, string, error) {
	text, err := d.Control.RevealShare(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return db.ShareRow{}, "", err
	}
	row, err := d.share(c)
	return row, text, err
}

// showNewShare shows a link that was just made.
func (d *Dashboard) showNewShare(c *fiber.Ctx, made handedOut) error {
	row, err := d.Control.Share(c.UserContext(), d.actor(c), made.ID)
	if err != nil {
		return err
	}
	link, err := d.shownLink(c, row, made.Secret)
	if err != nil {
		return err
	}
	w := d.words(c)
	link.Shown = ""
	v := views.ShareCreatedView{
		Title: w.T("shares.created", shareName(w.Lang, row.Share)), Summary: w.shareSummary(row), Href: shareHref(row.PublicID), Back: "/shares", Link: link,
	}
	panel := views.ShareCreated(v)
	if !page.IsPart(c) {
		return page.Show(c, views.PanelPage(d.shell(c, "shares", v.Title), panel))
	}
	fresh := d.shareRow(c, row)
	fresh.Fresh = true
	switch {
	case !onList(c, "/shares"):
		return page.Part(c, panel)
	case !onWholeList(c, "/shares"):
		return page.Part(c, panel, views.ShareRowAdded(fresh))
	}
	list, err := d.shareList(c, "")
	for i := range list.Rows {
		list.Rows[i].Fresh = list.Rows[i].ID == row.PublicID
	}
	if err != nil {
		return err
	}
	return page.Part(c, panel, views.SharesAgain(list))
}

// SharesCSV is the list as CSV, by the list's own query. It holds no link.
func (d *Dashboard) SharesCSV(c *fiber.Ctx) error {
	p, err := d.readListing(c, "shares", shareStatuses...)
	if err != nil {
		return err
	}
	w := d.words(c)
	return d.csv(c, "shares", shareHead, pages(p, d.actor(c), d.Control.DB.Shares, func(r db.ShareRow) (int64, []string) {
		return r.ID, shareCells(w, r)
	}))
}

// shareDraft is the form of a link as it stands in its fields.
type shareDraft struct {
	name, bot                string
	expires, expiresOn       string
	unit, allowance, dollars string // unit: none, messages, units
	refill                   string
	cap, seats, rpm          string
	who                      string // all, named
	named                    []string
	version                  int64
}
