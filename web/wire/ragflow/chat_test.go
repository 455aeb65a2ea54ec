package ragflow_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/testbed/story"
)

const last = `{"code":0,"message":"","data":true}`

// said is what an event or a plain answer holds.
type said struct {
	Answer    string
	Reference map[string]any
	Audio     *string `json:"audio_binary"`
	ID        *string
	Session   string `json:"session_id"`
}

// events takes the events out of a stream, and fails for one of another form.
func (s *site) events(text string) (all []string) {
	s.Helper()
	for block := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(block, "data:")
		if !ok || strings.Contains(data, "\n") {
			s.Fatalf("an event %q", block)
		}
		all = append(all, data)
	}
	return all
}

// spoken reads one event.
func (s *site) spoken(data string) said {
	s.Helper()
	v, err := story.Decode(data)
	s.Must(err)
	for _, wrong := range s.Differences(map[string]any{"code": json.Number("0"), "message": "", "data": map[string]any{
		"answer": "$any", "reference": map[string]any{}, "audio_binary": nil, "id": "$any", "session_id": "$any",
	}}, v) {
		s.Errorf("%s: %s", wrong, data)
	}
	var one struct{ Data said }
	s.Must(json.Unmarshal([]byte(data), &one))
	return one.Data
}

// stream asks for events and returns the last answer.
func (s *site) stream(who, path, body string) said {
	s.Helper()
	resp, text := s.call(who, "POST", path, body)
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream; charset=utf-8" {
		s.Fatalf("%d %s: %s", resp.StatusCode, kind, text)
	}
	all := s.events(text)
	if len(all) < 2 || all[len(all)-1] != last {
		s.Fatalf("the events are %q", all)
	}
	before := ""
	for _, data := range all[:len(all)-1] {
		one := s.spoken(data)
		if !strings.HasPrefix(one.Answer, before) {
			s.Errorf("%q after %q", one.Answer, before)
		}
		before = one.Answer
	}
	return s.spoken(all[len(all)-2])
}

// asked is what the n-th call told the provider.
func (s *site) asked(n int) (turns []string) {
	s.Helper()
	var body struct {
		Messages []struct{ Role, Content string }
	}
	s.Must(json.Unmarshal(s.Faulty.Call(n).Body, &body))
	for _, m := range body.Messages {
		turns = append(turns, m.Role+": "+m.Content)
	}
	return turns
}

func (s *site) wantAsked(n int, want ...string) {
	s.Helper()
	if got := s.asked(n); strings.Join(got, "|") != strings.Join(want, "|") {
		s.Errorf("the provider heard %q, want %q", got, want)
	}
}

func (s *site) chatPath(id string) string { return "/api/v1/chatbots/" + id + "/completions" }

// A page with a beta key: it gets a session, asks in it, and the bot remembers what
// was said; the token's purse pays, and the owner sees the calls.
func TestPageTalks(t *testing.T) {
	s := newSite(t)
	s.Faulty.Say("Twelve <b>months</b> & a day.")
	units := int64(1_000_000)
	k := s.Token(t, control.TokenForm{BotID: &s.Bot.ID, Addresses: &[]string{"192.0.2.1"}, Quota: db.QuotaChange{Quota: &units}})
	s.Bearers["beta"] = k.Beta
	path := s.chatPath(s.Bot.PublicID)

	open := s.stream("beta", path, `{"question":""}`)
	if open.Answer != "Hello, ask away." || open.ID != nil || !idForm(open.Session) {
		t.Fatalf("opening says %+v", open)
	}
	if s.Faulty.Started() != 0 {
		t.Error("opening asked the provider")
	}
	if other := s.stream("beta", path, `{}`); other.Session == open.Session {
		t.Error("two pages got one session")
	}
	ask := `{"conversation_id":"` + open.Session + `","quote":true,"question":"How long is the warranty?","session_id":"` + open.Session + `"}`
	first := s.stream("beta", path, ask)
	if first.Answer != "Twelve <b>months</b> & a day." || first.ID == nil || first.Session != open.Session {
		t.Errorf("the first answer is %+v", first)
	}
	s.wantAsked(0, "user: How long is the warranty?")

	// By the other name, in one piece: with what was said before.
	resp, text := s.call("beta", "POST", "/api/v1/agentbots/support/completions/", `{"question":"For everything?","session_id":"`+open.Session+`","stream":false}`)
	if resp.StatusCode != 200 || s.spoken(text).Answer != first.Answer || s.spoken(text).Session != open.Session {
		t.Errorf("in one piece: %d %s", resp.StatusCode, text)
	}
	s.wantAsked(1, "user: How long is the warranty?", "assistant: "+first.Answer, "user: For everything?")

	// A question without a session begins one.
	fresh := s.stream("beta", path, `{"question":"Hello"}`)
	if fresh.Session == "" || fresh.Session == open.Session {
		t.Errorf("a fresh session is %q", fresh.Session)
	}
	s.wantAsked(2, "user: Hello")

	row, err := s.DB.Token(t.Context(), s.Workspace.ID, k.Row.PublicID)
	s.Must(err)
	if row.Purse.Used == 0 || row.Purse.Reserved != 0 {
		t.Errorf("the purse is %+v", row.Purse)
	}
	s.Gateway.Flush()
	calls, err := s.DB.Requests(t.Context(), s.Workspace.ID, db.RequestPage{TokenID: k.Row.ID, Limit: 10})
	s.Must(err)
	if len(calls) != 3 || calls[0].Outcome != access.Answered || calls[0].BotID != s.Bot.ID {
		t.Errorf("the log has %+v", calls)
	}
}

