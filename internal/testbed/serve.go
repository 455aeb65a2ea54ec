package testbed

import (
	"errors"
	"net"
	"testing"
	"time"
)

// Server is an app that serves a listener, as Fiber's do.
type Server interface {
	Listener(net.Listener) error
	ShutdownWithTimeout(time.Duration) error
}

// stopWait bounds the end of an app, whose last answers may still be read.
const stopWait = time.Minute

// Listen takes a free port of this machine, and says what callers put before a
// path.
func Listen(tb testing.TB) (l net.Listener, base string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(tb, err)
	return l, "http://" + l.Addr().String()
}

// Serve serves an app until the end of the test.
func Serve(tb testing.TB, app Server, l net.Listener) {
	tb.Helper()
	done := make(chan error, 1)
	go func() { done <- app.Listener(l) }()
	tb.Cleanup(func() {
		if err := app.ShutdownWithTimeout(stopWait); err != nil {
			tb.Errorf("stopping: %v", err)
		}
		l.Close() // an app that had not begun to serve does so now, and ends
		if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
			tb.Errorf("serving: %v", err)
		}
	})
}
