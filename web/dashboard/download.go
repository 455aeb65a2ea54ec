package dashboard

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/lang"
	"latchkey/web/page"
)

// downloadWait is how long a reader may leave a piece of a file unread.
const downloadWait = 20 * time.Second

// pieces reads the next piece of a file; nil is behind the last.
type pieces func(context.Context) ([]byte, error)

// download answers with a CSV file, piece by piece, so that a long one takes no
// more memory than a piece of it.
func (d *Dashboard) download(c *fiber.Ctx, name string, next pieces) error {
	first, err := next(c.UserContext()) // an error before the first byte is still a page
	if err != nil {
		return err
	}
	headCSV(c, name)
	s := &fileStream{d: d, ctx: context.WithoutCancel(c.UserContext()), next: next, piece: first}
	if conn := c.Context().Conn(); conn != nil {
		s.renew = func() { conn.SetWriteDeadline(d.Now().Add(downloadWait)) }
	}
	c.Context().SetBodyStream(s, -1)
	return nil
}

// sendCSV is download for a file that is there.
func sendCSV(c *fiber.Ctx, name string, file []byte) error {
	headCSV(c, name)
	return c.Send(file)
}

func headCSV(c *fiber.Ctx, name string) {
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+name+`.csv"`)
	c.Set(fiber.HeaderCacheControl, "no-store")
}

// marked reports whether a CSV begins with a byte order mark.
func marked(c *fiber.Ctx) bool { return page.Lang(c) == lang.Chinese }

// fileStream is the body that the server reads.
type fileStream struct {
	d     *Dashboard
	ctx   context.Context
	next  pieces
	piece []byte
	renew func()
}

// Read hands out the next piece. A panic below ends this answer alone.
func (s *fileStream) Read(into []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.d.Log.Error("panic in a download", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			n, err = 0, io.ErrUnexpectedEOF
		}
	}()
	if len(s.piece) == 0 {
		if s.piece, err = s.next(s.ctx); err != nil {
			s.d.Log.Error("a download ended early", "error", err)
			return 0, io.ErrUnexpectedEOF
		}
		if len(s.piece) == 0 {
			return 0, io.EOF
		}
	}
	if s.renew != nil {
		s.renew()
	}
	n = copy(into, s.piece)
	s.piece = s.piece[n:]
	return n, nil
}
