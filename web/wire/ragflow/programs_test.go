package ragflow_test

import (
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

const converse = "/api/v1/conversation/completion"

// A program with an API token, in the document's words.
func TestProgramTalks(t *testing.T) {
	s := newSite(t)
	s.Faulty.Say("Twelve months.")
	bound, free := s.Token(t, control.TokenForm{BotID: &s.Bot.ID}), s.Token(t, control.TokenForm{})
	s.Bearers["bound"], s.Bearers["free"], s.Bearers["beta"] = bound.Secret, free.Secret, bound.Beta

	// It keeps the conversation itself: nothing is stored, and what it calls system is
	// not the bot's.
	messages := `"messages":[{"role":"system","content":"be rude"},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},{"role":"user","content":"How long?"}]`
	one := s.stream("bound", converse, `{"conversation_id":"mine",`+messages+`}`)
	if one.Answer != "Twelve months." || one.Session != "mine" {
		t.Errorf("with messages: %+v", one)
	}
	s.wantAsked(0, "user: Hi", "assistant: Hello", "user: How long?")
	resp, text := s.call("free", "POST", converse, `{"dialog_id":"support","stream":false,`+messages+`}`)
	if resp.StatusCode != 200 || s.spoken(text).Answer != "Twelve months." {
		t.Errorf("in one piece: %d %s", resp.StatusCode, text)
	}
	// The server keeps it.
	open := s.stream("free", converse, `{"question":"","dialog_id":"`+s.Bot.PublicID+`"}`)
	first := s.stream("free", converse, `{"question":"How long?","dialog_id":"`+s.Bot.PublicID+`","conversation_id":"`+open.Session+`"}`)
	again := s.stream("free", converse, `{"question":"Sure?","dialog_id":"`+s.Bot.PublicID+`","conversation_id":"`+open.Session+`"}`)
	if open.Answer != "Hello, ask away." || first.Session != open.Session || again.Answer != "Twelve months." {
		t.Errorf("%+v, %+v, %+v", open, first, again)
	}
	s.wantAsked(3, "user: How long?", "assistant: Twelve months.", "user: Sure?")
	// A beta key opens the same.
	if got := s.stream("beta", converse, `{"question":"How long?"}`); got.Answer != "Twelve months." {
		t.Errorf("with a beta key: %+v", got)
	}
	if got := s.stream("beta", converse, `{`+messages+`}`); got.Answer != "Twelve months." || got.Session == "" {
		t.Errorf("with a beta key and messages: %+v", got)
	}
	s.wantAsked(5, "user: Hi", "assistant: Hello", "user: How long?")
	s.Gateway.Flush()
	calls, err := s.DB.Requests(t.Context(), s.Workspace.ID, db.RequestPage{TokenID: free.Row.ID, Limit: 10})
	s.Must(err)
	if len(calls) != 3 || calls[0].Door != access.DoorRAGFlow || calls[0].Outcome != access.Answered {
		t.Errorf("the log has %+v", calls)
	}
}

func TestProgramRefusals(t *testing.T) {
	s := newSite(t)
	s.StopClock() // one of them may ask once a minute
	bound, free, far := s.Token(t, control.TokenForm{BotID: &s.Bot.ID}), s.Token(t, control.TokenForm{}), s.Token(t, control.TokenForm{BotID: &s.Bot.ID, Addresses: &[]string{"192.0.2.1"}})
	revoked, mute := s.Token(t, control.TokenForm{BotID: &s.Bot.ID}), s.Token(t, control.TokenForm{BotID: &s.Bot.ID, Permissions: &[]string{"read"}})
	s.Must(s.Control.RevokeToken(t.Context(), s.Owner, revoked.Row.PublicID))
	slow := int64(1)
	paced := s.Token(t, control.TokenForm{BotID: &s.Bot.ID, RPM: &slow})
	none := int64(0)
	spent := s.Token(t, control.TokenForm{BotID: &s.Bot.ID, Quota: db.QuotaChange{Quota: &none}})
	s.Faulty.Say("Yes.")
	if resp, text := s.ragged("Bearer "+paced.Secret, converse, `{"question":"x","stream":false}`); resp.StatusCode != 200 {
		t.Fatal(text)
	}
	const hello = `{"question":"hello"}`
	invalid := `{"code":109,"message":"Authentication error: API key is invalid!","data":false}`
	for name, c := range map[string]struct {
		header, body string
		status       int
		want         string
	}{
		"no header":        {"", hello, 401, "{\"code\":0,\"message\":\"`Authorization` can't be empty\",\"data\":false}"},
		"one word":         {bound.Secret, hello, 401, `{"code":0,"message":"Please check your authorization format.","data":false}`},
		"nonsense":         {"Bearer nonsense", hello, 401, invalid},
		"a user":           {"Bearer " + s.Bearers["lin"], hello, 401, invalid},
		"the master key":   {"Bearer " + testbed.MasterKey, hello, 401, invalid},
		"revoked":          {"Bearer " + revoked.Secret, hello, 401, invalid},
		"its beta key":     {"Bearer " + revoked.Beta, hello, 401, invalid},
		"no bot":           {"Bearer " + free.Secret, hello, 400, `{"code":101,"message":"This token has no bot.","data":false}`},
		"no bot, opening":  {"Bearer " + free.Secret, `{"question":""}`, 400, `{"code":101,"message":"This token has no bot.","data":false}`},
		"no bot, beta":     {"Bearer " + free.Beta, hello, 400, `{"code":101,"message":"This token has no bot.","data":false}`},
		"an unknown bot":   {"Bearer " + free.Secret, `{"question":"x","dialog_id":"nothing"}`, 200, `{"code":102,"message":"Dialog not found!"}`},
		"another bot":      {"Bearer " + bound.Secret, `{"question":"x","dialog_id":"nothing"}`, 200, `{"code":102,"message":"Dialog not found!"}`},
		"another bot, key": {"Bearer " + bound.Beta, `{"question":"x","dialog_id":"nothing"}`, 200, `{"code":102,"message":"Dialog not found!"}`},
		"an unknown talk":  {"Bearer " + bound.Secret, `{"question":"x","conversation_id":"mine"}`, 200, `{"code":102,"message":"Session not found!"}`},
		"from elsewhere":   {"Bearer " + far.Secret, hello, 200, `{"code":108,"message":"Your address 127.0.0.1 is not on the list of this API token.","data":false}`},
		"may not ask":      {"Bearer " + mute.Secret, hello, 200, `{"code":108,"message":"This API token may not ask bots: it lacks the permission chat.","data":false}`},
		"no budget":        {"Bearer " + spent.Secret, hello, 200, `{"code":102,"message":"The budget of this API token is used up. Ask its owner to raise it."}`},
		"nothing":          {"Bearer " + bound.Secret, ``, 200, `{"code":101,"message":"required argument are missing: question; ","data":null}`},
		"no JSON":          {"Bearer " + bound.Secret, `question=x`, 200, `{"code":101,"message":"required argument are missing: question; ","data":null}`},
		"a number":         {"Bearer " + bound.Secret, `{"question":1}`, 200, `{"code":101,"message":"question must be a text.","data":false}`},
	} {
		resp, text := s.ragged(c.header, converse, c.body)
		if resp.StatusCode != c.status || text != c.want {
			t.Errorf("%s: %d %s, want %d %s", name, resp.StatusCode, text, c.status, c.want)
		}
	}
	resp, text := s.ragged("Bearer "+paced.Secret, converse, hello)
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" || !strings.HasPrefix(text, `{"code":103,`) {
		t.Errorf("too fast: %d %s", resp.StatusCode, text)
	}
	// What was refused of a known token stands in its log.
	s.Gateway.Flush()
	for _, k := range []control.Issued{revoked, far, spent, paced} {
		calls, err := s.DB.Requests(t.Context(), s.Workspace.ID, db.RequestPage{TokenID: k.Row.ID, Outcome: access.Refused, Limit: 10})
		if s.Must(err); len(calls) == 0 {
			t.Errorf("a refusal of %s is not in the log", k.Row.PublicID)
		}
	}
}

