package wire

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// strangersMax is how many connections an address may hold open that have not shown
// a valid credential.
const strangersMax = 100

// Crowd lets an address hold only so many connections of strangers. One whose
// request showed a valid credential counts no more; those of this machine and of
// trusted proxies, which bring many people, never do. What is too many is closed
// before a byte is read.
func Crowd(l net.Listener, trusted []netip.Prefix) net.Listener {
	return &crowd{Listener: l, most: strangersMax, held: map[netip.Addr]int{}, free: func(a netip.Addr) bool {
		return !a.IsValid() || a.IsLoopback() || isTrusted(trusted, a)
	}}
}

type crowd struct {
	net.Listener
	most int
	free func(netip.Addr) bool

	mu   sync.Mutex
	held map[netip.Addr]int
}

// Accept waits for the next connection that may be.
func (l *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := socketAddress(conn.RemoteAddr())
		tcp, ok := conn.(*net.TCPConn)
		if !ok || l.free(from) {
			return conn, nil
		}
		if l.enter(from) {
			return &stranger{TCPConn: tcp, leave: sync.OnceFunc(func() { l.left(from) })}, nil
		}
		conn.Close()
	}
}

func (l *crowd) enter(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[a] >= l.most {
		return false
	}
	l.held[a]++
	return true
}

func (l *crowd) left(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[a]--; l.held[a] == 0 {
		delete(l.held, a)
	}
}

// stranger is a connection that counts until it is closed or known.
type stranger struct {
	*net.TCPConn
	leave func()
}

// Close closes the connection.
func (s *stranger) Close() error {
	s.leave()
	return s.TCPConn.Close()
}

// Known is told what came of a credential: a valid one makes the connection no
// stranger's.
func Known(c *fiber.Ctx, err error) {
	if err != nil {
		return
	}
	conn := c.Context().Conn()
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if s, ok := conn.(*stranger); ok {
		s.leave()
	}
}
