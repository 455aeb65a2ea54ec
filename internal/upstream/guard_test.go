package upstream

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
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

func TestCheckURL(t *testing.T) {
	private := func() []string { return []string{"ollama.lan:11434", "10.1.0.0/16", "127.0.0.1:9999", "[::1]:80"} }
	for _, r := range []struct{ raw, want, code string }{
		{"https://api.acme.example", "https://api.acme.example", ""},
		{" https://API.Acme.example:443/v1/ ", "https://api.acme.example/v1", ""},
		{"HTTPS://api.acme.example./v1//x/../", "https://api.acme.example/v1", ""},
		{"https://api.acme.example/v1/chat/completions", "https://api.acme.example/v1", ""},
		{"https://api.acme.example/openai/v1/models", "https://api.acme.example/openai/v1", ""},
		{"https://api.acme.example:8443/v1", "https://api.acme.example:8443/v1", ""},
		{"https://[2606:4700::1111]:443/v1", "https://[2606:4700::1111]/v1", ""},
		{"http://ollama.lan:11434/v1", "http://ollama.lan:11434/v1", ""},
		{"http://10.1.2.3/v1", "http://10.1.2.3/v1", ""},
		{"https://10.1.2.3:22", "https://10.1.2.3:22", ""},
		{"http://[::1]:80", "http://[::1]", ""},
		{"http://127.0.0.1:9999", "http://127.0.0.1:9999", ""},
		{"http://[::ffff:127.0.0.1]:9999", "http://127.0.0.1:9999", ""},
		{"demo:", "demo:", ""},

		{"", "", "provider_url_scheme_unknown"},
		{"api.acme.example/v1", "", "provider_url_scheme_unknown"},
		{"ftp://api.acme.example", "", "provider_url_scheme_unknown"},
		{"javascript:alert(1)", "", "provider_url_scheme_unknown"},
		{"demo:x", "", "provider_url_scheme_unknown"},
		{"http://api.acme.example", "", "provider_url_scheme"},
		{"http://ollama.lan:11435", "", "provider_url_scheme"},
		{"http://1.1.1.1", "", "provider_url_scheme"},
		{"https://u:p@api.acme.example", "", "provider_url_user"},
		{"https://@api.acme.example", "", "provider_url_user"},
		{"https://api.acme.example/v1?key=1", "", "provider_url_query"},
		{"https://api.acme.example/v1?", "", "provider_url_query"},
		{"https://api.acme.example/v1#x", "", "provider_url_fragment"},
		{"https://api.acme.example/v1#", "", "provider_url_fragment"},
		{"https://", "", "provider_url_malformed"},
		{"https:api.acme.example", "", "provider_url_malformed"},
		{"https://a b", "", "provider_url_malformed"},
		{"https://exa\nmple", "", "provider_url_malformed"},
		{"https://пример.example", "", "provider_url_malformed"},
		{"https://api.acme.example:0", "", "provider_url_malformed"},
		{"https://api.acme.example:99999", "", "provider_url_malformed"},
		{"https://api.acme.example:", "", "provider_url_malformed"},
		{"https://127.1", "", "provider_url_malformed"},
		{"https://2130706433", "", "provider_url_malformed"},
		{"https://0x7f000001", "", "provider_url_malformed"},
		{"https://0x7f.1", "", "provider_url_malformed"},
		{"https://[fe80::1%25eth0]", "", "provider_url_malformed"},
		{"https://a..b", "", "provider_url_malformed"},
		{"https://" + strings.Repeat("a", 3000) + ".example", "", "provider_url_malformed"},
		{"https://127.0.0.1", "", "provider_url_private"},
		{"http://127.0.0.1:9998", "", "provider_url_private"},
		{"https://localhost:11434", "", "provider_url_private"},
		{"http://localhost:11434", "", "provider_url_private"},
		{"https://x.localhost", "", "provider_url_private"},
		{"https://[::ffff:10.0.0.1]", "", "provider_url_private"},
		{"https://[64:ff9b::a00:1]", "", "provider_url_private"},
		{"https://10.2.0.1", "", "provider_url_private"},
		{"https://169.254.169.254", "", "provider_url_metadata"},
		{"http://169.254.169.254/latest", "", "provider_url_metadata"},
		{"https://[::ffff:a9fe:a9fe]", "", "provider_url_metadata"},
		{"https://metadata.google.internal", "", "provider_url_metadata"},
		{"https://Metadata.Google.Internal./", "", "provider_url_metadata"},
		{"https://api.acme.example:22", "", "provider_url_port"},
		{"https://api.acme.example:80", "", "provider_url_port"},
	} {
		got, err := CheckURL(r.raw, private)
		if r.code == "" {
			if err != nil || got != r.want {
				t.Errorf("%q: %q, %v", r.raw, got, err)
			}
			if again, err := CheckURL(got, private); err != nil || again != got {
				t.Errorf("%q is not its own spelling: %q, %v", got, again, err)
			}
			continue
		}
		if e, ok := errors.AsType[*access.Error](err); !ok || e.Code != r.code || e.Kind != access.Invalid || e.Field != "base_url" {
			t.Errorf("%q: %q, %v", r.raw, got, err)
		}
	}
	if _, err := CheckURL("http://ollama.lan:11434", nil); err == nil {
		t.Error("no list allows plain http")
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://api.acme.example/v1", "http://[::1]:80", "https://0x7f.1", "https://a@b", "https://[::ffff:a9fe:a9fe]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := CheckURL(raw, nil)
		if err != nil || got == DemoURL {
			return
		}
		if again, err := CheckURL(got, nil); err != nil || again != got {
			t.Errorf("%q became %q, which becomes %q, %v", raw, got, again, err)
		}
		u, _ := readURL(got)
		if u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
			t.Errorf("%q passed", got)
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && special.SafeAddr(a.Unmap()) != nil {
			t.Errorf("%q passed", got)
		}
	})
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