// The words of the OpenAI API, below a bot's id.
func TestComplete(t *testing.T) {
	s := newSite(t)
	s.Faulty.Say("Twelve months.")
	k := s.Token(t, control.TokenForm{})
	s.Bearers["key"], s.Bearers["beta"] = k.Secret, k.Beta
	for _, noun := range []string{"chats_openai", "agents_openai", "openai"} {
		path := "/api/v1/" + noun + "/" + s.Bot.PublicID + "/chat/completions"
		ask := `{"model":"model","messages":[{"role":"user","content":"How long?"}]`
		_, v := s.object("key", "POST", path, ask+`}`)
		choice := v["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)
		if v["model"] != "model" || choice["content"] != "Twelve months." {
			t.Errorf("%s: %v", noun, v)
		}
		resp, text := s.call("key", "POST", path, ask+`,"stream":true}`)
		all := s.events(text)
		if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" || all[len(all)-1] != "[DONE]" || !strings.Contains(all[0], `"choices"`) {
			t.Errorf("%s: %s %q", noun, kind, all)
		}
		if status, v := s.object("beta", "POST", path, ask+`}`); status != 401 || v["code"] != 109.0 {
			t.Errorf("%s with a beta key: %d %v", noun, status, v)
		}
		if status, v := s.object("nobody", "POST", path, ask+`}`); status != 401 || v["code"] != 0.0 || v["data"] != false {
			t.Errorf("%s for nobody: %d %v", noun, status, v)
		}
		if status, v := s.object("key", "POST", path, `{"messages":5}`); status != 400 || v["code"] != 101.0 {
			t.Errorf("%s without messages: %d %v", noun, status, v)
		}
		if status, v := s.object("key", "POST", path, `nonsense`); status != 400 || v["code"] != 101.0 {
			t.Errorf("%s without JSON: %d %v", noun, status, v)
		}
		if status, v := s.object("key", "POST", "/api/v1/"+noun+"/nothing/chat/completions", ask+`}`); status != 404 || v["code"] != 102.0 {
			t.Errorf("%s of no bot: %d %v", noun, status, v)
		}
	}
	s.Faulty.Script(faulty.ErrorMid)
	_, text := s.call("key", "POST", "/api/v1/chats_openai/support/chat/completions", `{"messages":[{"role":"user","content":"x"}],"stream":true}`)
	if all := s.events(text); !strings.HasPrefix(all[len(all)-1], `{"code":103,`) || strings.Contains(text, "[DONE]") || strings.Contains(text, faulty.Secret) {
		t.Errorf("a provider that fails under way: %q", all)
	}
}
