package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

func open(t testing.TB, ctx context.Context, s *faulty.Server, c *upstream.Client, fault faulty.Fault) *upstream.Answer {
	t.Helper()
	a, err := c.Ask(ctx, upstream.Endpoint{BaseURL: s.URL + "/v1/"}, question(t, string(fault), true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func content(events []upstream.Event) string {
	var b strings.Builder
	for _, e := range events {
		b.Write(e.Chunk.Content)
	}
	return b.String()
}

// TestWordByWord: what has come is handed out at once, in one piece, and the
// wait for more can be given up without losing anything.
func TestWordByWord(t *testing.T) {
	noLeak(t)
	s := faulty.Start(t)
	c := upstream.New(upstream.Settings{PrivateHosts: s.Private, Now: time.Now})
	defer c.Close()

	opened := make(chan *upstream.Answer)
	go func() { opened <- open(t, t.Context(), s, c, faulty.Stepped) }()
	call := s.Call(0)
	call.Send("one ")
	a := <-opened
	events, err := a.Next(nil)
	if err != nil || content(events) != "one " {
		t.Fatalf("%q, %v", content(events), err)
	}
	for range 3 {
		if events, err = a.NextWithin(5*time.Millisecond, events[:0]); !errors.Is(err, upstream.ErrQuiet) || len(events) > 0 {
			t.Fatalf("%q, %v", content(events), err)
		}
	}
	got := ""
	for _, word := range []string{"two ", "three ", "four"} {
		call.Send(word)
	}
	for got != "two three four" {
		if events, err = a.NextWithin(patience, events[:0]); err != nil {
			t.Fatal(err)
		}
		got += content(events)
	}
	call.End()
	for err == nil {
		events, err = a.Next(events[:0])
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if _, err = a.Next(nil); !errors.Is(err, io.EOF) {
		t.Fatalf("the end does not last: %v", err)
	}
	if s.Cancelled() != 0 {
		t.Error("the provider was cancelled")
	}
}

// TestHangUp: whoever leaves stops the provider at once, in silence too.
func TestHangUp(t *testing.T) {
	leave := map[string]func(*upstream.Answer, context.CancelFunc){
		"close":  func(a *upstream.Answer, _ context.CancelFunc) { a.Close() },
		"cancel": func(_ *upstream.Answer, cancel context.CancelFunc) { cancel() },
	}
	for _, fault := range []faulty.Fault{faulty.Silent, faulty.Comments} {
		for how, do := range leave {
			t.Run(string(fault)+"/"+how, func(t *testing.T) {
				noLeak(t)
				s := faulty.Start(t)
				c := upstream.New(upstream.Settings{PrivateHosts: s.Private, Now: time.Now})
				defer c.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				a := open(t, ctx, s, c, fault)

				ended := make(chan error)
				go func() {
					var err error
					for err == nil {
						_, err = a.Next(nil)
					}
					ended <- err
				}()
				do(a, cancel)
				s.Call(0).WaitGone() // no sooner than two minutes of silence were over, were it not told
				if err := <-ended; !errors.Is(err, upstream.ErrClosed) && !errors.Is(err, context.Canceled) {
					t.Errorf("ends with %v", err)
				}
			})
		}
	}
}

// TestHangUpBeforeTheFirstByte also holds for plain calls.
func TestHangUpBeforeTheFirstByte(t *testing.T) {
	for _, stream := range []bool{false, true} {
		for _, fault := range []faulty.Fault{faulty.SlowFirst, faulty.SlowBody} {
			noLeak(t)
			s := faulty.Start(t)
			c := upstream.New(upstream.Settings{PrivateHosts: s.Private, Now: time.Now})
			defer c.Close()
			left := errors.New("the reader has left")
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error)
			go func() {
				_, err := c.Ask(ctx, upstream.Endpoint{BaseURL: s.URL}, question(t, string(fault), stream))
				ended <- err
			}()
			call := s.Call(0)
			cancel(left)
			if err := <-ended; !errors.Is(err, left) {
				t.Errorf("%s: %v", fault, err)
			}
			call.WaitGone()
		}
	}
}

// TestSilence: comments are signs of life; without any the answer is cut off,
// and the provider with it.
func TestSilence(t *testing.T) {
	noLeak(t)
	s := faulty.Start(t)
	c := upstream.New(upstream.Settings{
		PrivateHosts: s.Private, Now: time.Now, FirstEvent: time.Minute, Silence: 3 * time.Second, Total: 5 * time.Second,
	})
	defer c.Close()
	for fault, code := range map[faulty.Fault]string{faulty.Silent: "provider_silent", faulty.Comments: "provider_overlong"} {
		before := s.Started()
		o := ask(t, c, upstream.Endpoint{BaseURL: s.URL}, question(t, string(fault), true))
		f := failure(t, o.err)
		if f.Code != code || f.Status != 504 || !f.Started || f.Retry || o.text != "Well, here " {
			t.Errorf("%s: %+v after %q", fault, f, o.text)
		}
		s.Call(before).WaitGone()
	}
}

// TestReuse: an answer read to its end leaves a connection for the next one,
// and one that was left does not.
func TestReuse(t *testing.T) {
	conns := map[string]bool{}
	var mu sync.Mutex
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		conns[r.RemoteAddr] = true
		mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n")
	}))
	defer web.Close()
	c := upstream.New(upstream.Settings{Now: time.Now, PrivateHosts: func() []string { return []string{web.Listener.Addr().String()} }})
	defer c.Close()
	ep := upstream.Endpoint{BaseURL: web.URL}
	for range 20 {
		if o := ask(t, c, ep, question(t, "m", true)); o.err != nil || o.text != "x" {
			t.Fatal(o)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(conns) > 10 { // a call may begin before the ends of those before it were read
		t.Errorf("%d connections for 20 calls", len(conns))
	}
}

// TestSlowReader: a reader who takes his time is not held for the provider's
// silence, loses nothing, and does not fill the memory.
func TestSlowReader(t *testing.T) {
	noLeak(t)
	const events, size = 200, 64 << 10
	var written sync.WaitGroup
	written.Add(1)
	sent := make(chan int, events)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer written.Done()
		pad := strings.Repeat("y", size)
		for i := range events {
			if _, err := io.WriteString(w, `data: {"choices":[{"delta":{"content":"`+pad+"\"}}]}\n\n"); err != nil {
				return
			}
			sent <- i
		}
		io.WriteString(w, "data: [DONE]\n\n")
	}))
	defer web.Close()
	c := upstream.New(upstream.Settings{
		Now: time.Now, Silence: 3 * time.Second,
		PrivateHosts: func() []string { return []string{web.Listener.Addr().String()} },
	})
	defer c.Close()
	a, err := c.Ask(t.Context(), upstream.Endpoint{BaseURL: web.URL}, question(t, "m", true))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()

	<-time.After(4 * time.Second) // the reader's slowness is what is tested: longer than the silence
	if n := len(sent); n > 150 {
		t.Errorf("%d events were taken although nobody read", n)
	}
	got := 0
	var batch []upstream.Event
	for err == nil {
		batch, err = a.Next(batch[:0])
		got += len(content(batch))
	}
	if !errors.Is(err, io.EOF) || got != events*size {
		t.Fatalf("%d bytes, %v", got, err)
	}
	written.Wait()
}
