package dashboard

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/web/page"
)

// csvWait is how long a reader may leave a piece of a CSV unread.
const csvWait = 20 * time.Second

// csvRows reads the next rows of a list; none are left when it returns none.
type csvRows func(context.Context) ([][]string, error)

// csv answers with a list as CSV (RFC 4180), piece by piece, so that a long list
// takes no more memory than a page of it. head are names for programs: they do
// not follow the language.
func (d *Dashboard) csv(c *fiber.Ctx, name string, head []string, next csvRows) error {
	first, err := next(c.UserContext()) // an error before the first byte is still a page
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+name+`.csv"`)
	c.Set(fiber.HeaderCacheControl, "no-store")
	s := &csvStream{d: d, ctx: context.WithoutCancel(c.UserContext()), next: next}
	if conn := c.Context().Conn(); conn != nil {
		s.renew = func() { conn.SetWriteDeadline(d.Now().Add(csvWait)) }
	}
	if page.Lang(c) == lang.Chinese {
		s.buffer.WriteString("\ufeff") // else Excel takes the characters for another code page
	}
	s.write(append([][]string{head}, first...))
	s.done = len(first) == 0
	c.Context().SetBodyStream(s, -1)
	return nil
}

// csvStream is the body that the server reads.
type csvStream struct {
	d      *Dashboard
	ctx    context.Context
	next   csvRows
	buffer bytes.Buffer
	renew  func()
	done   bool
}

// Read hands out the next piece. A panic below ends this answer alone.
func (s *csvStream) Read(into []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.d.Log.Error("panic in a CSV", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			n, err = 0, io.ErrUnexpectedEOF
		}
	}()
	for s.buffer.Len() == 0 {
		if s.done {
			return 0, io.EOF
		}
		rows, err := s.next(s.ctx)
		if err != nil {
			s.d.Log.Error("a CSV ended early", "error", err)
			return 0, io.ErrUnexpectedEOF
		}
		s.done = len(rows) == 0
		s.write(rows)
	}
	if s.renew != nil {
		s.renew()
	}
	return s.buffer.Read(into)
}

func (s *csvStream) write(rows [][]string) {
	w := csv.NewWriter(&s.buffer)
	w.UseCRLF = true
	for _, row := range rows {
		for i, cell := range row {
			row[i] = plainCell(cell)
		}
		w.Write(row) // to a buffer: it cannot fail
	}
	w.Flush()
}

// plainCell keeps a spreadsheet from taking text for a formula (checklist C67).
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// pages reads a list from its beginning, a page at a time.
func pages[T interface{ Place(db.Sort) db.Place }](p listing, by access.Actor, read func(context.Context, access.Actor, db.Page) ([]T, error), cells func(T) []string) csvRows {
	at, ended := p.whole(), false
	return func(ctx context.Context) ([][]string, error) {
		if ended {
			return nil, nil
		}
		rows, err := read(ctx, by, at)
		ended = len(rows) < db.ListMax
		out := make([][]string, 0, len(rows))
		for _, row := range rows {
			out = append(out, cells(row))
		}
		if len(rows) > 0 {
			at = at.From(rows[len(rows)-1].Place(at.Sort))
		}
		return out, err
	}
}

// csvTime spells a moment for programs, "" for none.
func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
