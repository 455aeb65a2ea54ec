package wire

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/testbed"
)

// source is what a test streams.
type source struct {
	fill   func(n int, into []byte) ([]byte, error)
	close  func()
	calls  int
	closed atomic.Int64
	gone   chan struct{}
	over   chan struct{}
}

func newSource(fill func(n int, into []byte) ([]byte, error)) *source {
	return &source{fill: fill, gone: make(chan struct{}, 9), over: make(chan struct{}, 9)}
}

func (s *source) Fill(into []byte) ([]byte, error) { s.calls++; return s.fill(s.calls, into) }
func (s *source) Gone()                            { s.gone <- struct{}{} }

func (s *source) Close() error {
	s.closed.Add(1)
	s.over <- struct{}{}
	if s.close != nil {
		s.close()
	}
	return nil
}

// words says each of them as a piece of its own.
func words(all ...string) func(int, []byte) ([]byte, error) {
	return func(n int, into []byte) ([]byte, error) {
		into = append(into, all[n-1]...)
		if n == len(all) {
			return into, io.EOF
		}
		return into, nil
	}
}

// serve puts sources on a port, one an address.
func serve(t *testing.T, now func() time.Time, sources map[string]*source) (base string, log *safeBuffer) {
	t.Helper()
	log = &safeBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	for path, s := range sources {
		app.Get(path, func(c *fiber.Ctx) error {
			c.Set("X-Request-Id", "id-of-it")
			return Stream(c, s, now, logger)
		})
	}
	app.Get("/well", func(c *fiber.Ctx) error { return c.SendString("well") })
	l, base := testbed.Listen(t)
	testbed.Serve(t, app, l)
	return base, log
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func get(t *testing.T, url string) (body string, resp *http.Response, err error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	resp, err = client.Get(url)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return string(raw), resp, err
}

func (s *source) ended(t *testing.T) {
	t.Helper()
	select {
	case <-s.over:
	case <-time.After(patience):
		t.Error("it was not closed")
	}
}

func TestStreamSendsEachPiece(t *testing.T) {
	next := make(chan string)
	s := newSource(func(_ int, into []byte) ([]byte, error) {
		word, more := <-next
		if !more {
			return into, io.EOF
		}
		return append(into, word...), nil
	})
	base, _ := serve(t, time.Now, map[string]*source{"/": s})
	go func() { next <- "data: a\n\n" }()
	resp, err := http.Get(base)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for name, want := range map[string]string{"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	read := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v", got, err)
		}
	}
	read("data: a\n\n") // before the next is there
	for _, word := range []string{"data: b\n\n", strings.Repeat("x", 100_000), "data: c\n\n"} {
		next <- word
		read(word)
	}
	close(next)
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	s.ended(t)
	if n := s.closed.Load(); n != 1 {
		t.Errorf("closed %d times", n)
	}
}

// A panic ends its own stream, so that its reader sees it was cut, and no other.
func TestStreamPanicEndsThatStreamAlone(t *testing.T) {
	late := func() { panic("at the end") }
	broken := map[string]*source{
		"/first": newSource(func(int, []byte) ([]byte, error) { panic("oh") }),
		"/later": newSource(func(n int, into []byte) ([]byte, error) {
			if n == 3 {
				panic("oh")
			}
			return append(into, "data: x\n\n"...), nil
		}),
		"/error": newSource(func(n int, into []byte) ([]byte, error) {
			if n == 2 {
				return into, errors.New("a fault")
			}
			return append(into, "data: x\n\n"...), nil
		}),
	}
	atEnd := newSource(words("data: a\n\n", "data: b\n\n"))
	atEnd.close = late
	hold := make(chan struct{})
	steady := newSource(func(n int, into []byte) ([]byte, error) {
		if n == 2 {
			<-hold
			return append(into, "data: end\n\n"...), io.EOF
		}
		return append(into, "data: begin\n\n"...), nil
	})
	all := map[string]*source{"/end": atEnd, "/steady": steady}
	for path, s := range broken {
		all[path] = s
	}
	base, log := serve(t, time.Now, all)
	other := make(chan string)
	go func() {
		body, _, err := get(t, base+"/steady")
		if err != nil {
			t.Error(err)
		}
		other <- body
	}()
	for path, s := range broken {
		if body, _, err := get(t, base+path); err == nil {
			t.Errorf("%s: %q looks whole", path, body)
		}
		s.ended(t)
		if n := s.closed.Load(); n != 1 {
			t.Errorf("%s: closed %d times", path, n)
		}
	}
	if body, _, err := get(t, base+"/end"); body != "data: a\n\ndata: b\n\n" {
		t.Errorf("a panic at the end: %q, %v", body, err)
	}
	atEnd.ended(t)
	close(hold)
	if body := <-other; body != "data: begin\n\ndata: end\n\n" {
		t.Errorf("the other stream: %q", body)
	}
	if body, _, err := get(t, base+"/well"); err != nil || body != "well" {
		t.Errorf("the server: %q, %v", body, err)
	}
	if text := log.String(); strings.Count(text, "panic in a stream") != 2 || !strings.Contains(text, "panic at the end of a stream") || !strings.Contains(text, "request=id-of-it") {
		t.Errorf("the log says %s", text)
	}
}

// A reader who leaves is told of in silence, once.
func TestStreamTellsOfHangUp(t *testing.T) {
	s := newSource(nil)
	s.fill = func(n int, into []byte) ([]byte, error) {
		if n == 1 {
			return append(into, "data: a\n\n"...), nil
		}
		<-s.gone
		s.gone <- struct{}{}
		return into, io.EOF
	}
	base, _ := serve(t, time.Now, map[string]*source{"/": s})
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for !strings.Contains(got.String(), "data: a") {
		b := make([]byte, 4096)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(b[:n])
	}
	conn.Close()
	s.ended(t)
	if n := len(s.gone); n != 1 || s.closed.Load() != 1 {
		t.Errorf("told %d times, closed %d times", n, s.closed.Load())
	}
}

// A reader who stays and does not read is let go.
func TestStreamLetsGoOfWhoDoesNotRead(t *testing.T) {
	piece := bytes.Repeat([]byte("x"), 256<<10)
	s := newSource(func(_ int, into []byte) ([]byte, error) { return append(into, piece...), nil })
	hasty := func() time.Time { return time.Now().Add(200*time.Millisecond - writeWait) }
	base, _ := serve(t, hasty, map[string]*source{"/": s})
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	s.ended(t)
	if n := s.closed.Load(); n != 1 {
		t.Errorf("closed %d times", n)
	}
}
