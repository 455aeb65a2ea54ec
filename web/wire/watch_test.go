package wire

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// pair is a TCP connection, both ends of it.
func pair(t *testing.T) (server, client *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); c.Close() })
	return s.(*net.TCPConn), c.(*net.TCPConn)
}

const patience = time.Minute

// A peer that goes is noticed at once although nobody reads or writes, in whatever
// way it goes.
func TestWatchNoticesHangUps(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"closed":      (*net.TCPConn).Close,
		"reset":       func(c *net.TCPConn) error { c.SetLinger(0); return c.Close() },
		"half closed": (*net.TCPConn).CloseWrite,
	} {
		server, client := pair(t)
		gone := make(chan struct{}, 1)
		stop := watch(server, past, func() { gone <- struct{}{} })
		select {
		case <-gone:
			t.Fatalf("%s: it is gone before it left", name)
		default:
		}
		if err := leave(client); err != nil {
			t.Fatal(err)
		}
		select {
		case <-gone:
		case <-time.After(patience):
			t.Errorf("%s: it was not noticed", name)
		}
		stop()
	}
}

// What arrives meanwhile belongs to the next request: it is not taken, and is no
// hang-up.
func TestWatchTakesNothing(t *testing.T) {
	server, client := pair(t)
	stop := watch(server, past, func() { t.Error("it is not gone") })
	next := []byte("GET /healthz HTTP/1.1\r\n\r\n")
	if _, err := client.Write(next); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(next))
	stop() // at any moment, also while they arrive
	if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, next) {
		t.Errorf("%q is left, %v", got, err)
	}
	// And again, on the same connection.
	stop = watch(server, past, func() { t.Error("it is not gone") })
	stop()
	if _, err := client.Write(next); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, next) {
		t.Errorf("%q is left, %v", got, err)
	}
}

// After stop nothing is told any more, and the connection waits as long as before.
func TestWatchStops(t *testing.T) {
	server, client := pair(t)
	told := make(chan struct{}, 1)
	stop := watch(server, past, func() { told <- struct{}{} })
	stop()
	read := make(chan error)
	go func() { _, err := server.Read(make([]byte, 1)); read <- err }()
	select {
	case err := <-read:
		t.Fatalf("the deadline stayed: %v", err)
	case <-time.After(20 * time.Millisecond): // long enough for a deadline that is past
	}
	client.Close()
	if err := <-read; err != io.EOF {
		t.Errorf("it ends with %v", err)
	}
	select {
	case <-told:
		t.Error("it was told after stop")
	default:
	}
}

// Where there is no socket to look at, nothing is watched and nothing breaks.
func TestWatchWithoutASocket(t *testing.T) {
	server, client := net.Pipe()
	defer client.Close()
	stop := watch(server, past, func() { t.Error("it is not gone") })
	stop()
	server.Close()
}

// A plain answer's watch begins late, and its end is waited for whether it has
// begun or not.
func TestWatchLater(t *testing.T) {
	server, client := pair(t)
	stop := watchLater(server, time.Hour, func() { t.Error("it watched before its time") })
	stop()
	gone := make(chan struct{})
	stop = watchLater(server, time.Millisecond, func() { close(gone) })
	client.Close()
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("it was not noticed")
	}
	stop()
}
