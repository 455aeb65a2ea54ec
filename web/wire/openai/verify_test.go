package openai_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

const verifyPath = "/api/latchkey/v1/verify"

// check asks the forward-auth check as a proxy does and returns status, code of
// the refusal and the answer's headers.
func check(t *testing.T, base, query string, headers ...string) (int, string, http.Header) {
	t.Helper()
	resp, text := testbed.Send(t, "GET", base+verifyPath+query, "", headers...)
	if resp.StatusCode == http.StatusNoContent {
		if text != "" {
			t.Errorf("204 with %s", text)
		}
		return resp.StatusCode, "", resp.Header
	}
	var v struct{ Error struct{ Code string } }
	if err := json.Unmarshal([]byte(text), &v); err != nil || v.Error.Code == "" {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	return resp.StatusCode, v.Error.Code, resp.Header
}

func expect(t *testing.T, name string, wantStatus int, wantCode string, status int, code string) {
	t.Helper()
	if status != wantStatus || code != wantCode {
		t.Errorf("%s: %d %s, want %d %s", name, status, code, wantStatus, wantCode)
	}
}

func TestVerify(t *testing.T) {
	h := testbed.New(t)
	base := serve(t, h)
	k := h.Token(t, control.TokenForm{Permissions: &[]string{"chat", "x y"}})
	for _, form := range [][]string{
		{"Authorization", "Bearer " + k.Secret}, {"Authorization", k.Secret}, {"X-Api-Key", k.Secret}, {"Authorization", "Bearer sk-" + k.Secret},
	} {
		status, code, head := check(t, base, "", form...)
		expect(t, form[0], 204, "", status, code)
		if head.Get("X-Latchkey-Token") != k.Row.PublicID || head.Get("X-Latchkey-Workspace") != h.Workspace.PublicID ||
			head.Get("X-Latchkey-Permissions") != "chat,x y" {
			t.Errorf("%s: %v", form[0], head)
		}
	}
	for name, c := range map[string]struct {
		status int
		code   string
		heads  []string
	}{
		"nothing":    {401, "missing_api_key", nil},
		"unknown":    {401, "invalid_api_key", []string{"Authorization", "Bearer sk-unknown"}},
		"a beta key": {401, "invalid_api_key", []string{"Authorization", "Bearer " + k.Beta}},
	} {
		status, code, _ := check(t, base, "", c.heads...)
		expect(t, name, c.status, c.code, status, code)
	}
	resp, _ := testbed.Send(t, "POST", base+verifyPath, "anything", "Authorization", bearer(k.Secret))
	expect(t, "by POST", 204, "", resp.StatusCode, "")
}

// A token may stand in the address of the call, in the parameter that it names
// for itself, as each proxy tells that address.
func TestVerifyInTheAddress(t *testing.T) {
	h := testbed.New(t)
	base := serve(t, h)
	named := h.Token(t, control.TokenForm{ParameterName: new("key")})
	odd := h.Token(t, control.TokenForm{ParameterName: new("Schlüssel 1"), Secret: "abcd1234.efgh~5678"})
	quiet := h.Token(t, control.TokenForm{})
	spent := h.Token(t, control.TokenForm{ParameterName: new("key"), Quota: db.QuotaChange{Quota: new(int64)}})
	ask := func(address string) string { return "/tool/page?a=1&" + address + "&b=2" }
	for _, c := range []struct {
		name   string
		status int
		code   string
		query  string
		heads  []string
	}{
		{"Caddy and Traefik", 204, "", "", []string{"X-Forwarded-Uri", ask("key=" + named.Secret)}},
		{"nginx", 204, "", "", []string{"X-Original-URI", ask("key=" + named.Secret)}},
		{"nginx with the whole address", 204, "", "", []string{"X-Original-URL", "https://acme.example" + ask("key="+named.Secret)}},
		{"the check's own query", 204, "", "?cost=0&key=" + named.Secret, nil},
		{"without sk-", 204, "", "", []string{"X-Forwarded-Uri", ask("key=" + strings.TrimPrefix(named.Secret, "sk-"))}},
		{"the second of two values", 204, "", "", []string{"X-Forwarded-Uri", ask("key=x&key=" + named.Secret)}},
		{"behind a fragment's mark nothing counts", 401, "missing_api_key", "", []string{"X-Forwarded-Uri", "/tool?a=1#key=" + named.Secret}},
		{"before a fragment it does", 204, "", "", []string{"X-Forwarded-Uri", "/tool?key=" + named.Secret + "#b"}},
		{"a name and a text that are escaped", 204, "", "", []string{"X-Forwarded-Uri", ask(url.QueryEscape("Schlüssel 1") + "=abcd1234%2Eefgh~5678")}},
		{"another name", 401, "missing_api_key", "", []string{"X-Forwarded-Uri", ask("token=" + named.Secret)}},
		{"the name in another case", 401, "missing_api_key", "", []string{"X-Forwarded-Uri", ask("Key=" + named.Secret)}},
		{"a token that names none", 401, "missing_api_key", "", []string{"X-Forwarded-Uri", ask("key=" + quiet.Secret + "&=" + quiet.Secret + "&token=" + quiet.Secret)}},
		{"a beta key", 401, "missing_api_key", "", []string{"X-Forwarded-Uri", ask("key=" + named.Beta)}},
		{"in the path", 401, "missing_api_key", "", []string{"X-Forwarded-Uri", "/key=" + named.Secret}},
		{"another header decides alone", 401, "invalid_api_key", "", []string{"Authorization", "Bearer nobody", "X-Forwarded-Uri", ask("key=" + named.Secret)}},
		{"the refusal says why", 401, "insufficient_quota", "", []string{"X-Forwarded-Uri", ask("key=" + spent.Secret)}},
		{"broken escapes beside it", 204, "", "", []string{"X-Forwarded-Uri", "/tool?x=%zz&key=" + named.Secret}},
		{"too long an address", 401, "missing_api_key", "", []string{"X-Forwarded-Uri", "/tool?x=" + strings.Repeat("y", 9<<10) + "&key=" + named.Secret}},
		{"a cost in it charges nothing", 204, "", "", []string{"X-Forwarded-Uri", ask("cost=5&key=" + named.Secret)}},
	} {
		status, code, head := check(t, base, c.query, c.heads...)
		expect(t, c.name, c.status, c.code, status, code)
		if status == 204 && head.Get("X-Latchkey-Token") != named.Row.PublicID && head.Get("X-Latchkey-Token") != odd.Row.PublicID {
			t.Errorf("%s: it was %s", c.name, head.Get("X-Latchkey-Token"))
		}
	}
	if row, err := h.DB.Token(t.Context(), h.Workspace.ID, named.Row.PublicID); err != nil || row.Purse.Used != 0 {
		t.Errorf("charged %d (%v)", row.Purse.Used, err)
	}
	if err := h.Control.RevokeToken(t.Context(), h.Owner, named.Row.PublicID); err != nil {
		t.Fatal(err)
	}
	status, code, _ := check(t, base, "", "X-Forwarded-Uri", ask("key="+named.Secret))
	expect(t, "revoked", 401, "token_revoked", status, code)
}

// However many values an address holds, few are looked up.
func TestVerifyLooksAtFewValues(t *testing.T) {
	h := testbed.New(t)
	base := serve(t, h)
	k := h.Token(t, control.TokenForm{ParameterName: new("z")})
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d=x%d&", i, i)
		}
		return "/tool?" + b.String() + "z=" + k.Secret
	}
	status, code, _ := check(t, base, "", "X-Forwarded-Uri", many(31))
	expect(t, "31 others", 204, "", status, code)
	status, code, _ = check(t, base, "", "X-Forwarded-Uri", many(32))
	expect(t, "32 others", 401, "missing_api_key", status, code)
}

