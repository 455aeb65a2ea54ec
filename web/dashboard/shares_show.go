package dashboard

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/views"
	"latchkey/web/page"
)

// ShowShare answers the click that asks for the link and its QR code; the audit
// log knows first.
func (d *Dashboard) ShowShare(c *fiber.Ctx) error {
	row, link, err := d.revealLink(c)
	if err != nil {
		return freshPassword(c, err, page.Back(c))
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
	row, link, err := d.revealLink(c)
	if err != nil {
		return freshPassword(c, err, page.Back(c))
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

func (d *Dashboard) revealLink(c *fiber.Ctx) (row db.ShareRow, link views.ShareLinkView, err error) {
	row, text, err := d.reveal(c)
	if err == nil {
		link, err = d.shownLink(c, row, text)
	}
	return row, link, err
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
