package ragflow

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/internal/access"
)

// known reports whether reading ended in fields or in a refusal that can be said.
func known(err error) bool {
	_, worded := errors.AsType[refusal](err)
	return err == nil || worded || access.KindOf(err) == access.Invalid
}

var seeds = []string{
	"", "{}", "[]", "null", "nonsense", `{"email":"a@b.cd","nickname":"n","password":"p"}`, `{"email":1,"nickname":null,"password":{"a":[]}}`,
	`{"dialog_id":"x","canvas_id":"y"}`, `{"dialog_id":null,"name":"n"}`, `{"question":"","stream":false}`, `{"question":"q","session_id":"s","conversation_id":"t"}`,
	`{"messages":[{"role":"system","content":"a"},{"role":"user","content":"b"}]}`, `{"messages":[{"role":"user"}]}`, `{"messages":{}}`, `{"stream":"yes"}`,
	`{"a":1}{}`, `{"a":1,"A":2}`, "\xff", strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70), "email=a&email=b", "email=a%40b.cd&nickname=%ff&x",
}

func FuzzRead(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, raw, query string) {
		for _, read := range []func() error{
			func() error { return readAll(t, raw, query, false) },
			func() error { return readAll(t, raw, query, true) },
		} {
			if err := read(); !known(err) {
				t.Fatalf("%q: %v", raw, err)
			}
		}
	})
}

func readAll(t *testing.T, raw, query string, form bool) error {
	o, err := readObject([]byte(raw))
	if form {
		o, err = readForm(raw)
	}
	if err != nil {
		return err
	}
	a := readAccount(o)
	for _, v := range []value{a.nickname, a.email, a.password} {
		if !utf8.ValidString(v.text) || v.isText && !v.sent || v.null && v.isText || utf8.RuneCountInString(v.shown()) > shownMax {
			t.Fatalf("%q: %+v", raw, v)
		}
	}
	if a.badAddress() == nil && (strings.Count(a.email.text, "@") != 1 || strings.ContainsAny(a.email.text, " \n\"'<>")) {
		t.Fatalf("an address %q", a.email.text)
	}
	for _, err := range []error{a.badNickname(), required(o, "nickname", "email", "password")} {
		if !known(err) {
			return err
		}
	}
	if name, bot, err := readBinding(o, query); !known(err) || err != nil && (name != "" || bot != nil) || bot != nil && *bot == "" {
		t.Fatalf("%q: %q %v %v", raw, name, bot, err)
	}
	asked, err := readAsking(o)
	if err == nil && asked.turns != nil && (asked.turns[len(asked.turns)-1].Role != "user" || asked.question != asked.turns[len(asked.turns)-1].Text) {
		t.Fatalf("%q: %+v", raw, asked)
	}
	if err == nil && len(asked.session) > sessionMax {
		t.Fatalf("a session of %d bytes", len(asked.session))
	}
	return err
}

func TestAddress(t *testing.T) {
	for text, good := range map[string]bool{
		"qa@infiniflow.org": true, "user_123@1.com": true, "a.b-c_d@e-f.g_h.co": true, "用户@例子.公司": true, "A@B.CD": true, "a@b.c-": true,
		"": false, "a": false, "a@b": false, "a@b.c": false, "@b.cd": false, "a@.cd": false, "a b@c.de": false, "a@b.cd ": false, "a@b.cd\n": false,
		"a@@b.cd": false, "a+b@c.de": false, "<a@b.cd>": false, "a@b..cd": false,
	} {
		if got := (account{email: value{text: text, isText: true}}).badAddress() == nil; got != good {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestOwns(t *testing.T) {
	for path, owned := range map[string]bool{
		"/v1/user": true, "/v1/user/login": true, "/v1/users": false, "/v1/system/x": true, "/v1/llm/my_llms": true, "/v1/models": false, "/v1": false,
		"/v1/conversation/getsse/x": true, "/v1/conversations": false, "/api/v1/users": true, "/api/v1/user": false, "/api/v1/auth/x": true, "/api/v1/bots/x": false,
		"/api/v1/chatbots/x/completions": true, "/api/v1/openai": true, "/api/v1/admin/users/a": true, "/api/admin/x": false, "/api/user/login": false, "/": false,
	} {
		if Owns(path) != owned {
			t.Errorf("%s: %v", path, !owned)
		}
	}
}

// Every kind of refusal has its number.
func TestCodes(t *testing.T) {
	for _, kind := range access.Kinds() {
		if codes[kind] == 0 {
			t.Errorf("%v has no number", kind)
		}
	}
}
