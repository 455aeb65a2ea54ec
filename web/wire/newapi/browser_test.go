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

	"latchkey/internal/access"
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

// Guessing passwords is slowed down like at every door.
func TestLoginIsThrottled(t *testing.T) {
	s := newSite(t)
	s.StopClock()
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
