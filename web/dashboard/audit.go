package dashboard

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/views"
	"latchkey/web/page"
)

// Audit lists every change in the workspace.
func (d *Dashboard) Audit(c *fiber.Ctx) error {
	v, err := d.auditList(c)
	if err != nil {
		return err
	}
	if page.IsPart(c) {
		return page.Part(c, views.AuditBody(v), views.ExportPart(v.Export))
	}
	chain, err := d.Control.AuditChain(c.UserContext(), d.actor(c), false)
	if err != nil {
		return err
	}
	notes, err := d.jobNotes(c, "audit")
	if err != nil {
		return err
	}
	w := d.words(c)
	return page.Show(c, views.AuditPage(views.AuditView{Shell: d.shell(c, "audit", w.T("audit.title")), Chain: w.chain(chain), List: v, Jobs: notes}))
}

func (d *Dashboard) auditList(c *fiber.Ctx) (views.AuditListView, error) {
	p, err := d.readListing(c, "audit")
	if err != nil {
		return views.AuditListView{}, err
	}
	rows, total, err := d.Control.Audit(c.UserContext(), d.actor(c), p.page)
	if err != nil {
		return views.AuditListView{}, err
	}
	rows, more := cutPage(rows, p)
	names, err := d.auditNames(c)
	if err != nil {
		return views.AuditListView{}, err
	}
	w := d.words(c)
	v := views.AuditListView{
		Filtered: p.filtered(), Export: p.exportView(total),
		Toolbar: views.ToolbarView{
			Action: p.path, Target: p.name, Query: p.page.Query, Placeholder: w.T("audit.search"), Note: d.countNote(c, p, total),
		},
	}
	for _, r := range rows {
		v.Rows = append(v.Rows, w.auditRow(r, names))
	}
	if len(rows) > 0 {
		v.Pager = d.pager(c, p, db.Place{Number: rows[0].Seq}, db.Place{Number: rows[len(rows)-1].Seq}, len(rows), more, total)
	}
	return v, nil
}

// AuditEntry is one entry with what changed: a part of the list, or a page.
func (d *Dashboard) AuditEntry(c *fiber.Ctx) error {
	seq, err := strconv.ParseInt(c.Params("seq"), 10, 64)
	if err != nil {
		return fiber.ErrNotFound
	}
	r, err := d.Control.AuditEntry(c.UserContext(), d.actor(c), seq)
	if err != nil {
		return err
	}
	names, err := d.auditNames(c)
	if err != nil {
		return err
	}
	w := d.words(c)
	v := w.auditEntry(r, names)
	v.Shell = d.shell(c, "audit", v.Title)
	v.Shell.Crumbs = []views.LinkView{{Text: w.T("audit.title"), Href: "/audit"}, {Text: w.Number(r.Seq)}}
	return page.ShowOrPart(c, views.AuditEntryPage(v), views.AuditEntry(v))
}

// auditNames are the names of what the log keeps by number, and of its people.
func (d *Dashboard) auditNames(c *fiber.Ctx) (auditNames, error) {
	names := auditNames{people: map[string]string{}, fields: map[string]map[int64]string{"bot": {}, "provider": {}}}
	bots, err := d.Control.BotChoices(c.UserContext(), d.actor(c))
	if err != nil {
		return names, err
	}
	for _, b := range bots {
		names.fields["bot"][b.ID] = b.Name
	}
	providers, err := d.Control.Providers(c.UserContext(), d.actor(c))
	if err != nil {
		return names, err
	}
	for _, p := range providers {
		names.fields["provider"][p.ID] = p.Name
	}
	members, err := d.Control.Members(c.UserContext(), d.actor(c))
	for _, m := range members {
		names.people[m.User.PublicID] = m.User.Shown()
	}
	return names, err
}

// VerifyAudit walks the whole chain from its first row.
func (d *Dashboard) VerifyAudit(c *fiber.Ctx) error {
	chain, err := d.Control.AuditChain(c.UserContext(), d.actor(c), true)
	if err != nil {
		return err
	}
	v := d.words(c).chain(chain)
	if page.IsPart(c) {
		return page.Part(c, views.Chain(v))
	}
	return page.RedirectSaying(c, d, "/audit", views.ToastView{Tone: v.Tone, Text: v.Text})
}