func TestClean(t *testing.T) {
	const key = "sk-live-0123456789"
	for said, want := range map[string]string{
		"plain":                              "plain",
		"key " + key + " bad":                "key … bad",
		"see https://inner.example/x?y now":  "see … now",
		"at 10.0.0.1:8000 and [fd00::1]:80.": "at … and ….",
		"a\x00b\r\n\tc\u202ed\u200b":         "ab cd",
		"Authorization: Bearer abc.def":      "Authorization: …",
		"sk-\u200blive-0123456789":           "…",
		"bad \xff utf":                       "bad utf",
		"Incorrect API key provided: sk-proj-ab**34. You can find it": "Incorrect API key provided: … You can find it",
		"this model's maximum context length is 8192 tokens (v1.2.3)": "this model's maximum context length is 8192 tokens (v1.2.3)",
	} {
		if got := clean(said, key); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
	if got := clean(strings.Repeat("很", 5000), ""); len([]rune(got)) != maxSaid {
		t.Errorf("%d characters", len([]rune(got)))
	}
	for code, want := range map[string]string{"context_length_exceeded": "context_length_exceeded", "a b": "", key: "", "messages[0].content": "messages[0].content"} {
		if got := cleanCode(code, key); got != want {
			t.Errorf("%q: %q", code, got)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("see https://x for sk-0123456789", "sk-0123456789")
	f.Add("a\u200bb c", "abcd")
	f.Fuzz(func(t *testing.T, said, key string) {
		got := clean(said, key)
		if len([]rune(got)) > maxSaid || strings.ContainsAny(got, "\r\n\x00\x1b") || strings.Contains(got, "://") {
			t.Errorf("%q", got)
		}
		if len(key) >= 8 && strings.Trim(key, "\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") == "" && strings.Contains(got, key) {
			t.Errorf("%q holds the key %q", got, key)
		}
	})
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
