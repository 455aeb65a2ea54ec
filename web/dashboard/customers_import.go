package dashboard

import (
	"encoding/csv"
	"encoding/json"
	"io"
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
	v.Shell = d.shell(c, "customers", l.T("customers.import_title"))
	v.Shell.Crumbs = []views.LinkView{{Text: l.T("customers.title"), Href: "/customers"}, {Text: l.T("customers.import_title")}}
	return page.Status(c, status, views.ImportPage(v))
}

// ImportCustomers checks a file of customers, and enrols them once that was seen
// to be right.
func (d *Dashboard) ImportCustomers(c *fiber.Ctx) error {
	file, err := importFile(c)
	if err != nil {
		return err
	}
	if ticked(c, "enrol") {
		return d.enrolImport(c, file)
	}
	i, err := d.Control.ImportCustomers(c.UserContext(), d.actor(c), file, true)
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
	for _, line := range i.Lines {
		one := views.ImportLineView{
			Line: l.Number(int64(line.Line)), Name: text(line.Form.Username), Email: text(line.Form.Email), Note: text(line.Form.Note),
		}
		if line.Wrong != nil {
			one.Wrong = page.Say(c, line.Wrong)
		}
		v.Lines = append(v.Lines, one)
	}
	if i.Bad > 0 {
		v.Tone, v.Summary = views.Warn, l.N("customers.import_bad", int64(i.Bad))
		return d.showImport(c, fiber.StatusUnprocessableEntity, v)
	}
	v.Checked, v.Once, v.Enrol = true, d.Control.NewFormKey(), l.N("customers.import_enrol", int64(len(i.Lines)))
	v.Tone, v.Summary = views.Info, l.N("customers.import_ready", int64(len(i.Lines)))
	return d.showImport(c, fiber.StatusOK, v)
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// enrolImport makes the customers, once, and shows the passwords that were made.
func (d *Dashboard) enrolImport(c *fiber.Ctx, file []byte) error {
	var checked control.Import
	answer, _, err := d.once(c, func() (string, error) {
		var err error
		if checked, err = d.Control.ImportCustomers(c.UserContext(), d.actor(c), file, false); err != nil {
			return "", err
		}
		if !checked.Made {
			// The names were free when the file was checked, and are no more.
			return "", access.Fail(access.Conflict, "import_moved", "Something changed since the file was checked. Look at the lines again.").At("file")
		}
		made, err := json.Marshal(passwordsOf(checked))
		return string(made), err
	})
	if err != nil && len(checked.Lines) > 0 && !checked.Made {
		return d.showChecked(c, file, checked, nil)
	}
	if err != nil {
		return d.showChecked(c, file, checked, err)
	}
	var made [][]string
	if err := json.Unmarshal([]byte(answer), &made); err != nil {
		return err
	}
	return d.showMade(c, made)
}

// passwordsOf are the names with the passwords that were made.
func passwordsOf(i control.Import) [][]string {
	all := make([][]string, 0, len(i.Lines))
	for _, line := range i.Lines {
		all = append(all, []string{strings.TrimSpace(text(line.Form.Username)), line.Password})
	}
	return all
}

func (d *Dashboard) showMade(c *fiber.Ctx, made [][]string) error {
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.Write([]string{"username", "password"}) // to a builder: it cannot fail
	for _, row := range made {
		w.Write([]string{plainCell(row[0]), row[1]})
	}
	w.Flush()
	return d.showImport(c, fiber.StatusOK, views.ImportView{
		Made: true, MadeText: strings.TrimSpace(out.String()), Tone: views.Ok, Summary: page.Lang(c).N("customers.import_done", int64(len(made))),
	})
}
