package config

// Basic are the settings of every command: where the data is, how to speak, and
// what one unit of quota is worth. All are text here, so that an empty variable
// means "not set" and every refusal is worded in one place.
type Basic struct {
	Data         string `env:"LATCHKEY_DATA" placeholder:"FOLDER" help:"Data folder. Default: ./data"`
	Log          string `env:"LATCHKEY_LOG" placeholder:"LEVEL" help:"debug, info, warn or error. Default: info"`
	Lang         string `env:"LATCHKEY_LANG" placeholder:"en|zh" help:"Fallback language. Default: en"`
	QuotaPerUnit string `env:"LATCHKEY_QUOTA_PER_UNIT" placeholder:"UNITS" hidden:"" help:"Quota units in one US dollar; fixed by the first start. Default: 500000"`
}

// Serving are the settings of the server alone.
type Serving struct {
	Addr           string `env:"LATCHKEY_ADDR" placeholder:"HOST:PORT" help:"Listen address. Default: 127.0.0.1:8080"`
	PublicURL      string `name:"public-url" env:"LATCHKEY_PUBLIC_URL" placeholder:"URL" help:"What people type to get here; used in links, cookies, Host and Origin checks."`
	InsecureHTTP   bool   `name:"insecure-http" negatable:"" env:"LATCHKEY_INSECURE_HTTP" help:"Allow plain HTTP on an address that is not loopback."`
	TLSCert        string `name:"tls-cert" env:"LATCHKEY_TLS_CERT" placeholder:"FILE" help:"PEM certificate chain: serve HTTPS. Read again on SIGHUP."`
	TLSKey         string `name:"tls-key" env:"LATCHKEY_TLS_KEY" placeholder:"FILE" help:"PEM key of the certificate."`
	Demo           bool   `negatable:"" env:"LATCHKEY_DEMO" help:"The built-in demo model can be added as a provider."`
	TrustedProxies string `env:"LATCHKEY_TRUSTED_PROXIES" placeholder:"CIDR,…" help:"Proxies whose X-Forwarded-For is believed."`
	Registration   string `env:"LATCHKEY_REGISTRATION" placeholder:"closed|open" help:"Whether strangers may sign up. Default: closed"`
	Reveal         string `env:"LATCHKEY_REVEAL" placeholder:"always|confirm|never" help:"Showing stored secrets again. Default: always"`
	PrivateHosts   string `env:"LATCHKEY_PRIVATE_HOSTS" placeholder:"HOST:PORT|CIDR,…" help:"Private addresses that providers may have."`
	RSAKeys        string `name:"ragflow-rsa-keys" env:"LATCHKEY_RAGFLOW_RSA_KEYS" placeholder:"FILE,…" help:"PEM files (path[:passphrase]) that open RAGFlow clients' encrypted passwords."`
	FessPageBase   string `env:"LATCHKEY_FESS_PAGE_BASE" placeholder:"0|1" help:"First page number of the Fess list. Default: 0"`
	Drain          string `env:"LATCHKEY_DRAIN" placeholder:"DURATION" help:"How long streams may end after SIGTERM. Default: 30s"`
}

// Flags are all settings that have a flag, by their kong tags.
type Flags struct {
	Basic
	Serving
}

// Settings without a flag.
const (
	envSecretKey    = "LATCHKEY_SECRET_KEY"
	envMasterKey    = "LATCHKEY_MASTER_KEY"
	envMetricsToken = "LATCHKEY_METRICS_TOKEN"
	envCredentials  = "CREDENTIALS_DIRECTORY" // systemd's name
)
