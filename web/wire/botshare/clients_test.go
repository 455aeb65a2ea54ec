package botshare_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// link makes a link of Acme's bot.
func (s *site) link(f control.ShareForm) control.IssuedShare {
	s.Helper()
	f.Bot, f.Lenient = &s.Bot.PublicID, true
	k, err := s.Control.CreateShare(s.Context(), s.Owner, f)
	s.Must(err)
	return k
}

// question spells a question on a link.
func (s *site) question(share, more string) string {
	return fmt.Sprintf(`{"bot_id":%q,"share_token":%q,"messages":[{"role":"user","content":"hi"}]%s}`, s.Values["bot"], share, more)
}

// open asks for a stream and returns its lines.
func (s *site) open(who, body string) (*http.Response, *bufio.Scanner) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.Base+"/api/v3/chat/completions", strings.NewReader(body))
	s.Must(err)
	r.Header.Set("Authorization", "Bearer "+s.Bearers[who])
	resp, err := http.DefaultClient.Do(r)
	s.Must(err)
	s.Cleanup(func() { resp.Body.Close() })
	return resp, bufio.NewScanner(resp.Body)
}

// event reads the data of the next event, "" at the end.
func event(lines *bufio.Scanner) string {
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return data
		}
	}
	return ""
}

func said(data string) string {
	var chunk struct {
		Choices []struct{ Delta struct{ Content string } }
	}
	if json.Unmarshal([]byte(data), &chunk) != nil || len(chunk.Choices) == 0 {
		return ""
	}
	return chunk.Choices[0].Delta.Content
}

// An answer streams, is settled before its last event, and is paid by the link, by
// the customer's allowance and by the workspace.
func TestStream(t *testing.T) {
	s := newSite(t)
	s.Faulty.Say("Your order is on its way.")
	most, allowance := new(int64(1_000_000)), new(int64(5))
	k := s.link(control.ShareForm{Cap: &most, Allowance: &allowance})
	resp, lines := s.open("maria", s.question(k.Secret, `,"stream":true`))
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream; charset=utf-8" {
		t.Fatal(resp.StatusCode, kind)
	}
	var text string
	data := event(lines)
	for ; data != "" && data != "[DONE]"; data = event(lines) {
		text += said(data)
	}
	if text != "Your order is on its way." || data != "[DONE]" {
		t.Fatalf("%q, at the end %q", text, data)
	}
	rows, err := s.DB.Requests(t.Context(), s.Workspace.ID, db.RequestPage{Limit: 10})
	s.Must(err)
	if len(rows) != 1 || rows[0].Door != access.DoorBotShare || rows[0].Outcome != access.Answered || rows[0].ShareID != k.Row.ID || !rows[0].Stream {
		t.Fatalf("the log: %+v", rows)
	}
	link, err := s.Control.Share(t.Context(), s.Owner, k.Row.PublicID)
	s.Must(err)
	seats, err := s.Control.ShareSeats(t.Context(), s.Owner, k.Row.PublicID)
	s.Must(err)
	if rows[0].Units == 0 || link.Purse.Used != rows[0].Units || len(seats) != 1 || seats[0].Purse.Used != 1 || seats[0].Customer.Username != "maria" {
		t.Fatalf("paid %d of the link, %+v of the seat; the call cost %d", link.Purse.Used, seats, rows[0].Units)
	}
}

// What the bot's owner told it stands before what a customer says, and nothing
// else of the body goes up.
func TestOnlyWhatWasSaidGoesUp(t *testing.T) {
	s := newSite(t)
	s.Faulty.Say("Yes.")
	_, err := s.Control.EditBot(t.Context(), s.Owner, s.Bot.PublicID, control.BotForm{SystemPrompt: new("Be kind."), Params: new(`{"temperature":0.2}`)})
	s.Must(err)
	k := s.link(control.ShareForm{})
	status, v := s.object("maria", "POST", "/api/v3/chat/completions", s.question(k.Secret, `,"temperature":2,"tools":[{"a":1}],"model":"gpt-5","max_tokens":1,"n":9,"user":"me"`))
	if status != 200 {
		t.Fatal(status, v)
	}
	var up map[string]any
	s.Must(json.Unmarshal(s.Faulty.Call(0).Body, &up))
	messages := up["messages"].([]any)
	if up["temperature"] != 0.2 || up["tools"] != nil || up["n"] != nil || up["user"] != nil || up["model"] != testbed.Models[0] || up["share_token"] != nil ||
		up["bot_id"] != nil || len(messages) != 2 || messages[0].(map[string]any)["content"] != "Be kind." {
		t.Errorf("the provider was asked %v", up)
	}
	if text, err := json.Marshal(v); err != nil || strings.Contains(string(text), "Be kind") {
		t.Errorf("the answer: %s %v", text, err)
	}
}