func TestVerifyCharges(t *testing.T) {
	h := testbed.New(t)
	base := serve(t, h)
	k := h.Token(t, control.TokenForm{Quota: quotaOf(100)})
	bearer := []string{"Authorization", "Bearer " + k.Secret}
	used := func() int64 {
		t.Helper()
		row, err := h.DB.Token(t.Context(), h.Workspace.ID, k.Row.PublicID)
		if err != nil || row.Purse.Reserved != 0 {
			t.Fatalf("reserved %d (%v)", row.Purse.Reserved, err)
		}
		return row.Purse.Used
	}
	for _, c := range []struct {
		name, query string
		heads       []string
		status      int
		code        string
		used        int64
	}{
		{"nothing", "", nil, 204, "", 0},
		{"in the address", "?cost=30", nil, 204, "", 30},
		{"in the header", "", []string{"X-Latchkey-Cost", "20"}, 204, "", 50},
		{"the address wins", "?cost=10", []string{"X-Latchkey-Cost", "90"}, 204, "", 60},
		{"0 is nothing", "?cost=0", []string{"X-Latchkey-Cost", "90"}, 204, "", 60},
		{"twice", "?cost=1&cost=1", nil, 400, "cost_malformed", 60},
		{"twice in headers", "", []string{"X-Latchkey-Cost", "1", "X-Latchkey-Cost", "1"}, 400, "cost_malformed", 60},
		{"negative", "?cost=-1", nil, 400, "cost_malformed", 60},
		{"half", "?cost=1.5", nil, 400, "cost_malformed", 60},
		{"beyond all numbers", "?cost=99999999999999999999", nil, 400, "cost_malformed", 60},
		{"empty", "?cost=", nil, 400, "cost_malformed", 60},
		{"more than is left", "?cost=41", nil, 403, "quota_too_low", 60},
		{"all that is left", "?cost=40", nil, 204, "", 100},
		{"no more", "?cost=1", nil, 401, "insufficient_quota", 100},
	} {
		status, code, _ := check(t, base, c.query, append(c.heads, bearer...)...)
		expect(t, c.name, c.status, c.code, status, code)
		if got := used(); got != c.used {
			t.Errorf("%s: used %d, want %d", c.name, got, c.used)
		}
	}
}

