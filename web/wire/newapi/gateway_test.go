package newapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/control"
)

// ask asks a model and returns status, message and code.
func (s *site) ask(key, body string) (int, string, string) {
	s.Helper()
	who := "nobody"
	if key != "" {
		who, s.Bearers["key"] = "key", key
	}
	resp, text := s.Send(who, "POST", "/v1/chat/completions", body, "Content-Type", "application/json", "Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8")
	var v struct {
		Error struct{ Message, Code string }
	}
	s.Must(json.Unmarshal([]byte(text), &v))
	return resp.StatusCode, v.Error.Message, v.Error.Code
}

const hello = `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":300}`

// What is spent shows at once; remain_quota is what remains, whatever was spent.
func TestQuotaIsWhatRemains(t *testing.T) {
	s := newSite(t)
	s.Faulty.Say("Hello.")
	units := int64(100_000)
	k := s.Token(t, control.TokenForm{Quota: db.QuotaChange{Quota: &units}})
	if status, message, _ := s.ask(k.Secret, hello); status != 200 {
		t.Fatal(status, message)
	}
	path := fmt.Sprintf("/api/token/%d", k.Row.ID)
	_, v := s.Object("lin", "GET", path, "")
	row := v["data"].(map[string]any)
	used, remain := row["used_quota"].(float64), row["remain_quota"].(float64)
	if used <= 0 || used+remain != 100_000 || row["accessed_time"].(float64) < row["created_time"].(float64) {
		t.Fatalf("after a call: %v", row)
	}
	_, v = s.Object("lin", "PUT", "/api/token/", fmt.Sprintf(`{"id":%d,"remain_quota":5}`, k.Row.ID))
	if row = v["data"].(map[string]any); row["remain_quota"] != 5.0 || row["used_quota"] != used {
		t.Errorf("after remain_quota 5: %v", row)
	}
	r, err := s.DB.Token(t.Context(), s.Workspace.ID, k.Row.PublicID)
	s.Must(err)
	if r.Purse.Quota != int64(used)+5 {
		t.Errorf("the quota is %d, want used + 5", r.Purse.Quota)
	}
	// A limit under what an unlimited token spent leaves nothing, and is no error.
	s.Object("lin", "PUT", "/api/token/", fmt.Sprintf(`{"id":%d,"unlimited_quota":true,"remain_quota":0}`, k.Row.ID))
	if status, message, _ := s.ask(k.Secret, hello); status != 200 {
		t.Fatal(status, message)
	}
	_, v = s.Object("lin", "PUT", "/api/token/", fmt.Sprintf(`{"id":%d,"unlimited_quota":false}`, k.Row.ID))
	if row, _ = v["data"].(map[string]any); row["status"] != 4.0 || row["remain_quota"] != 0.0 {
		t.Errorf("limited again: %v", v)
	}
	_, v = s.Object("lin", "GET", "/api/user/self", "")
	if self := v["data"].(map[string]any); self["used_quota"] != row["used_quota"] || self["request_count"] != 2.0 {
		t.Errorf("self: %v", self)
	}
}

// The gateway refuses in New API's words whoever reads Chinese.
func TestChineseRefusals(t *testing.T) {
	s := newSite(t)
	form := func(f control.TokenForm) string { return s.Token(t, f).Secret }
	units, past := int64(1), s.Now().Add(-time.Hour)
	k := s.Token(t, control.TokenForm{})
	revoked, disabled := s.Token(t, control.TokenForm{}), s.Token(t, control.TokenForm{})
	s.Must(s.Control.RevokeToken(t.Context(), s.Owner, revoked.Row.PublicID))
	s.Must(s.Control.DisableToken(t.Context(), s.Owner, disabled.Row.PublicID))
	g, err := s.Control.CreateGroup(t.Context(), s.Owner, control.GroupForm{Name: new("vip"), Models: &[]string{"qwen-max"}, AllModels: new(bool)})
	s.Must(err)
	narrow := form(control.TokenForm{Group: new("vip")})
	g2, err := s.Control.CreateGroup(t.Context(), s.Owner, control.GroupForm{Name: new("old")})
	s.Must(err)
	closed := form(control.TokenForm{Group: new("old")})
	_, err = s.Control.EditGroup(t.Context(), s.Owner, g2.PublicID, control.GroupForm{Enabled: new(bool)})
	s.Must(err)
	p := s.AddProvider(t, "idle", s.Faulty.URL+"/v1", "rare-model")
	s.Must(s.Control.DisableProvider(t.Context(), s.Owner, p.PublicID))
	none := int64(0)
	for _, c := range []struct {
		key, body     string
		status        int
		code, message string
	}{
		{"", hello, 401, "missing_api_key", "未提供令牌"},
		{"sk-nothing", hello, 401, "invalid_api_key", "无效的令牌"},
		{form(control.TokenForm{Quota: db.QuotaChange{Quota: &none}}), hello, 401, "insufficient_quota", "该令牌额度已用尽"},
		{form(control.TokenForm{ExpiresAt: &past, PastExpiry: true}), hello, 401, "token_expired", "该令牌已过期"},
		{disabled.Secret, hello, 401, "token_disabled", "该令牌状态不可用"},
		{revoked.Secret, hello, 401, "token_revoked", "该令牌状态不可用"},
		{form(control.TokenForm{Addresses: &[]string{"10.9.9.9"}}), hello, 403, "ip_not_allowed", "您的 IP 不在令牌允许访问的列表中"},
		{form(control.TokenForm{ModelsLimited: new(true), Models: &[]string{"qwen-max"}}), hello, 403, "model_not_allowed", "该令牌无权访问模型 gpt-4o-mini"},
		{form(control.TokenForm{ModelsLimited: new(true), Models: &[]string{}}), hello, 403, "model_not_allowed", "该令牌无权访问任何模型"},
		{k.Secret, `{"messages":[{"role":"user","content":"hello"}]}`, 400, "model_missing", "未指定模型名称，模型名称不能为空"},
		{narrow, hello, 403, "group_not_allowed", "分组 vip 无权访问模型 gpt-4o-mini"},
		{closed, hello, 403, "group_not_allowed", "分组 old 已被弃用"},
		{k.Secret, strings.Replace(hello, "gpt-4o-mini", "rare-model", 1), 503, "model_not_found", "分组 default 下模型 rare-model 无可用渠道（distributor）"},
		{form(control.TokenForm{Quota: db.QuotaChange{Quota: &units}}), hello, 403, "quota_too_low", "此 API 令牌剩余的预算不足以完成这次调用。请缩短回答（max_tokens）或减少输入。"},
	} {
		status, message, code := s.ask(c.key, c.body)
		words, id, _ := strings.Cut(message, " (request id: ")
		if status != c.status || code != c.code || words != c.message || len(id) != 33 {
			t.Errorf("%s: %d %s %q, want %d %q", c.code, status, code, message, c.status, c.message)
		}
	}
	if g.ID == 0 || s.Faulty.Started() != 0 {
		t.Errorf("a refused call reached the provider")
	}
}
