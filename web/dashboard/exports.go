package dashboard

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// TokensCSV and its like are a list as CSV, by the list's own query, for as long
// as it takes.
func (d *Dashboard) TokensCSV(c *fiber.Ctx) error    { return d.csv(c, "tokens") }
func (d *Dashboard) SharesCSV(c *fiber.Ctx) error    { return d.csv(c, "shares") }
func (d *Dashboard) CustomersCSV(c *fiber.Ctx) error { return d.csv(c, "customers") }
func (d *Dashboard) RequestsCSV(c *fiber.Ctx) error  { return d.csv(c, "requests") }
func (d *Dashboard) AuditCSV(c *fiber.Ctx) error     { return d.csv(c, "audit") }

// ExportTokens and its like export a list, by its own query: a short one at once,
// a long one by a job.
func (d *Dashboard) ExportTokens(c *fiber.Ctx) error    { return d.export(c, "tokens") }
func (d *Dashboard) ExportShares(c *fiber.Ctx) error    { return d.export(c, "shares") }
func (d *Dashboard) ExportCustomers(c *fiber.Ctx) error { return d.export(c, "customers") }
func (d *Dashboard) ExportRequests(c *fiber.Ctx) error  { return d.export(c, "requests") }
func (d *Dashboard) ExportAudit(c *fiber.Ctx) error     { return d.export(c, "audit") }

// readExport reads what of a list is exported from the list's own query.
func (d *Dashboard) readExport(c *fiber.Ctx, list string) (listing, control.Export, error) {
	if list == "requests" {
		d.Gateway.Flush() // a refusal of a moment ago is in it
		p, err := d.readRequests(c)
		q := p.rows
		q.Before, q.Oldest = 0, false
		return p.listing, control.Export{List: list, Requests: q, Marked: marked(c)}, err
	}
	p, err := d.readListing(c, list, listStatuses[list]...)
	return p, control.Export{List: list, Page: p.whole(), Marked: marked(c)}, err
}

func (d *Dashboard) csv(c *fiber.Ctx, list string) error {
	p, e, err := d.readExport(c, list)
	if err != nil {
		return err
	}
	next, err := d.Control.ExportPieces(c.UserContext(), d.actor(c), e)
	if err != nil {
		return freshPassword(c, err, p.at(p.path))
	}
	return d.download(c, list, next)
}

func (d *Dashboard) export(c *fiber.Ctx, list string) error {
	p, e, err := d.readExport(c, list)
	if err != nil {
		return err
	}
	return d.exportAll(c, p, e)
}

func (d *Dashboard) exportAll(c *fiber.Ctx, p listing, e control.Export) error {
	n, whole, err := d.Control.CountExport(c.UserContext(), d.actor(c), e)
	switch {
	case err != nil:
		return freshPassword(c, err, backToList(c, p.path))
	case whole && n <= control.ExportNow:
		return page.Redirect(c, p.csv())
	}
	return d.beginExport(c, p, e)
}

func (d *Dashboard) beginExport(c *fiber.Ctx, p listing, e control.Export) error {
	j, err := d.Control.BeginExport(c.UserContext(), d.actor(c), e)
	if err != nil {
		return freshPassword(c, err, backToList(c, p.path))
	}
	return page.Redirect(c, jobHref(j.PublicID))
}

// exportPicked exports the ticked rows. Where some are gone, a page says so and
// has the rest.
func (d *Dashboard) exportPicked(c *fiber.Ctx, p listing, ids []string) error {
	e := control.Export{List: p.name, IDs: ids, Marked: marked(c)}
	file, ok, err := d.Control.ExportPicked(c.UserContext(), d.actor(c), e)
	switch {
	case err != nil:
		return freshPassword(c, err, backToList(c, p.path))
	case !ok:
		return d.beginExport(c, p, e)
	}
	return sendCSV(c, p.name, file)
}

// ExportFile is the file that a job made, until it is forgotten.
func (d *Dashboard) ExportFile(c *fiber.Ctx) error {
	list, next, err := d.Control.ExportedPieces(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return freshPassword(c, err, jobHref(c.Params("id")))
	}
	return d.download(c, list, next)
}

// exportView is the button that exports a list of that many rows: a link to the
// file, or the beginning of a job.
func (p listing) exportView(total int64) views.ExportView {
	p.boxes = false
	if _, more := p.moreThan(total); more || total > control.ExportNow {
		return views.ExportView{List: p.name, Begin: p.at(p.path + "/export")}
	}
	return views.ExportView{List: p.name, Href: p.csv()}
}
