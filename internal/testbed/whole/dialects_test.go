package whole

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"
)

// speaker is a dialect: how it issues a token, and how it spells one. A dialect
// without a list of tokens has no see.
type speaker struct {
	name  string
	issue func(*store, *key)
	see   func(*store, *key) (shown any) // nil: it is not there
	want  func(*store, *key) any
}

var speakers = []speaker{
	{"native", issueNative, seeNative, wantNative},
	{"newapi", issueNewAPI, seeNewAPI, wantNewAPI},
	{"ragflow", issueRAGFlow, seeRAGFlow, wantRAGFlow},
	{"fess", issueFess, seeFess, wantFess},
}

func issueNative(s *store, k *key) {
	k.Helper()
	k.expires, k.quota, k.models, k.addresses = far, 700_000, []string{"gpt-4o-mini"}, []string{"127.0.0.0/8", "192.0.2.7"}
	k.permissions, k.parameter, k.group, k.rpm = []string{"chat", "read"}, "key", "default", 1000
	a := s.as("native", "POST", api+"/tokens", text(object{
		"name": k.name, "expires_at": k.expires.Format(time.RFC3339), "quota": k.quota, "models": k.models, "addresses": k.addresses,
		"permissions": k.permissions, "parameter_name": k.parameter, "group": k.group, "rpm": k.rpm,
	})).Is(201)
	k.id, k.secret = a.At("id").(string), a.At("secret").(string)
}

func seeNative(s *store, k *key) any {
	k.Helper()
	a := s.as("native", "GET", api+"/tokens/"+k.id, "")
	if a.Status == http.StatusNotFound {
		return nil
	}
	return a.Is(200).JSON()
}

func (k *key) status() string {
	switch {
	case k.revoked:
		return "revoked"
	case k.off:
		return "disabled"
	case k.ended:
		return "expired"
	case !k.unlimited && k.quota == 0:
		return "exhausted"
	}
	return "enabled"
}

