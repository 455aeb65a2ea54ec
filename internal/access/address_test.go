package access

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParseAddresses(t *testing.T) {
	for _, c := range []struct{ entry, want string }{
		{"192.0.2.7", "192.0.2.7"},
		{" 192.0.2.7\t", "192.0.2.7"},
		{"192.0.2.7/32", "192.0.2.7"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"2001:DB8::1", "2001:db8::1"},
		{"2001:db8:0:0:0:0:0:1/128", "2001:db8::1"},
		{"2001:db8:ffff::/32", "2001:db8::/32"},
		{"::/0", "::/0"},
		{"::1", "::1"},
		{"::ffff:192.0.2.7", "192.0.2.7"},
		{"::ffff:c000:207", "192.0.2.7"},
		{"::ffff:10.1.2.3/104", "10.0.0.0/8"},
		{"::ffff:0:0/96", "0.0.0.0/0"},
	} {
		list, err := ParseAddresses([]string{c.entry})
		if err != nil {
			t.Errorf("%q: %v", c.entry, err)
			continue
		}
		if got := FormatAddresses(list); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%q is %v, want %s", c.entry, got, c.want)
		}
		again, err := ParseAddresses(FormatAddresses(list)) // never empty: blanks alone were refused
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("%q comes back as %v, %v", c.entry, again, err)
		}
	}
	for _, entry := range []string{
		"nonsense", "192.0.2", "192.0.2.7.8", "192.0.2.256", "192.0.2.07", "0x7f.0.0.1", "2130706433", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/08",
		"192.0.2.0/", "/8", "192.0.2.0/8/8", "2001:db8::/129", "2001:db8:::1", "[::1]", "::1%eth0", "fe80::1%1/64", "fe80::%eth0/10", "::ffff:10.0.0.0/95",
		"192.0.2.7:80", "10.0.0.0-10.0.0.9", "10.0.0.*", "localhost", "10.0.0.1,10.0.0.2", "10.0.0.1 10.0.0.2", "١٠.٠.٠.١", "10.0.0.0 /8",
	} {
		list, err := ParseAddresses([]string{"192.0.2.7", entry})
		e := Problems(err)
		if len(e) != 1 || e[0].Code != "address_invalid" || e[0].Field != "addresses" || len(list) > 0 {
			t.Errorf("%q is read as %v, %v", entry, list, err)
		} else if !strings.Contains(e[0].Text, strconv.Quote(entry)) {
			t.Errorf("%q is refused without being named: %s", entry, e[0].Text)
		}
	}
	list, err := ParseAddresses([]string{"10.1.1.1/8", "", "  ", "10.0.0.0/8", "::ffff:10.9.9.9/104", "192.0.2.7"})
	if got := FormatAddresses(list); err != nil || !slices.Equal(got, []string{"10.0.0.0/8", "192.0.2.7"}) {
		t.Errorf("repeats and blanks: %v, %v", got, err)
	}
	for _, blank := range [][]string{{""}, {" ", "\t"}} { // as a variable that is not set: it would allow any address
		if list, err := ParseAddresses(blank); KindOf(err) != Invalid {
			t.Errorf("%q is read as %v, %v", blank, list, err)
		}
	}
	if list, err := ParseAddresses(nil); err != nil || len(list) != 0 || FormatAddresses(list) == nil {
		t.Errorf("nothing is %v, %v", list, err)
	}
}

func TestParseAddressesBound(t *testing.T) {
	var entries []string
	for i := range AddressesMax {
		entries = append(entries, fmt.Sprintf("10.0.%d.%d", i/256, i%256), "192.0.2.7")
	}
	if _, err := ParseAddresses(entries[:2*AddressesMax-2]); err != nil {
		t.Errorf("a full list: %v", err)
	}
	if _, err := ParseAddresses(entries); len(Problems(err)) != 1 || Problems(err)[0].Code != "addresses_too_many" {
		t.Errorf("one too many: %v", err)
	}
}

// FuzzAllowsAddress holds the list against a slow reference that knows addresses
// only as bits.
func FuzzAllowsAddress(f *testing.F) {
	for _, c := range [][2]string{
		{"10.0.0.0/8", "10.1.2.3"},
		{"10.0.0.0/8,::1", "::ffff:10.1.2.3"},
		{"::ffff:10.0.0.0/104", "10.255.255.255"},
		{"2001:db8::/33", "2001:db8:8000::1"},
		{"192.0.2.7,192.0.2.0/30", "192.0.2.3"},
		{"0.0.0.0/0", "::1"},
		{"::/0", "192.0.2.1"},
		{"fe80::/10", "fe80::1%eth0"},
		{"", "192.0.2.1"},
		{"10.0.0.0/9,x", "10.0.0.1"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, entries, from string) {
		list, err := ParseAddresses(strings.Split(entries, ","))
		ranges, ok := slowRanges(strings.Split(entries, ","))
		if all := Problems(err); len(all) > 0 && all[0].Code == "addresses_too_many" {
			return
		}
		if (err == nil) != ok {
			t.Fatalf("%q: %v, and the reference says %t", entries, err, ok)
		}
		a, bad := netip.ParseAddr(from)
		if err != nil || bad != nil {
			return
		}
		want := len(ranges) == 0
		for _, r := range ranges {
			want = want || r.holds(slowBits(a.WithZone("").String()))
		}
		if got := AllowsAddress(list, a); got != want {
			t.Fatalf("%q allows %s: %t, want %t", entries, from, got, want)
		}
		again, err := ParseAddresses(FormatAddresses(list))
		if err != nil || !slices.Equal(again, list) {
			t.Fatalf("%q comes back as %v, %v, was %v", entries, again, err, list)
		}
	})
}

// slowRange is a range as text of ones and zeros: 32 of them or 128.
type slowRange struct{ bits string }

func (r slowRange) holds(bits string) bool {
	family, length, _ := strings.Cut(r.bits, ":")
	own, given, _ := strings.Cut(bits, ":")
	return family == own && strings.HasPrefix(given, length)
}

// slowBits spells an address as its family and its bits; a mapped one is IPv4.
func slowBits(text string) string {
	ip, family := net.ParseIP(text), "6"
	if four := ip.To4(); four != nil {
		ip, family = four, "4"
	}
	var b strings.Builder
	for _, octet := range ip {
		fmt.Fprintf(&b, "%08b", octet)
	}
	return family + ":" + b.String()
}

// slowRanges reads a list by the standard library's older parser.
func slowRanges(entries []string) (ranges []slowRange, ok bool) {
	for _, entry := range entries {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		text, length, isRange := strings.Cut(entry, "/")
		if net.ParseIP(text) == nil {
			return nil, false
		}
		bits := slowBits(text)
		most := len(bits) - len("4:")
		n := most
		if isRange {
			var err error
			if n, err = strconv.Atoi(length); err != nil || length != strconv.Itoa(n) || n < 0 {
				return nil, false
			}
			if strings.Contains(text, ":") && most == 32 {
				n -= 96 // a mapped one counts from the front of all 128
			}
			if n < 0 || n > most {
				return nil, false
			}
		}
		ranges = append(ranges, slowRange{bits[:len("4:")+n]})
	}
	return ranges, len(entries) == 0 || len(ranges) > 0
}
