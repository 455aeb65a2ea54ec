package native

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/control"
	"latchkey/internal/gateway"
)

// rule finds a rule of an explanation.
func (a answer) rule(name string) map[string]any {
	a.t.Helper()
	for _, one := range a.at("checks").([]any) {
		if check := one.(map[string]any); check["rule"] == name {
			return check
		}
	}
	a.t.Fatalf("no rule %s in %s", name, a.text)
	return nil
}

func (a answer) judges(name string, result string, passed any, code any) {
	a.t.Helper()
	if r := a.rule(name); r["result"] != result || r["passed"] != passed || r["code"] != code {
		a.t.Errorf("%s: %v, want %s, %v, %v", name, r, result, passed, code)
	}
}

// A question of what would happen is answered rule by rule, with what is compared,
// and books nothing.
func TestWhy(t *testing.T) {
	w := newWorld(t)
	one, limit := int64(1), int64(40_000)
	f := control.TokenForm{Addresses: &[]string{"10.0.0.0/8"}, Models: &[]string{"qwen-max"}, ModelsLimited: new(true), RPM: &one}
	f.Quota.Quota = &limit
	k := w.Token(t, f)
	ask := func(fields string) answer {
		t.Helper()
		return w.owner(200, "POST", "/why", `{"token":"`+k.Row.PublicID+`"`+fields+`}`)
	}
	a := ask(`,"address":"192.0.2.7","model":"gpt-4o-mini"`).has("allowed", false, "address", "192.0.2.7", "model", "gpt-4o-mini",
		"refusal.rule", "address", "refusal.code", "ip_not_allowed", "refusal.status", 403, "refusal.retry_after", nil,
		"refusal.message", "Your address 192.0.2.7 is not on the list of this API token.")
	if token, house := a.at("hold", "purses", 0).(map[string]any), a.at("hold", "purses", 1).(map[string]any); token["of"] != "token" || token["remain"] != json.Number("40000") ||
		token["needed"] != a.at("hold", "units") || token["fits"] != true || house["of"] != "workspace" || house["unlimited"] != true || house["remain"] != nil {
		t.Errorf("purses: %s", a.text)
	}
	if n := len(a.at("checks").([]any)); n != len(gateway.Rules()) {
		t.Errorf("%d rules: %s", n, a.text)
	}
	a.judges("token", "pass", true, nil)
	a.judges("address", "fail", false, "ip_not_allowed")
	a.judges("model", "not_reached", false, "model_not_allowed")
	a.judges("permission", "not_reached", true, nil)
	if r := a.rule("address"); r["call"] != "192.0.2.7" || r["allowed"] != "10.0.0.0/8" {
		t.Errorf("address: %v", r)
	}
	a = ask(`,"address":"::ffff:10.1.2.3","model":"qwen-max","max_tokens":100,"time":"2099-01-01T00:00:00Z"`).
		has("allowed", true, "refusal", nil, "address", "10.1.2.3", "hold.completion_tokens", 100, "time", "2099-01-01T00:00:00Z")
	a.judges("hold", "pass", true, nil)
	ask(`,"model":"qwen-max","max_tokens":50000,"address":"10.0.0.1"`).has("refusal.rule", "hold", "refusal.code", "quota_too_low")
	a = ask(`,"address":null,"model":null,"time":null,"max_tokens":null`).has("allowed", true, "address", nil, "model", nil, "hold", nil)
	a.judges("address", "not_asked", nil, nil)
	a.judges("hold", "not_asked", nil, nil)
	w.owner(200, "POST", "/why", `{"token":"`+k.Secret+`"}`).has("token.id", k.Row.PublicID)
	w.call("owner", "POST", "/why", `{"token":"`+k.Row.PublicID+`","address":"192.0.2.7"}`, "Accept-Language", "zh").
		has("refusal.message", "您的 IP 不在令牌允许访问的列表中")

	w.owner(200, "GET", "/requests", "").has("total", 0)
	w.owner(200, "GET", "/tokens/"+k.Row.PublicID, "").has("used", 0, "reserved", 0, "used_at", nil)
}

func TestWhyRefusesWhatItCannotRead(t *testing.T) {
	w := newWorld(t)
	k := w.Token(t, control.TokenForm{})
	for body, code := range map[string]string{
		`{}`: "why_token", `{"token":""}`: "why_token", `{"token":null}`: "field_null", `{"token":7}`: "json_type",
		`{"token":"%s","address":"10.0.0"}`: "why_address", `{"token":"%s","address":"10.0.0.0/8"}`: "why_address",
		`{"token":"%s","time":"tomorrow"}`: "time_malformed", `{"token":"%s","max_tokens":0}`: "number_least", `{"token":"%s","max_tokens":-1}`: "number_least",
		`{"token":"%s","models":["a"]}`: "json_unknown", `{"token":"%s","Token":"x"}`: "json_duplicate",
	} {
		if strings.Contains(body, "%s") {
			body = fmt.Sprintf(body, k.Row.PublicID)
		}
		if a := w.call("owner", "POST", "/why", body); a.status != 400 || a.at("error", "code") != code {
			t.Errorf("%s: %d %s, want %s", body, a.status, a.text, code)
		}
	}
	w.call("owner", "POST", "/why", `{"token":"`+nobodysID+`"}`).refused(404, "not_found")
	w.call("foreigner", "POST", "/why", `{"token":"`+k.Row.PublicID+`"}`).refused(404, "not_found")
	w.call("foreigner", "POST", "/why", `{"token":"`+k.Secret+`"}`).refused(404, "not_found")
}
