package wire

import (
	"net"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
)

const (
	addressLocal = "latchkey.address"
	proxyLocal   = "latchkey.proxy"
)

// FindAddress finds out where a call comes from and remembers it for Address: the
// socket's address, or behind trusted proxies the rightmost one of
// X-Forwarded-For that is no trusted proxy. What a client wrote further left is
// never believed.
func FindAddress(trusted []netip.Prefix) fiber.Handler {
	return func(c *fiber.Ctx) error {
		from := socketAddress(c.Context().RemoteAddr())
		if isTrusted(trusted, from) {
			c.Locals(proxyLocal, from)
			from = behind(c, trusted, from)
		}
		c.Locals(addressLocal, from)
		return c.Next()
	}
}

// Address is where the call comes from.
func Address(c *fiber.Ctx) netip.Addr {
	a, _ := c.Locals(addressLocal).(netip.Addr)
	return a
}

// Proxy is the trusted proxy that told Address, if one did.
func Proxy(c *fiber.Ctx) (netip.Addr, bool) {
	a, ok := c.Locals(proxyLocal).(netip.Addr)
	return a, ok
}

func socketAddress(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

func isTrusted(trusted []netip.Prefix, a netip.Addr) bool {
	for _, p := range trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func behind(c *fiber.Ctx, trusted []netip.Prefix, proxy netip.Addr) netip.Addr {
	var hops []string
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	from := proxy
	for i := len(hops) - 1; i >= 0; i-- {
		a, ok := parseHop(hops[i])
		if !ok {
			return from // what stands left of nonsense is not known
		}
		if from = a; !isTrusted(trusted, a) {
			return a
		}
	}
	return from
}

// parseHop reads one entry: an address, perhaps with a port or in brackets.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap().WithZone(""), err == nil
}
