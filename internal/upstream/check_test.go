package upstream_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/demo"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

func TestModels(t *testing.T) {
	s := faulty.Start(t)
	s.List("zeta", "alpha", "alpha", "bad\nname", "")
	c := client(t, s)
	ep := upstream.Endpoint{BaseURL: s.URL, Key: "k-2"}
	got, err := c.Models(t.Context(), ep)
	if err != nil || !slices.Equal(got, []string{"alpha", "zeta"}) {
		t.Errorf("%v, %v", got, err)
	}
	if call := s.Call(0); call.Method != "GET" || call.Path != "/v1/models" || call.Header.Get("Authorization") != "Bearer k-2" {
		t.Errorf("%+v", call)
	}
	for fault, code := range map[faulty.Fault]string{
		faulty.HTML: "provider_html", faulty.NotJSON: "provider_not_json", faulty.Status(401): "provider_key_refused",
		faulty.Status(404): "provider_rejected", faulty.SlowFirst: "provider_first_byte", faulty.Reset: "provider_reset",
		faulty.Huge: "provider_too_large", faulty.ErrorObject: "provider_limited", faulty.GzipBomb: "provider_compressed",
	} {
		s.Script(fault)
		c := c
		if fault == faulty.SlowFirst {
			c = waiting(t, s, 100*time.Millisecond)
		}
		if _, err := c.Models(t.Context(), ep); failure(t, err).Code != code {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

func TestTest(t *testing.T) {
	s := faulty.Start(t)
	c := client(t, s)
	ep := upstream.Endpoint{BaseURL: s.URL}

	check, err := c.Test(t.Context(), ep, "good")
	if err != nil || !check.Listed || check.Sample == "" || check.FirstByte <= 0 || check.Model != "good" {
		t.Errorf("%+v, %v", check, err)
	}
	if check, err = c.Test(t.Context(), ep, ""); err != nil || len(check.Models) != 2 || check.Sample != "" {
		t.Errorf("%+v, %v", check, err)
	}
	if check, err = c.Test(t.Context(), ep, "good-embedding"); err != nil || !check.Listed {
		t.Errorf("%+v, %v", check, err)
	}
	if last := s.Call(s.Started() - 1); last.Path != "/v1/embeddings" {
		t.Errorf("the embedding model was asked at %s", last.Path)
	}
	s.Script(faulty.Status(404)) // no list of models
	if check, err = c.Test(t.Context(), ep, "unlisted"); err != nil || check.Listed || check.Models != nil || check.Sample == "" {
		t.Errorf("%+v, %v", check, err)
	}
	before := s.Started()
	s.Script("", faulty.Silent)
	if _, err = c.Test(t.Context(), ep, "good"); err != nil {
		t.Error(err)
	}
	s.Call(before + 1).WaitGone() // the trial is stopped at its first word
	for fault, code := range map[faulty.Fault]string{
		faulty.Status(401): "provider_key_refused", faulty.HTML: "provider_html", faulty.Status(400): "provider_rejected",
	} {
		if _, err = c.Test(t.Context(), ep, string(fault)); failure(t, err).Code != code {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

// TestNoPath: a 404 that is no answer of an API says what is probably wrong.
func TestNoPath(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	c := upstream.New(upstream.Settings{Now: time.Now, PrivateHosts: func() []string { return []string{web.Listener.Addr().String()} }})
	defer c.Close()
	_, err := c.Test(t.Context(), upstream.Endpoint{BaseURL: web.URL}, "m")
	if f := failure(t, err); f.Code != "provider_no_path" || f.Status != 404 || f.Retry {
		t.Errorf("%+v", f)
	}
}

func demoClient(t testing.TB, pace time.Duration) *upstream.Client {
	t.Helper()
	c := upstream.New(upstream.Settings{Demo: demo.Handler(demo.Options{Pace: pace, Now: time.Now}), Now: time.Now})
	t.Cleanup(c.Close)
	return c
}

func TestDemo(t *testing.T) {
	noLeak(t)
	c := demoClient(t, 0)
	ep := upstream.Endpoint{BaseURL: upstream.DemoURL}
	check, err := c.Test(t.Context(), ep, demo.Model)
	if err != nil || !check.Listed || !slices.Equal(check.Models, []string{demo.Model, demo.Embedding}) {
		t.Errorf("%+v, %v", check, err)
	}
	for _, stream := range []bool{false, true} {
		o := ask(t, c, ep, question(t, demo.Model, stream))
		if o.err != nil || !strings.HasPrefix(o.text, "This is a demo.\n") || o.chunk.Finish != "stop" {
			t.Errorf("%+v", o)
		}
	}
	if o := ask(t, c, ep, question(t, "other", true)); failure(t, o.err).Status != 404 {
		t.Error(o.err)
	}
}

// TestDemoHangUp: closing an answer of the demo ends its handler.
func TestDemoHangUp(t *testing.T) {
	noLeak(t)
	ended := make(chan error, 1)
	inner := demo.Handler(demo.Options{Pace: time.Hour})
	c := upstream.New(upstream.Settings{Now: time.Now, Demo: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		ended <- r.Context().Err()
	})})
	a, err := c.Ask(t.Context(), upstream.Endpoint{BaseURL: upstream.DemoURL}, question(t, demo.Model, true))
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the handler ended by itself")
		}
	case <-time.After(patience):
		t.Error("the handler goes on")
	}
}

// TestDemoHandlers: a handler in memory can fail as one on the network can.
func TestDemoHandlers(t *testing.T) {
	noLeak(t)
	for name, r := range map[string]struct {
		handler func(http.ResponseWriter, *http.Request)
		code    string
	}{
		"panics":     {func(http.ResponseWriter, *http.Request) { panic("oh") }, "provider_broke"},
		"aborts":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "provider_broke"},
		"nothing":    {func(http.ResponseWriter, *http.Request) {}, "provider_unfinished"},
		"panics mid": {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(":\n")); panic("oh") }, "provider_reset"},
		"waits":      {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "provider_first_byte"},
	} {
		s := upstream.Settings{Now: time.Now, Demo: http.HandlerFunc(r.handler)}
		if name == "waits" {
			s.FirstByte = 50 * time.Millisecond
		}
		c := upstream.New(s)
		o := ask(t, c, upstream.Endpoint{BaseURL: upstream.DemoURL}, question(t, "m", true))
		if f := failure(t, o.err); f.Code != r.code {
			t.Errorf("%s: %+v", name, f)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := demoClient(t, 0).Ask(ctx, upstream.Endpoint{BaseURL: upstream.DemoURL}, question(t, demo.Model, false))
	if err == nil {
		t.Error("a call whose caller has left was answered")
	}
}
