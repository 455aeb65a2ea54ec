package botshare_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// question spells a question on a link.
func (s *site) question(share, more string) string {
	return fmt.Sprintf(`{"bot_id":%q,"share_token":%q,"messages":[{"role":"user","content":"hi"}]%s}`, s.Values["bot"], share, more)
}

// open asks for a stream and returns its lines.
func (s *site) open(who, body string) (*http.Response, *bufio.Scanner) {
	s.Helper()
	resp, err := s.Ask(s.Context(), who, "POST", "/api/v3/chat/completions", body)
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
	if status, v := s.object("lin", "DELETE", "/api/v1/bot-share-tokens/"+testbed.UUID(k.Row.PublicID), ""); status != 200 {
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
	testbed.Eventually(t, "the provider is stopped and the call is settled", func() bool {
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
