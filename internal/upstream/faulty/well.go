package faulty

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const doneEvent = "data: [DONE]\n\n"

type object = map[string]any

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own maps come here
	}
	return string(b)
}

// words are the good answer's, cut at the caller's limit.
func (a *answer) words() []string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	words := strings.SplitAfter(a.server.reply, " ")
	for _, name := range []string{"max_tokens", "max_completion_tokens", "max_output_tokens"} {
		if limit, ok := a.asked[name].(float64); ok && limit >= 1 && int(limit) < len(words) {
			words = words[:int(limit)]
		}
	}
	return words
}

func (a *answer) good() { a.write(a.wellFormed(a.words())) }

// shape is which protocol the path asks for.
func (a *answer) shape() string {
	switch {
	case strings.HasSuffix(a.Path, "/chat/completions"):
		return "chat"
	case strings.HasSuffix(a.Path, "/completions"):
		return "legacy"
	case strings.HasSuffix(a.Path, "/embeddings"):
		return "embeddings"
	case strings.HasSuffix(a.Path, "/responses"):
		return "responses"
	}
	return "chat"
}

// counted is the usage of an answer with these words.
func (a *answer) counted(words []string) object {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	prompt, completion := 0, len(words)
	for _, name := range []string{"messages", "prompt", "input", "instructions"} {
		if said, ok := a.asked[name]; ok {
			prompt += max(1, len(strings.Fields(toJSON(said))))
		}
	}
	if a.server.fixed {
		prompt, completion = a.server.usage[0], a.server.usage[1]
	}
	switch a.shape() {
	case "responses":
		return object{"input_tokens": prompt, "output_tokens": completion, "total_tokens": prompt + completion}
	case "embeddings":
		return object{"prompt_tokens": prompt, "total_tokens": prompt}
	}
	return object{"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
}

// wellFormed is a whole good answer.
func (a *answer) wellFormed(words []string) string {
	return a.compose(words, a.counted(words))
}

func (a *answer) compose(words []string, usage object) string {
	if !a.stream {
		return a.plain(words, usage)
	}
	var b strings.Builder
	for _, w := range words {
		b.WriteString(a.chunk(w))
	}
	b.WriteString(a.ending(usage))
	return b.String()
}

// plain is the answer as one object.
func (a *answer) plain(words []string, usage object) string {
	said := strings.Join(words, "")
	o := object{"id": "faulty-1", "created": 1, "model": a.Model}
	if usage != nil {
		o["usage"] = usage
	}
	switch a.shape() {
	case "embeddings":
		o["object"], o["data"] = "list", []object{{"object": "embedding", "index": 0, "embedding": []float64{0.5, -0.5}}}
	case "responses":
		o["object"], o["status"] = "response", "completed"
		o["output"] = []object{{"type": "message", "role": "assistant", "content": []object{{"type": "output_text", "text": said}}}}
	case "legacy":
		o["object"], o["choices"] = "text_completion", []object{{"index": 0, "text": said, "finish_reason": "stop"}}
	default:
		o["object"] = "chat.completion"
		o["choices"] = []object{{"index": 0, "message": object{"role": "assistant", "content": said}, "finish_reason": "stop"}}
	}
	return toJSON(o)
}

// chunk is one word of a stream.
func (a *answer) chunk(word string) string {
	o := object{"id": "faulty-1", "created": 1, "model": a.Model}
	switch a.shape() {
	case "responses":
		o = object{"type": "response.output_text.delta", "delta": word}
		return "event: response.output_text.delta\ndata: " + toJSON(o) + "\n\n"
	case "legacy":
		o["object"], o["choices"] = "text_completion", []object{{"index": 0, "text": word, "finish_reason": nil}}
	default:
		o["object"] = "chat.completion.chunk"
		o["choices"] = []object{{"index": 0, "delta": object{"content": word}, "finish_reason": nil}}
	}
	return "data: " + toJSON(o) + "\n\n"
}

// ending is how a good stream ends. Usage comes where the caller asked for it.
func (a *answer) ending(usage object) string {
	if a.shape() == "responses" {
		o := object{"id": "faulty-1", "object": "response", "status": "completed", "model": a.Model}
		if usage != nil {
			o["usage"] = usage
		}
		return "event: response.completed\ndata: " + toJSON(object{"type": "response.completed", "response": o}) + "\n\n"
	}
	o := object{"id": "faulty-1", "created": 1, "model": a.Model, "object": "chat.completion.chunk"}
	o["choices"] = []object{{"index": 0, "delta": object{}, "finish_reason": "stop"}}
	if a.shape() == "legacy" {
		o["object"], o["choices"] = "text_completion", []object{{"index": 0, "text": "", "finish_reason": "stop"}}
	}
	end := "data: " + toJSON(o) + "\n\n"
	options, _ := a.asked["stream_options"].(map[string]any)
	if include, _ := options["include_usage"].(bool); include && usage != nil {
		o["choices"], o["usage"] = []object{}, usage
		end += "data: " + toJSON(o) + "\n\n"
	}
	return end + doneEvent
}

// withUsage is a good answer with another usage; in a stream it comes unasked.
func (a *answer) withUsage(usage object) {
	a.asked["stream_options"] = map[string]any{"include_usage": true}
	a.write(a.compose(a.words(), usage))
}

// stepped says what the test tells it to.
func (a *answer) stepped() {
	var said []string
	if a.stream {
		a.head()
		a.flush()
	}
	for {
		select {
		case <-a.r.Context().Done():
			a.left = true
			return
		case <-a.server.done:
			return
		case s := <-a.steps:
			switch {
			case !s.last && a.stream:
				a.write(a.chunk(s.word))
				said = append(said, s.word)
			case !s.last:
				said = append(said, s.word)
			case a.stream:
				a.write(a.ending(a.counted(said)))
			default:
				a.write(a.plain(said, a.counted(said)))
			}
			close(s.done)
			if s.last {
				return
			}
		}
	}
}

func (a *answer) list() {
	a.server.mu.Lock()
	models := a.server.models
	a.server.mu.Unlock()
	list := make([]object, len(models))
	for i, m := range models {
		list[i] = object{"id": m, "object": "model", "owned_by": "faulty"}
	}
	a.w.Header().Set("Content-Type", "application/json")
	a.w.WriteHeader(http.StatusOK)
	a.write(fmt.Sprintf(`{"object":"list","data":%s}`, toJSON(list)))
}
