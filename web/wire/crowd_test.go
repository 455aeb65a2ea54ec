package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/testbed"
)

// gathered is a server whose strangers are counted even on this machine.
func gathered(t *testing.T, most int) (address string, l *crowd) {
	t.Helper()
	listener, _ := testbed.Listen(t)
	l = &crowd{Listener: listener, most: most, held: map[netip.Addr]int{}, free: func(netip.Addr) bool { return false }}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/", func(c *fiber.Ctx) error {
		if c.Get("Authorization") == "Bearer good" {
			Known(c, nil)
		} else {
			Known(c, errors.New("bad"))
		}
		return c.SendString("ok")
	})
	testbed.Serve(t, app, l)
	return listener.Addr().String(), l
}

// ask sends a request on a connection and tells whether it was answered.
func ask(t *testing.T, conn net.Conn, key string) bool {
	t.Helper()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+key+"\r\n\r\n"); err != nil {
		return false
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == 200
}

// Strangers of one address are only so many; who is known does not count, nor who
// has left.
func TestCrowd(t *testing.T) {
	const most = 3
	address, l := gathered(t, most)
	open := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	var inside []net.Conn
	for range most {
		conn := open()
		if !ask(t, conn, "bad") {
			t.Fatal("one of the first is refused")
		}
		inside = append(inside, conn)
	}
	if ask(t, open(), "good") {
		t.Fatal("one too many is answered")
	}
	for range 2 {
		if !ask(t, inside[0], "good") {
			t.Fatal("who is inside is refused")
		}
	}
	next := open()
	if !ask(t, next, "bad") {
		t.Fatal("the place of who became known is taken")
	}
	if ask(t, open(), "good") {
		t.Fatal("one too many is answered")
	}
	inside[1].Close()
	late := time.Now().Add(time.Minute)
	for !ask(t, open(), "bad") {
		if time.Now().After(late) {
			t.Fatal("the place of who has left is not free")
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for from, n := range l.held {
		if n > most {
			t.Errorf("%s holds %d", from, n)
		}
	}
}

// This machine and trusted proxies are never too many.
func TestCrowdLetsProxiesIn(t *testing.T) {
	free := Crowd(nil, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}).(*crowd).free
	for text, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.2.3.4": true, "192.0.2.1": false, "2001:db8::1": false} {
		if free(netip.MustParseAddr(text)) != want {
			t.Errorf("%s", text)
		}
	}
}
