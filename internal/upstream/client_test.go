package upstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

// patience is how long a test waits for something that must happen.
const patience = time.Minute

// client is a Client that may reach s alone.
func client(t testing.TB, s *faulty.Server) *upstream.Client {
	t.Helper()
	return waiting(t, s, upstream.DefaultFirstByte)
}

// waiting is a Client that waits as long for the first byte, and for each other.
func waiting(t testing.TB, s *faulty.Server, wait time.Duration) *upstream.Client {
	t.Helper()
	c := upstream.New(upstream.Settings{PrivateHosts: s.Private, Now: time.Now, FirstByte: wait, FirstEvent: time.Minute, Silence: wait})
	t.Cleanup(c.Close)
	return c
}

func question(t testing.TB, model string, stream bool) upstream.Question {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"model": model, "stream": stream, "messages": []any{map[string]string{"role": "user", "content": "How are you?"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return upstream.Question{Path: "/chat/completions", Body: body, Stream: stream}
}

// outcome is what came of a call: the text, and how it ended.
type outcome struct {
	text   string
	asked  bool // Ask itself was good
	events int
	chunk  upstream.Chunk // all that was said, last one wins
	err    error          // nil for a whole answer
}

func ask(t testing.TB, c *upstream.Client, ep upstream.Endpoint, q upstream.Question) (o outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a, err := c.Ask(ctx, ep, q)
	if err != nil {
		return outcome{err: err}
	}
	defer a.Close()
	o.asked = true
	if !q.Stream {
		o.text, o.chunk = string(a.Said.Content), a.Said
		return o
	}
	var events []upstream.Event
	for {
		events, err = a.Next(events[:0])
		for _, e := range events {
			o.events++
			o.text += string(e.Chunk.Content)
			if e.Chunk.HasUsage {
				o.chunk.Usage, o.chunk.HasUsage = e.Chunk.Usage, true
			}
			o.chunk.BadUsage = o.chunk.BadUsage || e.Chunk.BadUsage
			o.chunk.Odd = o.chunk.Odd || e.Chunk.Odd
			if e.Chunk.Finish != "" {
				o.chunk.Finish = e.Chunk.Finish
			}
			if !json.Valid(e.Data) {
				t.Errorf("event is no JSON: %q", e.Data)
			}
		}
		if errors.Is(err, io.EOF) {
			return o
		}
		if err != nil {
			o.err = err
			return o
		}
	}
}

func failure(t testing.TB, err error) *upstream.Failure {
	t.Helper()
	f, ok := errors.AsType[*upstream.Failure](err)
	if !ok {
		t.Fatalf("want a *Failure, got %T: %v", err, err)
	}
	return f
}

// noLeak fails the test if goroutines are left over.
func noLeak(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		late := time.After(patience)
		for runtime.NumGoroutine() > before {
			select {
			case <-tick.C:
			case <-late:
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
			}
		}
	})
}

const said = "Well, here is an answer."

// row is a row of the table of faults.
type row struct {
	fault              faulty.Fault
	plain, stream      string // failure codes, "" for a whole answer
	status             int    // of either failure, 502 where it is not said
	retry, pause       bool
	health             bool
	text               string // of a stream, as far as it came; `said` where it is not said and the answer is whole
	kind               access.Kind
	askFails, usageBad bool // Ask itself fails, also for a stream; usage is refused
	odd                bool
}

