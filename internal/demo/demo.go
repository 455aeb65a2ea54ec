// Package demo is the built-in model: an http.Handler that speaks the OpenAI
// protocol and answers from prepared texts, so that Latchkey can be tried before
// a provider is connected.
//
// It promises to be honest: the first line of every answer says that it is a
// demo, in the language of the question. It streams word by word, stops when its
// caller has gone, counts words (and each Chinese character) as tokens, honours
// max_tokens, and answers the same question in the same words. It keeps nothing
// and asks nobody.
//
// It refuses, in the protocol's own error shape, models it has not got, bodies
// that are no JSON and more than one answer at a time.
//
// Start with Handler; answers.go has the texts, chat.go the streams.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The models there are.
const (
	Model     = "demo"
	Embedding = "demo-embedding"
)

const maxBody = 32 << 20

// Options of the model. The zero value answers at once and tells no time.
type Options struct {
	Pace time.Duration    // between two words of a stream
	Now  func() time.Time // for the "created" fields; nil leaves them 0
}

type model struct{ options Options }

// Handler serves /v1/models, chat/completions, completions, embeddings and
// responses.
func Handler(o Options) http.Handler {
	m := &model{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", m.models)
	mux.HandleFunc("GET /v1/models/{model}", m.oneModel)
	mux.HandleFunc("POST /v1/chat/completions", m.chat)
	mux.HandleFunc("POST /v1/completions", m.complete)
	mux.HandleFunc("POST /v1/embeddings", m.embed)
	mux.HandleFunc("POST /v1/responses", m.respond)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "not_found", "", fmt.Sprintf("The demo model has no %s %s.", r.Method, r.URL.Path))
	})
	return mux
}

type object map[string]any

func (m *model) created() int64 {
	if m.options.Now == nil {
		return 0
	}
	return m.options.Now().Unix()
}

// wait lets a little time pass before the next word; false means that the
// caller has gone.
func (m *model) wait(ctx context.Context) bool {
	if m.options.Pace <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(m.options.Pace)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (m *model) models(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, object{"object": "list", "data": []object{m.card(Model), m.card(Embedding)}})
}

func (m *model) oneModel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("model")
	if name != Model && name != Embedding {
		refuseModel(w, name)
		return
	}
	send(w, http.StatusOK, m.card(name))
}

func (m *model) card(name string) object {
	return object{"id": name, "object": "model", "created": m.created(), "owned_by": "latchkey-demo"}
}

func send(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the caller may have gone; nothing is left to do then
}

func refuse(w http.ResponseWriter, status int, code, param, text string) {
	at := any(param)
	if param == "" {
		at = nil
	}
	send(w, status, object{"error": object{"message": text, "type": "invalid_request_error", "param": at, "code": code}})
}

func refuseModel(w http.ResponseWriter, name string) {
	refuse(w, http.StatusNotFound, "model_not_found", "model",
		fmt.Sprintf("The model %q does not exist here: there are %q and %q.", name, Model, Embedding))
}

// read decodes a body and judges its model; false means that it was refused.
func read(w http.ResponseWriter, r *http.Request, into any, name *string, want string) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something after the object")
		}
	}
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "invalid_json", "", "The body is not the JSON object that is wanted here: "+err.Error())
	case *name == "":
		refuse(w, http.StatusBadRequest, "missing_model", "model", "The body names no model.")
	case *name != Model && *name != Embedding:
		refuseModel(w, *name)
	case *name != want:
		refuse(w, http.StatusBadRequest, "wrong_model", "model", fmt.Sprintf("The model %q cannot do this: use %q.", *name, want))
	default:
		return true
	}
	return false
}

func newID(prefix string) string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return prefix + hex.EncodeToString(b[:])
}
