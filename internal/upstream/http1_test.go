package upstream_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"latchkey/internal/upstream"
)

const helloAnswer = `{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}`

// provider1 is a provider of one's own making: after each answer it does with the
// connection what then says.
func provider1(t *testing.T, then func(conn net.Conn, call int64) (goOn bool)) (ep upstream.Endpoint, c *upstream.Client, dialled *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var calls atomic.Int64
	dialled = &atomic.Int64{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					q, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, q.Body)
					fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(helloAnswer), helloAnswer)
					if !then(conn, calls.Add(1)) {
						return
					}
				}
			}()
		}
	}()
	address := l.Addr().String()
	c = upstream.New(upstream.Settings{PrivateHosts: func() []string { return []string{address} }})
	t.Cleanup(c.Close)
	return upstream.Endpoint{BaseURL: "http://" + address}, c, dialled
}

// TestIdleConnection: a connection that the provider closed, or on which it spoke
// unasked, serves nobody; a good one serves the next call.
func TestIdleConnection(t *testing.T) {
	for _, k := range []struct {
		name  string
		then  func(conn net.Conn, done chan struct{}) bool
		conns int64
	}{
		{"kept", func(_ net.Conn, done chan struct{}) bool { close(done); return true }, 1},
		{"closed", func(conn net.Conn, done chan struct{}) bool { conn.Close(); close(done); return false }, 2},
		{"spoke unasked", func(conn net.Conn, done chan struct{}) bool {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n"+`{"choices":"poisoned"}`)
			close(done)
			return true
		}, 2},
	} {
		t.Run(k.name, func(t *testing.T) {
			done := make(chan struct{})
			ep, c, dialled := provider1(t, func(conn net.Conn, call int64) bool {
				if call > 1 {
					return true
				}
				return k.then(conn, done)
			})
			if o := ask(t, c, ep, question(t, "m", false)); o.err != nil || o.text != "hello" {
				t.Fatal(o)
			}
			<-done
			if o := ask(t, c, ep, question(t, "m", false)); o.err != nil || o.text != "hello" {
				t.Fatal(o)
			}
			if n := dialled.Load(); n != k.conns {
				t.Errorf("%d connections, want %d", n, k.conns)
			}
		})
	}
}

// TestLongQuestion: one that a provider may refuse before it has read it whole.
func TestLongQuestion(t *testing.T) {
	ep, c, _ := provider1(t, func(net.Conn, int64) bool { return true })
	q := question(t, strings.Repeat("m", 1<<20), false)
	if o := ask(t, c, ep, q); o.err != nil || o.text != "hello" {
		t.Fatal(o)
	}
}

// TestShutPrivateHost: an address that was taken off the list is not asked again,
// though it was judged before.
func TestShutPrivateHost(t *testing.T) {
	ep, _, _ := provider1(t, func(net.Conn, int64) bool { return true })
	var shut atomic.Bool
	c := upstream.New(upstream.Settings{PrivateHosts: func() []string {
		if shut.Load() {
			return nil
		}
		return []string{strings.TrimPrefix(ep.BaseURL, "http://")}
	}})
	defer c.Close()
	if o := ask(t, c, ep, question(t, "m", false)); o.err != nil {
		t.Fatal(o.err)
	}
	shut.Store(true)
	o := ask(t, c, ep, question(t, "m", false))
	if f, ok := errors.AsType[*upstream.Failure](o.err); !ok || f.Code != "provider_not_allowed" {
		t.Fatal(o.err)
	}
}
