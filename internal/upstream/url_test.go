package upstream

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"latchkey/internal/access"
)

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