var table = []row{
	{fault: faulty.Good},
	{fault: faulty.HangUp, plain: "provider_broke", stream: "provider_broke", retry: true, health: true, askFails: true},
	{fault: faulty.SlowFirst, plain: "provider_first_byte", stream: "provider_first_byte", status: 504, retry: true, health: true, askFails: true},
	{fault: faulty.SlowBody, plain: "provider_first_byte", stream: "provider_first_byte", status: 504, retry: true, health: true, askFails: true},
	{fault: faulty.Limited("7"), plain: "provider_limited", stream: "provider_limited", status: 429, retry: true, kind: access.Limited, askFails: true},
	{fault: faulty.Status(500), plain: "provider_failed", stream: "provider_failed", retry: true, health: true, askFails: true},
	{fault: faulty.Status(502), plain: "provider_failed", stream: "provider_failed", retry: true, health: true, askFails: true},
	{fault: faulty.Status(503), plain: "provider_failed", stream: "provider_failed", retry: true, health: true, askFails: true},
	{fault: faulty.Status(529), plain: "provider_failed", stream: "provider_failed", retry: true, health: true, askFails: true},
	{fault: faulty.Status(400), plain: "provider_rejected", stream: "provider_rejected", status: 400, kind: access.Invalid, askFails: true},
	{fault: faulty.Status(404), plain: "provider_rejected", stream: "provider_rejected", status: 404, kind: access.Invalid, askFails: true},
	{fault: faulty.Status(413), plain: "provider_rejected", stream: "provider_rejected", status: 413, kind: access.Invalid, askFails: true},
	{fault: faulty.Status(422), plain: "provider_rejected", stream: "provider_rejected", status: 422, kind: access.Invalid, askFails: true},
	{fault: faulty.Status(401), plain: "provider_key_refused", stream: "provider_key_refused", pause: true, askFails: true},
	{fault: faulty.Status(403), plain: "provider_key_refused", stream: "provider_key_refused", pause: true, askFails: true},
	{fault: faulty.Status(402), plain: "provider_unpaid", stream: "provider_unpaid", retry: true, health: true, askFails: true},
	{fault: faulty.Status(418), plain: "provider_odd_status", stream: "provider_odd_status", health: true, askFails: true},
	{fault: faulty.Reset, plain: "provider_reset", stream: "provider_reset", health: true, text: "Well, here "},
	{fault: faulty.Silent, plain: "provider_silent", stream: "provider_silent", status: 504, health: true, text: "Well, here "},
	{fault: faulty.OneByte},
	{fault: faulty.Malformed5, plain: "provider_not_json", health: true},
	{fault: faulty.Malformed6, plain: "provider_not_json", stream: "provider_malformed", health: true, askFails: true},
	{fault: faulty.Line8MB, text: strings.Repeat("x", 8_000_000)},
	{fault: faulty.Line17MiB, stream: "provider_long_line", health: true, askFails: true, text: strings.Repeat("x", 17<<20)},
	{fault: faulty.NoDone},
	{fault: faulty.Cut, plain: "provider_not_json", stream: "provider_unfinished", health: true, text: "Well, here "},
	{fault: faulty.Multi},
	{fault: faulty.ErrorObject, plain: "provider_limited", stream: "provider_limited", status: 429, retry: true, kind: access.Limited, askFails: true},
	{fault: faulty.ErrorMid, plain: "provider_limited", stream: "provider_limited", status: 429, retry: true, kind: access.Limited, text: "Well, here "},
	{fault: faulty.Whole, stream: "provider_not_stream", askFails: true},
	{fault: faulty.Ignores, text: strings.Repeat("more", 1000)},
	{fault: faulty.UsageMissing},
	{fault: faulty.UsageNegative, usageBad: true},
	{fault: faulty.UsageAbsurd, usageBad: true},
	{fault: faulty.UsageText, usageBad: true},
	{fault: faulty.ChoicesEmpty},
	{fault: faulty.ChoicesNull, odd: true},
	{fault: faulty.ChoicesWrong, odd: true},
	{fault: faulty.GzipBomb, plain: "provider_compressed", stream: "provider_compressed", health: true, askFails: true},
	{fault: faulty.Flood1xx, plain: "provider_headers", stream: "provider_headers", health: true, askFails: true},
	{fault: faulty.EndlessHeaders, plain: "provider_headers", stream: "provider_headers", health: true, askFails: true},
	{fault: faulty.HTML, plain: "provider_html", stream: "provider_html", retry: true, health: true, askFails: true},
	{fault: faulty.NotJSON, plain: "provider_not_json", stream: "provider_unfinished", health: true, askFails: true},
	{fault: faulty.Huge, plain: "provider_too_large", health: true},
	{fault: faulty.Redirect, plain: "provider_redirects", stream: "provider_redirects", retry: true, health: true, askFails: true},
}

