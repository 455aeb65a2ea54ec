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

// otherBot makes a bot of Acme beside the house's own.
func (s *site) otherBot(name string, kind access.BotKind) string {
	s.Helper()
	k := string(kind)
	b, err := s.Control.CreateBot(s.Context(), s.Owner, control.BotForm{Name: &name, Kind: &k, Provider: &s.Provider.PublicID, Model: &testbed.Models[0]})
	s.Must(err)
	return b.PublicID
}

const (
	badKey = `Authentication error: API key is invalid!"`
	hello  = `{"question":"hello","stream":false}`
)

// What a beta key opens nothing with.
func TestBetaRefusals(t *testing.T) {
	s := newSite(t)
	past := s.Now().Add(-time.Hour)
	other, closed := s.otherBot("Other", access.AgentBot), s.otherBot("Closed", access.DialogBot)
	_, err := s.Control.SetBotEnabled(t.Context(), s.Owner, closed, false)
	s.Must(err)
	own, free := s.Token(t, control.TokenForm{BotID: &s.Bot.ID}), s.Token(t, control.TokenForm{})
	revoked, disabled := s.Token(t, control.TokenForm{}), s.Token(t, control.TokenForm{})
	s.Must(s.Control.RevokeToken(t.Context(), s.Owner, revoked.Row.PublicID))
	s.Must(s.Control.DisableToken(t.Context(), s.Owner, disabled.Row.PublicID))
	expired := s.Token(t, control.TokenForm{ExpiresAt: &past, PastExpiry: true})
	mute := s.Token(t, control.TokenForm{Permissions: &[]string{"read"}})
	const malformed, unknown = `Authorization is not valid!"`, "Dialog not found!"
	own.Secret = "Bearer " + own.Secret
	for name, c := range map[string]struct{ header, id, body, message string }{
		"no header":              {"", s.Bot.PublicID, hello, malformed},
		"the key alone":          {own.Beta, s.Bot.PublicID, hello, malformed},
		"another scheme":         {"Basic " + own.Beta, s.Bot.PublicID, hello, malformed},
		"three words":            {"Bearer " + own.Beta + " x", s.Bot.PublicID, hello, malformed},
		"nonsense":               {"Bearer nonsense", s.Bot.PublicID, hello, badKey},
		"not even text":          {"Bearer \xff\xfe", s.Bot.PublicID, hello, badKey},
		"the API token":          {own.Secret, s.Bot.PublicID, hello, badKey},
		"a login token":          {"Bearer " + s.Bearers["lin"], s.Bot.PublicID, hello, badKey},
		"the master key":         {"Bearer " + testbed.MasterKey, s.Bot.PublicID, hello, badKey},
		"revoked":                {"Bearer " + revoked.Beta, s.Bot.PublicID, hello, badKey},
		"disabled":               {"Bearer " + disabled.Beta, s.Bot.PublicID, hello, badKey},
		"expired":                {"Bearer " + expired.Beta, s.Bot.PublicID, hello, badKey},
		"without chat":           {"Bearer " + mute.Beta, s.Bot.PublicID, hello, badKey},
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
	s.unasked()
}

// What is sent with a good one and cannot be understood.
func TestBetaBadBodies(t *testing.T) {
	s := newSite(t)
	free := s.Token(t, control.TokenForm{})
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
		resp, text := s.ragged("Bearer "+free.Beta, s.chatPath(s.Bot.PublicID), body)
		if resp.StatusCode != 200 || !strings.HasPrefix(text, `{"code":101,"message":`+quoted(message)+`,"data":`) {
			t.Errorf("%.60s: %d %s", body, resp.StatusCode, text)
		}
	}
	s.unasked()
}

// A session is of one token and one bot.
func TestBetaSessions(t *testing.T) {
	s := newSite(t)
	own, free := s.Token(t, control.TokenForm{BotID: &s.Bot.ID}), s.Token(t, control.TokenForm{})
	other := s.otherBot("Other", access.AgentBot)
	s.Bearers["free"], s.Bearers["own"] = free.Beta, own.Beta
	session := s.stream("free", s.chatPath(other), `{"question":""}`).Session
	if _, v := s.object("free", "POST", s.chatPath(other), `{"question":"","session_id":"`+session+`"}`); v["code"] != 101.0 {
		t.Errorf("an empty question: %v", v)
	}
	for who, id := range map[string]string{"free": s.Bot.PublicID, "own": s.Bot.PublicID} {
		if _, v := s.object(who, "POST", s.chatPath(id), `{"question":"x","session_id":"`+session+`"}`); v["message"] != "Session not found!" {
			t.Errorf("%s with another's session: %v", who, v)
		}
	}
	s.unasked()
}

// Without a budget the welcome is free, an answer is not.
func TestBetaWithoutABudget(t *testing.T) {
	s := newSite(t)
	none := int64(0)
	s.Bearers["empty"] = s.Token(t, control.TokenForm{Quota: db.QuotaChange{Quota: &none}}).Beta
	path := s.chatPath(s.Bot.PublicID)
	session := s.stream("empty", path, `{"question":""}`).Session
	if _, v := s.object("empty", "POST", path, `{"question":"x","session_id":"`+session+`"}`); v["code"] != 102.0 || !strings.Contains(v["message"].(string), "budget") {
		t.Errorf("without a budget: %v", v)
	}
	s.unasked()
}

// A bot whose visitors have to be vouched for opens for no key alone.
func TestBetaWithoutAVisitor(t *testing.T) {
	s := newSite(t)
	other := s.otherBot("Other", access.AgentBot)
	s.Bearers["free"] = s.Token(t, control.TokenForm{}).Beta
	_, err := s.Control.MakeIdentityKey(t.Context(), s.Owner, other, 0)
	s.Must(err)
	if _, v := s.object("free", "POST", s.chatPath(other), hello); v["message"] != badKey {
		t.Errorf("a bot with an identity key: %v", v)
	}
}
