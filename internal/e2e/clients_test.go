package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

const masterKey = "master-master-master-1"

// office is a server that was set up from the shell, and its native API.
type office struct {
	*server
	t         *testing.T
	workspace string
}

// furnished starts a server with an admin, and a provider that serves the models.
func furnished(t *testing.T, up *faulty.Server, models ...any) *office {
	t.Helper()
	return furnishedWith(t, up, nil, models...)
}

func furnishedWith(t *testing.T, up *faulty.Server, args []string, models ...any) *office {
	t.Helper()
	t.Setenv("LATCHKEY_MASTER_KEY", masterKey)
	o := &office{t: t, server: &server{folder: filepath.Join(t.TempDir(), "data"), log: &logText{}}}
	o.run(t, ownerPassword+"\n", "setup", "--username", "lin", "--password-stdin", "--workspace", "Acme Support")
	o.start(t, up, false, args...)
	o.workspace = o.native(200, "GET", "/workspaces", nil)["items"].([]any)[0].(map[string]any)["id"].(string)
	o.native(201, "POST", "/providers", map[string]any{"name": "Acme models", "base_url": up.URL + "/v1", "api_key": "upstream-key", "models": models})
	return o
}

// native calls the native API as the operator.
func (o *office) native(status int, method, path string, body any) map[string]any {
	o.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.url+"/api/latchkey/v1"+path, bytes.NewReader(raw))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+masterKey)
	r.Header.Set("Content-Type", "application/json")
	if o.workspace != "" {
		r.Header.Set("X-Latchkey-Workspace", o.workspace)
	}
	resp, err := testbed.Client().Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		o.t.Fatalf("%s %s: %d, want %d: %s %v", method, path, resp.StatusCode, status, text, err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(text, &out); err != nil {
		o.t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
	return out
}

// token issues a token and returns its secret, after what else is to be done to it.
func (o *office) token(fields map[string]any, verbs ...string) string {
	o.t.Helper()
	f := map[string]any{"name": "SDK"}
	for name, value := range fields {
		f[name] = value
	}
	k := o.native(201, "POST", "/tokens", f)
	for _, verb := range verbs {
		o.native(200, "POST", "/tokens/"+k["id"].(string)+"/"+verb, map[string]any{})
	}
	return k["secret"].(string)
}

// sdkCall is one call of an official client, and what has to become of it.
type sdkCall struct {
	Name    string         `json:"name"`
	Kind    string         `json:"kind"`
	Key     string         `json:"key"`
	Model   string         `json:"model"`
	More    map[string]any `json:"more,omitempty"`
	Retries int            `json:"retries,omitempty"`

	text   string // that was said, also before it failed
	status int    // 0: it succeeds, or fails in its stream
	code   string
	class  string // of Node's error, "" for none
}

// sdkCalls are the calls that each client makes.
func sdkCalls(o *office) []sdkCall {
	free, one := o.token(nil), o.token(map[string]any{"rpm": 1})
	listed := o.token(map[string]any{"models": []string{"qwen-max"}})
	const hello, model = "Hello from Acme.", "gpt-4o-mini"
	return []sdkCall{
		{Name: "plain", Kind: "chat", Key: free, Model: model, text: hello},
		{Name: "stream", Kind: "stream", Key: free, Model: model, text: hello},
		{Name: "stream with usage", Kind: "stream", Key: free, Model: model, More: map[string]any{"stream_options": map[string]any{"include_usage": true}}, text: hello},
		{Name: "legacy", Kind: "legacy", Key: free, Model: model, text: hello},
		{Name: "responses", Kind: "responses", Key: free, Model: model, text: hello},
		{Name: "responses, streamed", Kind: "responses-stream", Key: free, Model: model, text: hello},
		{Name: "embeddings", Kind: "embeddings", Key: free, Model: "embed-small", text: "a vector"},
		{Name: "models", Kind: "models", Key: listed, text: "qwen-max"},
		{Name: "one model", Kind: "model", Key: free, Model: model, text: model},
		{Name: "one that is not allowed", Kind: "model", Key: listed, Model: model, status: 404, code: "model_not_found", class: "NotFoundError"},

		{Name: "unknown key", Kind: "chat", Key: "sk-lk" + strings.Repeat("x", 46), Model: model, status: 401, code: "invalid_api_key", class: "AuthenticationError"},
		{Name: "revoked", Kind: "chat", Key: o.token(nil, "revoke"), Model: model, Retries: 2, status: 401, code: "token_revoked", class: "AuthenticationError"},
		{Name: "disabled, streamed", Kind: "stream", Key: o.token(nil, "disable"), Model: model, status: 401, code: "token_disabled", class: "AuthenticationError"},
		{Name: "spent", Kind: "chat", Key: o.token(map[string]any{"quota": 0}), Model: model, status: 401, code: "insufficient_quota", class: "AuthenticationError"},
		{Name: "too little left", Kind: "chat", Key: o.token(map[string]any{"quota": 50}), Model: model, status: 403, code: "quota_too_low", class: "PermissionDeniedError"},
		{Name: "model", Kind: "chat", Key: listed, Model: model, status: 403, code: "model_not_allowed", class: "PermissionDeniedError"},
		{Name: "address", Kind: "embeddings", Key: o.token(map[string]any{"addresses": []string{"10.0.0.0/8"}}), Model: "embed-small", status: 403, code: "ip_not_allowed", class: "PermissionDeniedError"},
		{Name: "permission", Kind: "responses", Key: o.token(map[string]any{"permissions": []string{"read"}}), Model: model, status: 403, code: "permission_denied", class: "PermissionDeniedError"},
		{Name: "unknown model", Kind: "stream", Key: free, Model: "no-such", status: 404, code: "model_not_found", class: "NotFoundError"},
		{Name: "bad request", Kind: "chat", Key: free, Model: model, More: map[string]any{"max_tokens": -1}, status: 400, code: "number_range", class: "BadRequestError"},
		{Name: "first of a minute", Kind: "chat", Key: one, Model: model, text: hello},
		{Name: "second of a minute", Kind: "chat", Key: one, Model: model, status: 429, code: "rate_limit_exceeded", class: "RateLimitError"},
		{Name: "the provider fails", Kind: "chat", Key: free, Model: string(faulty.Status(500)), status: 502, class: "InternalServerError"},
		{Name: "the provider refuses", Kind: "chat", Key: free, Model: string(faulty.Status(422)), status: 422, class: "UnprocessableEntityError"},
		{Name: "the provider limits", Kind: "stream", Key: free, Model: string(faulty.Status(429)), status: 429, class: "RateLimitError"},
		{Name: "an error in mid-stream", Kind: "stream", Key: free, Model: string(faulty.ErrorMid), text: "Hello from ", class: "APIError"},
		{Name: "broken off in mid-stream", Kind: "stream", Key: free, Model: string(faulty.Reset), text: "Hello from ", class: "APIError"},
	}
}

func clientOffice(t *testing.T) *office {
	t.Helper()
	up := faulty.Start(t)
	up.Say("Hello from Acme.")
	models := []any{"gpt-4o-mini", "qwen-max", map[string]any{"name": "embed-small", "kind": "embedding"}}
	for _, f := range []faulty.Fault{faulty.Status(500), faulty.Status(422), faulty.Status(429), faulty.ErrorMid, faulty.Reset} {
		models = append(models, string(f))
	}
	return furnished(t, up, models...)
}

// The official client for Node gets every kind of answer, and every refusal as the
// class of error that its documentation promises.
func TestNodeClient(t *testing.T) {
	if _, err := os.Stat("node/node_modules/openai"); err != nil {
		t.Fatal("the client is not installed: sh .ci/install")
	}
	o := clientOffice(t)
	calls := sdkCalls(o)
	question, err := json.Marshal(map[string]any{"base": o.url + "/v1", "calls": calls})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "node/client.mjs")
	cmd.Stdin = bytes.NewReader(question)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	var results []struct {
		Name, Text, Class, Code, Type, Message, Request string
		API                                             bool
		Status, Usage                                   int
	}
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(calls) {
		t.Fatalf("%d results, %v:\n%s", len(results), err, out)
	}
	for i, r := range results {
		c := calls[i]
		if r.Text != c.text || r.Class != c.class || r.Status != c.status || c.code != "" && r.Code != c.code || r.API != (c.class != "") {
			t.Errorf("%s: %+v, want %q and %s %d %s", c.Name, r, c.text, c.class, c.status, c.code)
		}
		if c.status != 0 && (r.Type == "" || r.Request == "" || !strings.Contains(r.Message, "(request id: "+r.Request+")")) {
			t.Errorf("%s: %+v", c.Name, r)
		}
		if asked := c.More["stream_options"] != nil; asked != (r.Usage > 0) {
			t.Errorf("%s: usage %d", c.Name, r.Usage)
		}
	}
	log := o.native(200, "GET", "/requests?status=refused&limit=200", nil)
	revoked := 0
	for _, one := range log["items"].([]any) {
		if one.(map[string]any)["rule"] == "token_revoked" {
			revoked++
		}
	}
	if revoked != 1 {
		t.Errorf("what no retry cures was tried %d times", revoked)
	}
}

