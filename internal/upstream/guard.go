package upstream

// The guard says which network addresses a provider may have. Order, for each
// connected address: a metadata service never; then what the operator listed;
// then no address of a special purpose (code.dny.dev/ssrf's list, made from the
// IANA registries: private, loopback, link-local, CGNAT, multicast, NAT64, …).
// An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as well.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"

	"latchkey/internal/access"
)

var (
	errPrivate  = errors.New("the address is private and not listed")
	errMetadata = errors.New("the address is a cloud's metadata service")
)

// metadata services hand out credentials of the machine to whoever asks.
var metadataAddrs = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // most clouds
	netip.MustParseAddr("169.254.169.253"), // AWS resolver
	netip.MustParseAddr("169.254.170.2"),   // ECS task roles
	netip.MustParseAddr("169.254.170.23"),  // EKS pod identity
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("168.63.129.16"),   // Azure wire server
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("fd00:ec2::23"),
	netip.MustParseAddr("fd20:ce::254"), // Google
}

var metadataNames = []string{
	"metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal",
	"metadata.tencentyun.com", "metadata.packet.net", "metadata.platformequinix.com",
	"instance-data", "instance-data.ec2.internal",
}

var (
	special = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork())

	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	nat64Here = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour = netip.MustParsePrefix("2002::/16")
	v4Compat  = netip.MustParsePrefix("::/96")
)

func isMetadataName(host string) bool {
	return slices.Contains(metadataNames, strings.ToLower(strings.TrimSuffix(host, ".")))
}

// embedded returns the IPv4 address that an IPv6 one carries for a translator.
func embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case !a.Is6():
		return netip.Addr{}, false
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case nat64.Contains(a), nat64Here.Contains(a), v4Compat.Contains(a) && binary.BigEndian.Uint32(b[12:]) > 1:
		return netip.AddrFrom4([4]byte(b[12:16])), true
	}
	return netip.Addr{}, false
}

func isMetadata(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if v4, ok := embedded(a); ok && isMetadata(v4) {
		return true
	}
	return slices.Contains(metadataAddrs, a)
}

// listing is the operator's list of private hosts, read.
type listing struct {
	hosts    []string // host:port, lower case
	prefixes []netip.Prefix
}

func parseListing(entries []string) listing {
	var l listing
	for _, e := range entries {
		e = strings.ToLower(strings.TrimSpace(e))
		if p, err := netip.ParsePrefix(e); err == nil {
			l.prefixes = append(l.prefixes, unmapPrefix(p))
		} else if host, port, err := net.SplitHostPort(e); err == nil {
			l.hosts = append(l.hosts, hostPort(host, port))
		}
	}
	return l
}

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// hostPort spells a host and port in one way, so that lists compare.
func hostPort(host, port string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.Unmap().String()
	}
	return net.JoinHostPort(host, port)
}

func (l listing) hasHost(host, port string) bool {
	return slices.Contains(l.hosts, hostPort(host, port))
}

func (l listing) hasAddr(a netip.Addr) bool {
	return slices.ContainsFunc(l.prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// judge says whether an address may be connected to.
func (l listing) judge(a netip.Addr, hostListed bool) error {
	a = a.Unmap().WithZone("")
	if isMetadata(a) {
		return fmt.Errorf("%w: %s", errMetadata, a)
	}
	if hostListed || l.hasAddr(a) {
		return nil
	}
	if v4, ok := embedded(a); ok && special.SafeAddr(v4) != nil {
		return fmt.Errorf("%w: %s", errPrivate, a)
	}
	if err := special.SafeAddr(a); err != nil {
		return fmt.Errorf("%w: %w", errPrivate, err)
	}
	return nil
}

// guard judges the addresses of one dial.
type guard struct {
	listed   listing
	hostThus bool // the host and port themselves are listed
}

func newGuard(address string, private []string) (guard, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return guard{}, fmt.Errorf("%w: %w", errPrivate, err)
	}
	if isMetadataName(host) {
		return guard{}, fmt.Errorf("%w: %s", errMetadata, host)
	}
	l := parseListing(private)
	return guard{listed: l, hostThus: l.hasHost(host, port)}, nil
}

// control is a net.Dialer's Control: address is the resolved one.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", errPrivate, network)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errPrivate, err)
	}
	return g.listed.judge(ap.Addr(), g.hostThus)
}

// CheckPrivateHosts judges a list of private hosts before it is taken: each
// entry host:port or CIDR, none of them a metadata service. A wide network that
// happens to hold one may be listed; the service itself is refused at each dial.
func CheckPrivateHosts(entries []string) error {
	for _, e := range entries {
		if err := checkPrivateHost(strings.TrimSpace(e)); err != nil {
			return err.At("private_hosts")
		}
	}
	return nil
}

func checkPrivateHost(e string) *access.Error {
	metadata := func() *access.Error {
		return access.Fail(access.Invalid, "private_host_metadata",
			"%s is a cloud's metadata service: no provider may be there, and it cannot be listed.", e)
	}
	if p, err := netip.ParsePrefix(e); err == nil {
		p = unmapPrefix(p)
		if p.Contains(metadataAddrs[0]) || p.Bits() == 0 || p.IsSingleIP() && isMetadata(p.Addr()) {
			return metadata()
		}
		return nil
	}
	host, port, err := net.SplitHostPort(e)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || !plainHost(host) {
		return access.Fail(access.Invalid, "private_host_malformed",
			"%s is neither host:port nor a network such as 192.168.0.0/16.", e)
	}
	if a, err := netip.ParseAddr(host); isMetadataName(host) || err == nil && isMetadata(a) {
		return metadata()
	}
	return nil
}
