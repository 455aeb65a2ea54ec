package newapi

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a body holds, reading it ends in fields or in the contract's refusal.
func FuzzReadToken(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"status":2}`, `{"name":"a","model_limits":["a","b"],"allow_ips":"10.0.0.1,10.0.0.2"}`, `{"model_limits":"a,b","expired_time":-1}`,
		`{"remain_quota":-1,"unlimited_quota":true}`, `{"allow_ips":null,"group":null}`, `{"allow_ips":","}`, `{"id":1}{}`, `{"a":1,"A":2}`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, parts := range []part{identity, settings, identity | settings} {
			b, err := readToken(raw, parts)
			if err != nil {
				if err != badBody {
					t.Fatalf("refused by %v", err)
				}
				continue
			}
			if parts&identity == 0 && (b.id != nil || b.status != nil) || parts&settings == 0 && (b.name != nil || b.models != nil) {
				t.Fatalf("%v read %+v", parts, b)
			}
			checkToken(t, b)
		}
	})
}

func checkToken(t *testing.T, b tokenBody) {
	if b.models != nil {
		for _, name := range *b.models {
			if strings.Contains(name, ",") || !utf8.ValidString(name) {
				t.Fatalf("a model %q", name)
			}
		}
	}
	if b.addresses != nil {
		for _, entry := range *b.addresses {
			if entry == "" || strings.ContainsAny(entry, ",; \n") {
				t.Fatalf("an address %q", entry)
			}
		}
	}
	form, err := b.form()
	if err != nil {
		return
	}
	if q := form.Quota.Remain; q != nil && (*q > remainMax || *q < 0 && *b.remain != *q) {
		t.Fatalf("remain %d", *q)
	}
	// An end is never, or a moment that every door can spell.
	if at := form.ExpiresAt; at != nil && (at.IsZero() != (*b.expires == never) || at.Year() > 9999 || at.Year() < 1) {
		t.Fatalf("%d is %s", *b.expires, at)
	}
}

func FuzzReadNumbers(f *testing.F) {
	for _, seed := range []string{`{"ids":[1,2]}`, `{"ids":[]}`, `{"ids":null}`, `{"ids":[null]}`, `{"ids":[1.5]}`, `[1]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		numbers, err := readNumbers(raw)
		if err == nil && len(numbers) == 0 || err != nil && err != badBody {
			t.Fatal(numbers, err)
		}
	})
}

func FuzzPage(f *testing.F) {
	f.Add("1", "20")
	f.Add("-1", "abc")
	f.Add("9223372036854775807", "1000")
	f.Fuzz(func(t *testing.T, p, size string) {
		number, n := page(func(name string) string { return map[string]string{"p": p, "size": size}[name] })
		if number < 1 || n < 1 || n > 100 {
			t.Fatal(number, n)
		}
		if at := offset(number, n); at < 0 || number == 1 && at != 0 || at != math.MaxInt64 && at/int64(n) != number-1 {
			t.Fatal(number, n, at)
		}
	})
}

func TestOwns(t *testing.T) {
	for path, owned := range map[string]bool{
		"/api/token": true, "/api/token/": true, "/api/token/1/2": true, "/api/tokens": false, "/api/user/x": true, "/api/users": false,
		"/api/status": true, "/api/usage/x": true, "/api/log/token": true, "/api/latchkey/v1/tokens": false, "/api/v1/auth/login": false, "/": false,
	} {
		if Owns(path) != owned {
			t.Errorf("%s: %v", path, !owned)
		}
	}
}
