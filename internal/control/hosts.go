package control

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/upstream"
)

// PrivateHosts lists what providers may reach although it is private: the
// operator's list and what admins added to it.
func (c *Control) PrivateHosts(ctx context.Context) ([]string, error) {
	text, err := c.DB.FindSetting(ctx, "private_hosts")
	if err != nil || text == "" {
		return c.Settings.PrivateHosts, err
	}
	var added []string
	if err := json.Unmarshal([]byte(text), &added); err != nil {
		return nil, err
	}
	return append(added, c.Settings.PrivateHosts...), nil
}

// AllowPrivateHost adds one host:port or network to the list. A metadata service
// is never listed.
func (c *Control) AllowPrivateHost(ctx context.Context, by access.Actor, host string) error {
	if err := by.Must(access.RunInstance); err != nil {
		return err
	}
	if err := upstream.CheckPrivateHosts([]string{host}); err != nil {
		return err
	}
	return c.DB.AllowPrivateHost(ctx, by, host)
}

// checkBaseURL judges a provider's address. A host that an instance admin has
// confirmed, be it a private address or a name that leads to one, is added to the
// list first.
func (c *Control) checkBaseURL(ctx context.Context, by access.Actor, raw string, confirmed, demo bool) (string, error) {
	if strings.TrimSpace(raw) == upstream.DemoURL && !demo && !c.Demo {
		return "", access.Fail(access.Invalid, "provider_demo_closed",
			"The built-in demo model can be added here only while Latchkey runs with LATCHKEY_DEMO=1.").At("base_url")
	}
	hosts, err := c.PrivateHosts(ctx)
	if err != nil {
		return "", err
	}
	text, err := upstream.CheckURL(raw, func() []string { return hosts })
	if !confirmed || text == upstream.DemoURL || err != nil && !PrivateHostAsked(err) {
		return text, err
	}
	if err := c.AllowPrivateHost(ctx, by, HostOf(raw)); err != nil {
		return "", err
	}
	return upstream.CheckURL(raw, func() []string { return append(hosts, HostOf(raw)) })
}

// PrivateHostAsked reports whether err is a refusal that an instance admin could
// lift by listing the host.
func PrivateHostAsked(err error) bool {
	return slices.ContainsFunc(access.Problems(err), func(p *access.Error) bool {
		return p.Code == "provider_url_private" || p.Code == "provider_url_scheme" || p.Code == "provider_not_allowed"
	})
}

// HostOf is the host:port of an address, as the list of private hosts spells it.
func HostOf(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
