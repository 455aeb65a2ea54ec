package ragflow_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
	"latchkey/internal/testbed/story"
	"latchkey/internal/upstream/faulty"
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

// What a beta key opens nothing with.
func TestBetaRefusals(t *testing.T) {
	s := newSite(t)
	past := s.Now().Add(-time.Hour)
	bot := func(name string, kind access.BotKind) string {
		k := string(kind)
		b, err := s.Control.CreateBot(t.Context(), s.Owner, control.BotForm{Name: &name, Kind: &k, Provider: &s.Provider.PublicID, Model: &testbed.Models[0]})
		s.Must(err)
		return b.PublicID
	}
	other, closed := bot("Other", access.AgentBot), bot("Closed", access.DialogBot)
	_, err := s.Control.SetBotEnabled(t.Context(), s.Owner, closed, false)
	s.Must(err)
	own, free := s.Token(t, control.TokenForm{BotID: &s.Bot.ID}), s.Token(t, control.TokenForm{})
	revoked, disabled := s.Token(t, control.TokenForm{}), s.Token(t, control.TokenForm{})
	s.Must(s.Control.RevokeToken(t.Context(), s.Owner, revoked.Row.PublicID))
	s.Must(s.Control.DisableToken(t.Context(), s.Owner, disabled.Row.PublicID))
	expired := s.Token(t, control.TokenForm{ExpiresAt: &past, PastExpiry: true})
	mute := s.Token(t, control.TokenForm{Permissions: &[]string{"read"}})
	none := int64(0)
	empty := s.Token(t, control.TokenForm{Quota: db.QuotaChange{Quota: &none}})
	const bad, malformed, unknown = `Authentication error: API key is invalid!"`, `Authorization is not valid!"`, "Dialog not found!"
	const hello = `{"question":"hello","stream":false}`
	own.Secret = "Bearer " + own.Secret
	for name, c := range map[string]struct{ header, id, body, message string }{
		"no header":              {"", s.Bot.PublicID, hello, malformed},
		"the key alone":          {own.Beta, s.Bot.PublicID, hello, malformed},
		"another scheme":         {"Basic " + own.Beta, s.Bot.PublicID, hello, malformed},
		"three words":            {"Bearer " + own.Beta + " x", s.Bot.PublicID, hello, malformed},
		"nonsense":               {"Bearer nonsense", s.Bot.PublicID, hello, bad},
		"not even text":          {"Bearer \xff\xfe", s.Bot.PublicID, hello, bad},
		"the API token":          {own.Secret, s.Bot.PublicID, hello, bad},
		"a login token":          {"Bearer " + s.Bearers["lin"], s.Bot.PublicID, hello, bad},
		"the master key":         {"Bearer " + testbed.MasterKey, s.Bot.PublicID, hello, bad},
		"revoked":                {"Bearer " + revoked.Beta, s.Bot.PublicID, hello, bad},
		"disabled":               {"Bearer " + disabled.Beta, s.Bot.PublicID, hello, bad},
		"expired":                {"Bearer " + expired.Beta, s.Bot.PublicID, hello, bad},
		"without chat":           {"Bearer " + mute.Beta, s.Bot.PublicID, hello, bad},
		"another bot":            {"Bearer " + own.Beta, other, hello, unknown},
		"no bot there is":        {"Bearer " + free.Beta, strings.Repeat("0", 32), hello, unknown},
		"no bot at all":          {"Bearer " + free.Beta, "%ff", hello, unknown},
		"a bot switched off":     {"Bearer " + free.Beta, closed, hello, unknown},
		"a session made up":      {"Bearer " + free.Beta, other, `{"question":"x","session_id":"` + strings.Repeat("0", 32) + `"}`, "Session not found!"},
		"a session without form": {"Bearer " + free.Beta, other, `{"question":"x","session_id":"` + strings.Repeat("z", 1000) + `"}`, "Session not found!"},
	} {
		resp, text := s.ragged(c.header, s.chatPath(c.id), c.body)
		if want := `{"code":102,"message":` + quoted(c.message) + `}`; resp.StatusCode != 200 || text != want {
			t.Errorf("%s: %d %s, want %s", name, resp.StatusCode, text, want)
		}
	}
	for body, message := range map[string]string{
		``:                                "required argument are missing: question; ",
		`[]`:                              "required argument are missing: question; ",
		`{"question":5}`:                  "question must be a text.",
		`{"question":"x","stream":"no"}`:  "stream must be true or false.",
		`{"session_id":{}}`:               "session_id must be a text.",
		`{"question":"a","question":"b"}`: `The keys "question" and "question" stand in one object: this could be read in two ways.`,
		`{"messages":[]}`:                 "messages must be a list with at least one message.",
		`{"messages":[{"role":"assistant","content":"a"}]}`:                "messages must be a list with at least one message.",
		`{"messages":[{"role":"tool","content":"a"}]}`:                     "messages must be a list with at least one message.",
		`{"messages":[{"role":"user","content":[1]}]}`:                     "messages must be a list with at least one message.",
		`{"question":"` + strings.Repeat("x", access.QuestionMax+1) + `"}`: "This question is too long: at most 32 KB fit. Send it in parts.",
	} {
		resp, text := s.ragged("Bearer "+free.Beta, s.chatPath(other), body)
		if resp.StatusCode != 200 || !strings.HasPrefix(text, `{"code":101,"message":`+quoted(message)+`,"data":`) {
			t.Errorf("%.60s: %d %s", body, resp.StatusCode, text)
		}
	}
	// An empty question in a session, a session of another bot and of another token.
	s.Bearers["free"], s.Bearers["own"], s.Bearers["empty"] = free.Beta, own.Beta, empty.Beta
	session := s.stream("free", s.chatPath(other), `{"question":""}`).Session
	if _, v := s.object("free", "POST", s.chatPath(other), `{"question":"","session_id":"`+session+`"}`); v["code"] != 101.0 {
		t.Errorf("an empty question: %v", v)
	}
	for who, id := range map[string]string{"free": s.Bot.PublicID, "own": s.Bot.PublicID} {
		if _, v := s.object(who, "POST", s.chatPath(id), `{"question":"x","session_id":"`+session+`"}`); v["message"] != "Session not found!" {
			t.Errorf("%s with another's session: %v", who, v)
		}
	}
	// No budget: the welcome is free, an answer is not.
	session = s.stream("empty", s.chatPath(other), `{"question":""}`).Session
	if _, v := s.object("empty", "POST", s.chatPath(other), `{"question":"x","session_id":"`+session+`"}`); v["code"] != 102.0 || !strings.Contains(v["message"].(string), "budget") {
		t.Errorf("without a budget: %v", v)
	}
	if n := s.Faulty.Started(); n != 0 {
		t.Errorf("%d refused calls reached the provider", n)
	}
	// A bot whose visitors have to be vouched for opens for no key alone.
	_, err = s.Control.MakeIdentityKey(t.Context(), s.Owner, other)
	s.Must(err)
	if _, v := s.object("free", "POST", s.chatPath(other), hello); v["message"] != bad {
		t.Errorf("a bot with an identity key: %v", v)
	}
}

