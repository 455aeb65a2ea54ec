package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func call(t *testing.T, method, path, body string) (int, http.Header, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h := Handler(Options{Now: func() time.Time { return time.Unix(1763647260, 0) }})
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Header(), w.Body.String()
}

type answered struct {
	Object  string
	Model   string
	Created int64
	Choices []struct {
		Message, Delta struct{ Role, Content string }
		Text           string
		Finish         string `json:"finish_reason"`
	}
	Usage *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
	}
}

func decode[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// payloads are the events of a stream; it must end in [DONE].
func payloads(t *testing.T, body string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(body) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			all = append(all, strings.TrimSpace(data))
		}
	}
	if len(all) == 0 || all[len(all)-1] != "[DONE]" {
		t.Fatalf("no end: %s", body)
	}
	return all[:len(all)-1]
}

func chatBody(question, more string) string {
	q, err := json.Marshal(question)
	if err != nil {
		panic(err)
	}
	return `{"model":"demo","messages":[{"role":"system","content":"Be kind"},{"role":"user","content":` + string(q) + `}]` + more + `}`
}

func TestEveryAnswerIsHonest(t *testing.T) {
	for question, mention := range map[string]string{
		"What can you do?": "word by word", "How often is a webhook retried?": "webhook", "Change the invoice address": "invoice",
		"Who can see my keys?": "encrypted", "Is it raining?": "Is it raining?", "": "You asked", "```\n# x": "'''",
		"你能做什么？": "逐字输出", "回调失败会重试吗": "重试", "发票地址怎么改": "发票", "谁能看到密钥": "加密", "今天下雨吗": "今天下雨吗",
	} {
		status, _, body := call(t, "POST", "/v1/chat/completions", chatBody(question, ""))
		a := decode[answered](t, body)
		if status != 200 || len(a.Choices) != 1 || a.Choices[0].Finish != "stop" || a.Object != "chat.completion" || a.Created != 1763647260 {
			t.Fatalf("%d %s", status, body)
		}
		text := a.Choices[0].Message.Content
		first := "This is a demo."
		if strings.ContainsFunc(question, isHan) {
			first = "这是演示。"
		}
		if line, _, _ := strings.Cut(text, "\n"); line != first {
			t.Errorf("%q begins %q", question, line)
		}
		if !strings.Contains(text, mention) || strings.Count(text, "```") != 2 || !strings.Contains(text, "\n- ") && !strings.Contains(text, "\n1. ") {
			t.Errorf("%q is answered %q", question, text)
		}
		if u := a.Usage; u == nil || u.Completion != count(text) || u.Prompt != 2+count(question) || u.Total != u.Prompt+u.Completion {
			t.Errorf("usage %+v", u)
		}
	}
}

