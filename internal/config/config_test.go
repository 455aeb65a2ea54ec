package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// clean takes every setting of the machine's own environment away.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range append(Names(), envCredentials) {
		if value, set := os.LookupEnv(name); set {
			os.Unsetenv(name)
			t.Cleanup(func() { os.Setenv(name, value) })
		}
	}
}

func TestDefaults(t *testing.T) {
	clean(t)
	got, err := Flags{}.Validate()
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Data: "data", Log: slog.LevelInfo, Lang: "en", QuotaPerUnit: 500000,
		Addr: "127.0.0.1:8080", Loopback: true, Registration: "closed", Reveal: "always", Drain: 30 * time.Second,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAreTheManuals(t *testing.T) {
	want := strings.Fields(`LATCHKEY_ADDR LATCHKEY_DATA LATCHKEY_DEMO LATCHKEY_DRAIN LATCHKEY_FESS_PAGE_BASE
		LATCHKEY_INSECURE_HTTP LATCHKEY_LANG LATCHKEY_LOG LATCHKEY_MASTER_KEY LATCHKEY_METRICS_TOKEN LATCHKEY_PRIVATE_HOSTS
		LATCHKEY_PUBLIC_URL LATCHKEY_QUOTA_PER_UNIT LATCHKEY_RAGFLOW_RSA_KEYS LATCHKEY_REGISTRATION LATCHKEY_REVEAL
		LATCHKEY_SECRET_KEY LATCHKEY_TLS_CERT LATCHKEY_TLS_KEY LATCHKEY_TRUSTED_PROXIES`)
	if diff := cmp.Diff(want, Names()); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironment(t *testing.T) {
	clean(t)
	t.Setenv("LATCHKEY_ADDR", "")
	t.Setenv("LATCHKEY_DEMO", "  ")
	t.Setenv("LATCHKEY_LANG", "zh")
	t.Setenv("LATCHKEYS", "somebody else's")
	if err := Environment(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"LATCHKEY_ADDR": false, "LATCHKEY_DEMO": false, "LATCHKEY_LANG": true} {
		if _, set := os.LookupEnv(name); set != want {
			t.Errorf("%s set: %v", name, set)
		}
	}
	for name, hint := range map[string]string{
		"LATCHKEY_ADDRESS": "Did you mean LATCHKEY_ADDR?", "LATCHKEY_PUBLICURL": "Did you mean LATCHKEY_PUBLIC_URL?",
		"LATCHKEY_MASTERKEY": "Did you mean LATCHKEY_MASTER_KEY?", "LATCHKEY_": "see “latchkey serve --help”", "LATCHKEY_public_url": "Did you mean LATCHKEY_PUBLIC_URL?", "LATCHKEY_XYZ": "see “latchkey serve --help”",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "value")
			err := Environment()
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Setting != name || !strings.Contains(e.Text, name) || !strings.Contains(e.Text, hint) {
				t.Errorf("%v, want %q", err, hint)
			}
		})
	}
}

