package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Validate turns the settings of any command into a Config; what only the server
// uses stays at its zero.
func (b Basic) Validate() (Config, error) {
	c := Config{
		Data:        filepath.Clean(or(b.Data, "./data")),
		SecretKey:   Secret(os.Getenv(envSecretKey)),
		Credentials: os.Getenv(envCredentials),
		LangFixed:   b.Lang != "",
	}
	if strings.ContainsRune(b.Data, 0) {
		return Config{}, refuse("LATCHKEY_DATA", "holds a character that no folder name can hold. Name a folder.")
	}
	if err := c.Log.UnmarshalText([]byte(or(b.Log, "info"))); err != nil || !oneOf(or(b.Log, "info"), "debug", "info", "warn", "error") {
		return Config{}, choose("LATCHKEY_LOG", b.Log, "debug", "info", "warn", "error")
	}
	c.Lang = or(b.Lang, "en")
	if !oneOf(c.Lang, "en", "zh") {
		return Config{}, choose("LATCHKEY_LANG", b.Lang, "en", "zh")
	}
	units, err := strconv.ParseInt(or(b.QuotaPerUnit, "500000"), 10, 64)
	if err != nil || units < 1 || units > 1_000_000_000_000 {
		return Config{}, refuse("LATCHKEY_QUOTA_PER_UNIT", "is %q. It must be a whole number from 1 to 1000000000000, such as 500000.", b.QuotaPerUnit)
	}
	c.QuotaPerUnit, c.QuotaPerUnitFixed = units, b.QuotaPerUnit != ""
	return c, nil
}

// Validate turns all settings into a Config, or says which one cannot be used.
func (f Flags) Validate() (Config, error) {
	c, err := f.Basic.Validate()
	if err != nil {
		return Config{}, err
	}
	for _, read := range []func(*Config) error{f.readListen, f.readPublic, f.readChoices, f.readNetworks, f.readSecrets} {
		if err := read(&c); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

func (s Serving) readListen(c *Config) error {
	if (s.TLSCert == "") != (s.TLSKey == "") {
		missing, given := "LATCHKEY_TLS_KEY", "LATCHKEY_TLS_CERT"
		if s.TLSCert == "" {
			missing, given = given, missing
		}
		return refuse(missing, "is not set, but %s is. Set both, or neither.", given)
	}
	c.TLSCert, c.TLSKey, c.InsecureHTTP, c.Demo = s.TLSCert, s.TLSKey, s.InsecureHTTP, s.Demo
	var err error
	if c.Addr, c.Loopback, err = parseAddr(or(s.Addr, "127.0.0.1:8080")); err != nil {
		return err
	}
	if !c.Loopback && !c.TLS() && !c.InsecureHTTP {
		return refuse("LATCHKEY_ADDR", "is %q, which other machines can reach, and passwords would travel in clear. "+
			"Set LATCHKEY_TLS_CERT and LATCHKEY_TLS_KEY, or LATCHKEY_INSECURE_HTTP=1 when a proxy in front speaks HTTPS.", c.Addr)
	}
	return nil
}

func (s Serving) readPublic(c *Config) (err error) {
	c.PublicURL, err = parseOrigin(s.PublicURL)
	return err
}

func (s Serving) readChoices(c *Config) error {
	c.Registration, c.RegistrationFixed = or(s.Registration, "closed"), s.Registration != ""
	if !oneOf(c.Registration, "closed", "open") {
		return choose("LATCHKEY_REGISTRATION", s.Registration, "closed", "open")
	}
	c.Reveal = or(s.Reveal, "always")
	if !oneOf(c.Reveal, "always", "confirm", "never") {
		return choose("LATCHKEY_REVEAL", s.Reveal, "always", "confirm", "never")
	}
	base := or(s.FessPageBase, "0")
	if !oneOf(base, "0", "1") {
		return choose("LATCHKEY_FESS_PAGE_BASE", s.FessPageBase, "0", "1")
	}
	c.FessPageBase = int(base[0] - '0')
	drain, err := time.ParseDuration(or(s.Drain, "30s"))
	if err != nil || drain < 0 || drain > 24*time.Hour {
		return refuse("LATCHKEY_DRAIN", "is %q. It must be a duration from 0s to 24h, such as 30s or 2m.", s.Drain)
	}
	c.Drain = drain
	return nil
}

func (s Serving) readNetworks(c *Config) (err error) {
	if c.TrustedProxies, err = ParsePrefixes("LATCHKEY_TRUSTED_PROXIES", s.TrustedProxies); err != nil {
		return err
	}
	c.PrivateHosts, err = parsePrivate(s.PrivateHosts)
	return err
}

// leastMaster is the least length of the master key.
const leastMaster = 20

func (s Serving) readSecrets(c *Config) (err error) {
	c.MasterKey, c.MetricsToken = Secret(os.Getenv(envMasterKey)), Secret(os.Getenv(envMetricsToken))
	for name, value := range map[string]Secret{envMasterKey: c.MasterKey, envMetricsToken: c.MetricsToken} {
		if !visible(value.Reveal()) {
			return refuse(name, "holds a space or a character outside ASCII, which no Authorization header can carry. Use letters and digits.")
		}
	}
	if n := len(c.MasterKey.Reveal()); n > 0 && n < leastMaster {
		return refuse(envMasterKey, "has %d characters; it opens everything and needs at least %d. Make one with: openssl rand -hex 24", n, leastMaster)
	}
	c.RSAKeys, err = parseRSAKeys(s.RSAKeys)
	return err
}

func visible(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func oneOf(value string, allowed ...string) bool {
	for _, one := range allowed {
		if value == one {
			return true
		}
	}
	return false
}

func choose(setting, value string, allowed ...string) *Error {
	last := len(allowed) - 1
	return refuse(setting, "is %q. It must be %s or %s.", value, strings.Join(allowed[:last], ", "), allowed[last])
}