// A link that is revoked ends the answers that run on it, and the next question.
func TestRevokedUnderWay(t *testing.T) {
	s := newSite(t)
	k := s.link(control.ShareForm{})
	s.Faulty.Script(faulty.Silent)
	resp, lines := s.open("maria", s.question(k.Secret, `,"stream":true`))
	if resp.StatusCode != 200 || said(event(lines))+said(event(lines)) == "" {
		t.Fatal(resp.StatusCode)
	}
	if status, v := s.object("lin", "DELETE", "/api/v1/bot-share-tokens/"+dashed(k.Row.PublicID), ""); status != 200 {
		t.Fatal(v)
	}
	last := ""
	for data := event(lines); data != ""; data = event(lines) {
		last = data
	}
	if last != `{"detail":"分享链接已被吊销"}` {
		t.Errorf("the stream ends with %s", last)
	}
	if status, v := s.object("maria", "POST", "/api/v3/chat/completions", s.question(k.Secret, "")); status != 403 || v["detail"] != "分享链接已被吊销" {
		t.Error(status, v)
	}
}

// A provider that fails is said so in this envelope, and nothing of it shows.
func TestProviderFails(t *testing.T) {
	s := newSite(t)
	k := s.link(control.ShareForm{})
	for _, f := range []faulty.Fault{faulty.Status(500), faulty.Status(401), faulty.Status(400), faulty.Limited("3")} {
		s.Faulty.Script(f)
		status, v := s.object("maria", "POST", "/api/v3/chat/completions", s.question(k.Secret, ""))
		text, is := v["detail"].(string)
		if status < 400 || status == 401 || status == 500 || !is || text == "" || len(v) != 1 || strings.Contains(text, faulty.Secret) {
			t.Errorf("%s: %d %v", f, status, v)
		}
		s.Must(s.Control.ResumeProvider(t.Context(), s.Owner, s.Provider.PublicID))
		s.House.Wait(time.Minute) // past the breaker
	}
	link, err := s.Control.Share(t.Context(), s.Owner, k.Row.PublicID)
	s.Must(err)
	if link.Purse.Used != 0 || link.Purse.Reserved != 0 {
		t.Errorf("failed calls cost %+v", link.Purse)
	}
}

// Whoever asks with an API token that may not be used any more finds it in the log.
func TestDeadTokensAreLogged(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{})
	far := s.Token(t, control.TokenForm{Addresses: &[]string{"10.9.9.9"}})
	s.Bearers["k"], s.Bearers["far"] = k.Secret, far.Secret
	s.Must(s.Control.RevokeToken(t.Context(), s.Owner, k.Row.PublicID))
	for who, want := range map[string]int{"k": 401, "far": 403} {
		if status, v := s.object(who, "POST", "/api/v3/chat/completions", s.question("anything", "")); status != want {
			t.Errorf("%s: %d %v", who, status, v)
		}
	}
	s.Gateway.Flush()
	rows, err := s.DB.Requests(t.Context(), s.Workspace.ID, db.RequestPage{Limit: 10})
	s.Must(err)
	if len(rows) != 2 || rows[0].Outcome != access.Refused || rows[1].Outcome != access.Refused {
		t.Errorf("the log: %+v", rows)
	}
}

// A list that spelled share tokens stands in the audit log once for a caller and
// an hour.
func TestListedTokensAreToldOnce(t *testing.T) {
	s := newSite(t)
	s.link(control.ShareForm{})
	told := func() int {
		rows := s.Told("share.list-secrets")
		for _, r := range rows {
			if r.Door != "bot-share" || r.Detail != `{"count":1}` {
				t.Errorf("the row is %+v", r)
			}
		}
		return len(rows)
	}
	path := "/api/v1/bots/" + s.Values["bot"] + "/share-tokens"
	s.NextHour()
	for range 3 {
		s.object("lin", "GET", path, "")
	}
	s.object("master", "GET", path, "")
	if n := told(); n != 2 {
		t.Errorf("%d rows of two callers in one hour", n)
	}
	s.House.Wait(time.Hour)
	s.Control.Reveal = control.RevealNever
	s.object("lin", "GET", path, "")
	if n := told(); n != 2 {
		t.Errorf("%d rows after a list that spelled nothing", n)
	}
	s.Control.Reveal = control.RevealAlways
	s.object("lin", "GET", path, "")
	if n := told(); n != 3 {
		t.Errorf("%d rows in two hours", n)
	}
}

