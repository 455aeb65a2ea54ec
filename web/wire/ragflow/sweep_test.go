package ragflow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/control"
	"latchkey/web/wire"
	"latchkey/web/wire/ragflow"
)

// open are the addresses that anybody may call; chats judge a credential of their
// own. Every other address of the door is a user's, and a stranger's 401.
var open = []string{
	"POST /v1/user/register", "POST /v1/user/login", "GET /v1/user/login", "POST /api/v1/users", "POST /api/v1/auth/login", "POST /api/v1/auth/logout",
	"GET /api/v1/auth/verify", "GET /v1/system/ping", "GET /api/v1/system/ping", "GET /v1/system/config", "GET /api/v1/system/config",
	"GET /v1/system/public_key", "GET /api/v1/system/public_key", "GET /api/v1/system/version", "POST /api/v1/admin/login",
}

var chats = []string{
	"POST /api/v1/chatbots/:id/completions", "POST /api/v1/agentbots/:id/completions", "GET /v1/conversation/getsse/:id", "GET /v1/canvas/getsse/:id",
	"POST /api/v1/conversation/completion", "POST /api/v1/chats_openai/:id/chat/completions", "POST /api/v1/agents_openai/:id/chat/completions",
	"POST /api/v1/openai/:id/chat/completions",
}

var guarded = []string{
	"DELETE /api/v1/admin/users/:email/keys/:token", "DELETE /api/v1/admin/users/:email/token/:token", "DELETE /api/v1/system/keys/:token",
	"DELETE /api/v1/system/tokens/:token", "DELETE /v1/system/token/:token", "GET /api/v1/admin/users/:email/keys", "GET /api/v1/admin/users/:email/token_list",
	"GET /api/v1/system/keys", "GET /api/v1/system/tokens", "GET /v1/llm/my_llms", "GET /v1/system/status", "GET /v1/system/token_list", "GET /v1/system/version",
	"GET /v1/user/info", "GET /v1/user/logout", "GET /v1/user/tenant_info", "POST /api/v1/admin/users/:email/keys", "POST /api/v1/admin/users/:email/new_token",
	"POST /api/v1/system/keys", "POST /api/v1/system/tokens", "POST /v1/llm/set_api_key", "POST /v1/system/new_token", "POST /v1/user/set_tenant_info",
}

