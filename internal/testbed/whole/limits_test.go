package whole

import (
	"fmt"
	"strconv"
	"time"
)

func (s *store) patch(k *key, body string) {
	k.Helper()
	s.as("native", "PATCH", api+"/tokens/"+k.id, body).Is(200)
}

func (s *store) put(k *key, query string, fields object) {
	k.Helper()
	fields["id"] = k.number
	if a := s.as("newapi", "PUT", "/api/token/"+query, text(fields)).Is(200); a.At("success") != true {
		k.Errorf("New API refuses %v: %s", fields, a.Text)
	}
}

func (s *store) setting(k *key, fields object) {
	k.Helper()
	fields["id"], fields["name"], fields["versionNo"] = k.id, k.name, s.row(k).Version
	s.as("fess", "PUT", "/api/admin/accesstoken/setting", text(fields)).Is(200)
}

// limits are what each dialect can limit: what to do, what the gateway then says,
// and how to take it back.
var limits = []struct {
	in, what string
	limit    func(*store, *key)
	status   int
	code     string
	lift     func(*store, *key)
}{
	{
		"native", "models", func(s *store, k *key) { s.patch(k, `{"models":["qwen-max"]}`); k.models = []string{"qwen-max"} },
		403, "model_not_allowed", func(s *store, k *key) { s.patch(k, `{"models":null}`); k.models = nil },
	},
	{
		"native", "addresses", func(s *store, k *key) {
			s.patch(k, `{"addresses":["192.0.2.0/24"]}`)
			k.addresses = []string{"192.0.2.0/24"}
		},
		403, "ip_not_allowed", func(s *store, k *key) { s.patch(k, `{"addresses":[]}`); k.addresses = nil },
	},
	{
		"native", "quota", func(s *store, k *key) {
			s.patch(k, fmt.Sprintf(`{"unlimited":false,"quota":%d}`, s.row(k).Purse.Used))
			k.unlimited, k.quota = false, 0
		},
		401, "insufficient_quota", func(s *store, k *key) { s.patch(k, `{"unlimited":true}`); k.unlimited = true },
	},
	{
		"native", "permissions", func(s *store, k *key) { s.patch(k, `{"permissions":["read"]}`); k.permissions = []string{"read"} },
		403, "permission_denied", func(s *store, k *key) { s.patch(k, `{"permissions":["chat"]}`); k.permissions = []string{"chat"} },
	},
	{
		"native", "switch", func(s *store, k *key) {
			s.as("native", "POST", api+"/tokens/"+k.id+"/disable", "").Is(200)
			k.off = true
		},
		401, "token_disabled", func(s *store, k *key) {
			s.as("native", "POST", api+"/tokens/"+k.id+"/enable", "").Is(200)
			k.off = false
		},
	},
	{
		"newapi", "quota", func(s *store, k *key) {
			s.put(k, "", object{"unlimited_quota": false, "remain_quota": 0})
			k.unlimited, k.quota = false, 0
		},
		401, "insufficient_quota", func(s *store, k *key) {
			s.put(k, "", object{"remain_quota": 90_000})
			k.quota = 90_000
		},
	},
	{
		"newapi", "end", func(s *store, k *key) {
			k.expires, k.ended = s.Now().Add(-hour).Truncate(time.Second), true
			s.put(k, "", object{"expired_time": k.expires.Unix()})
		},
		401, "token_expired", func(s *store, k *key) {
			s.put(k, "", object{"expired_time": -1})
			k.expires, k.ended = time.Time{}, false
		},
	},
	{
		"newapi", "models", func(s *store, k *key) {
			s.put(k, "", object{"model_limits_enabled": true, "model_limits": "qwen-max"})
			k.models = []string{"qwen-max"}
		},
		403, "model_not_allowed", func(s *store, k *key) {
			s.put(k, "", object{"model_limits": []string{"qwen-max", "gpt-4o-mini"}})
			k.models = []string{"qwen-max", "gpt-4o-mini"}
		},
	},
	{
		"newapi", "addresses", func(s *store, k *key) {
			s.put(k, "", object{"allow_ips": "192.0.2.1\n2001:db8::/32"})
			k.addresses = []string{"192.0.2.1", "2001:db8::/32"}
		},
		403, "ip_not_allowed", func(s *store, k *key) { s.put(k, "", object{"allow_ips": ""}); k.addresses = nil },
	},
	{
		"newapi", "switch", func(s *store, k *key) { s.put(k, "?status_only=true", object{"status": 2}); k.off = true },
		401, "token_disabled", func(s *store, k *key) { s.put(k, "?status_only=true", object{"status": 1}); k.off = false },
	},
	{
		"fess", "end", func(s *store, k *key) {
			k.expires, k.ended = s.Now().Add(-hour).Truncate(time.Millisecond), true
			s.setting(k, object{"expiredTime": k.expires.UnixMilli()})
		},
		401, "token_expired", func(s *store, k *key) {
			s.setting(k, object{"expiredTime": 0})
			k.expires, k.ended = time.Time{}, false
		},
	},
	{
		"fess", "permissions", func(s *store, k *key) {
			s.setting(k, object{"permissions": []string{"read"}})
			k.permissions = []string{"read"}
		},
		403, "permission_denied", func(s *store, k *key) {
			s.setting(k, object{"permissions": []string{"chat"}})
			k.permissions = []string{"chat"}
		},
	},
}

// ends are how each dialect ends a token.
var ends = []struct {
	in, what string
	end      func(*store, *key)
	code     string
	stays    bool // it is shown on
}{
	{"native", "revoke", func(s *store, k *key) {
		s.as("native", "POST", api+"/tokens/"+k.id+"/revoke", "").Is(200)
		k.revoked = true
	}, "token_revoked", true},
	{"native", "delete", func(s *store, k *key) { s.as("native", "DELETE", api+"/tokens/"+k.id, "").Is(204) }, "invalid_api_key", false},
	{"newapi", "delete", func(s *store, k *key) {
		s.as("newapi", "DELETE", "/api/token/"+strconv.FormatInt(k.number, 10)+"/", "").Is(200)
	}, "invalid_api_key", false},
	{"newapi", "batch", func(s *store, k *key) {
		if n := s.as("newapi", "POST", "/api/token/batch", text(object{"ids": []int64{k.number}})).Is(200).At("data"); n != 1.0 {
			k.Errorf("New API deleted %v", n)
		}
	}, "invalid_api_key", false},
	{"ragflow", "delete", func(s *store, k *key) { s.as("ragflow", "DELETE", "/v1/system/token/"+k.secret, "").Is(200) }, "invalid_api_key", false},
	{"fess", "delete", func(s *store, k *key) {
		s.as("fess", "DELETE", "/api/admin/accesstoken/setting/"+k.id, "").Is(200)
	}, "invalid_api_key", false},
}
