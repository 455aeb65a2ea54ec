package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	for _, r := range []struct {
		name, data     string
		content, other string
		finish         string
		usage          Usage
		has, bad, odd  bool
		choices        int
		said           *Fault
	}{
		{name: "delta", data: `{"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi \u4f60\ud83d\ude00\n\"x\""},"finish_reason":null}],"usage":null}`, content: "Hi 你😀\n\"x\"", choices: 1},
		{name: "reasoning", data: `{"choices":[{"delta":{"content":null,"reasoning_content":"hm","refusal":"no"}}]}`, other: "hmno", choices: 1},
		{name: "tools", data: `{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}`, other: `f{"a":1}`, choices: 1},
		{name: "function", data: `{"choices":[{"delta":{"function_call":{"name":"f","arguments":"1"}}}]}`, other: "f1", choices: 1},
		{name: "finish", data: `{"choices":[{"delta":{},"finish_reason":"length"}]}`, finish: "length", choices: 1},
		{name: "usage chunk", data: `{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`, usage: Usage{3, 4}, has: true},
		{name: "usage in choice", data: `{"choices":[{"delta":{},"usage":{"prompt_tokens":3,"completion_tokens":4}}]}`, usage: Usage{3, 4}, has: true, choices: 1},
		{name: "usage zero", data: `{"usage":{"prompt_tokens":0,"completion_tokens":0}}`, has: true},
		{name: "usage by total", data: `{"usage":{"prompt_tokens":3,"total_tokens":9}}`, usage: Usage{3, 6}, has: true},
		{name: "usage float", data: `{"usage":{"prompt_tokens":3.0,"completion_tokens":1e2}}`, usage: Usage{3, 100}, has: true},
		{name: "usage half", data: `{"usage":{"prompt_tokens":3.5}}`, bad: true},
		{name: "usage negative", data: `{"usage":{"prompt_tokens":3,"completion_tokens":-1}}`, bad: true},
		{name: "usage absurd", data: `{"usage":{"prompt_tokens":3,"completion_tokens":99999999999999999999}}`, bad: true},
		{name: "usage text", data: `{"usage":{"prompt_tokens":"3"}}`, bad: true},
		{name: "usage list", data: `{"usage":[1]}`, bad: true},
		{name: "usage without prompt", data: `{"usage":{"completion_tokens":3}}`},
		{name: "message", data: `{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"},{"message":{"content":[{"type":"text","text":"!"}]}}]}`, content: "Hi!", finish: "stop", choices: 2},
		{name: "legacy", data: `{"choices":[{"text":"Hi","finish_reason":"stop"}]}`, content: "Hi", finish: "stop", choices: 1},
		{name: "embeddings", data: `{"object":"list","data":[{"embedding":[0.1,-2e-3],"index":0}],"usage":{"prompt_tokens":5,"total_tokens":5}}`, usage: Usage{5, 0}, has: true},
		{name: "responses", data: `{"object":"response","status":"completed","error":null,"output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"so"}]},{"type":"message","content":[{"type":"output_text","text":"Hi"}]},{"type":"function_call","name":"f","arguments":"{}"}],"usage":{"input_tokens":2,"output_tokens":3,"total_tokens":5}}`, content: "Hi", other: "sof{}", finish: "completed", usage: Usage{2, 3}, has: true},
		{name: "responses delta", data: `{"type":"response.output_text.delta","delta":"Hi"}`, content: "Hi"},
		{name: "responses reasoning", data: `{"type":"response.reasoning_summary_text.delta","delta":"so"}`, other: "so"},
		{name: "responses end", data: `{"type":"response.completed","response":{"status":"completed","output":[{"content":[{"text":"Hi"}]}],"usage":{"input_tokens":2,"output_tokens":3}}}`, finish: "completed", usage: Usage{2, 3}, has: true},
		{name: "responses failed", data: `{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"oh"}}}`, said: &Fault{Message: "oh", Code: "server_error"}},
		{name: "error event", data: `{"type":"error","code":"x","message":"oh","param":null}`, said: &Fault{Message: "oh", Code: "x"}},
		{name: "error object", data: `{"error":{"message":"oh","type":"t","code":429,"param":"p"}}`, said: &Fault{Message: "oh", Type: "t", Param: "p", Status: 429}},
		{name: "error text", data: `{"error":"oh"}`, said: &Fault{Message: "oh"}},
		{name: "error null", data: `{"error":null,"choices":[]}`},
		{name: "error empty", data: `{"error":{},"choices":[]}`},
		{name: "error false", data: `{"error":false}`},
		{name: "choices null", data: `{"choices":null}`, odd: true},
		{name: "choices number", data: `{"choices":7}`, odd: true},
		{name: "choices of numbers", data: `{"choices":[7]}`, odd: true},
		{name: "wrong types", data: `{"choices":[{"delta":[1],"finish_reason":5,"text":{}}],"model":3,"type":[],"status":{},"output":"x","response":1}`, choices: 1},
		{name: "wrong content", data: `{"choices":[{"delta":{"content":5,"tool_calls":"x","function_call":[]}}]}`, choices: 1},
		{name: "lone surrogate", data: `{"choices":[{"text":"a\ud83dx\udc00"}]}`, content: "a\uFFFDx\uFFFD", choices: 1},
		{name: "escapes", data: `{"choices":[{"text":"\b\f\n\r\t\/\\\"\u00E9\u4F60é"}]}`, content: "\b\f\n\r\t/\\\"é你é", choices: 1},
		{name: "parts", data: `{"choices":[{"message":{"content":[{"type":"refusal","refusal":"no"},{"type":"image","url":"x"},7]}}]}`, other: "no", choices: 1},
		{name: "error true", data: `{"error":true}`, said: &Fault{}},
		{name: "error with text status", data: `{"error":{"status":"UNAVAILABLE","code":503,"message":["x"]}}`, said: &Fault{Status: 503}},
		{name: "detail", data: `{"error":{"detail":"oh","code":7}}`, said: &Fault{Message: "oh"}},
		{name: "empty", data: `{}`},
	} {
		t.Run(r.name, func(t *testing.T) {
			c, ok := Parse([]byte(r.data))
			if !ok {
				t.Fatal("not read")
			}
			if string(c.Content) != r.content || string(c.Other) != r.other || c.Finish != r.finish || c.Choices != r.choices {
				t.Errorf("%q %q %q %d", c.Content, c.Other, c.Finish, c.Choices)
			}
			if c.Usage != r.usage || c.HasUsage != r.has || c.BadUsage != r.bad || c.Odd != r.odd {
				t.Errorf("%+v", c)
			}
			if (c.Said == nil) != (r.said == nil) || c.Said != nil && *c.Said != *r.said {
				t.Errorf("said %+v", c.Said)
			}
			if wantEmpty := r.content+r.other+r.finish == "" && !r.has && r.said == nil; c.Empty() != wantEmpty {
				t.Errorf("empty: %v", c.Empty())
			}
		})
	}
	deep := strings.Repeat(`{"a":[`, maxDepth) + strings.Repeat(`]}`, maxDepth)
	for _, bad := range []string{
		``, ` `, `{`, `[]`, `null`, `"x"`, `1`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`,
		`{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\u12"}`, "{\"a\":\"\n\"}", `{"a":"b}`, `{} {}`, `{}x`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":1 "b":2}`, deep,
	} {
		if c, ok := Parse([]byte(bad)); ok {
			t.Errorf("%.40q was read: %+v", bad, c)
		}
	}
}

// An error object in a good answer stands for the status it would have had.
func TestFaultStatus(t *testing.T) {
	for _, r := range []struct {
		fault Fault
		want  int
	}{
		{Fault{Status: 503, Code: "invalid_api_key"}, 503},
		{Fault{Code: "429"}, 429},
		{Fault{Code: "99"}, 502},
		{Fault{Code: "insufficient_quota"}, 429},
		{Fault{Type: "rate_limit_error"}, 429},
		{Fault{Code: "Invalid_API_Key"}, 401},
		{Fault{Type: "permission_error"}, 403},
		{Fault{Code: "model_not_found", Type: "invalid_request_error"}, 404},
		{Fault{Type: "BadRequestError"}, 400},
		{Fault{Type: "server_error"}, 502},
		{Fault{}, 502},
	} {
		if got := r.fault.status(); got != r.want {
			t.Errorf("%+v: %d", r.fault, got)
		}
	}
}

func TestAppendAs(t *testing.T) {
	for data, want := range map[string]string{
		`{"id":1,"model" : "gpt\"x","choices":[{"model":"inner"}]}`:                       `{"id":1,"model" : "bot:a","choices":[{"model":"inner"}]}`,
		`{"type":"response.completed","response":{"model":"x","metadata":{"model":"y"}}}`: `{"type":"response.completed","response":{"model":"bot:a","metadata":{"model":"y"}}}`,
		`{"model":5}`: `{"model":5}`,
		`{}`:          `{}`,
	} {
		c, ok := Parse([]byte(data))
		if got := string(c.AppendAs(nil, []byte(data), []byte(`"bot:a"`))); !ok || got != want {
			t.Errorf("%s: %s", data, got)
		}
	}
}

// FuzzChunk: what is read is JSON, what is JSON is read, and nothing read is odd.
func FuzzChunk(f *testing.F) {
	for _, s := range []string{
		`{"choices":[{"delta":{"content":"Hi \ud83d\ude00"}}],"usage":{"prompt_tokens":-1}}`, `{"error":{"code":429}}`,
		`{"type":"response.failed","response":{"error":{"message":"x"}}}`, `{"choices":null}`, `{"a":[[[[{}]]]]}`, `{"a":1e400}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		c, ok := Parse(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the data was changed")
		}
		object := bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) && json.Valid(data)
		if shallow := bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) < maxDepth; ok && !object || shallow && object && !ok {
			t.Fatalf("read %v, JSON object %v: %q", ok, object, data)
		}
		if !utf8.Valid(c.Content) || !utf8.Valid(c.Other) {
			t.Fatalf("%q %q", c.Content, c.Other)
		}
		if u := c.Usage; u.Prompt < 0 || u.Completion < 0 || u.Prompt > maxTokens || u.Completion > maxTokens {
			t.Fatalf("%+v", u)
		}
		if ok && !json.Valid(c.AppendAs(nil, data, []byte(`"m"`))) {
			t.Fatalf("the model's name broke %q", data)
		}
	})
}

// readAll reads a stream from bytes, without a network.
func readAll(from io.Reader) (data []string, err error) {
	c := New(Settings{Now: time.Now, Silence: time.Minute})
	a := &Answer{client: c, wake: make(chan struct{}, 1), space: make(chan struct{}, 1)}
	a.arm(context.Background())
	a.stream = &reader{answer: a}
	go a.stream.run(io.NopCloser(from))
	defer a.Close()
	var events []Event
	for err == nil {
		events, err = a.Next(events[:0])
		for _, e := range events {
			if !json.Valid(e.Data) || !utf8.Valid(e.Data) {
				panic("an event that is no JSON: " + string(e.Data)) // a fuzzer has no t here
			}
			data = append(data, string(e.Name)+"|"+string(e.Data))
		}
	}
	return data, err
}

func TestReader(t *testing.T) {
	const x, end = `{"x":1}`, "data: [DONE]\n\n"
	for _, r := range []struct {
		name, stream string
		want         []string
		code         string
	}{
		{"one", "data: " + x + "\n\n" + end, []string{"|" + x}, ""},
		{"no space, CRLF", "data:" + x + "\r\n\r\n" + end, []string{"|" + x}, ""},
		{"single newlines", "data: " + x + "\ndata: " + x + "\n" + end, []string{"|" + x, "|" + x}, ""},
		{"named", "event: a\ndata: " + x + "\n\ndata: " + x + "\n\n" + end, []string{"a|" + x, "|" + x}, ""},
		{"two lines", "data: {\"x\":\ndata: 1}\n\n" + end, []string{"|{\"x\":\n1}"}, ""},
		{"comments and fields", "\uFEFF: hi\nid: 3\nretry: 1\nnonsense\n\ndata: " + x + "\n\n" + end, []string{"|" + x}, ""},
		{"empty data", "data:\n\ndata: \n\ndata: " + x + "\n\n" + end, []string{"|" + x}, ""},
		{"no objects", "data: null\n\ndata: []\n\ndata: 7\n\ndata: \"x\"\n\n" + end, nil, ""},
		{"bad five", strings.Repeat("data: x\n\n", 5) + "data: " + x + "\n\n" + end, []string{"|" + x}, ""},
		{"bad six", strings.Repeat("data: x\n\n", 6) + "data: " + x + "\n\n" + end, nil, "provider_malformed"},
		{"bad then done", "data: x\ndata: [DONE]\n", nil, ""},
		{"last line without end", "data: " + x + "\n\ndata: [DONE]", []string{"|" + x}, ""},
		{"finish without done", `data: {"choices":[{"finish_reason":"stop"}]}` + "\n\n", []string{`|{"choices":[{"finish_reason":"stop"}]}`}, ""},
		{"finish in the text", `data: {"choices":[{"delta":{"content":"\"finish_reason\":\"stop\""}}]}` + "\n\n", []string{`|{"choices":[{"delta":{"content":"\"finish_reason\":\"stop\""}}]}`}, "provider_unfinished"},
		{"after done", "data: [DONE]\n\ndata: " + x + "\n\n", nil, ""},
		{"invalid UTF-8", "data: {\"x\":\"\xff\"}\n\n" + end, []string{"|{\"x\":\"\uFFFD\"}"}, ""},
		{"nothing", "", nil, "provider_unfinished"},
		{"html", " \n<html>", nil, "provider_html"},
		{"json", `{"choices":[]}`, nil, "provider_not_stream"},
		{"json error", `{"error":{"message":"x","code":"invalid_api_key"}}`, nil, "provider_key_refused"},
		{"json broken", `{"choices":[`, nil, "provider_not_json"},
		{"blank", strings.Repeat(" ", 100<<10), nil, "provider_faulty"},
		{"long event", strings.Repeat("data: "+strings.Repeat("x", 1<<20)+"\n", 20), nil, "provider_long_line"},
	} {
		t.Run(r.name, func(t *testing.T) {
			for how, from := range map[string]io.Reader{
				"whole": strings.NewReader(r.stream), "bytes": iotest.OneByteReader(strings.NewReader(r.stream)),
				"data with error": iotest.DataErrReader(strings.NewReader(r.stream)),
			} {
				if how == "bytes" && len(r.stream) > 1<<20 {
					continue
				}
				got, err := readAll(from)
				if strings.Join(got, "¦") != strings.Join(r.want, "¦") {
					t.Errorf("%s: %q", how, got)
				}
				f, failed := errors.AsType[*Failure](err)
				if r.code == "" && !errors.Is(err, io.EOF) || r.code != "" && (!failed || f.Code != r.code) {
					t.Errorf("%s: %v", how, err)
				}
			}
		})
	}
	if _, err := readAll(iotest.ErrReader(errors.New("torn"))); err == nil || !strings.Contains(err.Error(), "broke") {
		t.Error(err)
	}
	if _, err := readAll(panicky{}); err == nil || !strings.Contains(err.Error(), "panic") {
		t.Error(err)
	}
}

type panicky struct{}

func (panicky) Read([]byte) (int, error) { panic("oh") }

// FuzzReader: however a stream is cut into reads, it says the same, and only
// whole objects come out.
func FuzzReader(f *testing.F) {
	f.Add([]byte("data: {\"x\":1}\n\ndata: [DONE]\n\n"), 3)
	f.Add([]byte("event: a\r\ndata: {\r\ndata: }\r\n\r\n: x\n\ndata: y\n"), 1)
	f.Add([]byte("\xef\xbb\xbf{\"error\":{\"message\":\"x\"}}"), 2)
	f.Add([]byte("\ufeff\ufeff{"), 14)
	f.Add([]byte("data: {\"choices\":[{\"finish_reason\":\"stop\"}]}"), 7)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		whole, end := readAll(bytes.NewReader(stream))
		cut, cutEnd := readAll(&portions{stream, max(1, size%64)})
		if strings.Join(whole, "¦") != strings.Join(cut, "¦") || (end == nil) != (cutEnd == nil) || end != nil && end.Error() != cutEnd.Error() {
			t.Fatalf("whole %q, %v; in pieces %q, %v", whole, end, cut, cutEnd)
		}
	})
}

// portions hands out a stream in pieces of a size.
type portions struct {
	rest []byte
	size int
}

func (s *portions) Read(b []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(s.size, len(b))], s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func BenchmarkParse(b *testing.B) {
	data := []byte(`{"id":"chatcmpl-9x8y7z","object":"chat.completion.chunk","created":1763647260,"model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" hello"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	var p parser
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := p.parse(data); !ok {
			b.Fatal("not read")
		}
	}
}
