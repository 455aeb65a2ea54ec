package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/internal/config"
)

// probe is a command that takes every setting, as the server does, and keeps
// what came of them.
type probe struct {
	config.Serving
	got *config.Config
}

func (p *probe) Run(_ *shell, basic *config.Basic) (err error) {
	*p.got, err = config.Flags{Basic: *basic, Serving: p.Serving}.Validate()
	return err
}

func runProbe(t *testing.T, env map[string]string, args ...string) (config.Config, int, string) {
	t.Helper()
	for _, name := range config.Names() {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	var got config.Config
	var stderr bytes.Buffer
	tree := struct {
		config.Basic
		Probe probe `cmd:""`
	}{Probe: probe{got: &got}}
	sh := &shell{stdout: &stderr, stderr: &stderr}
	code := sh.runTree(&tree, &tree.Basic, append([]string{"probe"}, args...))
	return got, code, stderr.String()
}

func TestSettingsFromBothSides(t *testing.T) {
	env := map[string]string{
		"LATCHKEY_ADDR": "[::1]:9000", "LATCHKEY_DATA": "from-env", "LATCHKEY_DEMO": "1", "LATCHKEY_DRAIN": "5s",
		"LATCHKEY_FESS_PAGE_BASE": "1", "LATCHKEY_INSECURE_HTTP": "0", "LATCHKEY_LANG": "zh", "LATCHKEY_LOG": "warn",
		"LATCHKEY_MASTER_KEY": "master-master-master", "LATCHKEY_PRIVATE_HOSTS": "ollama.lan:11434", "LATCHKEY_METRICS_TOKEN": "m",
		"LATCHKEY_PUBLIC_URL": "https://bots.acme.example", "LATCHKEY_QUOTA_PER_UNIT": "1000", "LATCHKEY_REGISTRATION": "",
		"LATCHKEY_RAGFLOW_RSA_KEYS": "a.pem:b", "LATCHKEY_REVEAL": "never", "LATCHKEY_SECRET_KEY": "k",
		"LATCHKEY_TLS_CERT": "c.pem", "LATCHKEY_TLS_KEY": "k.pem", "LATCHKEY_TRUSTED_PROXIES": "10.0.0.0/8",
	}
	if len(env) != len(config.Names()) {
		t.Errorf("%d of %d settings tried", len(env), len(config.Names()))
	}
	c, code, said := runProbe(t, env)
	if code != 0 {
		t.Fatalf("%d: %s", code, said)
	}
	if c.Addr != "[::1]:9000" || c.Data != "from-env" || !c.Demo || c.Drain != 5*time.Second || c.FessPageBase != 1 || c.InsecureHTTP ||
		c.Lang != "zh" || c.Log.String() != "WARN" || c.MasterKey.Reveal() == "" || len(c.PrivateHosts.Hosts) != 1 || c.MetricsToken.Reveal() != "m" ||
		c.PublicURL.Host != "bots.acme.example" || c.QuotaPerUnit != 1000 || c.Registration != "closed" || c.RegistrationFixed ||
		len(c.RSAKeys) != 1 || c.Reveal != "never" || c.SecretKey.Reveal() != "k" || !c.TLS() || c.TLSKey != "k.pem" || len(c.TrustedProxies) != 1 {
		t.Errorf("%+v", c)
	}

	env["LATCHKEY_REGISTRATION"] = "closed"
	c, code, said = runProbe(t, env, "--addr", "127.0.0.1:1", "--data=from-flag", "--no-demo", "--drain=1s", "--fess-page-base=0", "--insecure-http",
		"--lang=en", "--log=debug", "--private-hosts=10.0.0.0/8", "--public-url=http://b.acme.example", "--quota-per-unit=7", "--registration=open",
		"--ragflow-rsa-keys=x.pem,y.pem", "--reveal=confirm", "--tls-cert=d.pem", "--tls-key=l.pem", "--trusted-proxies=192.0.2.0/24,::1")
	if code != 0 {
		t.Fatalf("%d: %s", code, said)
	}
	if c.Addr != "127.0.0.1:1" || c.Data != "from-flag" || c.Demo || c.Drain != time.Second || c.FessPageBase != 0 || !c.InsecureHTTP ||
		c.Lang != "en" || c.Log.String() != "DEBUG" || len(c.PrivateHosts.Networks) != 1 || c.PublicURL.Host != "b.acme.example" || c.QuotaPerUnit != 7 ||
		c.Registration != "open" || !c.RegistrationFixed || len(c.RSAKeys) != 2 || c.Reveal != "confirm" || c.TLSCert != "d.pem" || c.TLSKey != "l.pem" || len(c.TrustedProxies) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestSettingsThatStopTheStart(t *testing.T) {
	for _, c := range []struct {
		name, value string
		args        []string
		says        string
	}{
		{"LATCHKEY_PUBLICURL", "https://bots.acme.example", nil, "latchkey: LATCHKEY_PUBLICURL is not a setting. Did you mean LATCHKEY_PUBLIC_URL?\n"},
		{"LATCHKEY_NONSENSE", "", nil, "latchkey: LATCHKEY_NONSENSE is not a setting."},
		{"LATCHKEY_DEMO", "perhaps", nil, "perhaps"},
		{"LATCHKEY_ADDR", "0.0.0.0:80", nil, "LATCHKEY_INSECURE_HTTP=1"},
		{"LATCHKEY_ADDR", "", []string{"--addr=:80"}, "LATCHKEY_INSECURE_HTTP=1"},
		{"LATCHKEY_LOG", "", []string{"--log", "loud"}, "LATCHKEY_LOG is \"loud\""},
		{"LATCHKEY_LOG", "", []string{"--master-key=x"}, "unknown flag --master-key"},
	} {
		_, code, said := runProbe(t, map[string]string{c.name: c.value}, c.args...)
		os.Unsetenv(c.name)
		if code != exitUsage || !strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s=%s %v: code %d, said %q", c.name, c.value, c.args, code, said)
		}
	}
}
