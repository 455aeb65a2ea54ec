package openai_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// once posts a question with a key and returns what came.
func once(t *testing.T, base, secret, key, body string) (status int, text string, head http.Header) {
	t.Helper()
	resp, text := testbed.Send(t, "POST", base+"/v1/chat/completions", body,
		"Authorization", bearer(secret), "Content-Type", "application/json", "Idempotency-Key", key)
	return resp.StatusCode, text, resp.Header
}

const question = `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}`

// The same call again is answered from what was kept, and charged once.
func TestAnsweredOnce(t *testing.T) {
	h := testbed.New(t)
	h.Faulty.Say("Hello from Acme.")
	k := h.Token(t, control.TokenForm{})
	base := serve(t, h)
	status, first, head := once(t, base, k.Secret, "one", question)
	if status != 200 || head.Get("Idempotency-Replayed") != "" {
		t.Fatal(status, first)
	}
	left, err := h.Control.Token(t.Context(), h.Owner, k.Row.PublicID)
	if err != nil {
		t.Fatal(err)
	}
	status, again, head := once(t, base, k.Secret, "one", question)
	if status != 200 || again != first || head.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d, %q for %q", status, again, first)
	}
	now, err := h.Control.Token(t.Context(), h.Owner, k.Row.PublicID)
	if err != nil || now.Purse.Used != left.Purse.Used || now.Purse.Used == 0 {
		t.Errorf("used %d, then %d: %v", left.Purse.Used, now.Purse.Used, err)
	}
	if status, text, _ := once(t, base, k.Secret, "one", strings.Replace(question, "hello", "goodbye", 1)); status != 422 || !strings.Contains(text, `"key_reused"`) {
		t.Errorf("another call with the key: %d %s", status, text)
	}
	if status, text, _ := once(t, base, k.Secret, "two words", question); status != 400 || !strings.Contains(text, `"key_malformed"`) {
		t.Errorf("a key with a blank: %d %s", status, text)
	}
	other := h.Token(t, control.TokenForm{})
	if status, _, head := once(t, base, other.Secret, "one", question); status != 200 || head.Get("Idempotency-Replayed") != "" {
		t.Errorf("another token with the same key: %d", status)
	}
	if status, _, _ := once(t, base, "sk-unknown", "one", question); status != 401 {
		t.Errorf("nobody with the key: %d", status)
	}
}

// A stream and a failure are not kept.
func TestAnswersThatAreNotKept(t *testing.T) {
	h := testbed.New(t)
	h.AddProvider(t, "broken", h.Faulty.URL+"/v1", string(faulty.HTML))
	k := h.Token(t, control.TokenForm{})
	base := serve(t, h)
	streamed := strings.Replace(question, "{", `{"stream":true,`, 1)
	for range 2 {
		if status, text, head := once(t, base, k.Secret, "stream", streamed); status != 200 || !strings.Contains(text, "[DONE]") || head.Get("Idempotency-Replayed") != "" {
			t.Errorf("a stream: %d %s", status, text)
		}
		failing := strings.Replace(question, "gpt-4o-mini", string(faulty.HTML), 1)
		if status, _, head := once(t, base, k.Secret, "broken", failing); status != 502 || head.Get("Idempotency-Replayed") != "" {
			t.Errorf("a failure: %d", status)
		}
	}
}

// Of two at once one is carried out, and the other is told to wait.
func TestOnceUnderWay(t *testing.T) {
	h := testbed.New(t)
	h.AddProvider(t, "stepped", h.Faulty.URL+"/v1", string(faulty.Stepped))
	k := h.Token(t, control.TokenForm{})
	base := serve(t, h)
	body := strings.Replace(question, "gpt-4o-mini", string(faulty.Stepped), 1)
	before := h.Faulty.Started()
	done := make(chan string)
	go func() {
		_, text, _ := once(t, base, k.Secret, "slow", body)
		done <- text
	}()
	up := h.Faulty.Call(before)
	status, text, head := once(t, base, k.Secret, "slow", body)
	if status != 409 || !strings.Contains(text, `"call_running"`) || head.Get("Retry-After") == "" {
		t.Errorf("the second: %d %s", status, text)
	}
	up.Send("hello")
	up.End()
	first := <-done
	if status, again, _ := once(t, base, k.Secret, "slow", body); status != 200 || again != first {
		t.Errorf("afterwards: %d %q, want %q", status, again, first)
	}
}