func quotaOf(units int64) db.QuotaChange { return db.QuotaChange{Quota: &units} }

func TestVerifyRules(t *testing.T) {
	h := testbed.New(t)
	h.StopClock() // one of them may ask once a minute
	base := serve(t, h)
	soon := h.Now().Add(time.Hour)
	expired := h.Token(t, control.TokenForm{ExpiresAt: &soon})
	disabled := h.Token(t, control.TokenForm{})
	if err := h.Control.DisableToken(t.Context(), h.Owner, disabled.Row.PublicID); err != nil {
		t.Fatal(err)
	}
	far := h.Token(t, control.TokenForm{Addresses: &[]string{"192.0.2.0/24"}})
	if far.Row.AllowsAddress(netip.MustParseAddr("127.0.0.1")) {
		t.Fatal("the list allows us")
	}
	slow := h.Token(t, control.TokenForm{RPM: new(int64(1))})
	h.Wait(2 * time.Hour)
	for _, c := range []struct {
		name, secret string
		status       int
		code         string
	}{
		{"expired", expired.Secret, 401, "token_expired"},
		{"disabled", disabled.Secret, 401, "token_disabled"},
		{"from elsewhere", far.Secret, 403, "ip_not_allowed"},
		{"the first in a minute", slow.Secret, 204, ""},
		{"the second", slow.Secret, 429, "rate_limit_exceeded"},
	} {
		status, code, head := check(t, base, "", "Authorization", "Bearer "+c.secret)
		expect(t, c.name, c.status, c.code, status, code)
		if status == 429 && head.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", c.name)
		}
	}
	h.Gateway.Flush()
	rows, err := h.DB.Requests(t.Context(), h.Workspace.ID, db.RequestPage{Outcome: access.Refused, Limit: 10})
	if err != nil || len(rows) != 4 {
		t.Errorf("%d refusals in the log (%v)", len(rows), err)
	}
}