// What the master key makes is the bot's owner's.
func TestMasterMakesForTheOwner(t *testing.T) {
	s := newSite(t)
	status, v := s.object("master", "POST", "/api/v1/bots/"+s.Values["bot"]+"/share-tokens", "{}")
	if status != 200 {
		t.Fatal(status, v)
	}
	row, err := s.Control.Share(t.Context(), s.Owner, plain(v["id"].(string)))
	s.Must(err)
	if row.MadeBy != "lin" {
		t.Errorf("made by %q", row.MadeBy)
	}
	if status, v := s.object("master", "GET", "/api/v1/end-users", ""); status != 200 || len(v["items"].([]any)) != 2 {
		t.Errorf("the master key sees %v", v)
	}
	if status, v := s.object("master", "POST", "/api/v1/end-users", `{"username":"new","password":"x"}`); status != 200 {
		t.Error(v)
	}
	if _, err := s.DB.CustomerByName(t.Context(), s.Workspace.ID, "new"); err != nil {
		t.Errorf("in the oldest workspace: %v", err)
	}
}

// An editor of two workspaces acts in both.
func TestTwoWorkspaces(t *testing.T) {
	s := newSite(t)
	s.Must(s.DB.AddMember(t.Context(), s.Owner, s.Workspace.ID, plain(s.Values["mei"]), access.Editor))
	for _, bot := range []string{"bot", "other"} {
		if status, v := s.object("mei", "POST", "/api/v1/bots/"+s.Values[bot]+"/share-tokens", `{}`); status != 200 {
			t.Errorf("%s: %d %v", bot, status, v)
		}
	}
	_, v := s.object("mei", "GET", "/api/v1/end-users", "")
	if n := len(v["items"].([]any)); n != 2 {
		t.Errorf("%d customers: %v", n, v)
	}
	// What she makes is made at home.
	if status, v := s.object("mei", "POST", "/api/v1/end-users", `{"username":"new","password":"x"}`); status != 200 {
		t.Fatal(v)
	}
	all, err := s.DB.CustomersNamed(t.Context(), "new", 4)
	s.Must(err)
	if len(all) != 1 || all[0].WorkspaceID == s.Workspace.ID {
		t.Errorf("made in %+v", all)
	}
	if status, v := s.object("mei", "DELETE", "/api/v1/end-users/"+s.Values["maria"], ""); status != 200 {
		t.Error(v)
	}
	if status, _ := s.object("maria", "GET", "/api/v1/auth/verify", ""); status != 401 {
		t.Errorf("maria after her deletion: %d", status)
	}
}

// Two customers who come at once do not both take the last seat.
func TestLastSeat(t *testing.T) {
	s := newSite(t)
	one := new(int64(1))
	k := s.link(control.ShareForm{MaxCustomers: &one})
	const many = 8
	for i := range many {
		s.customer(fmt.Sprintf("c%d", i), s.Workspace.ID)
	}
	var mu sync.Mutex
	seen := map[int]int{}
	var wait sync.WaitGroup
	for i := range many {
		wait.Go(func() {
			status, _ := s.object(fmt.Sprintf("c%d", i), "GET", "/api/v1/public/bot-share/"+k.Secret, "")
			mu.Lock()
			defer mu.Unlock()
			seen[status]++
		})
	}
	wait.Wait()
	if seen[200] != 1 || seen[403] != many-1 {
		t.Errorf("answers: %v", seen)
	}
}

