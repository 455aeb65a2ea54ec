package upstream

import (
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"latchkey/internal/access"
)

const maxURL = 2048

// CheckURL judges a provider's base URL when it is saved, and returns the
// spelling to keep: lower-case host, no default port, no slash at the end, and
// not the path of one call. It resolves no name: the connected address is
// judged again at every dial. The demo's address passes; whether a demo may be
// added is the caller's to know.
func CheckURL(raw string, private func() []string) (string, error) {
	raw = strings.TrimSpace(raw)
	if raw == DemoURL {
		return raw, nil
	}
	u, err := readURL(raw)
	if err != nil {
		return "", err.At("base_url")
	}
	var listed []string
	if private != nil {
		listed = private()
	}
	if err := judgeURL(u, parseListing(listed)); err != nil {
		return "", err.At("base_url")
	}
	return u.String(), nil
}

// readURL parses and spells an address; it does not yet say whether it may be used.
func readURL(raw string) (*url.URL, *access.Error) {
	malformed := access.Fail(access.Invalid, "provider_url_malformed",
		"This is not an address a provider can have: write it like https://api.example.com/v1.")
	u, err := url.Parse(raw)
	if err != nil {
		return nil, malformed.Because(err)
	}
	switch u.Scheme = strings.ToLower(u.Scheme); {
	case len(raw) > maxURL:
		return nil, malformed
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, access.Fail(access.Invalid, "provider_url_scheme_unknown", "The address must start with https://.")
	case u.User != nil:
		return nil, access.Fail(access.Invalid, "provider_url_user",
			"The address must hold no user name or password: the key has its own field.")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, access.Fail(access.Invalid, "provider_url_query", "The address must not contain a question mark: leave out what follows it.")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, access.Fail(access.Invalid, "provider_url_fragment", "The address must not contain #: leave out what follows it.")
	case u.Opaque != "" || !plainHost(u.Hostname()) || strings.HasSuffix(u.Host, ":"):
		return nil, malformed
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return nil, malformed
		}
	}
	return spellURL(u), nil
}

func spellURL(u *url.URL) *url.URL {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		if host = a.Unmap().String(); a.Unmap().Is6() {
			host = "[" + host + "]"
		}
	}
	if p := u.Port(); p != "" && p != defaultPort(u.Scheme) {
		host += ":" + p
	}
	p := strings.TrimRight(path.Clean("/"+u.Path), "/")
	for _, call := range []string{"/chat/completions", "/completions", "/embeddings", "/responses", "/models"} {
		p = strings.TrimSuffix(p, call) // pasted from an example call
	}
	return &url.URL{Scheme: u.Scheme, Host: host, Path: p}
}

// judgeURL says whether the address may be used with this list of private hosts.
func judgeURL(u *url.URL, l listing) *access.Error {
	host, port := u.Hostname(), portOf(u)
	listed := l.hasHost(host, port)
	a, err := netip.ParseAddr(host)
	literal := err == nil
	if isMetadataName(host) || literal && isMetadata(a) {
		return access.Fail(access.Invalid, "provider_url_metadata",
			"%s is a cloud's metadata service: no provider may be there.", host)
	}
	if literal && l.judge(a, listed) != nil || isLocalName(host) && !listed {
		return access.Fail(access.Invalid, "provider_url_private",
			"%s is a private address. An instance admin can allow it by listing %s as a private host.", host, hostPort(host, port))
	}
	listed = listed || literal && l.hasAddr(a.Unmap())
	if u.Scheme == "http" && !listed {
		return access.Fail(access.Invalid, "provider_url_scheme",
			"The address must start with https://. Plain http is for private hosts only: an instance admin can list %s as one.", hostPort(host, port))
	}
	if n, _ := strconv.Atoi(port); !listed && n != 443 && n < 1024 {
		return access.Fail(access.Invalid, "provider_url_port", "Port %s is not a provider's: use 443 or one from 1024 up.", port)
	}
	return nil
}

func isLocalName(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// plainHost reports whether host is an address or a name in letters, digits,
// hyphens and dots that no resolver could take for an address (127.1, 0x7f.1).
func plainHost(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Zone() == ""
	}
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > 253 {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(strings.ToLower(last), "0x")
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return defaultPort(u.Scheme)
}

// join is the address of one call; an empty base path means /v1.
func join(base *url.URL, call string) *url.URL {
	u := *base
	if u.Path == "" {
		u.Path = "/v1"
	}
	u.Path += call
	return &u
}
