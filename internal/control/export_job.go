package control

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"slices"
	"strings"

	"latchkey/db"
	"latchkey/internal/access"
)

// exportKind ends the kind of a job that exports a list.
const exportKind = ".export"

// ExportedList is the list that a job exports, "" for a job that does something else.
func ExportedList(j db.Job) string {
	list, ok := strings.CutSuffix(j.Kind, exportKind)
	if !ok {
		return ""
	}
	return list
}

// workExport exports what is left of a list.
func (c *Control) workExport(ctx context.Context, by access.Actor, j *db.Job, d *jobDetail) error {
	s, err := c.sheet(ctx, by)
	for err == nil && !d.Export.Ended {
		err = c.exportPiece(ctx, by, s, j, d)
	}
	return err
}

// exportPiece keeps the next piece of a file together with the place behind it, so
// that a restart neither loses a row nor has one twice.
func (c *Control) exportPiece(ctx context.Context, by access.Actor, s sheet, j *db.Job, d *jobDetail) error {
	e := d.Export
	rows, gone, err := c.exportSome(ctx, by, s, e, exportRows)
	if err != nil {
		return err
	}
	for _, one := range gone {
		d.leave(one)
	}
	first := j.Done == 0 // every piece but that of an empty list has rows
	j.Done += int64(len(rows) + len(gone))
	if first {
		rows = slices.Insert(rows, 0, exportLists[e.List].head)
	}
	var packed bytes.Buffer
	pack := gzip.NewWriter(&packed)
	pack.Write(CSV(rows, first && e.Marked)) // to a buffer: it cannot fail
	if err := pack.Close(); err != nil {
		return err
	}
	j.Detail = d.text()
	return c.DB.AddJobPiece(ctx, *j, packed.Bytes())
}

// ExportedPieces returns what reads the file that a job of the actor's own made,
// piece after piece, nil after the last. It can be fetched again until the job is
// forgotten.
func (c *Control) ExportedPieces(ctx context.Context, by access.Actor, publicID string) (list string, next func(context.Context) ([]byte, error), err error) {
	p, err := c.Job(ctx, by, publicID)
	if err != nil {
		return "", nil, err
	}
	l, known := exportLists[ExportedList(p.Job)]
	if !known || p.State != db.JobDone {
		return "", nil, access.Fail(access.NotFound, "not_found", "There is no such %s here.", "file")
	}
	if err := c.mayExport(by, l.right); err != nil {
		return "", nil, err
	}
	n := 0
	return ExportedList(p.Job), func(ctx context.Context) ([]byte, error) {
		packed, err := c.DB.JobPiece(ctx, by.WorkspaceID, by.UserNumber(), publicID, n)
		if access.KindOf(err) == access.NotFound && n > 0 {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		n++
		unpack, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(unpack)
	}, c.DB.FetchJob(ctx, by, publicID)
}