// Whatever comes, the answer is the envelope, and nothing has changed.
func TestHostileBodies(t *testing.T) {
	s := newSite(t)
	k := s.link(control.ShareForm{})
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	before := s.state()
	for _, body := range []string{
		"", "null", "true", "5", `"text"`, "[]", "{", "{}x", "\xff\xfe", `{"username":"` + "\xc3\x28" + `"}`, deep, `{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`,
		`{"username":"a","username":"b","password":"p"}`, `{"password":"a","Password":"b"}`, `{"username":1e400,"password":-1}`, `{"username":[],"password":{}}`,
		`{"expires_at":9999999999999999999999}`, `{"name":{},"expires_at":-1}`, `{"messages":{},"bot_id":[]}`, `{"messages":[[]],"bot_id":1e999,"stream":"x"}`,
		`{"username":"\u0000","password":"x","name":"\u0000","expires_at":"\u0000","messages":[],"bot_id":"\u0000","share_token":"\u0000"}`,
		`{"username":"` + strings.Repeat("a", 5000) + `","password":"x","expires_at":"` + strings.Repeat("9", 5000) + `"}`,
		`{"username":"x","password":"` + strings.Repeat("p", 5000) + `","expires_at":"x"}`, strings.Repeat(" ", 1<<20) + "{}", `{"name":"` + strings.Repeat("a", 2<<20) + `"}`,
	} {
		for _, address := range []string{
			"POST /api/v1/bots/" + s.Values["bot"] + "/share-tokens", "POST /api/v1/end-users", "POST /api/v1/end-users/" + s.Values["maria"] + "/reset-password",
			"POST /api/v3/chat/completions", "POST /api/v1/auth/login",
		} {
			if harmless(address, body) {
				continue
			}
			method, path, _ := strings.Cut(address, " ")
			status, v := s.object("lin", method, path, body)
			if status < 400 || status >= 500 || v["detail"] == nil || len(v) != 1 {
				t.Errorf("%s %.60q: %d %v", address, body, status, v)
			}
		}
	}
	for _, path := range []string{
		"/api/v1/bots/%00/share-tokens", "/api/v1/bots/" + strings.Repeat("a", 4000) + "/share-tokens", "/api/v1/public/bot-share/" + strings.Repeat("a", 4000),
		"/api/v1/public/bot-share/%F0%9F%98%80", "/api/v1/bots/..%2f..%2f/share-tokens", "/api/v1/bots/'%20OR%201=1--/share-tokens",
	} {
		for _, who := range []string{"lin", "maria"} {
			if status, v := s.object(who, "GET", path, ""); status != 403 && status != 404 || v["detail"] == nil {
				t.Errorf("%s: %d %v", path, status, v)
			}
		}
	}
	if after := s.state(); after != before {
		t.Errorf("the state was %s and is %s", before, after)
	}
	if status, _ := s.object("maria", "GET", "/api/v1/public/bot-share/"+k.Secret, ""); status != 200 {
		t.Errorf("the link after all that: %d", status)
	}
}

// harmless says of a body that means something at an address.
func harmless(address, body string) bool {
	share := strings.HasSuffix(address, "/share-tokens")
	return share && (body == `{"username":[],"password":{}}` || body == `{"username":1e400,"password":-1}` || strings.HasPrefix(body, `{"messages"`)) ||
		strings.HasSuffix(address, "/reset-password") && strings.HasPrefix(body, `{"username":"`) && strings.Contains(body, `"password":"`) && !strings.Contains(body, "ppp")
}

// state is how many links and customers there are, and what hers looks like.
func (s *site) state() string {
	s.Helper()
	links, err := s.DB.CountShares(s.Context(), s.Workspace.ID, db.Page{})
	s.Must(err)
	customers, err := s.DB.CountCustomers(s.Context(), s.Workspace.ID, db.Page{})
	s.Must(err)
	maria, err := s.DB.CustomerByName(s.Context(), s.Workspace.ID, "maria")
	s.Must(err)
	return fmt.Sprint(links, customers, maria.Version, maria.PasswordHash)
}

// Every address answers with and without a slash, by itself.
func TestBothSlashesWithoutARedirect(t *testing.T) {
	s := newSite(t)
	for _, address := range []string{
		"GET /api/v1/bots/x/share-tokens", "POST /api/v1/bots/x/share-tokens", "DELETE /api/v1/bot-share-tokens/x", "GET /api/v1/end-users", "POST /api/v1/end-users",
		"POST /api/v1/end-users/x/reset-password", "DELETE /api/v1/end-users/x", "GET /api/v1/public/bot-share/x", "POST /api/v3/chat/completions",
		"GET /api/v1/auth/verify", "POST /api/v1/auth/login", "POST /api/v1/auth/logout",
	} {
		method, path, _ := strings.Cut(address, " ")
		for _, end := range []string{"", "/"} {
			resp, text := s.Send("nobody", method, path+end, "")
			if resp.StatusCode != 422 && resp.StatusCode != 401 || !strings.HasPrefix(text, `{"detail":`) {
				t.Errorf("%s%s: %d %s", address, end, resp.StatusCode, text)
			}
		}
	}
}

