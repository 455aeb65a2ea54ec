package whole

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// What one door issues, every other shows in its own words, limits and revokes, and
// the doors that ask refuse it at once.

// store is a site, with a caller for each dialect.
type store struct {
	*Site
	keys map[string]string // of the dialects' callers
}

func newStore(t *testing.T) *store {
	s := &store{Site: New(t), keys: map[string]string{}}
	s.keys["native"] = s.Login(s.TB, s.User, access.DoorNative)
	s.keys["newapi"] = s.Login(s.TB, s.User, access.DoorNewAPI)
	s.keys["ragflow"] = s.Login(s.TB, s.User, access.DoorRAGFlow)
	s.keys["botshare"] = s.Login(s.TB, s.User, access.DoorBotShare)
	s.keys["fess"] = s.Token(t, control.TokenForm{Permissions: &[]string{"admin"}}).Secret
	return s
}

func (s *store) as(dialect, method, path, body string) Answer {
	s.Helper()
	return s.Do(method, path, body, "Authorization", "Bearer "+s.keys[dialect])
}

// key is an API token as its issuer knows it, and what it was asked to be.
type key struct {
	*testing.T
	name                string
	id, secret, beta    string
	number              int64
	expires             time.Time
	quota               int64 // that is left, with unlimited false
	unlimited           bool
	models              []string // nil: all
	addresses           []string
	permissions         []string
	parameter, group    string
	bot                 string
	rpm                 int64
	revoked, off, ended bool
}

func (s *store) row(k *key) db.TokenRow {
	k.Helper()
	row, err := s.DB.Token(s.Context(), s.Workspace.ID, k.id)
	if err != nil {
		k.Fatal(err)
	}
	return row
}

// speaker is a dialect: how it issues a token, and how it spells one. A dialect
// without a list of tokens has no see.
type speaker struct {
	name  string
	issue func(*store, *key)
	see   func(*store, *key) (shown any) // nil: it is not there
	want  func(*store, *key) any
}

const (
	api  = "/api/latchkey/v1"
	hour = time.Hour
)

// far is an end that no story reaches, in whole seconds, which every door can tell.
var far = time.Now().Add(900 * 24 * hour).Truncate(time.Second).UTC()

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// plain is a value as JSON has it, to be compared with what was answered.
func plain(v any) (out any) {
	if err := json.Unmarshal([]byte(text(v)), &out); err != nil {
		panic(err)
	}
	return out
}

type object = map[string]any

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

// issue issues a token in a dialect, and finds what the other doors know it by.
func (s *store) issue(t *testing.T, in speaker) *key {
	t.Helper()
	k := &key{T: t, name: "of " + in.name}
	in.issue(s, k)
	rows, err := s.DB.Tokens(s.Context(), s.Workspace.ID, db.Page{Limit: 1})
	s.Must(err)
	r := rows[0]
	if k.id != "" && k.id != r.PublicID || k.number != 0 && k.number != r.ID {
		t.Fatalf("the newest token is %s %d, and %s answered %s %d", r.PublicID, r.ID, in.name, k.id, k.number)
	}
	k.id, k.number = r.PublicID, r.ID
	beta := s.as("native", "POST", api+"/tokens/"+k.id+"/reveal", "").Is(200).At("beta").(string)
	if k.beta != "" && k.beta != beta {
		t.Errorf("%s answered another beta key than native shows", in.name)
	}
	k.beta = beta
	return k
}

// shown checks that every dialect shows the token as it is, or that none does.
func (s *store) shown(k *key, when string, there bool) {
	k.Helper()
	for _, in := range speakers {
		var want any
		if there {
			want = plain(in.want(s, k))
		}
		if d := cmp.Diff(want, in.see(s, k)); d != "" {
			k.Errorf("%s: %s shows another token (-want +shown):\n%s", when, in.name, d)
		}
	}
}

