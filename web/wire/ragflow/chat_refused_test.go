package ragflow_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

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
