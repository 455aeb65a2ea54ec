package ragflow_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// running asks, and returns the events as they come; "" is the end.
func (s *site) running(ctx context.Context, who, path, body string) (next func() string) {
	all := make(chan string)
	go func() {
		defer close(all)
		resp, err := s.Ask(ctx, who, "POST", path, body)
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
	s.Bearers["beta"], s.Bearers["program"] = k.Beta, program.Secret
	path := s.chatPath(s.Bot.PublicID)
	session := s.stream("beta", path, `{"question":""}`).Session
	ask := `{"question":"Tell me","session_id":"` + session + `"}`

	s.Faulty.Script(faulty.Stepped, faulty.Stepped, faulty.Stepped, faulty.Stepped)
	next := s.running(t.Context(), "beta", path, ask)
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
		next := s.running(ctx, "program", converse, body)
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
	testbed.Eventually(t, "everything is settled", func() bool { return s.Gateway.Running() == 0 })
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
