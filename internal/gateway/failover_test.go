package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

// twoProviders is a house where a second provider serves the same model, on a
// server of its own.
func twoProviders(t *testing.T) (h *testbed.House, second *faulty.Server, p [2]access.Provider) {
	t.Helper()
	h = testbed.New(t)
	second = faulty.Start(t)
	p[0] = h.AddProvider(t, "first", h.Faulty.URL+"/v1", "shared")
	p[1] = h.AddProvider(t, "second", second.URL+"/v1", "shared")
	h.Faulty.Charge(usedPrompt, usedCompletion)
	second.Charge(usedPrompt, usedCompletion)
	return h, second, p
}

func both(h *testbed.House, second *faulty.Server) upstream.Settings {
	return upstream.Settings{PrivateHosts: func() []string { return append(h.Faulty.Private(), second.Private()...) }}
}

// Before the first byte another provider is asked, where that can help; after it
// never. Either way the call is booked once.
func TestFailover(t *testing.T) {
	h, second, p := twoProviders(t)
	for _, c := range []struct {
		fault  faulty.Fault
		stream bool
		code   string // of the failure, "" where the other provider answers
		text   string
		wait   upstream.Settings
	}{
		{faulty.HangUp, false, "", "", upstream.Settings{}},
		{faulty.HangUp, true, "", "", upstream.Settings{}},
		{faulty.SlowFirst, true, "", "", upstream.Settings{FirstByte: 3 * time.Second}}, // the second's first byte has to come in that time
		{faulty.Limited("7"), false, "", "", upstream.Settings{}},
		{faulty.Limited("7"), true, "", "", upstream.Settings{}},
		{faulty.Status(500), false, "", "", upstream.Settings{}},
		{faulty.Status(503), true, "", "", upstream.Settings{}},
		{faulty.Status(402), true, "", "", upstream.Settings{}},
		{faulty.HTML, false, "", "", upstream.Settings{}},
		{faulty.Redirect, true, "", "", upstream.Settings{}},
		{faulty.ErrorObject, false, "", "", upstream.Settings{}},
		{faulty.ErrorObject, true, "", "", upstream.Settings{}},

		{faulty.Status(400), false, "provider_rejected", "", upstream.Settings{}},
		{faulty.Status(404), true, "provider_rejected", "", upstream.Settings{}},
		{faulty.Status(422), true, "provider_rejected", "", upstream.Settings{}},
		{faulty.Status(401), false, "provider_key_refused", "", upstream.Settings{}},
		{faulty.Status(403), true, "provider_key_refused", "", upstream.Settings{}},
		{faulty.Reset, false, "provider_reset", "", upstream.Settings{}},
		{faulty.GzipBomb, true, "provider_compressed", "", upstream.Settings{}},
		{faulty.Flood1xx, false, "provider_headers", "", upstream.Settings{}},
		{faulty.EndlessHeaders, true, "provider_headers", "", upstream.Settings{}},

		{faulty.Reset, true, "provider_reset", delivered, upstream.Settings{}},
		{faulty.Cut, true, "provider_unfinished", delivered, upstream.Settings{}},
		{faulty.ErrorMid, true, "provider_limited", delivered, upstream.Settings{}},
		{faulty.Silent, true, "provider_silent", delivered, upstream.Settings{Silence: 250 * time.Millisecond}},
	} {
		t.Run(string(c.fault)+map[bool]string{false: "/plain", true: "/stream"}[c.stream], func(t *testing.T) {
			s := both(h, second)
			s.FirstByte, s.Silence = c.wait.FirstByte, c.wait.Silence
			r := newRig(t, h, s)
			k := h.Token(t, control.TokenForm{Quota: quota(1_000_000)})
			first, other := h.Faulty.Started(), second.Started()
			h.Faulty.Script(c.fault)
			more := ""
			if c.stream {
				more = `,"stream":true`
			}
			got := r.call(t.Context(), question(t, k.Secret, "shared", more))
			logged := r.logged(k.Row.ID)
			if n := h.Faulty.Started() - first; n != 1 {
				t.Errorf("the first was asked %d times", n)
			}
			n := second.Started() - other
			if c.code == "" {
				if got.err != nil || got.text != "Well, here is an answer." || n != 1 || logged.ProviderID != p[1].ID || logged.Units != usedUnits {
					t.Errorf("answered %q, %v; the second was asked %d times; logged %+v", got.text, got.err, n, logged)
				}
			} else if problems := access.Problems(got.err); n != 0 || len(problems) != 1 || problems[0].Code != c.code || got.text != c.text {
				t.Errorf("answered %q, %v; the second was asked %d times", got.text, got.err, n)
			}
			notes := 0
			for _, check := range logged.Trace {
				if check.Rule == "provider" && check.Call == "first" {
					notes++
				}
			}
			if before := got.text == "" || c.code == ""; before != (notes == 1) {
				t.Errorf("%d notes of the first provider's failure", notes)
			}
			if purse := rowOf(r, k).Purse; purse.Used != logged.Units || purse.Reserved != 0 {
				t.Errorf("used %d, reserved %d, logged %d", purse.Used, purse.Reserved, logged.Units)
			}
			if err := h.DB.ResumeProvider(t.Context(), h.Owner, h.Workspace.ID, p[0].PublicID); err != nil {
				t.Error(err)
			}
		})
	}
}