func TestAccepts(t *testing.T) {
	clean(t)
	cases := []struct {
		name  string
		flags Flags
		check func(Config) bool
	}{
		{"IPv6 loopback", serving(Serving{Addr: "[::1]:0"}), func(c Config) bool { return c.Loopback && c.Addr == "[::1]:0" }},
		{"localhost", serving(Serving{Addr: "LocalHost:80"}), func(c Config) bool { return c.Loopback && c.Addr == "localhost:80" }},
		{"all addresses, said so", serving(Serving{Addr: ":8080", InsecureHTTP: true}), func(c Config) bool { return !c.Loopback && c.Addr == ":8080" }},
		{"all addresses with TLS", serving(Serving{Addr: "0.0.0.0:443", TLSCert: "c.pem", TLSKey: "k.pem"}), func(c Config) bool { return c.TLS() && !c.Loopback }},
		{"public", serving(Serving{PublicURL: "HTTPS://Bots.Acme.Example:443/"}), func(c Config) bool {
			return c.PublicURL.String() == "https://bots.acme.example" && c.PublicURL.Secure() && c.PublicURL.Set()
		}},
		{"public with port", serving(Serving{PublicURL: "http://192.0.2.7:8080"}), func(c Config) bool { return c.PublicURL.Host == "192.0.2.7:8080" && !c.PublicURL.Secure() }},
		{"public IPv6", serving(Serving{PublicURL: "https://[2001:DB8::0:1]:8443"}), func(c Config) bool { return c.PublicURL.Host == "[2001:db8::1]:8443" }},
		{"no public", Flags{}, func(c Config) bool { return !c.PublicURL.Set() && c.PublicURL.String() == "" }},
		{"proxies", serving(Serving{TrustedProxies: "10.0.0.0/8, 192.0.2.1 fd00::/8,::ffff:10.1.0.0/112"}), func(c Config) bool {
			return fmt.Sprint(c.TrustedProxies) == "[10.0.0.0/8 192.0.2.1/32 fd00::/8 10.1.0.0/16]"
		}},
		{"private", serving(Serving{PrivateHosts: "Ollama.LAN:11434,192.168.0.0/16,[::1]:8000,127.0.0.1:11434,10.0.0.5"}), func(c Config) bool {
			return slices.Equal(c.PrivateHosts.Hosts, []string{"ollama.lan:11434", "[::1]:8000", "127.0.0.1:11434"}) &&
				fmt.Sprint(c.PrivateHosts.Texts()) == "[192.168.0.0/16 10.0.0.5/32 ollama.lan:11434 [::1]:8000 127.0.0.1:11434]"
		}},
		{"choices", serving(Serving{Registration: "open", Reveal: "confirm", FessPageBase: "1", Drain: "2m", Demo: true}), func(c Config) bool {
			return c.Registration == "open" && c.RegistrationFixed && c.Reveal == "confirm" && c.FessPageBase == 1 && c.Drain == 2*time.Minute && c.Demo
		}},
		{"basics", Flags{Basic: Basic{Data: "/var/lib/latchkey/", Log: "debug", Lang: "zh", QuotaPerUnit: "1000000"}}, func(c Config) bool {
			return c.Data == "/var/lib/latchkey" && c.Log == slog.LevelDebug && c.LangFixed && c.QuotaPerUnit == 1000000 && c.QuotaPerUnitFixed
		}},
		{"RSA keys", serving(Serving{RSAKeys: "/etc/a.pem, b.pem:with:colon"}), func(c Config) bool {
			return len(c.RSAKeys) == 2 && c.RSAKeys[0] == RSAKey{Path: "/etc/a.pem"} && c.RSAKeys[1] == RSAKey{Path: "b.pem", Passphrase: "with:colon"}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.flags.Validate()
			if err != nil {
				t.Fatal(err)
			}
			if !c.check(got) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func serving(s Serving) Flags { return Flags{Serving: s} }

func TestRefuses(t *testing.T) {
	clean(t)
	cases := []struct {
		setting string // without LATCHKEY_
		flags   Flags
		says    string
	}{
		{"ADDR", serving(Serving{Addr: "0.0.0.0:8080"}), "LATCHKEY_INSECURE_HTTP=1"},
		{"ADDR", serving(Serving{Addr: ":8080"}), "other machines"},
		{"ADDR", serving(Serving{Addr: "bots.acme.example:8080"}), "other machines"},
		{"ADDR", serving(Serving{Addr: "8080"}), "HOST:PORT"},
		{"ADDR", serving(Serving{Addr: "127.0.0.1:http"}), "HOST:PORT"},
		{"ADDR", serving(Serving{Addr: "127.0.0.1:65536"}), "HOST:PORT"},
		{"ADDR", serving(Serving{Addr: "http://127.0.0.1:80"}), "HOST:PORT"},
		{"TLS_KEY", serving(Serving{TLSCert: "c.pem"}), "Set both"},
		{"TLS_CERT", serving(Serving{TLSKey: "k.pem"}), "Set both"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "bots.acme.example"}), "https://"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "ftp://bots.acme.example"}), "https://"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://"}), "https://"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://bots.acme.example/sub"}), "root"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://bots.acme.example/?a"}), "root"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://bots.acme.example#"}), "root"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://ann:hush@bots.acme.example"}), "password"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://bots.acme.example:0"}), "port"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://bots.acme.example:"}), "port"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://böts.example"}), "ASCII"},
		{"PUBLIC_URL", serving(Serving{PublicURL: "https://a..b"}), "ASCII"},
		{"TRUSTED_PROXIES", serving(Serving{TrustedProxies: "10.0.0.1/8"}), "Did you mean 10.0.0.0/8?"},
		{"TRUSTED_PROXIES", serving(Serving{TrustedProxies: "proxy.lan"}), "not an address"},
		{"TRUSTED_PROXIES", serving(Serving{TrustedProxies: "10.0.0.0/33"}), "not an address"},
		{"TRUSTED_PROXIES", serving(Serving{TrustedProxies: "fe80::1%eth0"}), "not an address"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "169.254.169.254:80"}), "metadata"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "[::ffff:169.254.169.254]:80"}), "metadata"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "[fd00:ec2::254]:80"}), "metadata"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "Metadata.Google.Internal:80"}), "metadata"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "10.0.0.0/8,169.254.0.0/16"}), "metadata"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "0.0.0.0/0"}), "metadata"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "::/0"}), "metadata"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "ollama.lan"}), "HOST:PORT"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "ollama.lan:0"}), "HOST:PORT"},
		{"PRIVATE_HOSTS", serving(Serving{PrivateHosts: "http://ollama.lan:11434"}), "HOST:PORT"},
		{"REGISTRATION", serving(Serving{Registration: "yes"}), "closed or open"},
		{"REVEAL", serving(Serving{Reveal: "Always"}), "always, confirm or never"},
		{"FESS_PAGE_BASE", serving(Serving{FessPageBase: "2"}), "0 or 1"},
		{"DRAIN", serving(Serving{Drain: "30"}), "30s"},
		{"DRAIN", serving(Serving{Drain: "-1s"}), "0s"},
		{"RAGFLOW_RSA_KEYS", serving(Serving{RSAKeys: "a.pem,:hush-hush"}), "file name"},
		{"LOG", Flags{Basic: Basic{Log: "loud"}}, "debug, info, warn or error"},
		{"LOG", Flags{Basic: Basic{Log: "info+2"}}, "debug, info, warn or error"},
		{"LANG", Flags{Basic: Basic{Lang: "de"}}, "en or zh"},
		{"QUOTA_PER_UNIT", Flags{Basic: Basic{QuotaPerUnit: "0"}}, "500000"},
		{"QUOTA_PER_UNIT", Flags{Basic: Basic{QuotaPerUnit: "1e6"}}, "500000"},
		{"DATA", Flags{Basic: Basic{Data: "a\x00b"}}, "folder"},
	}
	for _, c := range cases {
		t.Run(c.setting, func(t *testing.T) {
			_, err := c.flags.Validate()
			wantRefusal(t, err, c.setting, c.says)
		})
	}
}

