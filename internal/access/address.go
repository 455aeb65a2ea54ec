package access

import (
	"net/netip"
	"strings"
)

// ParseAddresses reads an address list: IPv4 and IPv6 addresses and CIDR ranges,
// one an entry. It returns them canonical (masked, ::ffff: unmapped, without
// repeats) or an error that names the first entry it cannot read: an invalid
// entry never opens anything, nor do blank entries alone.
func ParseAddresses(entries []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	seen := map[netip.Prefix]bool{}
	for _, entry := range entries {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		prefix, ok := parsePrefix(entry)
		if !ok {
			return nil, Fail(Invalid, "address_invalid",
				"%q is not an IP address or a range like 10.0.0.0/8.", entry).At("addresses")
		}
		if !seen[prefix] {
			seen[prefix] = true
			list = append(list, prefix)
		}
	}
	if len(entries) > 0 && len(list) == 0 { // blanks alone: an empty list would allow any address
		return nil, Fail(Invalid, "address_invalid", "%q is not an IP address or a range like 10.0.0.0/8.", "").At("addresses")
	}
	if len(list) > AddressesMax {
		return nil, Fail(Invalid, "addresses_too_many", "At most %d addresses fit in one list.", AddressesMax).At("addresses")
	}
	return list, nil
}

func parsePrefix(entry string) (netip.Prefix, bool) {
	if strings.Contains(entry, "/") {
		p, err := netip.ParsePrefix(entry)
		if err != nil {
			return netip.Prefix{}, false
		}
		if p.Addr().Is4In6() {
			if p.Bits() < 96 {
				return netip.Prefix{}, false
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(entry)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), true
}

// AllowsAddress reports whether the list allows the address. An empty list
// allows any.
func AllowsAddress(list []netip.Prefix, from netip.Addr) bool {
	if len(list) == 0 {
		return true
	}
	from = from.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(from) {
			return true
		}
	}
	return false
}

// FormatAddresses spells a list, single addresses without their prefix length.
func FormatAddresses(list []netip.Prefix) []string {
	out := make([]string, 0, len(list))
	for _, p := range list {
		if p.IsSingleIP() {
			out = append(out, p.Addr().String())
		} else {
			out = append(out, p.String())
		}
	}
	return out
}
