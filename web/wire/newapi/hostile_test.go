package newapi_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/control"
	"latchkey/internal/secret"
)

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
