package newapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
)

// browser is a client with a cookie jar, as New API's web interface and sessions
// of Python's requests have.
type browser struct {
	*site
	client  *http.Client
	headers map[string]string
}

func (s *site) browser() *browser {
	return &browser{site: s, client: testbed.Browser(), headers: map[string]string{}}
}

func (b *browser) send(method, path string, body any) (int, map[string]any, *http.Response) {
	b.Helper()
	var raw []byte
	if body != nil {
		var err error
		raw, err = json.Marshal(body)
		b.Must(err)
	}
	r, err := http.NewRequestWithContext(b.Context(), method, b.Base+path, bytes.NewReader(raw))
	b.Must(err)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range b.headers {
		r.Header.Set(name, value)
	}
	resp, err := b.client.Do(r)
	b.Must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	b.Must(err)
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		b.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode, v, resp
}

func (b *browser) ok(method, path string, body any) map[string]any {
	b.Helper()
	status, v, _ := b.send(method, path, body)
	if status != 200 || v["success"] != true {
		b.Fatalf("%s %s: %d %v", method, path, status, v)
	}
	return v
}

func (b *browser) refused(status int, message, method, path string) {
	b.Helper()
	got, v, _ := b.send(method, path, nil)
	if got != status || v["success"] != false || v["message"] != message {
		b.Fatalf("%s %s: %d %v, want %d %s", method, path, got, v, status, message)
	}
}

const (
	noUser     = "无权进行此操作，未提供 New-Api-User"
	notSigned  = "无权进行此操作，未登录且未提供 access token"
	badToken   = "无权进行此操作，access token 无效"
	wrongLogin = "用户名或密码错误，或用户已被封禁"
)

