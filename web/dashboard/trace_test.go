package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// A refusal of the gateway is on its page at once: the title is the answer, one
// rule is the one that refused, and what the program got stands beside it.
func TestTraceOfARefusal(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{Name: new("Support desk widget"), Models: &[]string{"qwen-max"}, ModelsLimited: new(true)})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}`))
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+k.Secret)
	request.Header.Set("Content-Type", "application/json")
	response, err := testbed.Client().Do(request)
	s.must(err)
	response.Body.Close()
	id := response.Header.Get("X-Request-Id")
	owner := s.reader(access.Owner)
	owner.get("/requests").want(t, 200, id, "model not allowed")
	got := owner.get("/requests/" + id)
	got.want(t, 200, "Token “Support desk widget” may not use gpt-4o-mini", "The program asked for gpt-4o-mini. The token allows: qwen-max.",
		"Allow gpt-4o-mini on this token…", tokenEdit(k), "3 passed · 1 refused", "refused here", "would pass", "model_not_allowed", "not charged", "!%!")
	if n := strings.Count(got.body, `class="refused"`); n != 1 {
		t.Errorf("%d rows are coloured", n)
	}
	s.reader(access.Viewer).get("/requests/"+id).want(t, 200, "may not use gpt-4o-mini", "!"+tokenEdit(k))
	owner.lang = "zh"
	owner.get("/requests/"+id).want(t, 200, "令牌“Support desk widget”不能使用 gpt-4o-mini", "!requests.")
	owner.get("/requests/0123456789abcdef").want(t, 404)
}

// A call that no minute can hold did not come too often: its page says what it was.
func TestTraceOfACallThatNeverFits(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{Name: new("Support desk widget"), TPM: new(int64(50))})
	response, _ := testbed.Send(t, http.MethodPost, s.url+"/v1/chat/completions",
		`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"`+strings.Repeat("hello ", 100)+`"}]}`, "Authorization", "Bearer "+k.Secret)
	page := "/requests/" + response.Header.Get("X-Request-Id")
	owner := s.reader(access.Owner)
	owner.get(page).want(t, 200, "Token “Support desk widget” asked for more at once than its limit allows in a minute", "50 tokens a minute",
		"Change the limit…", "rate_limit_exceeded", "!too often", "!%!")
	owner.lang = "zh"
	owner.get(page).want(t, 200, "令牌“Support desk widget”的单次调用超过每分钟上限", "!requests.")
}

// Every rule's refusal has a page without a hole in its words, in both languages.
func TestTraceOfEveryRule(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{})
	r := s.reader(access.Owner)
	purse := `{"unit":"units","quota":1000000,"used":1000000,"reserved":0}`
	for rule, trace := range map[string]access.Check{
		"insufficient_quota":   {Rule: "quota", Allowed: purse},
		"ip_not_allowed":       {Rule: "address", Call: "192.0.2.9", Allowed: "203.0.113.0/24"},
		"bot_not_allowed":      {Rule: "bot", Call: "bot:sales", Allowed: "Support Bot"},
		"permission_denied":    {Rule: "permission", Call: "chat", Allowed: "read"},
		"group_not_allowed":    {Rule: "group", Call: "gpt-4o-mini", Allowed: "qwen-max"},
		"rate_limit_exceeded":  {Rule: "rate", Call: "61 requests", Allowed: "60 requests and 9000 tokens a minute"},
		"too_many_concurrent":  {Rule: "concurrent", Call: "3", Allowed: "2"},
		"quota_too_low":        {Rule: "hold", Call: "250000", Allowed: purse},
		"a_code_nobody_knows":  {Rule: "model", Call: "x"},
		"provider_key_refused": {Rule: "provider", Call: "Acme models", Allowed: "provider_key_refused"},
	} {
		one := s.call(k, s.Now(), 0, refuse(rule, 403, trace))
		for _, l := range []string{"en", "zh"} {
			r.lang = l
			r.get("/requests/"+one.RequestID).want(t, 200, "!%!", "!requests.", "!told.", "!overview.", `class="refused"`)
		}
	}
}
