package dashboard

import (
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
		return page.Part(c, views.SharesBody(v), views.ExportPart(v.Export))
	}
	notes, err := d.jobNotes(c, "shares")
	if err != nil {
		return err
	}
	return page.Show(c, views.SharesPage(views.SharesView{Shell: d.shell(c, "shares", page.Lang(c).T("shares.title")), List: v, Jobs: notes}))
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
		Heads:  d.heads(c, p, map[string]string{"name": "shares.link_and_bot", "opens": "shares.opens", "ends": "shares.ends"}),
		Export: p.exportView(total), Filtered: p.filtered(), ReadOnly: !d.actor(c).May(access.ChangeAccess),
		Toolbar: views.ToolbarView{
			Action: p.path, Target: p.name, Unknown: p.unknown(page.Lang(c)), Query: p.page.Query, Placeholder: page.Lang(c).T("shares.search"), Note: d.countNote(c, p, total),
			Filters: []views.FilterView{d.statusFilter(c, p, shareStatuses...), bots}, Hidden: p.hidden(),
		},
	}
	for _, row := range rows {
		one := d.shareRow(c, row)
		one.Href, one.Chosen = p.at(one.Href), row.PublicID == open
		v.Rows = append(v.Rows, one)
	}
	v.Bulk = d.picked(c, p, len(rows), total)
	if !v.ReadOnly && (len(rows) > 0 || p.boxes) {
		v.Toolbar = p.boxed(v.Toolbar)
	}
	if len(rows) > 0 {
		v.Pager = d.pager(c, p, rows[0].Place(p.page.Sort), rows[len(rows)-1].Place(p.page.Sort), len(rows), more, total)
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
		Row: shareRowID(row), Href: shareHref(row.PublicID), Paused: !row.PausedAt.IsZero(), Revoked: !row.RevokedAt.IsZero(),
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