// The same with the official client for Go.
func TestGoClient(t *testing.T) {
	o := clientOffice(t)
	for _, c := range sdkCalls(o) {
		client := sdk.NewClient(option.WithBaseURL(o.url+"/v1"), option.WithAPIKey(c.Key), option.WithMaxRetries(c.Retries))
		text, err := goCall(t, &client, c)
		if text != c.text || (err == nil) != (c.class == "") {
			t.Errorf("%s: %q %v", c.Name, text, err)
			continue
		}
		if c.status == 0 {
			continue
		}
		refused, ok := errors.AsType[*sdk.Error](err)
		if !ok || refused.StatusCode != c.status || c.code != "" && refused.Code != c.code || refused.Type == "" || !strings.Contains(refused.Message, "(request id: ") {
			t.Errorf("%s: %v, want %d %s", c.Name, err, c.status, c.code)
		}
	}
}

// goCall makes a call; more is what its body holds beside the usual.
func goCall(t *testing.T, client *sdk.Client, c sdkCall) (string, error) {
	t.Helper()
	var more []option.RequestOption
	for name, value := range c.More {
		more = append(more, option.WithJSONSet(name, value))
	}
	chat := sdk.ChatCompletionNewParams{Model: c.Model, Messages: []sdk.ChatCompletionMessageParamUnion{sdk.UserMessage("hello")}}
	input := responses.ResponseNewParams{Model: c.Model, Input: responses.ResponseNewParamsInputUnion{OfString: sdk.String("hello")}}
	var said strings.Builder
	switch c.Kind {
	case "chat":
		a, err := client.Chat.Completions.New(t.Context(), chat, more...)
		if err != nil {
			return "", err
		}
		return a.Choices[0].Message.Content, nil
	case "stream":
		stream := client.Chat.Completions.NewStreaming(t.Context(), chat, more...)
		for stream.Next() {
			for _, choice := range stream.Current().Choices {
				said.WriteString(choice.Delta.Content)
			}
		}
		return said.String(), stream.Err()
	case "legacy":
		a, err := client.Completions.New(t.Context(), sdk.CompletionNewParams{Model: sdk.CompletionNewParamsModel(c.Model), Prompt: sdk.CompletionNewParamsPromptUnion{OfString: sdk.String("hello")}}, more...)
		if err != nil {
			return "", err
		}
		return a.Choices[0].Text, nil
	case "responses":
		a, err := client.Responses.New(t.Context(), input, more...)
		if err != nil {
			return "", err
		}
		return a.OutputText(), nil
	case "responses-stream":
		stream := client.Responses.NewStreaming(t.Context(), input, more...)
		for stream.Next() {
			if e := stream.Current(); e.Type == "response.output_text.delta" {
				said.WriteString(e.Delta)
			}
		}
		return said.String(), stream.Err()
	case "embeddings":
		a, err := client.Embeddings.New(t.Context(), sdk.EmbeddingNewParams{Model: c.Model, Input: sdk.EmbeddingNewParamsInputUnion{OfString: sdk.String("hello")}}, more...)
		if err != nil || len(a.Data[0].Embedding) == 0 {
			return "", err
		}
		return "a vector", nil
	case "models":
		pages := client.Models.ListAutoPaging(t.Context(), more...)
		for pages.Next() {
			said.WriteString(pages.Current().ID)
		}
		return said.String(), pages.Err()
	case "model":
		m, err := client.Models.Get(t.Context(), c.Model, more...)
		if err != nil {
			return "", err
		}
		return m.ID, nil
	}
	t.Fatalf("no such kind of call: %s", c.Kind)
	return "", nil
}
