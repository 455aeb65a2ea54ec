package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
)

func (m *model) respond(w http.ResponseWriter, r *http.Request) {
	var a struct {
		Model        string          `json:"model"`
		Input        json.RawMessage `json:"input"`
		Instructions string          `json:"instructions"`
		Stream       bool            `json:"stream"`
		Max          *int            `json:"max_output_tokens"`
	}
	if !read(w, r, &a, &a.Model, Model) {
		return
	}
	if a.Max != nil && *a.Max < 1 {
		refuse(w, http.StatusBadRequest, "invalid_value", "max_output_tokens", fmt.Sprintf("max_output_tokens must be at least 1; it was %d.", *a.Max))
		return
	}
	messages := conversation(a.Input)
	if len(messages) == 0 {
		refuse(w, http.StatusBadRequest, "missing_input", "input", "The body holds no input.")
		return
	}
	s := say(lastQuestion(messages), count(a.Instructions)+countMessages(messages), a.Max)
	answer := &response{id: newID("resp_demo_"), item: newID("msg_demo_"), created: m.created(), said: s}
	if a.Stream {
		m.streamResponse(w, r, answer)
		return
	}
	send(w, http.StatusOK, answer.object(true))
}

// conversation reads an input: a text, or a list of messages.
func conversation(input json.RawMessage) []message {
	var list []message
	if json.Unmarshal(input, &list) == nil {
		return list
	}
	if text(input) == "" {
		return nil
	}
	return []message{{"user", input}}
}

type response struct {
	id, item string
	created  int64
	said     said
}

func (a *response) status() string {
	if a.said.finish == "length" {
		return "incomplete"
	}
	return "completed"
}

func (a *response) object(ended bool) object {
	o := object{
		"id": a.id, "object": "response", "created_at": a.created, "model": Model, "status": "in_progress",
		"error": nil, "incomplete_details": nil, "output": []object{}, "usage": nil,
	}
	if !ended {
		return o
	}
	o["status"], o["output"] = a.status(), []object{a.message(a.status(), true)}
	if a.said.finish == "length" {
		o["incomplete_details"] = object{"reason": "max_output_tokens"}
	}
	o["usage"] = object{
		"input_tokens": a.said.prompt, "output_tokens": a.said.completion,
		"total_tokens": a.said.prompt + a.said.completion,
	}
	return o
}

func (a *response) message(status string, full bool) object {
	content := []object{}
	if full {
		content = append(content, a.part(a.said.text()))
	}
	return object{"id": a.item, "type": "message", "role": "assistant", "status": status, "content": content}
}

func (a *response) part(text string) object {
	return object{"type": "output_text", "text": text, "annotations": []object{}}
}

func (m *model) streamResponse(w http.ResponseWriter, r *http.Request, a *response) {
	out, sequence := begin(w), 0
	put := func(kind string, o object) bool {
		o["type"], o["sequence_number"] = kind, sequence
		sequence++
		return out.put(kind, o)
	}
	at := func(o object) object {
		o["output_index"] = 0
		return o
	}
	inPart := func(o object) object {
		o["item_id"], o["content_index"] = a.item, 0
		return at(o)
	}
	if !put("response.created", object{"response": a.object(false)}) ||
		!put("response.in_progress", object{"response": a.object(false)}) ||
		!put("response.output_item.added", at(object{"item": a.message("in_progress", false)})) ||
		!put("response.content_part.added", inPart(object{"part": a.part("")})) {
		return
	}
	for _, word := range a.said.words {
		if !m.wait(r.Context()) || !put("response.output_text.delta", inPart(object{"delta": word})) {
			return
		}
	}
	_ = put("response.output_text.done", inPart(object{"text": a.said.text()})) &&
		put("response.content_part.done", inPart(object{"part": a.part(a.said.text())})) &&
		put("response.output_item.done", at(object{"item": a.message(a.status(), true)})) &&
		put("response."+a.status(), object{"response": a.object(true)})
}
