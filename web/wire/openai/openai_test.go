package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"latchkey/internal/config"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
	"latchkey/web"
	"latchkey/web/ops"
	"latchkey/web/wire/openai"
)

// serve puts the gateway's door of a house on a port.
func serve(t *testing.T, h *testbed.House) (base string) {
	t.Helper()
	l, base := testbed.Listen(t)
	app := web.New(web.Rooms{
		Config: config.Config{Addr: l.Addr().String(), Loopback: true}, Gateway: h.Gateway, Now: h.Now, Log: h.Log, Ops: &ops.Ops{},
		OpenAI: &openai.Door{Gateway: h.Gateway, Control: h.Control, Now: h.Now, Log: h.Log, Language: lang.English},
	})
	testbed.Serve(t, app, l)
	return base
}

// bearer is what a caller with a key sends; one without sends nothing.
func bearer(key string) string {
	if key == "" {
		return ""
	}
	return "Bearer " + key
}

func client(base, key string) sdk.Client {
	return sdk.NewClient(option.WithBaseURL(base+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0))
}

func ask(model string) sdk.ChatCompletionNewParams {
	return sdk.ChatCompletionNewParams{Model: model, Messages: []sdk.ChatCompletionMessageParamUnion{sdk.UserMessage("hello")}}
}

func TestOfficialClient(t *testing.T) {
	h := testbed.New(t)
	h.Faulty.Say("Hello from Acme.")
	k := h.Token(t, control.TokenForm{})
	c := client(serve(t, h), k.Secret)

	answer, err := c.Chat.Completions.New(t.Context(), ask("gpt-4o-mini"))
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Choices[0].Message.Content; got != "Hello from Acme." || answer.Model != "gpt-4o-mini" {
		t.Errorf("%s said %q", answer.Model, got)
	}

	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("gpt-4o-mini"))
	var said strings.Builder
	chunks := 0
	for stream.Next() {
		chunks++
		for _, choice := range stream.Current().Choices {
			said.WriteString(choice.Delta.Content)
		}
	}
	if err := stream.Err(); err != nil || said.String() != "Hello from Acme." || chunks < 2 {
		t.Errorf("streamed %q in %d chunks: %v", said.String(), chunks, err)
	}

	models, err := c.Models.List(t.Context())
	if err != nil || len(models.Data) != 3 {
		t.Errorf("%d models (%v), want the provider's two and the bot", len(models.Data), err)
	}
	if m, err := c.Models.Get(t.Context(), "bot:support"); err != nil || m.ID != "bot:support" {
		t.Errorf("the bot as a model: %+v %v", m, err)
	}

	if err := h.Control.RevokeToken(t.Context(), h.Owner, k.Row.PublicID); err != nil {
		t.Fatal(err)
	}
	_, err = c.Chat.Completions.New(t.Context(), ask("gpt-4o-mini"))
	refused, ok := errors.AsType[*sdk.Error](err)
	if !ok || refused.StatusCode != http.StatusUnauthorized || refused.Code != "token_revoked" {
		t.Errorf("after the revocation: %v", err)
	}
}

