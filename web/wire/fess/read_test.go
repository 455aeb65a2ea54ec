package fess

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"latchkey/internal/access"
)

// Whatever a body holds, reading it ends in fields or in refusals that can be
// said.
func FuzzReadBody(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","name":"b","versionNo":1}`, `{"name":"a","token":"x","permissions":["a"],"expiredTime":5}`, `{"name":"a","permissions":"Ra\n1b"}`,
		`{"name":"a","expires":"2030-01-01T00:00:00","expired_time":"7"}`, `{"name":"a","version_no":2,"versionNo":1}`, `{"name":null}`, `{"name":1}`,
		`{"name":"a","expiredTime":1e300}`, `{"name":"a"}{}`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, editing := range []bool{false, true} {
			b, err := readBody(raw, editing)
			if err != nil {
				if len(access.Problems(err)) == 0 {
					t.Fatalf("refused by %v", err)
				}
				continue
			}
			if strings.TrimSpace(*b.name) == "" || editing != (b.id != nil) || editing && b.token != nil {
				t.Fatalf("%+v", b)
			}
			checkForm(t, b)
		}
	})
}

func checkForm(t *testing.T, b body) {
	t.Helper()
	for _, text := range []*string{b.id, b.name, b.token, b.parameter} {
		if text != nil && (!utf8.ValidString(*text) || utf8.RuneCountInString(*text) > wideMax) {
			t.Fatalf("a text of %d bytes", len(*text))
		}
	}
	form, err := b.form(time.UTC)
	if err != nil {
		if len(access.Problems(err)) == 0 {
			t.Fatalf("refused by %v", err)
		}
		return
	}
	if at := form.ExpiresAt; at != nil && !at.IsZero() && (at.Year() > 9999 || at.UnixMilli() <= 0) {
		t.Fatalf("an end at %s", at)
	}
	if b.version != nil && form.Version == 0 {
		t.Fatal("a version that was sent counts as none")
	}
	if b.permissions != nil && b.shape == asText {
		for _, p := range *b.permissions {
			if strings.Contains(p, "\n") || p == "" || permission(p) != p {
				t.Fatalf("a permission %q, then %q", p, permission(p))
			}
		}
	}
}

func FuzzReadListing(f *testing.F) {
	f.Add([]byte(`{"size":5,"page":"2","id":"x"}`), "1", "20", int64(0))
	f.Add([]byte(``), "-1", "many", int64(1))
	f.Add([]byte(`{"size":1e4,"page":9223372036854775807}`), "", "", int64(1))
	f.Fuzz(func(t *testing.T, raw []byte, page, size string, first int64) {
		first &= 1
		l, err := readListing(func(name string) string { return map[string]string{"page": page, "size": size}[name] }, raw, first)
		if err != nil {
			if len(access.Problems(err)) == 0 {
				t.Fatalf("refused by %v", err)
			}
			return
		}
		if l.size < 1 || l.size > sizeMost || l.offset < 0 || l.offset != math.MaxInt64 && l.offset%int64(l.size) != 0 {
			t.Fatalf("%+v", l)
		}
	})
}

func TestPermission(t *testing.T) {
	for in, want := range map[string]string{
		"{role}x": "{role}x", "{ROLE}x": "{role}x", "Rx": "{role}x", "{group}x": "{group}x", "2x": "{group}x", "{User}x": "{user}x", "1x": "{user}x",
		"(deny){role}x": "(deny){role}x", "(DENY)x": "(deny)x", "Dx": "(deny)x", "DRx": "(deny){role}x", "(allow){role}x": "{role}x", "(allow)x": "x",
		"  a  ": "a", "": "", "admin": "admin", "Reader": "{role}eader", "role": "role", "Radmin-api": "{role}admin-api", "名": "名",
	} {
		if got := permission(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := lines("a\n\n b \r\nRx"); !slices.Equal(got, []string{"a", "b", "{role}x"}) {
		t.Errorf("%q", got)
	}
}

func TestWhole(t *testing.T) {
	for text, want := range map[string]any{
		"5": int64(5), "-5": int64(-5), "5.0": int64(5), "1e3": int64(1000), "9223372036854775807": int64(math.MaxInt64), "": nil, "5.5": nil, "x": nil,
		"9223372036854775808": nil, "1e300": nil, "NaN": nil, "Inf": nil, "0x5": nil, " 5": nil, "true": nil,
	} {
		got, ok := whole(text)
		if ok != (want != nil) || ok && got != want {
			t.Errorf("%q: %d %v", text, got, ok)
		}
	}
}

func TestOwns(t *testing.T) {
	for path, owned := range map[string]bool{
		"/api/admin/accesstoken/settings": true, "/api/admin": true, "/api/admin/user": true, "/api/administrator": false, "/json": true, "/json/": true,
		"/json/x": true, "/jsonp": false, "/api/v1/admin/x": false, "/": false,
	} {
		if Owns(path) != owned {
			t.Errorf("%s: %v", path, !owned)
		}
	}
}

// Every refusal of control has a place, and none is said to have worked.
func TestEveryKindIsSpelled(t *testing.T) {
	for _, kind := range access.Kinds() {
		status, code := answerOf(access.Fail(kind, "x", "x"))
		if status < 400 || status == 500 || code == statusDone || (status == 401) != (kind == access.SignedOut || kind == access.Revoked || kind == access.Expired) {
			t.Errorf("%v: %d, status %d", kind, status, code)
		}
	}
}

func TestLabelsAreKnown(t *testing.T) {
	for _, name := range []label{
		labelID, labelName, labelToken, labelParameter, labelExpiredTime, labelExpires, labelPermissions, labelVersion, labelSize, labelPage, labelQuery,
	} {
		if name.in("en") != string(name) || strings.HasPrefix(name.in("zh"), "fess.") {
			t.Errorf("%s: %s, %s", name, name.in("en"), name.in("zh"))
		}
	}
	if _, err := json.Marshal(done()); err != nil {
		t.Error(err)
	}
}