// The web interface signs in, keeps the cookie and sends its user's number.
func TestWebInterface(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	_, v, resp := b.send("POST", "/api/user/login", map[string]string{"username": "lin", "password": testbed.Password})
	if v["success"] != true {
		t.Fatal(v)
	}
	cookie := resp.Cookies()[0]
	if cookie.Name != "session" || cookie.Path != "/api/" || !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteStrictMode ||
		cookie.Expires.Before(s.Now().Add(29*24*time.Hour)) {
		t.Errorf("the cookie is %+v", cookie)
	}

	// The cookie alone is what another site could make a browser send.
	for _, path := range []string{"/api/token/", "/api/user/token", "/api/user/self", "/api/user/logout"} {
		b.refused(401, noUser, "GET", path)
	}
	b.headers = map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
	b.refused(401, noUser, "GET", "/api/user/token")
	b.headers = map[string]string{"Sec-Fetch-Site": "same-site"}
	b.refused(401, noUser, "GET", "/api/user/token")
	b.headers = map[string]string{"Origin": s.Base}
	b.ok("GET", "/api/user/self", nil)
	b.headers = map[string]string{"Sec-Fetch-Site": "same-origin"}
	b.ok("GET", "/api/user/self", nil)
	b.headers = map[string]string{"New-Api-User": "999"}
	b.refused(401, "无权进行此操作，New-Api-User 与登录用户不匹配", "GET", "/api/token/")

	b.headers = map[string]string{"New-Api-User": s.Values["lin"]}
	b.ok("POST", "/api/token/", map[string]any{
		"name": "web", "remain_quota": 500000, "expired_time": -1, "unlimited_quota": false, "model_limits_enabled": false, "model_limits": "",
		"allow_ips": "", "group": "",
	})
	data := b.ok("GET", "/api/token/?p=1&size=10", nil)["data"].(map[string]any)
	row := data["items"].([]any)[0].(map[string]any)
	row["name"], row["remain_quota"] = "web-edited", 700000
	edited := b.ok("PUT", "/api/token/", row)["data"].(map[string]any)
	if edited["name"] != "web-edited" || edited["remain_quota"] != 700000.0 || edited["key"] != row["key"] {
		t.Errorf("after the edit: %v", edited)
	}
	b.ok("PUT", "/api/token/?status_only=true", map[string]any{"id": row["id"], "status": 2})
	b.ok("DELETE", fmt.Sprintf("/api/token/%v/", row["id"]), nil)

	// It opens nothing else.
	for _, path := range []string{"/v1/models", "/api/latchkey/v1/tokens"} {
		resp, _ := s.Send("nobody", "GET", path, "", "Cookie", cookie.Name+"="+cookie.Value, "Sec-Fetch-Site", "same-origin")
		if resp.StatusCode != 401 {
			t.Errorf("the cookie opens %s: %d", path, resp.StatusCode)
		}
	}
	if _, err := s.Control.ActorOfBearer(t.Context(), cookie.Value, "127.0.0.1", access.DoorNative, ""); access.KindOf(err) != access.SignedOut {
		t.Errorf("as a bearer it opens the native API: %v", err)
	}

	// Signing out ends it for good.
	b.ok("GET", "/api/user/logout", nil)
	if left := b.client.Jar.Cookies(must(url.Parse(s.Base + "/api/token/"))); len(left) != 0 {
		t.Errorf("cookies after signing out: %v", left)
	}
	b.refused(401, notSigned, "GET", "/api/token/")
	b.ok("GET", "/api/user/logout", nil)
	b.client.Jar.SetCookies(must(url.Parse(s.Base+"/api/")), []*http.Cookie{cookie})
	b.refused(401, badToken, "GET", "/api/token/")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A script that knows the document alone: a user token, and nothing beside it.
func TestDocumentClient(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.headers = map[string]string{"Authorization": s.Bearers["lin"]} // without the word Bearer too
	token := b.ok("GET", "/api/user/token", nil)["data"].(string)
	b.headers = map[string]string{"Authorization": "Bearer " + token}
	b.ok("POST", "/api/token/", map[string]any{"name": "script", "remain_quota": 100, "unlimited_quota": false})
	found := b.ok("GET", "/api/token/search?keyword=script", nil)["data"].([]any)
	key := found[0].(map[string]any)["key"].(string)
	for _, text := range []string{key, "sk-" + key, strings.TrimPrefix(key, "sk-")} {
		if status := s.Status(text); status != 200 {
			t.Errorf("the key as %q: %d", text, status)
		}
	}
	if n := b.ok("POST", "/api/token/batch", map[string]any{"ids": []any{found[0].(map[string]any)["id"]}})["data"]; n != 1.0 {
		t.Errorf("deleted %v", n)
	}
	if status := s.Status(key); status != 401 {
		t.Errorf("the key after the batch: %d", status)
	}

	// Who is disabled is out at once.
	mei := s.browser()
	mei.headers = map[string]string{"Authorization": "Bearer " + s.Bearers["mei"]}
	mei.ok("GET", "/api/user/self", nil)
	u, err := s.Control.UserNamed(t.Context(), s.Owner, "mei")
	s.Must(err)
	_, err = s.Control.DisableUser(t.Context(), s.Owner, u.PublicID)
	s.Must(err)
	mei.refused(401, badToken, "GET", "/api/user/self")
}

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

// A list that spelled keys stands in the audit log once for a caller and an hour.
func TestListedKeysAreToldOnce(t *testing.T) {
	s := newSite(t)
	s.Token(t, control.TokenForm{})
	told := func() int {
		rows := s.Told("token.list-secrets")
		for _, r := range rows {
			if r.Door != "newapi" || !strings.Contains(r.Actor, "lin") || r.Detail != `{"count":1}` {
				t.Errorf("the row is %+v", r)
			}
		}
		return len(rows)
	}
	s.NextHour()
	for range 3 {
		s.Object("lin", "GET", "/api/token/", "")
		s.Object("lin", "GET", "/api/token/search", "")
	}
	if n := told(); n != 1 {
		t.Errorf("%d rows in one hour", n)
	}
	s.House.Wait(time.Hour)
	s.Object("lin", "GET", "/api/token/", "")
	if n := told(); n != 2 {
		t.Errorf("%d rows in two hours", n)
	}
	// What spells nothing tells nothing.
	s.House.Wait(time.Hour)
	for _, r := range []control.Reveal{control.RevealConfirm, control.RevealNever} {
		s.Control.Reveal = r
		_, v := s.Object("lin", "GET", "/api/token/", "")
		if key := v["data"].(map[string]any)["items"].([]any)[0].(map[string]any)["key"].(string); !strings.HasPrefix(key, "sk-lk…") || len([]rune(key)) != 10 {
			t.Errorf("with %s the key is %s", r, key)
		}
	}
	if n := told(); n != 2 {
		t.Errorf("%d rows after lists without keys", n)
	}
}

// Keys that do not open are a fault, said as the document says it.
func TestFaultsAreSaid(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{})
	s.Control.Keys = secret.NewKeys(s.Control.Random)
	for path, message := range map[string]string{"/api/token/": "获取Token列表失败", "/api/token/search?token=abc": "搜索Token失败"} {
		if status, v := s.Object("lin", "GET", path, ""); status != 200 || v["success"] != false || v["message"] != message {
			t.Errorf("%s: %d %v", path, status, v)
		}
	}
	if status, v := s.Object("lin", "GET", fmt.Sprintf("/api/token/%d", k.Row.ID), ""); status != 200 || v["success"] != false || !strings.Contains(v["message"].(string), "request id") {
		t.Errorf("%d %v", status, v)
	}
}