// Clients of Anthropic read the list of models in a shape of their own.
func TestModelsForAnthropicsClients(t *testing.T) {
	h := testbed.New(t)
	base, k := serve(t, h), h.Token(t, control.TokenForm{})
	resp, text := testbed.Send(t, "GET", base+"/v1/models", "", "x-api-key", k.Secret, "anthropic-version", "2023-06-01")
	var list struct {
		Data []struct {
			ID        string    `json:"id"`
			Type      string    `json:"type"`
			Name      string    `json:"display_name"`
			CreatedAt time.Time `json:"created_at"`
		} `json:"data"`
		First string `json:"first_id"`
		Last  string `json:"last_id"`
		More  *bool  `json:"has_more"`
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil || resp.StatusCode != http.StatusOK || len(list.Data) != 3 {
		t.Fatalf("%d %s: %v", resp.StatusCode, text, err)
	}
	one := list.Data[0]
	if one.ID != list.First || list.Data[2].ID != list.Last || list.More == nil || *list.More || one.Type != "model" || one.Name != one.ID || one.CreatedAt.IsZero() || strings.Contains(text, "owned_by") {
		t.Error(text)
	}
	if _, text := testbed.Send(t, "GET", base+"/v1/models", "", "Authorization", "Bearer "+k.Secret, "anthropic-version", "2023-06-01"); !strings.Contains(text, `"object":"list"`) {
		t.Error(text)
	}
	none := h.Token(t, control.TokenForm{Models: &[]string{}, ModelsLimited: new(true)})
	if _, text := testbed.Send(t, "GET", base+"/v1/models", "", "x-api-key", none.Secret, "anthropic-version", "2023-06-01"); text != `{"data":[],"first_id":null,"has_more":false,"last_id":null}` {
		t.Error(text)
	}
}

// A refusal by a limit of the minute says what the limit is and what is left.
func TestRefusalsByPaceCarryTheirHeaders(t *testing.T) {
	h := testbed.New(t)
	h.StopClock()
	h.Faulty.Say("Hello.")
	base := serve(t, h)
	for name, form := range map[string]control.TokenForm{
		"Requests": {RPM: new(int64(1))}, "Tokens": {TPM: new(int64(30))}, "": {Concurrent: new(int64(1)), RPM: new(int64(1)), TPM: new(int64(1000))},
	} {
		k := h.Token(t, form)
		var resp *http.Response
		for range 9 {
			resp, _ = testbed.Send(t, "POST", base+"/v1/chat/completions", `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"max_tokens":5}`, "Authorization", "Bearer "+k.Secret)
			if resp.StatusCode == http.StatusTooManyRequests {
				break
			}
		}
		if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%q: %d %v", name, resp.StatusCode, resp.Header)
		}
		for _, what := range []string{"Requests", "Tokens"} {
			limit, left, reset := resp.Header.Get("X-Ratelimit-Limit-"+what), resp.Header.Get("X-Ratelimit-Remaining-"+what), resp.Header.Get("X-Ratelimit-Reset-"+what)
			if limited := name == what || name == ""; limited != (limit != "") || limited != (left != "") || limited != (reset != "") {
				t.Errorf("%q, %s: %q %q %q", name, what, limit, left, reset)
			}
		}
	}
}

