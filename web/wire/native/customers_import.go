package native

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/web/wire"
)

// importView is a file of customers, line by line.
type importView struct {
	DryRun bool         `json:"dry_run"`
	Made   int          `json:"made"`
	Wrong  int          `json:"wrong"`
	Lines  []importLine `json:"lines"`
}

type importLine struct {
	Line     int     `json:"line"`
	Username string  `json:"username"`
	ID       *string `json:"id"`                 // once enrolled
	Password string  `json:"password,omitempty"` // one that was made, in the answer that made it
	Code     *string `json:"code"`               // of what is wrong with the line
	Message  string  `json:"message,omitempty"`
}

// ImportCustomers serves POST customers/import: a CSV file, checked with dry_run=1.
// A line that is wrong keeps all of them from being enrolled.
func (d *Door) ImportCustomers(c *fiber.Ctx, by access.Actor) error {
	file, err := wire.Body(c, control.ImportBytesMax)
	if err != nil {
		return err
	}
	kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	if kind = strings.TrimSpace(strings.ToLower(kind)); kind != "" && kind != "text/csv" && kind != "text/plain" {
		return access.Fail(access.Invalid, "content_type", "Send the file as text/csv.")
	}
	dry := c.Query("dry_run") != "" && c.Query("dry_run") != "0"
	rows, made, err := d.Control.ImportNow(c.UserContext(), by, file, dry)
	if err != nil {
		return err
	}
	l := wire.Lang(c, d.Language)
	out := importView{DryRun: dry, Made: made, Lines: make([]importLine, 0, len(rows))}
	for _, r := range rows {
		one := importLine{Line: r.Line, Username: r.Username, ID: orNull(r.PublicID), Password: r.Password}
		if problems := access.Problems(r.Wrong); len(problems) > 0 {
			out.Wrong++
			one.Code, one.Message = &problems[0].Code, sentence(l, problems)
		}
		out.Lines = append(out.Lines, one)
	}
	if err := send(c, out); err != nil {
		return err
	}
	switch {
	case out.Wrong > 0 && made == 0 && !dry:
		c.Status(fiber.StatusUnprocessableEntity)
	case made > 0:
		c.Status(fiber.StatusCreated)
	}
	return nil
}