// Many tokens: pages meet, a search walks all of them, a long batch is one fact.
func TestManyTokens(t *testing.T) {
	s := newSite(t)
	const many = db.ListMax + 30
	var numbers []string
	for i := range many {
		numbers = append(numbers, fmt.Sprint(s.Token(t, control.TokenForm{Name: new(fmt.Sprintf("bulk %03d", i))}).Row.ID))
	}
	seen := map[any]bool{}
	for p := 1; p <= 3; p++ {
		_, v := s.Object("lin", "GET", fmt.Sprintf("/api/token/?p=%d&size=100", p), "")
		data := v["data"].(map[string]any)
		if data["total"] != float64(many) {
			t.Errorf("total %v", data["total"])
		}
		for _, row := range data["items"].([]any) {
			seen[row.(map[string]any)["id"]] = true
		}
	}
	if len(seen) != many {
		t.Errorf("three pages show %d tokens of %d", len(seen), many)
	}
	for _, query := range []string{"", "?keyword=bulk", "?keyword=k"} {
		if _, v := s.Object("lin", "GET", "/api/token/search"+query, ""); len(v["data"].([]any)) != many {
			t.Errorf("%q finds %d", query, len(v["data"].([]any)))
		}
	}
	if _, v := s.Object("mei", "POST", "/api/token/batch", `{"ids":[`+strings.Join(numbers, ",")+`]}`); v["data"] != 0.0 {
		t.Errorf("a foreigner deleted %v", v)
	}
	if _, v := s.Object("lin", "POST", "/api/token/batch", `{"ids":[`+strings.Join(numbers[1:], ",")+`,77777]}`); v["data"] != float64(many-1) {
		t.Errorf("the batch deleted %v", v)
	}
	if _, v := s.Object("lin", "GET", "/api/token/", ""); v["data"].(map[string]any)["total"] != 1.0 {
		t.Errorf("left: %v", v)
	}
	if _, v := s.Object("lin", "POST", "/api/token/batch/keys", `{"ids":[`+strings.Join(numbers[:101], ",")+`]}`); v["message"] != "参数错误" {
		t.Errorf("101 keys: %v", v)
	}
}