// served lists what the app serves at the door, without the slash at the end.
func (s *site) served() (all []string) {
	for _, r := range s.App.GetRoutes(true) {
		if !ragflow.Owns(r.Path) || strings.HasSuffix(r.Path, "/*") || strings.HasSuffix(r.Path, "/") {
			continue
		}
		one := r.Method + " " + r.Path
		if resp, _ := s.call("nonsense", r.Method, s.real(r.Path), ""); resp.StatusCode != 405 && resp.StatusCode != 404 && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	slices.Sort(all)
	return all
}

// real fills the places of an address.
func (s *site) real(path string) string {
	return strings.NewReplacer(":id", s.Bot.PublicID, ":email", "lin@acme.example", ":token", "sk-none").Replace(path)
}

// snapshot is what no refusal may change.
func (s *site) snapshot() string {
	s.Helper()
	var all []any
	for _, workspace := range []int64{s.Workspace.ID, s.Workspace.ID + 1, s.Workspace.ID + 2} {
		tokens, err := s.DB.Tokens(s.Context(), workspace, db.Page{Limit: 100})
		s.Must(err)
		told, err := s.DB.Audit(s.Context(), workspace, 0, 200)
		s.Must(err)
		all = append(all, tokens, len(told))
	}
	users, err := s.DB.Users(s.Context(), db.Page{Limit: 100})
	s.Must(err)
	raw, err := json.Marshal(append(all, users))
	s.Must(err)
	return string(raw)
}

// The list of routes is the one that is judged here, and whoever is nobody, or is
// somebody else's sort of caller, gets nowhere, with and without a slash at the end.
func TestEveryRouteJudgesItsCaller(t *testing.T) {
	s := newSite(t)
	all := slices.Concat(open, chats, guarded)
	slices.Sort(all)
	if got := s.served(); !slices.Equal(got, all) {
		t.Errorf("served: %q\njudged: %q", got, all)
	}
	k := s.Token(t, control.TokenForm{Permissions: &[]string{"chat", "read"}})
	manager := s.Token(t, control.TokenForm{Permissions: &[]string{"admin"}})
	s.Bearers["token"], s.Bearers["beta"], s.Bearers["manager"], s.Bearers["managers"] = k.Secret, k.Beta, manager.Secret, manager.Beta
	before := s.snapshot()
	for _, one := range guarded {
		method, path, _ := strings.Cut(one, " ")
		for _, who := range []string{"nobody", "nonsense", "customer", "token", "beta", "manager", "managers"} {
			if who == "manager" && strings.HasPrefix(path, "/api/v1/system/") {
				continue // where it may
			}
			for _, end := range []string{"", "/"} {
				resp, text := s.call(who, method, s.real(path)+end, "{}")
				if resp.StatusCode != 401 || text != `{"code":401,"message":"\u003cUnauthorized '401: Unauthorized'\u003e","data":null}` {
					t.Errorf("%s as %s: %d %s", one, who, resp.StatusCode, text)
				}
			}
		}
	}
	for _, one := range chats {
		method, path, _ := strings.Cut(one, " ")
		for _, who := range []string{"nobody", "nonsense", "customer", "lin", "master"} {
			resp, text := s.call(who, method, s.real(path), `{"question":"x","messages":[{"role":"user","content":"x"}]}`)
			if resp.StatusCode != 401 && !(resp.StatusCode == 200 && strings.HasPrefix(text, `{"code":102,"message":"Auth`)) {
				t.Errorf("%s as %s: %d %s", one, who, resp.StatusCode, text)
			}
		}
	}
	if after := s.snapshot(); after != before {
		t.Errorf("it changed:\n%s\n%s", before, after)
	}
	s.unasked()
}

// Whatever is sent, every address answers in the envelope, with no page and no
// fault, and nothing is made of it.
func TestBadInput(t *testing.T) {
	s := newSite(t)
	s.Register("open")
	s.Control.Reveal = control.RevealNever // lists that spell secrets are told of
	k := s.Token(t, control.TokenForm{BotID: &s.Bot.ID})
	s.Bearers["key"], s.Bearers["beta"] = k.Secret, k.Beta
	bodies := map[string]string{
		"a number": "5", "null": "null", "a list of objects": `[{"email":"a@b.cd"}]`, "cut off": `{"email":`, "two values": "{}{}", "invalid UTF-8": "{\"email\":\"\xff\"}",
		"a key twice": `{"email":1,"email":2}`, "a key in two spellings": `{"email":1,"EMAIL":2}`, "deep": strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65),
		"very deep": strings.Repeat("[", 100_000), "a half character": `{"email":"\ud800","nickname":"\ud800","password":"\ud800","dialog_id":"\ud800","question":"\ud800","stream":1}`,
		"wrong types":        `{"email":[],"nickname":{},"password":1e999,"dialog_id":[],"question":{},"messages":1,"stream":[],"tenant_id":1,"llm_factory":1}`,
		"nulls":              `{"email":null,"nickname":null,"password":null,"dialog_id":{},"question":null,"messages":null,"stream":"","session_id":1}`,
		"huge numbers":       `{"email":-99999999999999999999999999,"nickname":1e400,"password":-0,"dialog_id":9223372036854775808,"question":1,"messages":-1}`,
		"control characters": `{"email":"a\u0000@b.cd","nickname":"\u0000","password":"","dialog_id":"\u0000","question":1}`, "markup": "<html><script>alert(1)</script>",
		"too much": `{"email":"` + strings.Repeat("x", wire.BodyMax) + `"}`,
	}
	before := s.snapshot()
	for name, body := range bodies {
		for _, one := range slices.Concat(open, chats, guarded) {
			method, path, _ := strings.Cut(one, " ")
			ignores := strings.HasSuffix(path, "/new_token") || strings.HasSuffix(path, "/tokens") || strings.HasSuffix(path, "/keys")
			if strings.HasSuffix(path, "/logout") || path == "/api/v1/auth/login" || path == "/api/v1/auth/verify" || method == "GET" && name == "too much" ||
				ignores && slices.Contains([]string{"a number", "null", "a list of objects", "cut off", "very deep", "markup"}, name) {
				continue // what is no JSON is as good as none there
			}
			who := "lin"
			switch {
			case slices.Contains(chats, one) && strings.Contains(path, "openai"), strings.HasSuffix(path, "/completion"):
				who = "key"
			case slices.Contains(chats, one):
				who = "beta"
			}
			s.bad(name, one, who, method, s.real(path), body)
		}
	}
	if after := s.snapshot(); after != before {
		t.Errorf("it changed:\n%s\n%s", before, after)
	}
	s.unasked()
}

func (s *site) bad(name, one, who, method, path, body string) {
	s.Helper()
	resp, text := s.Send(who, method, path, body)
	if strings.HasSuffix(path, "/ping") || strings.HasSuffix(path, "/public_key") {
		return
	}
	var v struct {
		Code    *int
		Message *string
		Data    any
	}
	err := json.Unmarshal([]byte(text), &v)
	if err != nil || v.Code == nil || v.Message == nil || resp.Header.Get("Content-Type") != "application/json; charset=utf-8" || resp.StatusCode >= 500 {
		s.Errorf("%s to %s: %d %s %v", name, one, resp.StatusCode, resp.Header.Get("Content-Type"), err)
		return
	}
	if strings.Contains(*v.Message, "Something broke") || method != "GET" && method != "DELETE" && *v.Code == 0 {
		s.Errorf("%s to %s: %d %s", name, one, *v.Code, fmt.Sprint(v))
	}
	if name == "too much" && method == "POST" && !strings.Contains(path, "openai") && resp.StatusCode != 413 {
		s.Errorf("%s to %s: %d", name, one, resp.StatusCode)
	}
}