// A call that no minute can hold is told so at once, and not to come again.
func TestACallThatNeverFits(t *testing.T) {
	h := testbed.New(t)
	base := serve(t, h)
	k := h.Token(t, control.TokenForm{TPM: new(int64(500))})
	ask := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"` + strings.Repeat("word ", 600) + `"}]}`
	for language, sentence := range map[string]string{
		"en": `This call alone has about 76\d tokens, more than the 500 a minute that are allowed`, "zh": `约有 76\d 个 token，超过每分钟 500 个的上限`,
	} {
		resp, text := testbed.Send(t, "POST", base+"/v1/chat/completions", ask, "Authorization", "Bearer "+k.Secret, "Accept-Language", language)
		if resp.StatusCode != http.StatusTooManyRequests || !strings.Contains(text, `"code":"rate_limit_exceeded"`) || !regexp.MustCompile(sentence).MatchString(text) {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
		if head := resp.Header; head.Get("Retry-After") != "" || head.Get("X-Should-Retry") != "false" || head.Get("X-Ratelimit-Limit-Tokens") != "500" {
			t.Errorf("%v", head)
		}
	}
	if n := h.Faulty.Started(); n != 0 {
		t.Errorf("%d calls went to the provider", n)
	}
}

// A client that hangs up stops the provider, in silence too.
func TestHangUpStopsTheProvider(t *testing.T) {
	h := testbed.New(t)
	h.AddProvider(t, "stepped", h.Faulty.URL+"/v1", string(faulty.Stepped))
	k := h.Token(t, control.TokenForm{})
	c := client(serve(t, h), k.Secret)
	for i, stream := range []bool{true, false} {
		ctx, hangUp := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if !stream {
				c.Chat.Completions.New(ctx, ask(string(faulty.Stepped)))
				return
			}
			s := c.Chat.Completions.NewStreaming(ctx, ask(string(faulty.Stepped)))
			for s.Next() {
			}
		}()
		call := h.Faulty.Call(i)
		if stream {
			call.Send("Hello")
		}
		hangUp()
		call.WaitGone()
		<-done
	}
	testbed.Eventually(t, "nothing is reserved", func() bool {
		row, err := h.DB.Token(t.Context(), h.Workspace.ID, k.Row.PublicID)
		return err == nil && row.Purse.Reserved == 0
	})
}

func TestErrorsHaveTheGatewaysShape(t *testing.T) {
	h := testbed.New(t)
	k := h.Token(t, control.TokenForm{})
	base := serve(t, h)
	for _, c := range []struct {
		name, method, path, key, body string
		header                        string
		status                        int
		code                          string
	}{
		{"no key", "POST", "/v1/chat/completions", "", "{}", "", 401, "missing_api_key"},
		{"not JSON", "POST", "/v1/chat/completions", k.Secret, "hello", "", 400, "json_object"},
		{"two meanings", "POST", "/v1/chat/completions", k.Secret, `{"model":"a","Model":"b"}`, "", 400, "json_duplicate"},
		{"one misspelled", "POST", "/v1/chat/completions", k.Secret, `{"Model":"b","messages":[]}`, "", 400, "json_misspelled"},
		{"trailing", "POST", "/v1/chat/completions", k.Secret, `{}{}`, "", 400, "json_trailing"},
		{"an earlier response", "POST", "/v1/responses", k.Secret, `{"model":"gpt-4o-mini","input":"hi","previous_response_id":"resp_1"}`, "", 400, "state_not_kept"},
		{"a kept conversation", "POST", "/v1/responses", k.Secret, `{"model":"gpt-4o-mini","input":"hi","conversation":{"id":"conv_1"}}`, "", 400, "state_not_kept"},
		{"in the background", "POST", "/v1/responses", k.Secret, `{"model":"gpt-4o-mini","input":"hi","background":true}`, "", 400, "state_not_kept"},
		{"a kept item", "POST", "/v1/responses", k.Secret, `{"model":"gpt-4o-mini","input":[{"type":"item_reference","id":"msg_1"}]}`, "", 400, "state_not_kept"},
		{"a kept item without its type", "POST", "/v1/responses", k.Secret, `{"model":"gpt-4o-mini","input":[{"id":"msg_1"}]}`, "", 400, "state_not_kept"},
		{"a key that could be taken for another", "POST", "/v1/responses", k.Secret, `{"model":"gpt-4o-mini","input":"hi","Previous_Response_ID":"resp_1"}`, "", 400, "json_misspelled"},
		{"no messages", "POST", "/v1/chat/completions", k.Secret, `{"model":"gpt-4o-mini"}`, "", 400, "content_missing"},
		{"compressed", "POST", "/v1/chat/completions", k.Secret, `{}`, "gzip", 415, "content_encoding"},
		{"unknown path", "POST", "/v1/nothing", k.Secret, `{}`, "", 404, ""},
		{"wrong method", "DELETE", "/v1/chat/completions", k.Secret, ``, "", 404, ""},
	} {
		resp, text := testbed.Send(t, c.method, base+c.path, c.body, "Content-Type", "application/json", "Authorization", bearer(c.key), "Content-Encoding", c.header)
		if resp.StatusCode != c.status || !strings.Contains(text, `"code":"`+c.code+`"`) || resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %d %s, want %d %s", c.name, resp.StatusCode, text, c.status, c.code)
		}
	}
	if n := h.Faulty.Started(); n != 0 {
		t.Errorf("bad input reached the provider %d times", n)
	}
}