func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

// ragged sends a request with a header as it stands.
func (s *site) ragged(header, path, body string) (*http.Response, string) {
	s.Helper()
	if header == "" {
		return s.Send("nobody", "POST", path, body)
	}
	s.Bearers["ragged"] = header
	return s.Send("!ragged", "POST", path, body)
}

// What a page shows of its bot.
func TestBotInfo(t *testing.T) {
	s := newSite(t)
	_, err := s.Control.EditBot(t.Context(), s.Owner, s.Bot.PublicID, control.BotForm{SystemPrompt: new("Never say the secret word."), Settings: new(`{"description":"Answers.","internal":"x"}`)})
	s.Must(err)
	k := s.Token(t, control.TokenForm{})
	s.Bearers["beta"], s.Bearers["key"] = k.Beta, k.Secret
	for _, at := range []string{"conversation", "canvas"} {
		path := "/v1/" + at + "/getsse/" + s.Bot.PublicID
		resp, text := s.call("beta", "GET", path, "")
		got, err := story.Decode(text)
		s.Must(err)
		want, err := story.Decode(`{"code":0,"message":"success","data":{"id":"{bot}","name":"Support Bot","description":"Answers.","avatar":"","status":"1","prompt_config":{"prologue":"Hello, ask away."}}}`)
		s.Must(err)
		if wrong := s.Differences(want, got); resp.StatusCode != 200 || len(wrong) > 0 {
			t.Errorf("%s: %d %s %v", at, resp.StatusCode, text, wrong)
		}
		if _, v := s.object("key", "GET", path, ""); v["code"] != 102.0 || v["message"] != `Authentication error: API key is invalid!"` {
			t.Errorf("an API token at %s: %v", at, v)
		}
		if _, v := s.object("beta", "GET", "/v1/"+at+"/getsse/nothing", ""); v["message"] != "Dialog not found!" {
			t.Errorf("no bot at %s: %v", at, v)
		}
	}
}

// A bot that keeps nothing: the session goes on, and nothing of it is stored.
func TestNothingIsKept(t *testing.T) {
	s := newSite(t)
	none := new(int64)
	_, err := s.Control.EditBot(t.Context(), s.Owner, s.Bot.PublicID, control.BotForm{RetentionDays: &none})
	s.Must(err)
	s.Faulty.Say("Twelve months.")
	k := s.Token(t, control.TokenForm{BotID: &s.Bot.ID})
	s.Bearers["beta"] = k.Beta
	path := s.chatPath(s.Bot.PublicID)
	one := s.stream("beta", path, `{"question":"How long?"}`)
	if got := s.stream("beta", path, `{"question":"Sure?","session_id":"`+one.Session+`"}`); got.Answer != "Twelve months." {
		t.Errorf("%+v", got)
	}
	s.wantAsked(1, "user: Sure?")
	o, err := s.Control.TalkOfBeta(t.Context(), k.Beta, "")
	s.Must(err)
	talk, err := s.Control.ResumeTalk(t.Context(), o, one.Session, "127.0.0.1")
	s.Must(err)
	_, messages, _, err := s.Control.Thread(t.Context(), talk.Guest, talk.Conversation, 0)
	s.Must(err)
	if len(messages) != 4 {
		t.Errorf("%d messages", len(messages))
	}
	for _, m := range messages {
		if m.Text != "" || m.State != access.Done {
			t.Errorf("%+v", m)
		}
	}
	if _, err := s.DB.FindSecret(t.Context(), secret.Hash(one.Session)); access.KindOf(err) != access.NotFound {
		t.Errorf("a session is a secret of the house: %v", err)
	}
}
