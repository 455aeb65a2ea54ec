package upstream

// Plain HTTP/1.1 to providers of the own network. A call is one write and as many
// reads as its answer needs, on the caller's goroutine: where a local model answers
// in a millisecond, the standard library's two goroutines a connection cost more
// than the rest of the call. TLS, HTTP/2 and long questions stay with it.

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// maxShort is the longest question, in bytes, that goes over http1: it fits into
// a socket's buffer, so that writing it never waits for a provider who has
// answered already.
const maxShort = 64 << 10

const maxInterim = 5 // 1xx answers before the one that counts

var (
	errHeaders = errors.New("the response headers exceeded the limit")
	errInterim = errors.New("too many interim answers, or a switch of protocols")
)

// http1 asks over connections that are kept for the next call. A
// connection is kept only after its answer was read to the end and nothing more
// came on it.
type http1 struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	now  func() time.Time

	mu    sync.Mutex
	idle  map[string][]*conn1 // by the host of the address, the newest last
	sweep *time.Timer
}

func newHTTP1(dial func(ctx context.Context, network, address string) (net.Conn, error), now func() time.Time) *http1 {
	return &http1{dial: dial, now: now, idle: map[string][]*conn1{}}
}

// conn1 is one connection.
type conn1 struct {
	net.Conn
	raw     syscall.RawConn
	address string
	since   time.Time // when it became idle
	reader  *bufio.Reader
	head    []byte // of the question, written in one piece with the body
	room    int    // bytes that the head of the answer may still have, -1 in its body
}

// Read counts what the head of an answer takes.
func (c *conn1) Read(into []byte) (int, error) {
	if c.room < 0 {
		return c.Conn.Read(into)
	}
	if c.room == 0 {
		return 0, errHeaders
	}
	n, err := c.Conn.Read(into[:min(len(into), c.room)])
	c.room -= n
	return n, err
}

// fresh reports whether the peer has neither closed an idle connection nor said
// anything on it unasked.
func (c *conn1) fresh() bool {
	silent := false
	err := c.raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && silent
}

// ask sends one question. Ending the context closes the connection.
func (h *http1) ask(ctx context.Context, r request) (*http.Response, error) {
	c, err := h.take(ctx, r.url)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	resp, err := c.exchange(r)
	if err != nil {
		stop()
		c.Close()
		return nil, err
	}
	b := &body1{ReadCloser: resp.Body, pool: h, conn: c, stop: stop, keep: !resp.Close}
	if resp.Body == http.NoBody {
		b.end(true)
	}
	resp.Body = b
	return resp, nil
}

// exchange writes the question and reads the head of the answer.
func (c *conn1) exchange(r request) (*http.Response, error) {
	if err := c.write(r); err != nil {
		return nil, err
	}
	c.room = maxHeader
	for range maxInterim {
		resp, err := http.ReadResponse(c.reader, nil)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 {
			c.room = -1
			return resp, nil
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	return nil, errInterim
}

func (c *conn1) write(r request) error {
	b := append(c.head[:0], r.method...)
	b = append(append(b, ' '), r.url.RequestURI()...)
	line := func(name, value string) { b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...) }
	b = append(b, " HTTP/1.1\r\n"...)
	line("Host", r.url.Host)
	line("User-Agent", agent)
	line("Accept", r.accept)
	if r.key != "" {
		line("Authorization", "Bearer "+r.key)
	}
	if r.body != nil {
		line("Content-Type", "application/json")
		line("Content-Length", strconv.Itoa(len(r.body)))
	}
	b = append(append(b, "\r\n"...), r.body...)
	_, err := c.Conn.Write(b)
	if c.head = b[:0]; cap(b) > readSize { // an idle connection keeps little
		c.head = nil
	}
	return err
}

// take finds an idle connection or makes one.
func (h *http1) take(ctx context.Context, to *url.URL) (*conn1, error) {
	for {
		c := h.pop(to.Host)
		if c == nil {
			break
		}
		if h.now().Sub(c.since) < idleTime && c.fresh() {
			return c, nil
		}
		c.Close()
	}
	plain, err := h.dial(ctx, "tcp", hostPort(to.Hostname(), portOf(to)))
	if err != nil {
		return nil, err
	}
	c := &conn1{Conn: plain, address: to.Host, room: -1}
	if c.raw, err = plain.(syscall.Conn).SyscallConn(); err != nil {
		plain.Close()
		return nil, err
	}
	c.reader = bufio.NewReaderSize(c, 4<<10)
	return c, nil
}

func (h *http1) pop(address string) *conn1 {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.idle[address]
	if len(all) == 0 {
		return nil
	}
	c := all[len(all)-1]
	all[len(all)-1] = nil
	h.idle[address] = all[:len(all)-1]
	return c
}

// put keeps a connection for the next call.
func (h *http1) put(c *conn1) {
	c.since = h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle[c.address]) >= idlePerHost {
		c.Close()
		return
	}
	h.idle[c.address] = append(h.idle[c.address], c)
	if h.sweep == nil {
		h.sweep = time.AfterFunc(idleTime, h.letGo)
	}
}

// letGo closes what has been idle for long, and comes again while something is.
func (h *http1) letGo() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for address, all := range h.idle {
		old := 0
		for old < len(all) && h.now().Sub(all[old].since) >= idleTime {
			all[old].Close()
			old++
		}
		if h.idle[address] = append([]*conn1(nil), all[old:]...); len(h.idle[address]) == 0 {
			delete(h.idle, address)
		}
	}
	h.sweep = nil
	if len(h.idle) > 0 {
		h.sweep = time.AfterFunc(idleTime, h.letGo)
	}
}

// CloseIdleConnections closes what no call uses.
func (h *http1) CloseIdleConnections() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, all := range h.idle {
		for _, c := range all {
			c.Close()
		}
	}
	clear(h.idle)
	if h.sweep != nil {
		h.sweep.Stop()
		h.sweep = nil
	}
}

// body1 gives the connection back once it was read to its end.
type body1 struct {
	io.ReadCloser
	pool *http1
	conn *conn1
	stop func() bool
	keep bool
	once sync.Once
}

func (b *body1) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if err != nil {
		b.end(errors.Is(err, io.EOF))
	}
	return n, err
}

// Close closes the connection unless the answer was read to its end.
func (b *body1) Close() error {
	b.end(false)
	return nil
}

func (b *body1) end(whole bool) {
	b.once.Do(func() {
		// Where the context has ended, its own goroutine closes the connection.
		if b.stop() && whole && b.keep && b.conn.reader.Buffered() == 0 {
			b.pool.put(b.conn)
			return
		}
		b.conn.Close()
	})
}