func TestRefusesSecretsWithoutQuotingThem(t *testing.T) {
	clean(t)
	for _, c := range []struct{ setting, value, says string }{
		{"MASTER_KEY", "too-short-by-one-abc"[:19], "at least 20"},
		{"MASTER_KEY", "with a space inside of it", "Authorization"},
		{"MASTER_KEY", "schlüssel-schlüssel-schlüssel", "Authorization"},
		{"METRICS_TOKEN", "line\nbreak-in-the-token", "Authorization"},
	} {
		t.Run(c.setting, func(t *testing.T) {
			t.Setenv("LATCHKEY_"+c.setting, c.value)
			_, err := Flags{}.Validate()
			wantRefusal(t, err, c.setting, c.says)
			if err != nil && strings.Contains(err.Error(), c.value) {
				t.Errorf("quoted: %v", err)
			}
		})
	}
}

func wantRefusal(t *testing.T, err error, setting, says string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Setting != "LATCHKEY_"+setting || !strings.HasPrefix(e.Text, e.Setting+" ") || !strings.Contains(e.Text, says) {
		t.Errorf("%v, want a refusal of %s about %q", err, setting, says)
	}
	if err != nil && strings.Contains(err.Error(), "hush") {
		t.Errorf("quotes a secret: %v", err)
	}
}

func TestSecretsFromTheEnvironment(t *testing.T) {
	clean(t)
	t.Setenv("LATCHKEY_MASTER_KEY", "master-master-master")
	t.Setenv("LATCHKEY_METRICS_TOKEN", "metrics")
	t.Setenv("LATCHKEY_SECRET_KEY", "sealing")
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/latchkey.service")
	c, err := serving(Serving{RSAKeys: "a.pem:hushed"}).Validate()
	if err != nil {
		t.Fatal(err)
	}
	if c.MasterKey.Reveal() != "master-master-master" || c.MetricsToken.Reveal() != "metrics" || c.SecretKey.Reveal() != "sealing" || c.Credentials != "/run/credentials/latchkey.service" {
		t.Error("a secret did not arrive")
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "config", c, "key", c.MasterKey)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %q %x", c, c, c, c.MasterKey, c.SecretKey), log.String()} {
		for _, secret := range []string{"master-master", "metrics\"", "sealing", "hushed"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s shows in %s", secret, shown)
			}
		}
	}
	if Secret("").String() != "" || c.MasterKey.String() != "[set]" {
		t.Error("set and unset secrets look alike")
	}
}

func FuzzNetworks(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8", "[::1]:80", "https://a.example:1/", "a,b c", "::ffff:1.2.3.4/100", "1.2.3.4:99999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if origin, err := parseOrigin(text); err == nil && origin.Set() {
			again, err := parseOrigin(origin.String())
			if err != nil || again != origin {
				t.Fatalf("%q → %q → %q, %v", text, origin, again, err)
			}
		}
		if p, err := parsePrivate(text); err == nil {
			for _, network := range p.Networks {
				if network.Contains(netip.MustParseAddr("169.254.169.254")) {
					t.Fatalf("%q lets metadata through", text)
				}
			}
		}
		if addr, _, err := parseAddr(text); err == nil {
			if _, _, err := parseAddr(addr); err != nil {
				t.Fatalf("%q → %q: %v", text, addr, err)
			}
		}
	})
}
