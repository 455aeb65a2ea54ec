// Package config reads the settings of an instance from the environment and the
// command line, once, and hands them down by value.
//
// It promises that every setting of the manual is read under exactly the name it
// has there; that a LATCHKEY_ name nobody knows stops the start instead of being
// overlooked; and that a value which cannot be is refused in a sentence that
// names the setting, the value (never a secret's) and what to do. The
// environment comes first, a flag goes over it. Secrets have no flag, because a
// command line can be read by everybody on the machine.
//
// It opens no file and no socket, and it is the only room that reads the
// environment. Start with flags.go for the names, validate.go for the rules.
package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"
)

// Config is what the rest of the house sees: parsed, checked, canonical.
type Config struct {
	Data      string     // the data folder, cleaned
	Log       slog.Level // least level that is logged
	Lang      string     // "en" or "zh"
	LangFixed bool       // said by the operator, so it wins over the stored setting
	SecretKey Secret     // master encryption keys, or ""
	// Credentials is systemd's $CREDENTIALS_DIRECTORY, or "".
	Credentials  string
	QuotaPerUnit int64 // quota units in one US dollar
	// QuotaPerUnitFixed tells a value that was given from the default.
	QuotaPerUnitFixed bool

	Addr           string // host:port to listen on
	Loopback       bool   // Addr cannot be reached from another machine
	InsecureHTTP   bool
	TLSCert        string // PEM files, both or neither
	TLSKey         string
	Demo           bool
	PublicURL      Origin // zero when not set
	TrustedProxies []netip.Prefix
	MasterKey      Secret // bearer, or ""
	Registration   string // "closed" or "open"
	// RegistrationFixed: said by the operator, so it wins over the stored setting.
	RegistrationFixed bool
	Reveal            string // "always", "confirm" or "never"
	PrivateHosts      Private
	RSAKeys           []RSAKey
	FessPageBase      int    // 0 or 1
	MetricsToken      Secret // bearer, or ""
	Drain             time.Duration
}

// TLS reports whether the server itself speaks HTTPS.
func (c Config) TLS() bool { return c.TLSCert != "" }

// Origin is the scheme and host that links, cookies and Host checks use, in
// canonical form: lower case, without the scheme's own port.
type Origin struct {
	Scheme string // "http" or "https"
	Host   string // host or host:port; an IPv6 address in brackets
}

// Set reports whether the operator gave one.
func (o Origin) Set() bool { return o.Host != "" }

// Secure reports whether it is https.
func (o Origin) Secure() bool { return o.Scheme == "https" }

func (o Origin) String() string {
	if !o.Set() {
		return ""
	}
	return o.Scheme + "://" + o.Host
}

// Private lists what providers may reach although it is private.
type Private struct {
	Networks []netip.Prefix
	Hosts    []string // host:port in lower case
}

// Texts lists both as upstream takes them: CIDR or host:port.
func (p Private) Texts() []string {
	var all []string
	for _, network := range p.Networks {
		all = append(all, network.String())
	}
	return append(all, p.Hosts...)
}

// RSAKey is a PEM file that opens RAGFlow clients' encrypted passwords.
type RSAKey struct {
	Path       string
	Passphrase Secret
}

// Secret is a setting that may never be printed: every way of printing it shows
// "[set]" or nothing.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[set]"
}

// Format covers every verb.
func (s Secret) Format(w fmt.State, _ rune) { io.WriteString(w, s.String()) }

// LogValue masks the secret in log lines.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Error is a setting that cannot be used. The command ends with exit code 2.
type Error struct {
	Setting string // LATCHKEY_…
	Text    string // a whole sentence
}

func (e *Error) Error() string { return e.Text }

func refuse(setting, text string, args ...any) *Error {
	return &Error{Setting: setting, Text: setting + " " + fmt.Sprintf(text, args...)}
}