// At most two providers are asked for one call.
func TestFailoverStopsAtTwo(t *testing.T) {
	h, second, _ := twoProviders(t)
	third := faulty.Start(t)
	h.AddProvider(t, "third", third.URL+"/v1", "shared")
	r := newRig(t, h, upstream.Settings{PrivateHosts: func() []string {
		return append(append(h.Faulty.Private(), second.Private()...), third.Private()...)
	}})
	h.Faulty.Script(faulty.HangUp)
	second.Script(faulty.Status(503))
	k := h.Token(t, control.TokenForm{})
	got := r.call(t.Context(), question(t, k.Secret, "shared", ""))
	if p := access.Problems(got.err); len(p) != 1 || p[0].Code != "provider_failed" || third.Started() != 0 {
		t.Errorf("%v; the third was asked %d times", got.err, third.Started())
	}
}

// A provider that has failed often is left alone for a while, then tried with one
// call.
func TestBreaker(t *testing.T) {
	h := testbed.New(t)
	h.StopClock()
	p := h.AddProvider(t, "shaky", h.Faulty.URL+"/v1", "shared")
	r := newRig(t, h, upstream.Settings{})
	k := h.Token(t, control.TokenForm{})
	ask := func() result { t.Helper(); return r.call(t.Context(), question(t, k.Secret, "shared", "")) }
	fail := func(n int, fault faulty.Fault) {
		t.Helper()
		for range n {
			h.Faulty.Script(fault)
			if got := ask(); got.err == nil {
				t.Fatal("it was answered")
			}
		}
	}
	open := func(want bool) {
		t.Helper()
		before := h.Faulty.Started()
		got := ask()
		problems := access.Problems(got.err)
		if refused := len(problems) == 1 && problems[0].Code == "model_not_found" && gateway.Status(got.err) == 503 && problems[0].Wait > 0; refused != want {
			t.Fatalf("%v", got.err)
		}
		if asked := h.Faulty.Started() > before; asked == want || r.gate.Health(p.ID).Open != want {
			t.Fatalf("asked: %t, health %+v", asked, r.gate.Health(p.ID))
		}
	}
	fail(12, faulty.Status(400)) // the callers' own
	fail(12, faulty.Limited("1"))
	fail(4, faulty.Status(500))
	open(false)
	fail(1, faulty.Status(500))
	open(true)
	h.Wait(14 * time.Second)
	open(true)
	h.Wait(2 * time.Second)
	fail(1, faulty.HangUp) // the probe
	open(true)
	h.Wait(16 * time.Second)
	open(false) // the probe is answered
	open(false)
	for range 2 { // what is half a minute old is forgotten
		h.Wait(31 * time.Second)
		fail(4, faulty.Status(500))
		open(false)
	}
}

