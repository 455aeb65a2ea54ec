package dashboard

import (
	"io"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// ImportPage asks for a file of customers.
func (d *Dashboard) ImportPage(c *fiber.Ctx) error {
	return d.showImport(c, fiber.StatusOK, views.ImportView{})
}

func (d *Dashboard) showImport(c *fiber.Ctx, status int, v views.ImportView) error {
	l := page.Lang(c)
	if len(v.Text) <= importPaste {
		v.Paste = v.Text
	}
	v.Shell = d.shell(c, "customers", l.T("customers.import_title"))
	v.Shell.Crumbs = []views.LinkView{{Text: l.T("customers.title"), Href: "/customers"}, {Text: l.T("customers.import_title")}}
	return page.Status(c, status, views.ImportPage(v))
}

// ImportCustomers checks a file of customers, and begins to enrol them once that
// was seen to be right, or without the lines that are wrong.
func (d *Dashboard) ImportCustomers(c *fiber.Ctx) error {
	file, err := importFile(c)
	if err != nil {
		return err
	}
	if ticked(c, "enrol") {
		return d.enrolImport(c, file)
	}
	i, err := d.Control.CheckImport(c.UserContext(), d.actor(c), file)
	return d.showChecked(c, file, i, err)
}

// importFile is what was uploaded, else what was pasted.
func importFile(c *fiber.Ctx) ([]byte, error) {
	if isUpload(c) {
		form, err := c.Context().MultipartForm()
		if err == nil && len(form.File["file"]) > 0 && form.File["file"][0].Size > 0 {
			f, err := form.File["file"][0].Open()
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return io.ReadAll(io.LimitReader(f, control.ImportBytesMax+1))
		}
	}
	return []byte(field(c, "text")), nil
}

// importPaste is how long a text may be that comes back to be edited on the page.
const importPaste = 64 << 10

// importShown is how many lines of a file a page shows; those that are wrong first.
const importShown = 200

// showChecked shows what a file holds, line by line.
func (d *Dashboard) showChecked(c *fiber.Ctx, file []byte, i control.Import, err error) error {
	v := views.ImportView{Text: string(file)}
	if refused(err) {
		v.Failed, v.Errors = true, page.FieldErrors(c, err)
		if v.Text = strings.ToValidUTF8(v.Text, ""); len(v.Text) > control.ImportBytesMax {
			v.Text = ""
		}
		return d.showImport(c, page.StatusOf(err), v)
	} else if err != nil {
		return err
	}
	l := page.Lang(c)
	lines := slices.Clone(i.Lines)
	slices.SortStableFunc(lines, func(a, b control.ImportLine) int {
		switch {
		case (a.Wrong != nil) == (b.Wrong != nil):
			return 0
		case a.Wrong != nil:
			return -1
		}
		return 1
	})
	if more := len(lines) - importShown; more > 0 {
		lines, v.More = lines[:importShown], l.N("bulk.more", int64(more))
	}
	for _, line := range lines {
		one := views.ImportLineView{
			Line: l.Number(int64(line.Line)), Name: text(line.Form.Username), Email: text(line.Form.Email), Note: text(line.Form.Note),
		}
		if line.Wrong != nil {
			one.Wrong = page.Say(c, line.Wrong)
		}
		v.Lines = append(v.Lines, one)
	}
	ready := int64(len(i.Lines) - i.Bad)
	v.Checked, v.Once = ready > 0, d.Control.NewFormKey()
	if i.Bad > 0 {
		v.Skip, v.Enrol = true, l.N("customers.import_others", ready)
		v.Tone, v.Summary = views.Warn, l.N("customers.import_bad", int64(i.Bad))
		return d.showImport(c, fiber.StatusUnprocessableEntity, v)
	}
	v.Enrol = l.N("customers.import_enrol", ready)
	v.Tone, v.Summary = views.Info, l.N("customers.import_ready", ready)
	return d.showImport(c, fiber.StatusOK, v)
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// enrolImport begins to enrol the customers of a file, once, and leads to the page
// that says how far it is. Where something changed since the file was checked it
// is shown anew.
func (d *Dashboard) enrolImport(c *fiber.Ctx, file []byte) error {
	var checked control.Import
	where, _, err := d.once(c, func() (string, error) {
		i, j, begun, err := d.Control.ImportCustomers(c.UserContext(), d.actor(c), file, ticked(c, "skip"))
		if checked = i; err == nil && !begun {
			err = access.Fail(access.Conflict, "import_moved", "Something changed since the file was checked. Look at the lines again.").At("file")
		}
		return jobHref(j.PublicID), err
	})
	switch {
	case err == nil:
		return page.Redirect(c, where)
	case len(checked.Lines) > 0:
		return d.showChecked(c, file, checked, nil)
	}
	return d.showChecked(c, file, checked, err)
}
