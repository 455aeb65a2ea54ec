package access

import (
	"slices"
	"testing"
)

func FuzzParseDecimal(f *testing.F) {
	for _, text := range []string{"0.15", "2", "1.", ".5", "-1", "1e9", "0.000002", "9007199254740992"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseDecimal(text, 500_000)
		if err != nil {
			return
		}
		if n < 0 || n > UnitsMax {
			t.Fatalf("%q is %d", text, n)
		}
		back, err := ParseDecimal(FormatDecimal(n, 500_000), 500_000)
		if err != nil || back != n {
			t.Fatalf("%q is %d, which comes back as %d, %v", text, n, back, err)
		}
	})
}

func TestFormatDecimal(t *testing.T) {
	for _, c := range []struct {
		n, scale int64
		want     string
	}{{75_000, 500_000, "0.15"}, {0, 500_000, "0"}, {1, 500_000, "0.000002"}, {1_000_000, 500_000, "2"}, {5_000_000, 500_000, "10"}, {1, 3, "0.333333333333"}, {800_000, RatioOne, "0.8"}} {
		if got := FormatDecimal(c.n, c.scale); got != c.want {
			t.Errorf("%d/%d is %s, want %s", c.n, c.scale, got, c.want)
		}
	}
}

func TestParseOrigins(t *testing.T) {
	got, err := ParseOrigins([]string{"https://WWW.Acme.example/", "", " http://localhost:3000 ", "https://www.acme.example:443", "https://[2001:DB8::1]:8443"})
	want := []string{"https://www.acme.example", "http://localhost:3000", "https://[2001:db8::1]:8443"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, entry := range []string{
		"*", "acme.example", "https://*.acme.example", "https://acme.example/shop", "https://acme.example;script-src *", "https://acme.example 'self'",
		"javascript:alert(1)", "data:text/html,x", "https://user@acme.example", "https://acme.example?x", "https://acme.example#", "https://acme.example:",
		"https://acme.example:0", "https://acme.example:99999", "https://", "//acme.example", "https://例子.example", "https://acme.example\nx", "null",
	} {
		if got, err := ParseOrigins([]string{entry}); KindOf(err) != Invalid {
			t.Errorf("%q is read as %v, %v", entry, got, err)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	const scale = 500_000
	for _, c := range []struct {
		text string
		want int64
		code string
	}{
		{"0.15", 75_000, ""},
		{" 2 ", 2 * scale, ""},
		{".5", scale / 2, ""},
		{"0", 0, ""},
		{"0.000002", 1, ""},
		{"00012.50", 25 * scale / 2, ""},
		{"", 0, "decimal_malformed"},
		{".", 0, "decimal_malformed"},
		{"1.", 0, "decimal_malformed"},
		{"-1", 0, "decimal_malformed"},
		{"1e3", 0, "decimal_malformed"},
		{"1.2.3", 0, "decimal_malformed"},
		{"١", 0, "decimal_malformed"},
		{"0.0000010000000000000000000000000000000000", 0, "decimal_malformed"},
		{"0.000001", 0, "decimal_fine"},
		{"0.0000021", 0, "decimal_fine"},
		{"18014398509.481984", UnitsMax, ""},
		{"18014398509.481986", 0, "decimal_large"},
		{"36893488147419.103232", 0, "decimal_large"},
		{"99999999999999999999", 0, "decimal_large"},
	} {
		got, err := ParseDecimal(c.text, scale)
		code := ""
		for _, p := range Problems(err) {
			code = p.Code
		}
		if got != c.want || code != c.code {
			t.Errorf("%q is %d, %q; want %d, %q", c.text, got, code, c.want, c.code)
		}
	}
}