// Of many calls that come when a broken provider may be tried again, one goes to it.
func TestBreakerProbesOnce(t *testing.T) {
	h := testbed.New(t)
	h.AddProvider(t, "shaky", h.Faulty.URL+"/v1", string(faulty.Stepped))
	r := newRig(t, h, upstream.Settings{})
	k := h.Token(t, control.TokenForm{})
	for range 5 {
		h.Faulty.Script(faulty.Status(500))
		if got := r.call(t.Context(), question(t, k.Secret, string(faulty.Stepped), "")); got.err == nil {
			t.Fatal("it was answered")
		}
	}
	h.Wait(16 * time.Second)
	ended := make(chan error)
	for range 10 {
		go func() {
			ended <- r.call(context.Background(), question(t, k.Secret, string(faulty.Stepped), "")).err
		}()
	}
	for range 9 {
		if err := <-ended; gateway.Status(err) != 503 {
			t.Errorf("beside the probe: %v", err)
		}
	}
	h.Faulty.Call(5).End()
	if err := <-ended; err != nil {
		t.Errorf("the probe: %v", err)
	}
	if n := h.Faulty.Started(); n != 6 {
		t.Errorf("%d calls came", n)
	}
}

// A provider that refuses our key is paused at once and says so in the audit log;
// calls go elsewhere, or are told that nobody serves the model.
func TestBadKeyPausesTheProvider(t *testing.T) {
	h, second, p := twoProviders(t)
	r := newRig(t, h, both(h, second))
	k := h.Token(t, control.TokenForm{})
	h.Faulty.Script(faulty.Status(401))
	got := r.call(t.Context(), question(t, k.Secret, "shared", ""))
	if gateway.Status(got.err) != 502 || strings.Contains(got.err.Error(), faulty.Secret) {
		t.Errorf("our bad key shows as %d: %v", gateway.Status(got.err), got.err)
	}
	for range 2 {
		if got := r.call(t.Context(), question(t, k.Secret, "shared", "")); got.err != nil {
			t.Errorf("the next call: %v", got.err)
		}
	}
	if h.Faulty.Started() != 1 || second.Started() != 2 {
		t.Errorf("%d and %d calls", h.Faulty.Started(), second.Started())
	}
	told := false
	rows, err := h.DB.Audit(t.Context(), h.Workspace.ID, 0, 10)
	for _, row := range rows {
		told = told || row.Action == "provider.pause" && strings.Contains(row.Object, p[0].PublicID)
	}
	if err != nil || !told {
		t.Errorf("the audit log does not tell: %v", err)
	}
	if err := h.DB.SetProviderPaused(t.Context(), h.Owner, p[1], "provider_key_refused"); err != nil {
		t.Fatal(err)
	}
	got = r.call(t.Context(), question(t, k.Secret, "shared", ""))
	if problems := access.Problems(got.err); gateway.Status(got.err) != 503 || len(problems) != 1 || problems[0].Code != "model_not_found" {
		t.Errorf("with both paused: %v", got.err)
	}
}

// Extra calls are few: a tenth of all, and some saved up.
func TestRetryBudget(t *testing.T) {
	h, second, _ := twoProviders(t)
	r := newRig(t, h, both(h, second))
	k := h.Token(t, control.TokenForm{})
	retried := 0
	for range 40 {
		before := second.Started()
		h.Faulty.Script(faulty.Limited("1")) // which the breaker does not count
		r.call(t.Context(), question(t, k.Secret, "shared", ""))
		retried += second.Started() - before
	}
	if retried < 10 || retried > 14 {
		t.Errorf("%d of 40 calls were sent twice", retried)
	}
}
