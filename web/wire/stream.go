package wire

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

// writeWait is how long a reader may leave a piece of a stream unread before the
// stream ends.
const writeWait = 20 * time.Second

const pumpLeast = 1 << 10 // bytes: what most pieces of a stream fit into

// past is a moment that every clock is beyond.
var past = time.Unix(1, 0)

// Source is an answer on its way out. Fill appends what is to be sent next and
// returns io.EOF with or after the last piece; it waits for the first byte only
// and never for more. Gone is told when the reader has left. Close ends it; it is
// called once, whatever happened.
type Source interface {
	Fill(into []byte) ([]byte, error)
	Gone()
	Close() error
}

// Stream sends a source as server-sent events. Each piece is flushed as it comes.
func Stream(c *fiber.Ctx, s Source, now func() time.Time, log *slog.Logger) error {
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no")
	conn := c.Context().Conn()
	p := &pump{buffer: make([]byte, 0, pumpLeast), source: s, conn: conn, now: now, log: log, id: c.GetRespHeader("X-Request-Id")}
	p.stop = watch(conn, past, s.Gone)
	c.Context().SetBodyStream(p, -1)
	return nil
}

// watchAfter is how long a plain answer may take before its reader is watched: one
// that is there sooner is not worth two switches of the connection's poller. It is
// half of the time within which a hang-up has to stop the provider.
const watchAfter = 25 * time.Millisecond

// Watch tells gone when the reader of a plain answer leaves before it is ready.
// The returned stop must be called before the handler returns.
func Watch(c *fiber.Ctx, gone func()) (stop func()) {
	return watchLater(c.Context().Conn(), watchAfter, gone)
}

func watchLater(conn net.Conn, after time.Duration, gone func()) (stop func()) {
	var mu sync.Mutex
	ended, end := false, func() {}
	late := time.AfterFunc(after, func() {
		mu.Lock()
		defer mu.Unlock()
		if !ended {
			end = watch(conn, past, gone)
		}
	})
	return func() {
		late.Stop()
		mu.Lock()
		defer mu.Unlock()
		ended = true
		end()
	}
}

// pump is the body stream that the server reads and flushes piece by piece.
type pump struct {
	source Source
	conn   net.Conn
	now    func() time.Time
	log    *slog.Logger
	id     string
	stop   func()
	buffer []byte
	ready  []byte
	end    error
	once   sync.Once
}

// Read hands out the next piece. A panic below ends this stream alone.
func (p *pump) Read(into []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.log.Error("panic in a stream", "request", p.id, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			n, err = 0, io.ErrUnexpectedEOF
		}
	}()
	for len(p.ready) == 0 {
		if p.end != nil {
			return 0, p.end
		}
		p.buffer, p.end = p.source.Fill(p.buffer[:0])
		p.ready = p.buffer
	}
	if p.conn != nil {
		p.conn.SetWriteDeadline(p.now().Add(writeWait))
	}
	n = copy(into, p.ready)
	p.ready = p.ready[n:]
	return n, nil
}

// Close ends the source and lets go of the connection.
func (p *pump) Close() (err error) {
	p.once.Do(func() {
		defer func() {
			if r := recover(); r != nil {
				p.log.Error("panic at the end of a stream", "request", p.id, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			}
		}()
		defer p.stop()
		err = p.source.Close()
		if p.conn != nil {
			p.conn.SetWriteDeadline(time.Time{})
		}
	})
	return err
}
