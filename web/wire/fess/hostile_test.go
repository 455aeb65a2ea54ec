package fess_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	s := newSite(t, 0)
	const path = "/api/admin/accesstoken/setting"
	long := func(n int) string { return strings.Repeat("名", n) }
	permissions := func(n int) string { return `"` + strings.Repeat(`x\n`, n) + `"` }
	for _, c := range []struct{ name, body, want string }{
		{"a name of 1000", `{"name":"` + long(1000) + `"}`, ""},
		{"a name of 1001", `{"name":"` + long(1001) + `"}`, "The size of Name must be between 0 and 1000."},
		{"a parameter of 10000", `{"name":"x","parameterName":"` + long(10_000) + `"}`, ""},
		{"a parameter of 10001", `{"name":"x","parameterName":"` + long(10_001) + `"}`, "The size of Parameter Name must be between 0 and 10000."},
		{"permissions of 10000", `{"name":"x","permissions":"` + long(10_000) + `"}`, ""},
		{"permissions of 10001", `{"name":"x","permissions":"` + long(10_001) + `"}`, "The size of Permissions must be between 0 and 10000."},
		{"a list of 10001", `{"name":"x","permissions":["` + long(9_000) + `","` + long(1_001) + `"]}`, "The size of Permissions must be between 0 and 10000."},
		{"5000 lines", `{"name":"x","permissions":` + permissions(5000) + `}`, ""},
		{"a token of 257", `{"name":"x","token":"abcdefgh` + strings.Repeat("i", 249) + `"}`, "A chosen token may have at most 256 characters; this one has 257."},
		{"a token of 10001", `{"name":"x","token":"` + strings.Repeat("i", 10_001) + `"}`, "The size of Token must be between 0 and 10000."},
	} {
		status, v := s.object("admin", "POST", path, c.body)
		if c.want == "" && (status != 200 || v["created"] != true) || c.want != "" && (status != 400 || v["message"] != c.want || v["status"] != 1.0) {
			t.Errorf("%s: %d %v", c.name, status, v)
		}
	}
	status, v := s.object("admin", "PUT", path, `{"id":"`+long(1001)+`","name":"x"}`)
	if status != 400 || v["message"] != "The size of ID must be between 0 and 1000." {
		t.Errorf("an id of 1001: %d %v", status, v)
	}
}

// Bodies that are no JSON of ours, whatever they are, end in the envelope.
func TestBrokenBodies(t *testing.T) {
	s := newSite(t, 0)
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"deep", `{"name":"x","permissions":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`, 400},
		{"not UTF-8", "{\"name\":\"\xff\"}", 400},
		{"huge", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
		{"a bare text", `"x"`, 400},
		{"NaN", `{"name":"x","expiredTime":NaN}`, 400},
		{"infinite", `{"name":"x","expiredTime":1e999}`, 400},
	} {
		for _, call := range []struct{ method, path string }{
			{"POST", "/api/admin/accesstoken/setting"}, {"PUT", "/api/admin/accesstoken/setting"},
		} {
			status, v := s.object("admin", call.method, call.path, c.body)
			if status != c.status || v["status"] != 1.0 || v["version"] != "15.5.0" || v["message"] == "" {
				t.Errorf("%s by %s: %d %v", c.name, call.method, status, v)
			}
		}
	}
	if _, v := s.object("admin", "GET", "/api/admin/accesstoken/settings", ""); fmt.Sprint(v["total"]) != "1" {
		t.Errorf("something was made: %v", v["total"])
	}
}

// No slash leads elsewhere.
func TestNoRedirects(t *testing.T) {
	s := newSite(t, 0)
	for _, path := range []string{
		"/json", "/json/", "/api/admin/accesstoken/settings", "/api/admin/accesstoken/settings/", "/api/admin/accesstoken/setting/x",
		"/api/admin/accesstoken/setting/x/", "/api/admin/", "/json/../json/", "/api/admin//accesstoken/settings",
	} {
		resp, _ := s.Send("nobody", "GET", path, "")
		if resp.StatusCode/100 == 3 || resp.Header.Get("Content-Type") != "application/json; charset=utf-8" && strings.HasPrefix(path, "/api") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
	}
}