func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

// ragged sends a request with a header as it stands.
func (s *site) ragged(header, path, body string) (*http.Response, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.Base+path, strings.NewReader(body))
	s.Must(err)
	if header != "" {
		r.Header["Authorization"] = []string{header}
	}
	resp, err := http.DefaultClient.Do(r)
	s.Must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	s.Must(err)
	return resp, string(text)
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

// running asks, and returns the events as they come; "" is the end.
func (s *site) running(ctx context.Context, key, path, body string) (next func() string) {
	s.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", s.Base+path, strings.NewReader(body))
	s.Must(err)
	r.Header.Set("Authorization", "Bearer "+key)
	all := make(chan string)
	go func() {
		defer close(all)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
				all <- data
			}
		}
	}()
	return func() string { return <-all }
}

// An answer that runs: events hold all until now; a second question waits; a
// revoked token ends it with an error and without the last event; a reader who
// leaves stops the provider.
func TestRunningAnswers(t *testing.T) {
	s := newSite(t)
	k, program := s.Token(t, control.TokenForm{BotID: &s.Bot.ID}), s.Token(t, control.TokenForm{BotID: &s.Bot.ID})
	s.Bearers["beta"] = k.Beta
	path := s.chatPath(s.Bot.PublicID)
	session := s.stream("beta", path, `{"question":""}`).Session
	ask := `{"question":"Tell me","session_id":"` + session + `"}`

	s.Faulty.Script(faulty.Stepped, faulty.Stepped, faulty.Stepped, faulty.Stepped)
	next := s.running(t.Context(), k.Beta, path, ask)
	call := s.Faulty.Call(0)
	for i, word := range []string{"One", " two", " three"} {
		call.Send(word)
		if got := s.spoken(next()).Answer; got != "One two three"[:len("One two three")-len(strings.Join([]string{"One", " two", " three"}[i+1:], ""))] {
			t.Errorf("after %q: %q", word, got)
		}
	}
	if _, v := s.object("beta", "POST", path, ask); v["code"] != 102.0 || !strings.Contains(v["message"].(string), "still being answered") {
		t.Errorf("a second question: %v", v)
	}
	s.Must(s.Control.RevokeToken(t.Context(), s.Owner, k.Row.PublicID))
	cut := next()
	var v struct {
		Code    int
		Message string
		Data    said
	}
	s.Must(json.Unmarshal([]byte(cut), &v))
	if v.Code != 109 || v.Data.Answer != "**ERROR**: "+v.Message || v.Data.Session != session {
		t.Errorf("revoked under way: %s", cut)
	}
	if after := next(); after != "" {
		t.Errorf("behind the error: %s", after)
	}
	call.WaitGone()

	// Who hangs up stops the provider, with events and without.
	for n, body := range []string{`{"question":"Tell me"}`, `{"question":"Tell me","stream":false}`} {
		ctx, cancel := context.WithCancel(t.Context())
		next := s.running(ctx, program.Secret, converse, body)
		call := s.Faulty.Call(n + 1)
		call.Send("One")
		if n == 0 {
			next()
		}
		cancel()
		call.WaitGone()
		for next() != "" {
			t.Error("more came")
		}
	}
	testbed.Eventually(t, 5*time.Second, "everything is settled", func() bool { return s.Gateway.Running() == 0 })
}

// A long answer in many words repeats itself within bounds, and arrives whole.
func TestLongAnswers(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{BotID: &s.Bot.ID})
	s.Bearers["key"] = k.Secret
	words := make([]string, 3000)
	for i := range words {
		words[i] = fmt.Sprint("word", i, "词")
	}
	long := strings.Join(words, " ")
	s.Faulty.Say(long)
	_, text := s.call("key", "POST", converse, `{"question":"x"}`)
	all := s.events(text)
	if got := s.spoken(all[len(all)-2]).Answer; got != long || all[len(all)-1] != last {
		t.Errorf("%d bytes of %d", len(got), len(long))
	}
	if len(text) > 40*len(long) {
		t.Errorf("%d bytes for an answer of %d", len(text), len(long))
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
