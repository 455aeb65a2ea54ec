package control

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strings"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// ExportNow is how many rows of a list are downloaded while the reader waits; a
// longer list is exported by a job.
const ExportNow = 5000

// exportRows is how many rows a job exports as one step.
const exportRows = 5 * db.ListMax

// Export is a list as CSV (RFC 4180): every row that its search and filters find,
// in its order, or those rows alone that are named. Its first line names the
// columns for programs, in English. It holds no secret.
type Export struct {
	List     string         `json:"list"` // "tokens", "shares", "customers", "requests" or "audit"
	Page     db.Page        `json:"page"` // of all but "requests"
	Requests db.RequestPage `json:"requests"`
	IDs      []string       `json:"ids,omitempty"` // public ids, nil for all that are found
	Marked   bool           `json:"marked"`        // begins with a byte order mark, by which spreadsheets know UTF-8
	Ended    bool           `json:"ended"`         // nothing is left to read
}

// mayExport says whether the actor may have a list as a file now. Where stored
// secrets are not shown without asking, a list takes a fresh password too.
func (c *Control) mayExport(by access.Actor, right access.Act) error {
	if err := by.Must(right); err != nil {
		return err
	}
	if c.Reveal != RevealAlways {
		return fresh(by)
	}
	return nil
}

// exportOf is the list of an export, if the actor may have it.
func (c *Control) exportOf(by access.Actor, e Export) (exportList, error) {
	l, known := exportLists[e.List]
	if !known {
		return l, access.Fail(access.NotFound, "not_found", "There is no such %s here.", "list")
	}
	return l, c.mayExport(by, l.right)
}

// ExportPieces returns what reads an export piece after piece, nil after the last.
func (c *Control) ExportPieces(ctx context.Context, by access.Actor, e Export) (func(context.Context) ([]byte, error), error) {
	l, err := c.exportOf(by, e)
	if err != nil {
		return nil, err
	}
	s, err := c.sheet(ctx, by)
	if err != nil {
		return nil, err
	}
	if err := c.DB.TellExport(ctx, by, l.noun); err != nil {
		return nil, err
	}
	first := true
	return func(ctx context.Context) ([]byte, error) {
		if e.Ended && !first {
			return nil, nil
		}
		rows, _, err := c.exportSome(ctx, by, s, &e, db.ListMax)
		if first {
			rows = slices.Insert(rows, 0, l.head)
		}
		piece := CSV(rows, first && e.Marked)
		first = false
		return piece, err
	}, nil
}

// exportSome reads the next rows of an export, up to about that many, and what was
// named and is gone.
func (c *Control) exportSome(ctx context.Context, by access.Actor, s sheet, e *Export, most int) (rows [][]string, gone []LeftOut, err error) {
	l := exportLists[e.List]
	for !e.Ended && len(rows) < most {
		if e.IDs == nil {
			err = l.page(c, ctx, by, s, e, &rows)
		} else {
			gone, err = c.exportPicked(ctx, by, s, e, &rows)
		}
		if err != nil {
			return rows, gone, err
		}
	}
	return rows, gone, nil
}

func (c *Control) exportPicked(ctx context.Context, by access.Actor, s sheet, e *Export, rows *[][]string) (gone []LeftOut, err error) {
	l := exportLists[e.List]
	for _, id := range e.IDs[:min(len(e.IDs), BulkMax)] {
		row, err := l.one(c, ctx, by, s, id)
		switch {
		case err == nil:
			*rows = append(*rows, row)
		case access.KindOf(err) == access.NotFound:
			gone = append(gone, leftOut(0, "", "", err))
		default:
			return gone, err
		}
	}
	e.Ended = true
	return gone, nil
}

// ExportPicked returns the rows that an export names as one file. ok is false where
// some of them are gone: BeginExport says which.
func (c *Control) ExportPicked(ctx context.Context, by access.Actor, e Export) (file []byte, ok bool, err error) {
	l, err := c.exportOf(by, e)
	if err != nil {
		return nil, false, err
	}
	if l.one == nil {
		return nil, false, access.Fail(access.NotFound, "not_found", "There is no such %s here.", "list")
	}
	s, err := c.sheet(ctx, by)
	if err != nil {
		return nil, false, err
	}
	rows, gone, err := c.exportSome(ctx, by, s, &e, BulkMax)
	if err != nil || len(gone) > 0 {
		return nil, false, err
	}
	return CSV(slices.Insert(rows, 0, l.head), e.Marked), true, c.DB.TellExport(ctx, by, l.noun)
}

// CountExport counts the rows of an export; up to db.CountMax + 1 of a list that is
// searched, filtered or a log.
func (c *Control) CountExport(ctx context.Context, by access.Actor, e Export) (n int64, whole bool, err error) {
	l, err := c.exportOf(by, e)
	if err != nil || e.IDs != nil {
		return int64(len(e.IDs)), true, err
	}
	n, err = l.count(c, ctx, by, e)
	known := e.List != "requests" && e.List != "audit" && !e.Page.Narrowed()
	return n, known || n <= db.CountMax, err
}

// BeginExport begins the job that exports a list.
func (c *Control) BeginExport(ctx context.Context, by access.Actor, e Export) (db.Job, error) {
	n, whole, err := c.CountExport(ctx, by, e)
	if err != nil {
		return db.Job{}, err
	}
	if !whole {
		n = 0 // nobody counted further
	}
	if err := c.DB.TellExport(ctx, by, exportLists[e.List].noun); err != nil {
		return db.Job{}, err
	}
	d := jobDetail{Address: by.Address, Export: &e}
	return c.DB.MakeJob(ctx, db.Job{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, CreatedBy: by.UserNumber(), Kind: e.List + exportKind, Total: n, Detail: d.text(),
	})
}

// CSV spells rows as CSV, with a byte order mark in front where it is marked.
func CSV(rows [][]string, marked bool) []byte {
	var b bytes.Buffer
	if marked {
		b.WriteString("\ufeff") // else Excel takes the characters for another code page
	}
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = plainCell(cell)
		}
		w.Write(cells) // to a buffer: it cannot fail
	}
	w.Flush()
	return b.Bytes()
}

// plainCell keeps a spreadsheet from taking text for a formula (checklist C67).
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
