package upstream

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Most providers speak HTTP/2, where a call is one stream of a shared
// connection: the promises are the same.
func TestHTTP2(t *testing.T) {
	gone := make(chan struct{}, 8)
	const word = `data: {"choices":[{"delta":{"content":"x"}}]}` + "\n\n"
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("asked over %s", r.Proto)
		}
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		say := func(s string) { io.WriteString(w, s); http.NewResponseController(w).Flush() }
		switch call := r.URL.Path; call {
		case "/v1/good":
			say(word + "data: [DONE]\n\n")
		case "/v1/reset":
			say(word)
			panic(http.ErrAbortHandler)
		case "/v1/abort":
			panic(http.ErrAbortHandler)
		case "/v1/silent":
			say(word)
			<-r.Context().Done()
			gone <- struct{}{}
		case "/v1/headers":
			for i := range 200 {
				w.Header().Set("X-"+strings.Repeat("a", i+1), strings.Repeat("y", 1000))
			}
			say(word)
		}
	}))
	web.EnableHTTP2 = true
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	c := New(Settings{Now: time.Now, PrivateHosts: func() []string { return []string{web.Listener.Addr().String()} }})
	defer c.Close()
	c.wire.TLSClientConfig = web.Client().Transport.(*http.Transport).TLSClientConfig.Clone()

	for range 3 {
		for call, want := range map[string]string{
			"/good": "", "/reset": "provider_reset", "/abort": "provider_broke", "/headers": "provider_headers",
		} {
			a, err := c.Ask(t.Context(), Endpoint{BaseURL: web.URL}, Question{Path: call, Body: []byte("{}"), Stream: true})
			if err == nil {
				for err == nil {
					_, err = a.Next(nil)
				}
				a.Close()
			}
			f, failed := errors.AsType[*Failure](err)
			if want == "" && !errors.Is(err, io.EOF) || want != "" && (!failed || f.Code != want) {
				t.Errorf("%s: %v", call, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		a, err := c.Ask(ctx, Endpoint{BaseURL: web.URL}, Question{Path: "/silent", Body: []byte("{}"), Stream: true})
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		select {
		case <-gone:
		case <-time.After(time.Minute):
			t.Fatal("the provider was not told")
		}
		cancel()
	}
}
