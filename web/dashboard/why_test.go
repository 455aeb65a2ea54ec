package dashboard_test

import (
	"net/url"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
)

// The page tries a call rule by rule, as a page and as its part, for every reader,
// in both languages; and what it tried is in no book.
func TestWhyPage(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{
		Name: new("Support desk widget"), Models: &[]string{"qwen-max"}, ModelsLimited: new(true), Addresses: &[]string{"203.0.113.0/24"},
		Quota: db.QuotaChange{Quota: new(int64(20_000))},
	})
	owner := s.reader(access.Owner)
	owner.get("/requests").want(t, 200, `href="/requests/why"`)
	owner.get("/tokens/"+k.Row.PublicID).want(t, 200, `href="/requests/why?token=`+k.Row.PublicID)
	owner.get("/requests/why").want(t, 200, "What would happen?", "Support desk widget", "!passed", "!"+k.Secret)

	ask := func(r *reader, pairs ...string) answer {
		q := url.Values{"token": {k.Row.PublicID}}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return r.get("/requests/why?" + q.Encode())
	}
	refused := ask(owner, "model", "gpt-4o-mini", "address", "192.0.2.7")
	refused.want(t, 200, "would be refused: address not allowed", "192.0.2.7", "203.0.113.0/24", "refused here", "not reached; would refuse", "not reached; would pass",
		"2 passed · 1 refused · 7 not reached", "403", "ip_not_allowed", "$0.04 left", `value="192.0.2.7"`, "!%!")
	if n := strings.Count(refused.body, `class="refused"`); n != 1 {
		t.Errorf("%d rows are coloured", n)
	}
	ask(owner, "model", "qwen-max", "address", "203.0.113.9").want(t, 200, "Nothing stands in the way", "10 passed", "At most this call costs", "!refused here", "!%!")
	ask(owner).want(t, 200, "Nothing stands in the way", "not asked", "7 passed · 3 not asked", "!At most this call costs")
	ask(owner, "model", "qwen-max", "address", "203.0.113.9", "length", "90000000").want(t, 200, "would be refused: budget too low", "does not fit")
	ask(owner, "address", "here").want(t, 422, "An address is written like", `value="here"`, "!passed")
	ask(owner, "at", "later").want(t, 422, "Choose a date")
	ask(owner, "length", "many").want(t, 422, "whole number")
	ask(owner, "at", "2099-01-02T03:04", "model", "qwen-max", "address", "203.0.113.9").want(t, 200, "Nothing stands in the way")
	owner.get("/requests/why?token=0123456789abcdef0123456789abcdef").want(t, 404)
	owner.get("/requests/why?token="+url.QueryEscape(k.Secret)).want(t, 404)

	ask(s.reader(access.Viewer), "model", "gpt-4o-mini").want(t, 200, "refused here")
	part := *owner
	part.part = true
	if got := ask(&part, "model", "qwen-max"); strings.Contains(got.body, "<html") {
		t.Errorf("a part is a whole page:\n%s", got.body)
	} else {
		got.want(t, 200, `id="why"`, "9 passed · 1 not asked")
	}
	chinese := *owner
	chinese.lang = "zh"
	ask(&chinese, "model", "gpt-4o-mini", "address", "192.0.2.7").want(t, 200, "会发生什么？", "未执行；会拒绝", "!why.", "!requests.")

	owner.get("/requests").want(t, 200, "No calls yet")
	if now, err := s.DB.Token(t.Context(), s.Workspace.ID, k.Row.PublicID); err != nil || now.Purse.Used+now.Purse.Reserved != 0 || !now.UsedAt.IsZero() {
		t.Errorf("%+v, %v", now, err)
	}
}

// A refused call's page leads to the same call, to be tried as things stand now.
func TestTraceLeadsToWhy(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{})
	r := s.call(k, s.Now(), 0, refuse("ip_not_allowed", 403, access.Check{Rule: gateway.RuleAddress, Call: "203.0.113.24", Allowed: "10.0.0.0/8"}))
	page := s.reader(access.Owner).get("/requests/" + r.RequestID)
	href := "/requests/why?token=" + k.Row.PublicID + "&amp;model=gpt-4o-mini&amp;address=203.0.113.24"
	page.want(t, 200, `href="`+href+`"`)
	s.reader(access.Owner).get(strings.ReplaceAll(href, "&amp;", "&")).want(t, 200, "Nothing stands in the way", `value="203.0.113.24"`)
}