// Every address answers with and without a slash, by itself.
func TestBothSlashesWithoutARedirect(t *testing.T) {
	s := newSite(t)
	for _, address := range []string{
		"GET /api/token", "POST /api/token", "PUT /api/token", "GET /api/token/search", "POST /api/token/batch", "POST /api/token/batch/keys",
		"GET /api/token/1", "DELETE /api/token/1", "POST /api/token/1/key", "GET /api/status", "POST /api/user/login", "POST /api/user/register",
		"GET /api/user/logout", "GET /api/user/self", "GET /api/user/self/groups", "GET /api/user/token", "GET /api/user/models",
	} {
		method, path, _ := strings.Cut(address, " ")
		for _, end := range []string{"", "/"} {
			resp, _ := s.Send("nobody", method, path+end, "")
			if resp.StatusCode != 200 && resp.StatusCode != 401 {
				t.Errorf("%s%s: %d", address, end, resp.StatusCode)
			}
		}
	}
}

// Whatever comes, the answer is the envelope, and nothing has changed.
func TestHostileBodies(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{})
	before, err := s.DB.Token(t.Context(), s.Workspace.ID, k.Row.PublicID)
	s.Must(err)
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	for _, body := range []string{
		"", "null", "true", "5", `"text"`, "[]", "{", "{}x", "\xff\xfe", `{"name":"` + "\xc3\x28" + `"}`, deep, `{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`,
		`{"id":1,"id":1}`, `{"id":1,"Id":1}`, `{"id":1e400,"name":1}`, `{"id":-1,"name":true}`, `{"id":{},"name":{}}`, `{"ids":[[1]],"name":[]}`,
		`{"ids":[1e2],"group":1}`, `{"username":[],"password":{},"allow_ips":0}`,
		`{"id":1,"model_limits":[["a"]]}`, `{"id":1,"expired_time":-9223372036854775808}`, `{"id":1,"remain_quota":9223372036854775807}`,
		strings.Repeat(" ", 1<<20) + "{}", `{"name":"` + strings.Repeat("a", 2<<20) + `"}`,
	} {
		for _, address := range []string{
			"POST /api/token/", "PUT /api/token/", "PUT /api/token/?status_only=1", "POST /api/token/batch", "POST /api/token/batch/keys",
			"POST /api/user/login", "POST /api/user/register",
		} {
			method, path, _ := strings.Cut(address, " ")
			status, v := s.Object("lin", method, path, body)
			if over := len(body) > 1<<20; v["success"] != false || v["message"] == "" || over && status != 413 || !over && status != 200 {
				t.Errorf("%s %.40q: %d %v", address, body, status, v)
			}
		}
	}
	after, err := s.DB.Token(t.Context(), s.Workspace.ID, k.Row.PublicID)
	s.Must(err)
	if after.Version != before.Version {
		t.Error("the token has changed")
	}
	if _, v := s.Object("lin", "GET", "/api/token/", ""); v["data"].(map[string]any)["total"] != 1.0 {
		t.Errorf("tokens: %v", v)
	}
}

// Guessing passwords is slowed down like at every door.
func TestLoginIsThrottled(t *testing.T) {
	s := newSite(t)
	login := func(password string) (int, map[string]any, *http.Response) {
		return s.browser().send("POST", "/api/user/login", map[string]string{"username": "lin", "password": password})
	}
	for range 11 {
		if status, v, _ := login("wrong-password"); status != 200 || v["message"] != wrongLogin {
			t.Fatal(status, v)
		}
	}
	if _, v, _ := login(testbed.Password); v["message"] != wrongLogin {
		t.Fatalf("the right password of a locked account: %v", v)
	}
	for range 20 {
		if status, v, resp := login("wrong-password"); status == 429 {
			if v["success"] != false || resp.Header.Get("Retry-After") == "" {
				t.Error(v, resp.Header)
			}
			return
		}
	}
	t.Error("the address was never slowed down")
}
