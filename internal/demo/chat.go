package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

type asking struct {
	Model     string          `json:"model"`
	Messages  []message       `json:"messages"`
	Prompt    json.RawMessage `json:"prompt"`
	Stream    bool            `json:"stream"`
	N         *int            `json:"n"`
	Max       *int            `json:"max_tokens"`
	MaxNew    *int            `json:"max_completion_tokens"`
	StreamOpt struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// text is a content's text: a string, or parts of which some are text.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var parts []struct{ Text string }
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	var all []string
	for _, p := range parts {
		if p.Text != "" {
			all = append(all, p.Text)
		}
	}
	return strings.Join(all, "\n")
}

// said is an answer cut to what the caller wants of it.
type said struct {
	words              []string
	finish             string
	prompt, completion int
}

func say(question string, prompt int, limit *int) said {
	s := said{words: pieces(answer(question)), finish: "stop", prompt: prompt}
	if limit != nil && *limit < len(s.words) {
		s.words, s.finish = s.words[:*limit], "length"
	}
	s.completion = len(s.words)
	return s
}

func (s said) text() string { return strings.Join(s.words, "") }

func (s said) usage() object {
	return object{"prompt_tokens": s.prompt, "completion_tokens": s.completion, "total_tokens": s.prompt + s.completion}
}

// limit judges the limits of a call; false means that it was refused.
func (a *asking) limit(w http.ResponseWriter) (*int, bool) {
	limit, param := a.Max, "max_tokens"
	if a.MaxNew != nil {
		limit, param = a.MaxNew, "max_completion_tokens"
	}
	if limit != nil && *limit < 1 {
		refuse(w, http.StatusBadRequest, "invalid_value", param, fmt.Sprintf("%s must be at least 1; it was %d.", param, *limit))
		return nil, false
	}
	if a.N != nil && *a.N != 1 {
		refuse(w, http.StatusBadRequest, "invalid_value", "n", fmt.Sprintf("The demo model gives one answer at a time: n must be 1; it was %d.", *a.N))
		return nil, false
	}
	return limit, true
}

func (m *model) chat(w http.ResponseWriter, r *http.Request) {
	var a asking
	if !read(w, r, &a, &a.Model, Model) {
		return
	}
	limit, ok := a.limit(w)
	if !ok {
		return
	}
	if len(a.Messages) == 0 {
		refuse(w, http.StatusBadRequest, "missing_messages", "messages", "The body holds no messages.")
		return
	}
	s := say(lastQuestion(a.Messages), countMessages(a.Messages), limit)
	head := object{"id": newID("chatcmpl-demo-"), "created": m.created(), "model": Model}
	if !a.Stream {
		head["object"], head["usage"] = "chat.completion", s.usage()
		head["choices"] = []object{{
			"index": 0, "finish_reason": s.finish, "logprobs": nil,
			"message": object{"role": "assistant", "content": s.text(), "refusal": nil},
		}}
		send(w, http.StatusOK, head)
		return
	}
	head["object"] = "chat.completion.chunk"
	m.stream(w, r, head, s, a.StreamOpt.Usage, func(word string) object {
		return object{"index": 0, "delta": object{"content": word}, "finish_reason": nil}
	})
}

func (m *model) complete(w http.ResponseWriter, r *http.Request) {
	var a asking
	if !read(w, r, &a, &a.Model, Model) {
		return
	}
	limit, ok := a.limit(w)
	if !ok {
		return
	}
	prompts, ok := inputs(a.Prompt)
	if !ok || len(prompts) != 1 {
		refuse(w, http.StatusBadRequest, "invalid_value", "prompt", "The prompt must be one text.")
		return
	}
	s := say(prompts[0], count(prompts[0]), limit)
	head := object{"id": newID("cmpl-demo-"), "object": "text_completion", "created": m.created(), "model": Model}
	if !a.Stream {
		head["usage"] = s.usage()
		head["choices"] = []object{{"index": 0, "text": s.text(), "finish_reason": s.finish, "logprobs": nil}}
		send(w, http.StatusOK, head)
		return
	}
	m.stream(w, r, head, s, a.StreamOpt.Usage, func(word string) object {
		return object{"index": 0, "text": word, "finish_reason": nil, "logprobs": nil}
	})
}

// lastQuestion is the text of the last message of the user.
func lastQuestion(all []message) string {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Role == "user" {
			return text(all[i].Content)
		}
	}
	return text(all[len(all)-1].Content)
}

func countMessages(all []message) int {
	n := 0
	for _, one := range all {
		n += count(text(one.Content))
	}
	return n
}

// events writes server-sent events, each sent at once.
type events struct {
	w    http.ResponseWriter
	ctrl *http.ResponseController
}

func begin(w http.ResponseWriter) *events {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return &events{w, http.NewResponseController(w)}
}

// put sends one event; false means that the caller has gone.
func (e *events) put(name string, data any) bool {
	b, ok := data.([]byte)
	if !ok {
		var err error
		if b, err = json.Marshal(data); err != nil {
			return false
		}
	}
	line := "data: " + string(b) + "\n\n"
	if name != "" {
		line = "event: " + name + "\n" + line
	}
	_, err := e.w.Write([]byte(line))
	return err == nil && e.ctrl.Flush() == nil
}

// stream sends an answer word by word, as chunks that share head.
func (m *model) stream(w http.ResponseWriter, r *http.Request, head object, s said, usage bool, choice func(string) object) {
	out := begin(w)
	chunk := func(choices ...object) bool {
		head["choices"] = choices
		return out.put("", head)
	}
	if usage {
		head["usage"] = nil
	}
	if head["object"] == "chat.completion.chunk" &&
		!chunk(object{"index": 0, "delta": object{"role": "assistant", "content": ""}, "finish_reason": nil}) {
		return
	}
	for _, word := range s.words {
		if !m.wait(r.Context()) || !chunk(choice(word)) {
			return
		}
	}
	last := choice("")
	if _, is := last["delta"]; is {
		last["delta"] = object{}
	}
	last["finish_reason"] = s.finish
	if !chunk(last) {
		return
	}
	if usage {
		head["usage"] = s.usage()
		if !chunk([]object{}...) {
			return
		}
	}
	out.put("", []byte("[DONE]"))
}