func rfc(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func wantNative(s *store, k *key) any {
	r := s.row(k)
	v := object{
		"id": k.id, "number": k.number, "workspace_id": s.Workspace.PublicID, "name": k.name, "note": "", "status": k.status(),
		"hint": k.secret[len(k.secret)-4:], "bot_id": orNull(k.bot), "expires_at": rfc(k.expires), "quota": 0, "used": r.Purse.Used, "reserved": 0,
		"remain": nil, "unlimited": k.unlimited, "refill": "none", "models": nil, "addresses": []string{}, "group": k.group,
		"permissions": k.permissions, "parameter_name": k.parameter, "rpm": k.rpm, "tpm": 0, "concurrent": 0, "show_once": false,
		"created_by": orNull(r.MadeBy), "created_at": rfc(r.CreatedAt), "updated_at": rfc(r.UpdatedAt), "used_at": rfc(r.UsedAt),
		"revoked_at": rfc(r.RevokedAt), "version": r.Version,
	}
	if k.models != nil {
		v["models"] = k.models
	}
	if k.addresses != nil {
		v["addresses"] = k.addresses
	}
	if v["quota"] = r.Purse.Quota; !k.unlimited {
		v["quota"], v["remain"] = k.quota+r.Purse.Used, k.quota
	}
	return v
}

func issueNewAPI(s *store, k *key) {
	k.Helper()
	k.expires, k.quota, k.models, k.addresses = far, 800_000, []string{"gpt-4o-mini", "qwen-max"}, []string{"127.0.0.1", "10.0.0.0/8"}
	k.permissions, k.parameter, k.group = []string{"chat"}, "", "default"
	s.as("newapi", "POST", "/api/token/", text(object{
		"name": k.name, "expired_time": k.expires.Unix(), "remain_quota": k.quota, "unlimited_quota": false, "model_limits_enabled": true,
		"model_limits": k.models, "allow_ips": "127.0.0.1,10.0.0.0/8", "group": "default",
	})).Is(200)
	// The contract's answer says nothing: a client finds what it made in the list.
	item := s.as("newapi", "GET", "/api/token/?p=1&size=1", "").Is(200).At("data", "items", 0).(object)
	k.secret, k.number = item["key"].(string), int64(item["id"].(float64))
}

func seeNewAPI(s *store, k *key) any {
	k.Helper()
	var listed any
	for _, one := range s.as("newapi", "GET", "/api/token/search?token="+k.secret, "").Is(200).At("data").([]any) {
		listed = one
	}
	a := s.as("newapi", "GET", "/api/token/"+strconv.FormatInt(k.number, 10), "").Is(200)
	if a.At("success") == false {
		if listed != nil {
			k.Errorf("New API searches for what it does not show: %v", listed)
		}
		return nil
	}
	if d := cmp.Diff(a.At("data"), listed); d != "" {
		k.Errorf("New API shows one thing and lists another:\n%s", d)
	}
	return a.At("data")
}

func wantNewAPI(s *store, k *key) any {
	r := s.row(k)
	v := object{
		"id": k.number, "user_id": s.User.ID, "key": k.secret, "status": map[string]int{"enabled": 1, "disabled": 2, "revoked": 2, "expired": 3, "exhausted": 4}[k.status()],
		"name": k.name, "created_time": r.CreatedAt.Unix(), "accessed_time": r.CreatedAt.Unix(), "expired_time": -1, "remain_quota": k.quota,
		"used_quota": r.Purse.Used, "unlimited_quota": k.unlimited, "model_limits_enabled": k.models != nil, "model_limits": "", "allow_ips": "",
		"group": k.group,
	}
	if !r.UsedAt.IsZero() {
		v["accessed_time"] = r.UsedAt.Unix()
	}
	if !k.expires.IsZero() {
		v["expired_time"] = k.expires.Unix()
	}
	if k.unlimited {
		v["remain_quota"] = max(0, r.Purse.Quota-r.Purse.Used)
	}
	for field, list := range map[string][]string{"model_limits": k.models, "allow_ips": k.addresses} {
		for i, one := range list {
			if i > 0 {
				one = v[field].(string) + "," + one
			}
			v[field] = one
		}
	}
	return v
}

func issueRAGFlow(s *store, k *key) {
	k.Helper()
	k.unlimited, k.permissions, k.bot = true, []string{"chat"}, s.Bot.PublicID
	a := s.as("ragflow", "POST", "/v1/system/new_token", text(object{"name": k.name, "dialog_id": k.bot})).Is(200)
	k.secret, k.beta = a.At("data", "token").(string), a.At("data", "beta").(string)
}

func seeRAGFlow(s *store, k *key) (found any) {
	k.Helper()
	for _, one := range s.as("ragflow", "GET", "/v1/system/token_list", "").Is(200).At("data").([]any) {
		if one.(object)["token"] == k.secret {
			found = one
		}
	}
	return found
}

func wantRAGFlow(s *store, k *key) any {
	r := s.row(k)
	v := object{
		"tenant_id": s.Workspace.PublicID, "token": k.secret, "dialog_id": orNull(k.bot), "source": nil, "beta": k.beta,
		"create_time": r.CreatedAt.UnixMilli(), "create_date": r.CreatedAt.UTC().Format(http.TimeFormat),
		"update_time": r.UpdatedAt.UnixMilli(), "update_date": r.UpdatedAt.UTC().Format(http.TimeFormat),
	}
	if k.bot != "" {
		v["source"] = "dialog"
	}
	return v
}

func issueFess(s *store, k *key) {
	k.Helper()
	k.expires, k.unlimited, k.permissions, k.parameter = far, true, []string{"guest", "support"}, "ticket"
	a := s.as("fess", "POST", "/api/admin/accesstoken/setting", text(object{
		"name": k.name, "expiredTime": k.expires.UnixMilli(), "permissions": k.permissions, "parameterName": k.parameter,
	})).Is(200)
	k.id, k.secret = a.At("response", "id").(string), a.At("response", "token").(string)
}

func seeFess(s *store, k *key) any {
	k.Helper()
	listed := s.as("fess", "GET", "/api/admin/accesstoken/settings?id="+k.id, "").Is(200).At("response", "settings").([]any)
	a := s.as("fess", "GET", "/api/admin/accesstoken/setting/"+k.id, "")
	if a.Status == http.StatusNotFound {
		if len(listed) > 0 {
			k.Errorf("Fess lists what it does not show: %v", listed)
		}
		return nil
	}
	if d := cmp.Diff([]any{a.Is(200).At("response", "setting")}, listed); d != "" {
		k.Errorf("Fess shows one thing and lists another:\n%s", d)
	}
	return a.At("response", "setting")
}

func wantFess(s *store, k *key) any {
	r := s.row(k)
	v := object{
		"id": k.id, "name": k.name, "token": k.secret, "permissions": k.permissions, "versionNo": r.Version,
		"createdTime": r.CreatedAt.UnixMilli(), "updatedTime": r.UpdatedAt.UnixMilli(),
	}
	if k.parameter != "" {
		v["parameterName"] = k.parameter
	}
	if !k.expires.IsZero() {
		v["expiredTime"] = k.expires.UnixMilli()
	}
	if r.MadeBy != "" {
		v["createdBy"] = r.MadeBy
		if r.Version == 1 {
			v["updatedBy"] = r.MadeBy
		}
	}
	return v
}