// Guessing passwords is slowed down like at every door.
func TestLoginIsThrottled(t *testing.T) {
	s := newSite(t)
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

// Many links and customers come in one list, newest first.
func TestWholeLists(t *testing.T) {
	s := newSite(t)
	const many = db.ListMax + 30
	for i := range many {
		s.link(control.ShareForm{Name: new(fmt.Sprint(i))})
		s.customer(fmt.Sprintf("bulk%03d", i), s.Workspace.ID)
	}
	_, v := s.object("lin", "GET", "/api/v1/bots/"+s.Values["bot"]+"/share-tokens", "")
	links := v["items"].([]any)
	if len(links) != many || links[0].(map[string]any)["name"] != fmt.Sprint(many-1) || links[many-1].(map[string]any)["name"] != "0" {
		t.Errorf("%d links", len(links))
	}
	_, v = s.object("lin", "GET", "/api/v1/end-users", "")
	all := v["items"].([]any)
	if len(all) != many+1 || all[0].(map[string]any)["username"] != fmt.Sprintf("bulk%03d", many-1) || all[many].(map[string]any)["username"] != "maria" {
		t.Errorf("%d customers", len(all))
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

// A reader who hangs up stops the provider, and what was delivered is paid.
func TestReaderLeaves(t *testing.T) {
	s := newSite(t)
	k := s.link(control.ShareForm{})
	s.Faulty.Script(faulty.Silent)
	resp, lines := s.open("maria", s.question(k.Secret, `,"stream":true`))
	if said(event(lines))+said(event(lines)) == "" {
		t.Fatal(resp.StatusCode)
	}
	resp.Body.Close()
	testbed.Eventually(t, 5*time.Second, "the provider is stopped and the call is settled", func() bool {
		rows, err := s.DB.Requests(t.Context(), s.Workspace.ID, db.RequestPage{Limit: 10})
		s.Must(err)
		return s.Faulty.Cancelled() == 1 && len(rows) == 1 && rows[0].Outcome == access.Partial && rows[0].Units > 0
	})
}

// A user who asks is cut off like a token once they may not ask any more.
func TestUserIsCutOff(t *testing.T) {
	s := newSite(t)
	s.Must(s.DB.EditMember(t.Context(), s.Owner, s.Workspace.ID, plain(s.Values["vera"]), access.Editor, 0))
	for what, end := range map[string]func() error{
		"role": func() error {
			return s.DB.EditMember(t.Context(), s.Owner, s.Workspace.ID, plain(s.Values["vera"]), access.Viewer, 0)
		},
		"account": func() error {
			_, err := s.Control.DisableUser(t.Context(), s.Owner, plain(s.Values["mei"]))
			return err
		},
	} {
		who, bot := "vera", "bot"
		if what == "account" {
			who, bot = "mei", "other"
		}
		s.Faulty.Script(faulty.Silent)
		_, lines := s.open(who, fmt.Sprintf(`{"bot_id":%q,"stream":true,"messages":[{"role":"user","content":"hi"}]}`, s.Values[bot]))
		if said(event(lines))+said(event(lines)) == "" {
			t.Fatalf("%s: no answer", what)
		}
		s.Must(end())
		last := ""
		for data := event(lines); data != ""; data = event(lines) {
			last = data
		}
		why := map[string]string{"role": `{"detail":"Your role here does not allow this. Ask an owner of the workspace."}`, "account": `{"detail":"未登录或 token 无效"}`}
		if last != why[what] {
			t.Errorf("%s: the stream ends with %s", what, last)
		}
	}
}

// A body over everything is refused in the envelope.
func TestBodyTooLarge(t *testing.T) {
	s := newSite(t)
	// The head is enough for the refusal: a body that is still being written would
	// be cut off by it.
	host := strings.TrimPrefix(s.Base, "http://")
	conn, err := net.Dial("tcp", host)
	s.Must(err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v3/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", host, s.Bearers["lin"], 21<<20)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	s.Must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	s.Must(err)
	if resp.StatusCode != 413 || !strings.Contains(string(raw), `"detail"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
}

// A picture of the bot's own is found where its page has it.
func TestPicture(t *testing.T) {
	s := newSite(t)
	s.Must(s.DB.SetBotAvatar(t.Context(), s.Owner, s.Workspace.ID, s.Bot.PublicID, &db.Blob{PublicID: plain(s.Values["mei"]), ContentType: "image/png", Body: []byte("png")}))
	k := s.link(control.ShareForm{})
	status, v := s.object("maria", "GET", "/api/v1/public/bot-share/"+k.Secret, "")
	if status != 200 || v["avatar_url"] != s.Base+"/s/"+k.Secret+"/face" {
		t.Errorf("%d %v", status, v)
	}
}