func TestStreamSaysTheSame(t *testing.T) {
	for _, path := range []string{"/v1/chat/completions", "/v1/completions"} {
		for _, limit := range []string{"", `,"max_tokens":5`, `,"max_completion_tokens":5,"max_tokens":50`} {
			body := strings.Replace(chatBody("谁能看到 keys?", limit), `"messages"`, `"prompt":"谁能看到 keys?","messages"`, 1)
			_, _, whole := call(t, "POST", path, body)
			want := decode[answered](t, whole)
			status, head, stream := call(t, "POST", path, strings.TrimSuffix(body, "}")+`,"stream":true,"stream_options":{"include_usage":true}}`)
			if status != 200 || head.Get("Content-Type") != "text/event-stream" {
				t.Fatalf("%d %v", status, head)
			}
			text, finish := "", ""
			all := payloads(t, stream)
			for _, e := range all {
				a := decode[answered](t, e)
				for _, c := range a.Choices {
					text += c.Delta.Content + c.Text
					finish += c.Finish
				}
			}
			last := decode[answered](t, all[len(all)-1])
			if text != want.Choices[0].Message.Content+want.Choices[0].Text || finish != want.Choices[0].Finish || text == "" {
				t.Errorf("%q, %s; whole %s", text, finish, whole)
			}
			if len(last.Choices) != 0 || last.Usage == nil || *last.Usage != *want.Usage {
				t.Errorf("usage %+v, whole %+v", last.Usage, want.Usage)
			}
			if limit != "" && (finish != "length" || last.Usage.Completion != 5) {
				t.Errorf("limit 5: %s, %+v", finish, last.Usage)
			}
			_, _, plain := call(t, "POST", path, strings.TrimSuffix(body, "}")+`,"stream":true}`)
			if strings.Contains(plain, "usage") {
				t.Error("usage came unasked")
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, r := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/v1/chat/completions", "{", 400, "invalid_json"},
		{"POST", "/v1/chat/completions", "{} {}", 400, "invalid_json"},
		{"POST", "/v1/chat/completions", "{}", 400, "missing_model"},
		{"POST", "/v1/chat/completions", `{"model":"gpt"}`, 404, "model_not_found"},
		{"POST", "/v1/chat/completions", `{"model":"demo-embedding"}`, 400, "wrong_model"},
		{"POST", "/v1/chat/completions", `{"model":"demo","messages":[]}`, 400, "missing_messages"},
		{"POST", "/v1/chat/completions", chatBody("x", `,"max_tokens":0`), 400, "invalid_value"},
		{"POST", "/v1/chat/completions", chatBody("x", `,"n":2`), 400, "invalid_value"},
		{"POST", "/v1/chat/completions", chatBody("x", `,"max_tokens":"5"`), 400, "invalid_json"},
		{"POST", "/v1/completions", `{"model":"demo","prompt":["a","b"]}`, 400, "invalid_value"},
		{"POST", "/v1/embeddings", `{"model":"demo","input":"x"}`, 400, "wrong_model"},
		{"POST", "/v1/embeddings", `{"model":"demo-embedding","input":""}`, 400, "invalid_value"},
		{"POST", "/v1/embeddings", `{"model":"demo-embedding","input":"x","dimensions":9999}`, 400, "invalid_value"},
		{"POST", "/v1/responses", `{"model":"demo"}`, 400, "missing_input"},
		{"POST", "/v1/responses", `{"model":"demo","input":"x","max_output_tokens":-1}`, 400, "invalid_value"},
		{"GET", "/v1/models/gpt", "", 404, "model_not_found"},
		{"GET", "/v1/files", "", 404, "not_found"},
	} {
		status, head, body := call(t, r.method, r.path, r.body)
		e := decode[struct {
			Error struct{ Message, Type, Code string }
		}](t, body).Error
		if status != r.status || e.Code != r.code || e.Message == "" || e.Type == "" || head.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s", r.path, r.body, status, body)
		}
	}
}

func TestParts(t *testing.T) {
	_, _, body := call(t, "POST", "/v1/chat/completions",
		`{"model":"demo","messages":[{"role":"user","content":[{"type":"text","text":"Is this"},{"type":"image_url","image_url":{}},{"type":"text","text":"read?"}]},{"role":"assistant","content":null}]}`)
	if !strings.Contains(body, "Is this read?") {
		t.Error(body)
	}
}

// TestPace: words come one by one, and a caller who leaves ends the answer.
func TestPace(t *testing.T) {
	long := strings.Repeat("a ", 100) // is said again: ten seconds more, in which nobody is late
	for _, path := range []string{"/v1/chat/completions", "/v1/responses"} {
		ended := make(chan struct{})
		h := Handler(Options{Pace: 100 * time.Millisecond})
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			h.ServeHTTP(w, r)
		}))
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "POST", web.URL+path, strings.NewReader(strings.TrimSuffix(chatBody(long, `,"input":"`+long+`"`), "}")+`,"stream":true}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		for range 9 {
			if !lines.Scan() {
				t.Fatal(lines.Err())
			}
		}
		cancel()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("the answer goes on")
		}
		if rest, err := io.ReadAll(resp.Body); err == nil || strings.Contains(string(rest), "[DONE]") {
			t.Errorf("%v %q", err, rest)
		}
		resp.Body.Close()
		web.Close()
	}
}

func FuzzPieces(f *testing.F) {
	f.Add("Hello  world\n这是演示。 ok")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "")
		p := pieces(text)
		if strings.Join(p, "") != text {
			t.Errorf("%q became %q", text, p)
		}
		if again := strings.Fields(text); len(p) < len(again) {
			t.Errorf("%d pieces for %d words", len(p), len(again))
		}
	})
}

func TestCount(t *testing.T) {
	for text, want := range map[string]int{"": 0, " \n": 0, "one": 1, "one two\nthree ": 3, "你好": 2, "你好 world": 3, "a你b": 3, " lead": 1} {
		if got := count(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
