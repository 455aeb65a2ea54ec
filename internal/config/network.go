package config

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func parseAddr(text string) (addr string, loopback bool, err error) {
	host, port, bad := net.SplitHostPort(text)
	if bad == nil {
		_, bad = strconv.ParseUint(port, 10, 16)
	}
	if bad != nil || strings.ContainsAny(host, " /\\@?#%") {
		return "", false, refuse("LATCHKEY_ADDR", "is %q. It must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080.", text)
	}
	host = strings.ToLower(host)
	ip, noIP := netip.ParseAddr(host)
	loopback = host == "localhost" || noIP == nil && ip.Unmap().IsLoopback()
	return net.JoinHostPort(host, port), loopback, nil
}

func parseOrigin(text string) (Origin, error) {
	if text == "" {
		return Origin{}, nil
	}
	const setting = "LATCHKEY_PUBLIC_URL"
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return Origin{}, refuse(setting, "is not a web address. It must look like https://bots.example.com.")
	}
	if u.User != nil {
		return Origin{}, refuse(setting, "holds a user name or a password. Leave only the scheme and the host, such as https://bots.example.com.")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#") {
		return Origin{}, refuse(setting, "is %q. Latchkey answers at the root of its host: leave out everything after it, as in %s://%s.", text, u.Scheme, u.Host)
	}
	host, ok := hostName(u.Hostname())
	if !ok {
		return Origin{}, refuse(setting, "is %q. Its host must be a name in ASCII (write xn--… for others) or an address.", text)
	}
	port, ok := canonicalPort(u)
	if !ok {
		return Origin{}, refuse(setting, "is %q. Its port must be a number from 1 to 65535.", text)
	}
	return Origin{Scheme: u.Scheme, Host: host + port}, nil
}

// canonicalPort is ":port", or nothing for the port that the scheme has anyway.
func canonicalPort(u *url.URL) (string, bool) {
	if strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	if u.Port() == "" {
		return "", true
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || n == 0 {
		return "", false
	}
	if u.Scheme == "http" && n == 80 || u.Scheme == "https" && n == 443 {
		return "", true
	}
	return ":" + strconv.FormatUint(n, 10), true
}

// hostName brings a host to the form that a Host header has.
func hostName(host string) (string, bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "", false
		}
		if ip.Is6() {
			return "[" + ip.String() + "]", true
		}
		return ip.String(), true
	}
	host = strings.ToLower(host)
	if host == "" || len(host) > 253 {
		return "", false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return "", false
		}
		for _, r := range label {
			if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
				return "", false
			}
		}
	}
	return host, true
}

// ParsePrefixes reads a list of networks, apart by commas or spaces; an address
// alone is the network of that one. Bits below the mask are refused rather than
// dropped: 10.0.0.1/8 is more likely a mistake than a network.
func ParsePrefixes(setting, text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range words(text) {
		prefix, ok := parsePrefix(word)
		if !ok {
			return nil, refuse(setting, "holds %q, which is not an address or a network. Write networks like 10.0.0.0/8 or fd00::/8, apart by commas.", word)
		}
		if prefix != prefix.Masked() {
			return nil, refuse(setting, "holds %q, which points into a network. Did you mean %s?", word, prefix.Masked())
		}
		all = append(all, prefix)
	}
	return all, nil
}

func parsePrefix(word string) (netip.Prefix, bool) {
	if ip, err := netip.ParseAddr(word); err == nil {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), ip.Zone() == ""
	}
	prefix, err := netip.ParsePrefix(word)
	if err != nil {
		return netip.Prefix{}, false
	}
	if ip := prefix.Addr(); ip.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(ip.Unmap(), prefix.Bits()-96)
	}
	return prefix, true
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// Addresses and names at which clouds hand out credentials to whoever asks.
var (
	metadataAddrs = []netip.Addr{
		netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("fd00:ec2::254"), // most clouds; AWS
		netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"), netip.MustParseAddr("fd00:ec2::23"), // AWS containers
		netip.MustParseAddr("fd20:ce::254"),                                         // Google
		netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("169.254.0.23"), // Alibaba, Tencent
		netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("168.63.129.16"), // Oracle, Azure
	}
	metadataNames = []string{"metadata", "metadata.google.internal", "metadata.goog", "metadata.tencentyun.com", "instance-data", "instance-data.ec2.internal"}
)

func parsePrivate(text string) (Private, error) {
	const setting = "LATCHKEY_PRIVATE_HOSTS"
	var p Private
	for _, word := range words(text) {
		if prefix, ok := parsePrefix(word); ok {
			if _, err := ParsePrefixes(setting, word); err != nil {
				return Private{}, err
			}
			for _, ip := range metadataAddrs {
				if prefix.Contains(ip) {
					return Private{}, refuse(setting, "holds %q, which contains the metadata address %s; no provider may reach that. Name a smaller network, or HOST:PORT.", word, ip)
				}
			}
			p.Networks = append(p.Networks, prefix)
			continue
		}
		host, err := privateHost(setting, word)
		if err != nil {
			return Private{}, err
		}
		p.Hosts = append(p.Hosts, host)
	}
	return p, nil
}

func privateHost(setting, word string) (string, error) {
	raw, port, err := net.SplitHostPort(word)
	n, bad := strconv.ParseUint(port, 10, 16)
	name, ok := hostName(raw)
	if err != nil || bad != nil || n == 0 || !ok {
		return "", refuse(setting, "holds %q. Write HOST:PORT such as ollama.lan:11434, or a network such as 192.168.1.0/24.", word)
	}
	if ip, err := netip.ParseAddr(raw); err == nil && slices.Contains(metadataAddrs, ip.Unmap()) || slices.Contains(metadataNames, name) {
		return "", refuse(setting, "holds %q, which is a metadata address; no provider may reach that. Take it out.", word)
	}
	return name + ":" + strconv.FormatUint(n, 10), nil
}

// parseRSAKeys reads path[:passphrase] entries, apart by commas. The first colon
// ends the path. The value is not quoted in refusals: it may hold a passphrase.
func parseRSAKeys(text string) ([]RSAKey, error) {
	if text == "" {
		return nil, nil
	}
	var all []RSAKey
	for entry := range strings.SplitSeq(text, ",") {
		path, passphrase, _ := strings.Cut(strings.TrimSpace(entry), ":")
		if path == "" {
			return nil, refuse("LATCHKEY_RAGFLOW_RSA_KEYS", "has an entry without a file name. Write path or path:passphrase, apart by commas.")
		}
		all = append(all, RSAKey{Path: filepath.Clean(path), Passphrase: Secret(passphrase)})
	}
	return all, nil
}
