package wire

import (
	"net"
	"syscall"
	"time"
)

// watch calls gone once the peer of a connection has closed it or reset it, at
// once and without polling: a read that takes nothing parks in the runtime's
// poller. Bytes that arrive end the watch, since they belong to the next request.
// It works on raw TCP; elsewhere a failing write finds out later.
//
// The returned stop ends the watch and waits until it has let go of the
// connection. It must be called before the connection is read again.
func watch(conn net.Conn, past time.Time, gone func()) (stop func()) {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return func() {}
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var left bool
		err := rc.Read(func(fd uintptr) bool {
			var b [1]byte
			n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			if err == syscall.EAGAIN || err == syscall.EINTR {
				return false
			}
			left = err != nil || n == 0
			return true
		})
		if err == nil && left {
			gone()
		}
	}()
	return func() {
		conn.SetReadDeadline(past)
		<-ended
		conn.SetReadDeadline(time.Time{})
	}
}
