package upstream

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/access"
)

// The guard is asked directly: no test dials a foreign address.
func TestGuard(t *testing.T) {
	refused := []string{
		"127.0.0.1:443", "127.8.9.10:443", "[::1]:443", "0.0.0.0:443", "[::]:443", "10.0.0.1:443", "172.16.0.1:443",
		"172.31.255.255:443", "192.168.1.1:443", "169.254.1.1:443", "[fe80::1]:443", "[fe80::1%eth0]:443", "100.64.0.1:443",
		"100.127.255.255:443", "224.0.0.1:443", "[ff02::1]:443", "255.255.255.255:443", "240.0.0.1:443", "192.0.2.1:443",
		"198.51.100.1:443", "203.0.113.1:443", "198.18.0.1:443", "192.0.0.1:443", "[2001:db8::1]:443", "[3fff::1]:443",
		"[fc00::1]:443", "[fd12::1]:443", "[::ffff:10.0.0.1]:443", "[::ffff:127.0.0.1]:443", "[64:ff9b::a00:1]:443",
		"[64:ff9b::808:808]:443", "[64:ff9b:1::a00:1]:443", "[2002:a00:1::]:443", "[2002:808:808::]:443", "[2001::1]:443",
		"[::10.0.0.1]:443", "[100::1]:443", "[fec0::1]:443",
	}
	metadata := []string{
		"169.254.169.254:80", "[::ffff:169.254.169.254]:80", "[64:ff9b::a9fe:a9fe]:80", "[2002:a9fe:a9fe::]:80",
		"[fd00:ec2::254]:80", "100.100.100.200:80", "169.254.170.2:80", "168.63.129.16:80", "[fd20:ce::254]:80", "192.0.0.192:80",
		"[::169.254.169.254]:80",
	}
	allowed := []string{"1.1.1.1:443", "8.8.8.8:8443", "[2606:4700::1111]:443", "172.32.0.1:443", "100.128.0.1:443", "[::ffff:8.8.8.8]:443"}

	dial := func(g guard, address string) error {
		network := "tcp4"
		if strings.HasPrefix(address, "[") {
			network = "tcp6"
		}
		return g.control(network, address, nil)
	}
	none, err := newGuard("api.acme.example:443", nil)
	if err != nil {
		t.Fatal(err)
	}
	everything, err := newGuard("api.acme.example:443", []string{"0.0.0.0/0", "::/0", "API.acme.example.:443"})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range refused {
		if err := dial(none, a); !errors.Is(err, errPrivate) {
			t.Errorf("%s: %v", a, err)
		}
		if err := dial(everything, a); err != nil {
			t.Errorf("%s, listed: %v", a, err)
		}
	}
	for _, a := range metadata {
		if err := dial(none, a); !errors.Is(err, errMetadata) {
			t.Errorf("%s: %v", a, err)
		}
		if err := dial(everything, a); !errors.Is(err, errMetadata) {
			t.Errorf("%s, listed: %v", a, err)
		}
	}
	for _, a := range allowed {
		if err := dial(none, a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	for _, n := range []string{"tcp", "udp4", "unix", ""} {
		if none.control(n, "1.1.1.1:443", nil) == nil {
			t.Errorf("network %q", n)
		}
	}
	if none.control("tcp4", "name:443", nil) == nil {
		t.Error("a name is no address")
	}
}

// A listed host and port opens that port of that host, and nothing else.
func TestGuardLists(t *testing.T) {
	list := []string{"ollama.lan:11434", "10.1.0.0/16", "[FD12::5]:8000", "junk", "::ffff:10.9.0.0/112"}
	for _, r := range []struct {
		asked, connected string
		ok               bool
	}{
		{"ollama.lan:11434", "192.168.7.7:11434", true},
		{"OLLAMA.lan.:11434", "192.168.7.7:11434", true},
		{"ollama.lan:22", "192.168.7.7:22", false},
		{"other.lan:11434", "192.168.7.7:11434", false},
		{"other.lan:443", "10.1.2.3:443", true},
		{"other.lan:443", "[::ffff:10.1.2.3]:443", true},
		{"other.lan:443", "10.9.2.3:443", true},
		{"other.lan:443", "10.2.2.3:443", false},
		{"[fd12:0::5]:8000", "[fd12::5]:8000", true},
		{"[fd12::6]:8000", "[fd12::6]:8000", false},
		{"ollama.lan:11434", "169.254.169.254:11434", false},
	} {
		g, err := newGuard(r.asked, list)
		if err != nil {
			t.Fatal(err)
		}
		network := map[bool]string{true: "tcp6", false: "tcp4"}[r.connected[0] == '[']
		if err := g.control(network, r.connected, nil); (err == nil) != r.ok {
			t.Errorf("%s at %s: %v", r.asked, r.connected, err)
		}
	}
	for _, name := range []string{"metadata.google.internal:80", "METADATA.google.internal.:443", "metadata:80", "instance-data:80"} {
		if _, err := newGuard(name, []string{name}); !errors.Is(err, errMetadata) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newGuard("noport", nil); err == nil {
		t.Error("an address without a port")
	}
}

// The transport dials through the guard, and through nothing else.
func TestDialIsGuarded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := New(Settings{})
	if _, err := c.dial(t.Context(), "tcp", l.Addr().String()); !errors.Is(err, errPrivate) {
		t.Errorf("%v", err)
	}
	if c.wire.DialTLSContext != nil || c.wire.Proxy != nil || c.wire.TLSClientConfig != nil {
		t.Error("there is a way round the guard or the certificates")
	}
}

func TestCheckPrivateHosts(t *testing.T) {
	for entry, code := range map[string]string{
		"ollama.lan:11434": "", "127.0.0.1:8000": "", "[::1]:8000": "", "10.0.0.0/8": "", "100.64.0.0/10": "", "fd00::/8": "",
		"169.254.169.254:80": "private_host_metadata", "169.254.169.254/32": "private_host_metadata",
		"169.254.0.0/16": "private_host_metadata", "0.0.0.0/0": "private_host_metadata", "::/0": "private_host_metadata",
		"[fd00:ec2::254]:80": "private_host_metadata", "metadata.google.internal:80": "private_host_metadata",
		"100.100.100.200/32": "private_host_metadata", "::ffff:169.254.169.254/128": "private_host_metadata",
		"ollama.lan": "private_host_malformed", "ollama.lan:": "private_host_malformed", "a b:80": "private_host_malformed",
		":80": "private_host_malformed", "x:99999": "private_host_malformed", "x:0": "private_host_malformed", "10.0.0.0/99": "private_host_malformed",
	} {
		err := CheckPrivateHosts([]string{"ok.lan:1", entry})
		if got, _ := errors.AsType[*access.Error](err); (got == nil) != (code == "") || got != nil && (got.Code != code || got.Kind != access.Invalid || got.Field != "private_hosts") {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

func TestNetworkCodes(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for code, err := range map[string]error{
		"provider_unknown_host":    dial(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}),
		"provider_connect_timeout": dial(os.ErrDeadlineExceeded),
		"provider_unreachable":     dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		"provider_tls":             x509.HostnameError{Host: "x", Certificate: &x509.Certificate{}},
		"provider_headers":         errors.New("net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 65536 bytes; aborted"),
		"provider_metadata":        dial(errMetadata),
		"provider_not_allowed":     dial(errPrivate),
		"provider_broke":           io.ErrUnexpectedEOF,
	} {
		if got := networkCode(err, "provider_broke"); got != code {
			t.Errorf("%v: %s, want %s", err, got, code)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 20, 14, 21, 0, 0, time.UTC)
	c := New(Settings{Now: func() time.Time { return now }})
	for value, want := range map[string]time.Duration{
		"": 5 * time.Second, "3": 3 * time.Second, "0.5": 500 * time.Millisecond, "0": 0, "600": time.Minute, "1e300": time.Minute,
		"-5": 5 * time.Second, "soon": 5 * time.Second, "NaN": 5 * time.Second,
		now.Add(20 * time.Second).Format(http.TimeFormat): 20 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
		now.Add(time.Hour).Format(http.TimeFormat):        time.Minute,
	} {
		if got := c.retryAfter(http.Header{"Retry-After": {value}}); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if got := c.retryAfter(http.Header{"Retry-After-Ms": {"1500"}, "Retry-After": {"2"}}); got != 1500*time.Millisecond {
		t.Error(got)
	}
}

func TestEveryRuleHasAnOutcome(t *testing.T) {
	for code, r := range rules {
		if !strings.HasPrefix(code, "provider_rejected") && (r.status < 400 || r.status > 599) || r.text == "" || r.pause && r.retry {
			t.Errorf("%s: %+v", code, r)
		}
	}
}

// A caller's own deadline is the caller's, not the provider's failure.
func TestCallersDeadline(t *testing.T) {
	c := New(Settings{Now: time.Now, Demo: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Ask(ctx, Endpoint{BaseURL: DemoURL}, Question{Path: "/chat/completions", Body: []byte("{}")})
	if _, ok := errors.AsType[*Failure](err); ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
