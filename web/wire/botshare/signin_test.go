package botshare_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// Guessing passwords is slowed down like at every door.
func TestLoginIsThrottled(t *testing.T) {
	s := newSite(t)
	s.StopClock()
	login := func(password string) (int, map[string]any) {
		return s.object("nobody", "POST", "/api/v1/auth/login", fmt.Sprintf(`{"username":"lin","password":%q}`, password))
	}
	for range 11 {
		if status, v := login("wrong-password"); status != 401 || v["detail"] != "用户名或密码错误" {
			t.Fatal(status, v)
		}
	}
	if status, v := login(testbed.Password); status != 401 {
		t.Fatalf("the right password of a locked account: %v", v)
	}
	for range 20 {
		if status, v := login("wrong-password"); status == 429 {
			if v["detail"] == "" {
				t.Error(v)
			}
			return
		}
	}
	t.Error("the address was never slowed down")
}

// A login token opens the native API too, as that one's document says, and dies
// with a new password.
func TestLoginTokenElsewhere(t *testing.T) {
	s := newSite(t)
	_, v := s.object("nobody", "POST", "/api/v1/auth/login", fmt.Sprintf(`{"username":"lin","password":%q}`, testbed.Password))
	s.Bearers["in"], _ = v["token"].(string)
	if status, v := s.object("in", "GET", "/api/latchkey/v1/shares", ""); status != 200 {
		t.Errorf("the native API: %d %v", status, v)
	}
	if status, _ := s.object("in", "GET", "/v1/models", ""); status != 401 {
		t.Errorf("the gateway: %d", status)
	}
	s.House.Wait(access.LoginTokenLife + time.Minute)
	if status, _ := s.object("in", "GET", "/api/v1/auth/verify", ""); status != 401 {
		t.Errorf("after its time: %d", status)
	}
}

// Two dialects share the addresses of signing in: what was sent, and who issued
// the token, say whose the answer is.
func TestSignInIsShared(t *testing.T) {
	s := newSite(t)
	_, v := s.object("nobody", "POST", "/api/v1/auth/login", `{"email":"lin@acme.example","password":"wrong"}`)
	if v["detail"] != nil || v["code"] == nil {
		t.Errorf("a body with an address: %v", v)
	}
	if status, v := s.object("nobody", "POST", "/api/v1/auth/login", `{"username":"lin","password":"wrong"}`); status != 401 || v["detail"] == nil {
		t.Errorf("one with a name: %d %v", status, v)
	}
	if status, v := s.object("nobody", "POST", "/api/v1/auth/login", `{"email":"x","Email":"y"}`); status != 422 || v["detail"] == nil {
		t.Errorf("one that could be read in two ways: %d %v", status, v)
	}
	for door, key := range map[access.Door]string{access.DoorRAGFlow: "code", access.DoorBotShare: "success", access.DoorNative: "success"} {
		in, err := s.Control.SignIn(t.Context(), control.Attempt{Name: "lin", Password: testbed.Password, Door: door, Address: "127.0.0.1"})
		s.Must(err)
		s.Bearers["in"] = in.Value
		if status, v := s.object("in", "POST", "/api/v1/auth/logout", ""); status != 200 || v[key] == nil {
			t.Errorf("signing out of %s: %d %v", door, status, v)
		}
		if status, v := s.object("in", "POST", "/api/v1/auth/logout", ""); status != 401 || v["detail"] == nil {
			t.Errorf("twice: %d %v", status, v)
		}
	}
}

// Whoever is disabled is out at once, and whoever lost their role.
func TestWhoIsDisabledIsOut(t *testing.T) {
	s := newSite(t)
	path := "/api/v1/bots/" + s.Values["other"] + "/share-tokens"
	if status, v := s.object("mei", "GET", path, ""); status != 200 {
		t.Fatal(v)
	}
	_, err := s.Control.DisableUser(t.Context(), s.Owner, plain(s.Values["mei"]))
	s.Must(err)
	for _, address := range []string{"GET " + path, "GET /api/v1/end-users", "GET /api/v1/auth/verify", "POST /api/v1/auth/logout"} {
		method, path, _ := strings.Cut(address, " ")
		if status, v := s.object("mei", method, path, ""); status != 401 || v["detail"] != "未登录或 token 无效" {
			t.Errorf("%s: %d %v", address, status, v)
		}
	}
	s.Must(s.DB.EditMember(t.Context(), s.Owner, s.Workspace.ID, plain(s.Values["vera"]), access.Editor, 0))
	if status, v := s.object("vera", "GET", "/api/v1/end-users", ""); status != 200 {
		t.Fatal(v)
	}
	s.Must(s.DB.EditMember(t.Context(), s.Owner, s.Workspace.ID, plain(s.Values["vera"]), access.Viewer, 0))
	if status, v := s.object("vera", "GET", "/api/v1/end-users", ""); status != 403 || v["detail"] != "仅 admin 可执行此操作" {
		t.Errorf("with her role gone: %d %v", status, v)
	}
}