func TestEveryFault(t *testing.T) {
	noLeak(t)
	s := faulty.Start(t)
	patient, hasty := client(t, s), waiting(t, s, 150*time.Millisecond)
	strict := upstream.New(upstream.Settings{PrivateHosts: s.Private, Now: time.Now, FirstEvent: time.Minute, Silence: 150 * time.Millisecond})
	t.Cleanup(strict.Close)
	ep := upstream.Endpoint{BaseURL: s.URL, Key: faulty.Secret}
	for _, r := range table {
		c := patient
		switch r.fault {
		case faulty.SlowFirst, faulty.SlowBody: // which never say anything
			c = hasty
		case faulty.Silent: // whose first words may take as long as the machine does
			c = strict
		}
		for _, stream := range []bool{false, true} {
			name := string(r.fault) + map[bool]string{false: "/plain", true: "/stream"}[stream]
			t.Run(name, func(t *testing.T) {
				o := ask(t, c, ep, question(t, string(r.fault), stream))
				if stream {
					r.checkStream(t, o)
				} else {
					r.check(t, o, r.plain)
				}
			})
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	for _, f := range faulty.All() {
		found := f == faulty.Stepped || f == faulty.Comments // have tests of their own
		for _, r := range table {
			found = found || r.fault == f
		}
		if !found {
			t.Errorf("no row for %s", f)
		}
	}
}

func (r row) checkStream(t *testing.T, o outcome) {
	t.Helper()
	r.check(t, o, r.stream)
	if r.stream != "" && o.asked == r.askFails {
		t.Errorf("Ask went well: %v", o.asked)
	}
	if want := r.text; r.stream == "" && want == "" && o.text != said || !r.askFails && want != "" && o.text != want {
		t.Errorf("text: %.80q", o.text)
	}
}

func (r row) check(t *testing.T, o outcome, code string) {
	t.Helper()
	if code == "" {
		if o.err != nil {
			t.Fatalf("want a whole answer, got %v", o.err)
		}
		if o.chunk.BadUsage != r.usageBad || r.usageBad && o.chunk.HasUsage {
			t.Errorf("usage: %+v", o.chunk)
		}
		if o.chunk.Odd != r.odd {
			t.Errorf("odd: %v", o.chunk.Odd)
		}
		return
	}
	f := failure(t, o.err)
	status := r.status
	if status == 0 {
		status = 502
	}
	if f.Code != code || f.Status != status {
		t.Fatalf("want %s %d, got %s %d (%v)", code, status, f.Code, f.Status, f)
	}
	if f.Retry != (r.retry && !o.asked) {
		t.Errorf("retry %v", f.Retry)
	}
	if f.PauseProvider != r.pause || f.CountsAgainstHealth != r.health {
		t.Errorf("pause %v, health %v", f.PauseProvider, f.CountsAgainstHealth)
	}
	if f.Started != o.asked {
		t.Errorf("started %v", f.Started)
	}
	kind := r.kind
	if kind == 0 {
		kind = access.Upstream
	}
	if !errors.Is(o.err, kind) || access.KindOf(o.err) != kind {
		t.Errorf("kind %v", access.KindOf(o.err))
	}
	if r.fault == faulty.Limited("7") && f.RetryAfter != 7*time.Second {
		t.Errorf("retry after %v", f.RetryAfter)
	}
	for _, hidden := range []string{faulty.Secret, "127.0.0.1", "inner.example", "://", "\a"} {
		if strings.Contains(f.Text+f.Said.Message+f.Said.Code+f.Said.Type, hidden) {
			t.Errorf("shows %q: %s", hidden, f.Text)
		}
	}
}
