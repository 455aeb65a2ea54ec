package wire

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Who is calling, behind any number of proxies, whatever the client wrote itself.
func TestFindAddress(t *testing.T) {
	const proxy = "10.0.0.1:41234"
	trusted := []string{"10.0.0.0/8", "fd00::/8"}
	for _, c := range []struct {
		name, from string
		trusted    []string
		forwarded  []string
		want       string
		proxied    bool
	}{
		{"direct", "198.51.100.7:4711", nil, nil, "198.51.100.7", false},
		{"direct, and lying", "198.51.100.7:4711", trusted, []string{"192.0.2.1"}, "198.51.100.7", false},
		{"nobody is trusted", proxy, nil, []string{"192.0.2.1"}, "10.0.0.1", false},
		{"direct, IPv6", "[2001:db8::7]:4711", trusted, []string{"192.0.2.1"}, "2001:db8::7", false},
		{"direct, mapped", "[::ffff:198.51.100.7]:4711", trusted, []string{"192.0.2.1"}, "198.51.100.7", false},

		{"behind one", proxy, trusted, []string{"198.51.100.7"}, "198.51.100.7", true},
		{"behind one that says nothing", proxy, trusted, nil, "10.0.0.1", true},
		{"behind one, mapped socket", "[::ffff:10.0.0.1]:4711", trusted, []string{"198.51.100.7"}, "198.51.100.7", true},
		{"behind one, IPv6", "[fd00::1]:4711", trusted, []string{"2001:db8::7"}, "2001:db8::7", true},
		{"mapped entry", proxy, trusted, []string{"::ffff:198.51.100.7"}, "198.51.100.7", true},
		{"zone", proxy, trusted, []string{"fe80::1%eth0"}, "fe80::1", true},
		{"forged on the left", proxy, trusted, []string{"127.0.0.1, 192.0.2.1, 198.51.100.7"}, "198.51.100.7", true},
		{"forged as a trusted one", proxy, trusted, []string{"10.9.9.9, 198.51.100.7"}, "198.51.100.7", true},
		{"behind two", proxy, trusted, []string{"192.0.2.1, 198.51.100.7, 10.0.0.2"}, "198.51.100.7", true},
		{"behind two, one IPv6", proxy, trusted, []string{"198.51.100.7, fd00::2"}, "198.51.100.7", true},
		{"over two lines", proxy, trusted, []string{"192.0.2.1", "198.51.100.7, 10.0.0.2"}, "198.51.100.7", true},
		{"forged line first", proxy, trusted, []string{"192.0.2.1, 10.0.0.2", "198.51.100.7"}, "198.51.100.7", true},
		{"all trusted", proxy, trusted, []string{"10.0.0.4, 10.0.0.3"}, "10.0.0.4", true},
		{"an untrusted one between", proxy, trusted, []string{"198.51.100.7, 203.0.113.5, 10.0.0.2"}, "203.0.113.5", true},

		{"port", proxy, trusted, []string{"198.51.100.7:5555"}, "198.51.100.7", true},
		{"IPv6 with port", proxy, trusted, []string{"[2001:db8::7]:5555"}, "2001:db8::7", true},
		{"IPv6 in brackets", proxy, trusted, []string{"[2001:db8::7]"}, "2001:db8::7", true},
		{"spaces", proxy, trusted, []string{" \t198.51.100.7 \t"}, "198.51.100.7", true},

		{"garbage", proxy, trusted, []string{"nonsense"}, "10.0.0.1", true},
		{"unknown", proxy, trusted, []string{"198.51.100.7, unknown"}, "10.0.0.1", true},
		{"hidden", proxy, trusted, []string{"198.51.100.7, _hidden"}, "10.0.0.1", true},
		{"garbage left of a proxy", proxy, trusted, []string{"nonsense, 10.0.0.2"}, "10.0.0.2", true},
		{"garbage left of the caller", proxy, trusted, []string{"nonsense, 198.51.100.7"}, "198.51.100.7", true},
		{"empty entry at the end", proxy, trusted, []string{"198.51.100.7,"}, "10.0.0.1", true},
		{"empty header", proxy, trusted, []string{""}, "10.0.0.1", true},
		{"quoted", proxy, trusted, []string{`"198.51.100.7"`}, "10.0.0.1", true},
		{"leading zeros", proxy, trusted, []string{"198.051.100.007"}, "10.0.0.1", true},
		{"a name", proxy, trusted, []string{"client.acme.example"}, "10.0.0.1", true},
		{"a range", proxy, trusted, []string{"198.51.100.0/24"}, "10.0.0.1", true},
		{"a bad port", proxy, trusted, []string{"198.51.100.7:99999"}, "10.0.0.1", true},
		{"many", proxy, trusted, []string{strings.Repeat("192.0.2.1, ", 500) + "198.51.100.7"}, "198.51.100.7", true},
	} {
		var got, by netip.Addr
		var proxied bool
		app := fiber.New(fiber.Config{DisableStartupMessage: true})
		app.Use(FindAddress(prefixes(c.trusted)), func(c *fiber.Ctx) error {
			got = Address(c)
			by, proxied = Proxy(c)
			return nil
		})
		var r fasthttp.Request
		r.SetRequestURI("/")
		for _, line := range c.forwarded {
			r.Header.Add("X-Forwarded-For", line)
		}
		for _, other := range []string{"X-Real-Ip", "Forwarded", "True-Client-Ip", "X-Client-Ip"} {
			r.Header.Set(other, "192.0.2.66")
		}
		socket := netip.MustParseAddrPort(c.from)
		var ctx fasthttp.RequestCtx
		ctx.Init(&r, net.TCPAddrFromAddrPort(socket), nil)
		app.Handler()(&ctx)
		if got.String() != c.want || proxied != c.proxied || proxied && by != socket.Addr().Unmap() {
			t.Errorf("%s: %s, by %s (%t), want %s (%t)", c.name, got, by, proxied, c.want, c.proxied)
		}
	}
}

func prefixes(texts []string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// What is no TCP has no address, and one that was never looked for is none either.
func TestAddressOfNothing(t *testing.T) {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/", func(c *fiber.Ctx) error {
		if a := Address(c); a.IsValid() {
			t.Errorf("it is %s", a)
		}
		if _, there := Proxy(c); there {
			t.Error("it came by a proxy")
		}
		return FindAddress(prefixes([]string{"0.0.0.0/0", "::/0"}))(c)
	}, func(c *fiber.Ctx) error { return nil })
	var ctx fasthttp.RequestCtx
	var r fasthttp.Request
	r.SetRequestURI("/")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	ctx.Init(&r, &net.UnixAddr{Name: "x", Net: "unix"}, nil)
	app.Handler()(&ctx)
	if status := ctx.Response.StatusCode(); status != 404 && status != 200 {
		t.Errorf("it answers %d", status)
	}
}

// FuzzHop: whatever stands in an entry, nothing but an address is read from it.
func FuzzHop(f *testing.F) {
	for _, text := range []string{"198.51.100.7", "[2001:db8::7]:80", "::ffff:1.2.3.4%eth0", "[", "]:", "1.2.3.4:", ":80", "[[::1]]", "1.2.3.4%x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := parseHop(text)
		if ok != a.IsValid() || ok && (a.Zone() != "" || a.Is4In6()) {
			t.Fatalf("%q is %s, %t", text, a, ok)
		}
	})
}