// asks are the doors that a token asks at, and how each refuses one that is no
// longer good.
var asks = []struct {
	name  string
	ask   func(*store, *key) Answer
	nobar func(Answer) bool // it refuses as it refuses a stranger
}{
	{"botshare", func(s *store, k *key) Answer {
		return s.Do("POST", "/api/v3/chat/completions", text(object{"bot_id": s.Bot.PublicID, "messages": []object{{"role": "user", "content": "hello"}}}),
			"Authorization", "Bearer "+k.secret)
	}, func(a Answer) bool { return a.Status == 401 && a.At("detail") == "未登录或 token 无效" }},
	{"ragflow", func(s *store, k *key) Answer {
		return s.Do("POST", "/api/v1/conversation/completion", text(object{"question": "hello", "dialog_id": s.Bot.PublicID, "stream": false}),
			"Authorization", "Bearer "+k.secret)
	}, func(a Answer) bool { return a.Status == 401 && a.At("code") == 109.0 }},
	{"ragflow's beta key", func(s *store, k *key) Answer {
		return s.Do("POST", "/api/v1/chatbots/"+s.Bot.PublicID+"/completions", text(object{"question": "hello", "stream": false}),
			"Authorization", "Bearer "+k.beta)
	}, func(a Answer) bool { return a.Status == 200 && a.At("code") == 102.0 }},
	{"newapi", func(s *store, k *key) Answer {
		return s.Do("GET", "/api/usage/token", "", "Authorization", "Bearer "+k.secret)
	}, func(a Answer) bool { return a.Status == 401 }},
	{"the forward-auth check", func(s *store, k *key) Answer {
		return s.Do("GET", "/api/latchkey/v1/verify", "", "Authorization", "Bearer "+k.secret)
	}, func(a Answer) bool { return a.Status == 401 }},
}

// call asks the gateway.
func (s *store) call(k *key) Answer {
	return s.Do("POST", "/v1/chat/completions", text(object{
		"model": "gpt-4o-mini", "max_tokens": 20, "messages": []object{{"role": "user", "content": "hello"}},
	}), "Authorization", "Bearer "+k.secret)
}

// answered checks that the gateway answers, and settles what it cost.
func (s *store) answered(k *key) {
	k.Helper()
	before := s.row(k).Purse.Used
	if a := s.call(k); a.Status != 200 {
		k.Fatalf("the gateway refuses: %d %s", a.Status, a.Text)
	}
	if !k.unlimited {
		k.quota -= s.row(k).Purse.Used - before
	}
}

// refused checks that the gateway refuses, at once and with the right code.
func (s *store) refused(k *key, status int, code string) {
	k.Helper()
	if a := s.call(k); a.Status != status || a.At("error", "code") != code {
		k.Errorf("the gateway says %d %s, want %d %s", a.Status, a.Text, status, code)
	}
}

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

// Every token that a dialect issues is shown by every dialect in its own words,
// field by field, and answers; every limit of every dialect that has one counts at
// once and shows everywhere; so does every end.
func TestOneStore(t *testing.T) {
	s := newStore(t)
	s.Faulty.Say("Hello.")
	for _, a := range speakers {
		for i, c := range limits {
			for j, d := range ends {
				if (i+j)%2 == 1 {
					continue // each two dialects meet all the same
				}
				t.Run(a.name+"/"+c.in+" "+c.what+"/"+d.in+" "+d.what, func(t *testing.T) {
					k := s.issue(t, a)
					s.shown(k, "issued", true)
					s.answered(k)
					s.shown(k, "used", true)

					c.limit(s, k)
					s.refused(k, c.status, c.code)
					s.shown(k, "limited", true)
					c.lift(s, k)
					s.answered(k)
					s.shown(k, "lifted", true)

					d.end(s, k)
					s.refused(k, 401, d.code)
					s.shown(k, "ended", d.stays)
				})
			}
		}
	}
}

// Each door that asks answers a token of each dialect, and refuses it from the
// moment that any dialect ended it.
func TestEveryDoorAsksAndRefuses(t *testing.T) {
	s := newStore(t)
	s.Faulty.Say("Hello.")
	for _, a := range speakers {
		for _, d := range ends {
			t.Run(a.name+"/"+d.in+" "+d.what, func(t *testing.T) {
				k := s.issue(t, a)
				for _, door := range asks {
					if got := door.ask(s, k); got.Status >= 300 || door.nobar(got) {
						t.Errorf("%s refuses: %d %s", door.name, got.Status, got.Text)
					}
				}
				d.end(s, k)
				for _, door := range asks {
					if got := door.ask(s, k); !door.nobar(got) {
						t.Errorf("%s says after the end: %d %s", door.name, got.Status, got.Text)
					}
				}
			})
		}
	}
}
