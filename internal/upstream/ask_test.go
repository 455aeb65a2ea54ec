package upstream_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

// TestWhatGoesUp: the listed headers, the body, and nothing else.
func TestWhatGoesUp(t *testing.T) {
	s := faulty.Start(t)
	c := client(t, s)
	q := question(t, "good", false)
	for _, base := range []string{s.URL, s.URL + "/", s.URL + "/v1", s.URL + "/v1/"} {
		if o := ask(t, c, upstream.Endpoint{BaseURL: base, Key: "k-1"}, q); o.err != nil {
			t.Fatal(o.err)
		}
	}
	for _, call := range s.Calls() {
		if call.Path != "/v1/chat/completions" || string(call.Body) != string(q.Body) {
			t.Errorf("%s %s", call.Path, call.Body)
		}
		var names []string
		for name := range call.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		if want := []string{"Accept", "Authorization", "Content-Length", "Content-Type", "User-Agent"}; !slices.Equal(names, want) {
			t.Errorf("headers %v", names)
		}
		if call.Header.Get("Authorization") != "Bearer k-1" || call.Header.Get("User-Agent") != "latchkey" {
			t.Errorf("headers %v", call.Header)
		}
	}
	if o := ask(t, c, upstream.Endpoint{BaseURL: s.URL}, question(t, "redirect", false)); failure(t, o.err).Code != "provider_redirects" {
		t.Error(o.err)
	}
	if n := s.Started(); n != 5 {
		t.Errorf("%d calls: the redirect was followed", n)
	}
	last := s.Call(4)
	if _, ok := last.Header["Authorization"]; ok {
		t.Error("a key was sent where there is none")
	}
}

// TestNothingReached: faults before there is a connection.
func TestNothingReached(t *testing.T) {
	s := faulty.Start(t)
	private := s.Private()
	var mu sync.Mutex
	refused, refusedAddress := faulty.Refused(t)
	tlsServer := httptest.NewUnstartedServer(http.NotFoundHandler())
	tlsServer.Config.ErrorLog = log.New(io.Discard, "", 0) // it is refused on purpose
	tlsServer.StartTLS()
	defer tlsServer.Close()
	c := upstream.New(upstream.Settings{Now: time.Now, PrivateHosts: func() []string {
		mu.Lock()
		defer mu.Unlock()
		return private
	}})
	defer c.Close()
	list := func(more ...string) {
		mu.Lock()
		defer mu.Unlock()
		private = more
	}
	for _, r := range []struct {
		name, base, key, listed, code string
		retry, pause                  bool
	}{
		{"refused", refused, "", refusedAddress, "provider_unreachable", true, false},
		{"unknown authority", tlsServer.URL, "", tlsServer.Listener.Addr().String(), "provider_tls", true, false},
		{"http for https", strings.Replace(s.URL, "http:", "https:", 1), "", s.Address(), "provider_tls", true, false},
		{"not listed", s.URL, "", "", "provider_not_allowed", true, false},
		{"not listed, https", strings.Replace(s.URL, "http:", "https:", 1), "", "", "provider_not_allowed", true, false},
		{"metadata", "http://169.254.169.254", "", "169.254.169.254:80", "provider_metadata", true, false},
		{"metadata in a network", "http://169.254.169.254", "", "169.254.0.0/16", "provider_metadata", true, false},
		{"not an address", "ftp://x", "", "", "provider_address", true, false},
		{"plain http", "http://api.acme.example", "", "", "provider_address", true, false},
		{"demo", "demo:", "", "", "provider_demo_off", true, false},
		{"key", s.URL, "a\r\nX-Evil: 1", s.Address(), "provider_key_malformed", false, true},
	} {
		t.Run(r.name, func(t *testing.T) {
			list(r.listed)
			before := s.Started()
			for _, stream := range []bool{false, true} {
				_, err := c.Ask(t.Context(), upstream.Endpoint{BaseURL: r.base, Key: r.key}, question(t, "good", stream))
				f := failure(t, err)
				if f.Code != r.code || f.Status != 502 || f.Retry != r.retry || f.PauseProvider != r.pause || f.Started {
					t.Errorf("%+v", f)
				}
				if strings.Contains(f.Text, "127.0.0.1") || strings.Contains(f.Text, "acme") {
					t.Errorf("the text names the host: %s", f.Text)
				}
			}
			if s.Started() != before {
				t.Error("the provider was called")
			}
		})
	}
}

// TestUnlisted: taking a host off the list ends its use, whatever connection is
// still open.
func TestUnlisted(t *testing.T) {
	s := faulty.Start(t)
	private := s.Private()
	var mu sync.Mutex
	c := upstream.New(upstream.Settings{Now: time.Now, PrivateHosts: func() []string {
		mu.Lock()
		defer mu.Unlock()
		return private
	}})
	defer c.Close()
	ep := upstream.Endpoint{BaseURL: s.URL}
	if o := ask(t, c, ep, question(t, "good", false)); o.err != nil {
		t.Fatal(o.err)
	}
	mu.Lock()
	private = nil
	mu.Unlock()
	if o := ask(t, c, ep, question(t, "good", false)); failure(t, o.err).Code != "provider_not_allowed" {
		t.Error(o.err)
	}
}

// TestNoMixing: streams that are left in the middle never leave a byte to others.
func TestNoMixing(t *testing.T) {
	noLeak(t)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mark := string(body)
		for range 50 {
			if _, err := io.WriteString(w, `data: {"choices":[{"delta":{"content":"`+mark+"\"}}]}\n\n"); err != nil {
				return
			}
		}
		io.WriteString(w, "data: [DONE]\n\n")
	}))
	defer web.Close()
	c := upstream.New(upstream.Settings{Now: time.Now, PrivateHosts: func() []string { return []string{web.Listener.Addr().String()} }})
	defer c.Close()
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			mark := strings.Repeat(string(rune('a'+worker)), 8)
			for i := range 30 {
				a, err := c.Ask(t.Context(), upstream.Endpoint{BaseURL: web.URL}, upstream.Question{Path: "/chat/completions", Body: []byte(mark), Stream: true})
				if err != nil {
					t.Error(err)
					return
				}
				total, events := 0, []upstream.Event(nil)
				for err == nil && (i%3 != 0 || total < 100) {
					events, err = a.Next(events[:0])
					got := content(events)
					if total += len(got); strings.Trim(got, mark[:1]) != "" {
						t.Errorf("%q among the answers to %q", got, mark)
					}
				}
				if i%3 != 0 && total != 50*8 {
					t.Errorf("%d bytes, %v", total, err)
				}
				a.Close()
			}
		})
	}
	all.Wait()
}
