package access

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseOrigins reads the sites that may show a bot in a frame: scheme, host and
// port, one an entry, such as https://www.acme.example. It returns them in the
// spelling of a browser, without repeats. Nothing else gets through: no path, no
// star, nothing that could end a directive of a policy.
func ParseOrigins(entries []string) ([]string, error) {
	out := []string{}
	for _, entry := range entries {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		origin, ok := parseOrigin(entry)
		if !ok {
			return nil, Fail(Invalid, "origin_invalid",
				"%q is not a site's address like https://www.example.com: scheme and host, no path.", entry).At("allowed_origins")
		}
		if !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	if len(out) > OriginsMax {
		return nil, Fail(Invalid, "origins_too_many", "At most %d sites fit in one list.", OriginsMax).At("allowed_origins")
	}
	return out, nil
}

func parseOrigin(entry string) (string, bool) {
	u, err := url.Parse(entry)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Opaque != "" ||
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(entry, "#") {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" {
			return "", false
		}
		if host = a.String(); a.Is6() {
			host = "[" + host + "]"
		}
	} else if !plainName(host) {
		return "", false
	}
	port := u.Port()
	if strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", false
		}
		if port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
			host += ":" + port
		}
	}
	return u.Scheme + "://" + host, true
}

// plainName reports whether host is a name of letters, digits, hyphens and dots.
func plainName(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}
