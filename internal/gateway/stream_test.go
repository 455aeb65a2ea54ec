package gateway_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

// stepper is a rig whose provider says what the test tells it to.
func stepper(t *testing.T) *rig {
	t.Helper()
	h := testbed.New(t)
	h.AddProvider(t, "stepped", h.Faulty.URL+"/v1", string(faulty.Stepped))
	return newRig(t, h, upstream.Settings{})
}

// begin opens a stream that has said one word already.
func (r *rig) begin(ctx context.Context, secret, more string) (*gateway.Answer, *faulty.Call) {
	r.t.Helper()
	n := r.Faulty.Started()
	type opened struct {
		a   *gateway.Answer
		err error
	}
	done := make(chan opened, 1)
	go func() {
		a, err := r.gate.Ask(ctx, question(r.t, secret, string(faulty.Stepped), `,"stream":true`+more))
		done <- opened{a, err}
	}()
	call := r.Faulty.Call(n)
	call.Send("Hello ")
	o := <-done
	if o.err != nil {
		r.t.Fatal(o.err)
	}
	r.t.Cleanup(func() { o.a.Close() })
	return o.a, call
}

// until reads a stream until it has said something.
func until(t *testing.T, a *gateway.Answer, words string) {
	t.Helper()
	var said string
	for !strings.HasSuffix(said, words) {
		events, err := a.Next(nil)
		if err != nil {
			t.Fatalf("after %q: %v", said, err)
		}
		for _, e := range events {
			said += string(e.Text)
		}
	}
}

// A client that leaves pays for what it got: the provider is stopped at once.
func TestLeavingPaysForWhatWasDelivered(t *testing.T) {
	for name, leave := range map[string]func(context.CancelCauseFunc, *gateway.Answer){
		"the door cancels": func(cancel context.CancelCauseFunc, _ *gateway.Answer) { cancel(gateway.ErrLeft) },
		"the door stops":   func(_ context.CancelCauseFunc, a *gateway.Answer) { a.Stop(gateway.ErrLeft) },
		"the door closes":  func(_ context.CancelCauseFunc, a *gateway.Answer) { a.Close() },
		"the context ends": func(cancel context.CancelCauseFunc, _ *gateway.Answer) { cancel(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			r := stepper(t)
			k := r.Token(t, control.TokenForm{Quota: quota(100_000)})
			ctx, cancel := context.WithCancelCause(t.Context())
			a, call := r.begin(ctx, k.Secret, "")
			until(t, a, "Hello ")
			leave(cancel, a)
			call.WaitGone()
			if _, err := read(a); errors.Is(err, io.EOF) {
				t.Errorf("it ended well")
			}
			a.Close()
			cancel(nil)
			logged, purse := r.logged(k.Row.ID), rowOf(r, k).Purse
			if logged.Outcome != access.Partial || logged.Rule != "caller_left" || !logged.Usage.Estimated || logged.Usage.Completion == 0 {
				t.Errorf("logged %+v", logged)
			}
			if purse.Used != logged.Units || purse.Used == 0 || purse.Used > 100 || purse.Reserved != 0 {
				t.Errorf("used %d, logged %d, reserved %d", purse.Used, logged.Units, purse.Reserved)
			}
		})
	}
}

// Who leaves before the first byte pays nothing, plain or streamed.
func TestLeavingBeforeTheFirstByteIsFree(t *testing.T) {
	h := testbed.New(t)
	h.AddProvider(t, "slow", h.Faulty.URL+"/v1", string(faulty.SlowFirst))
	r := newRig(t, h, upstream.Settings{})
	for i, more := range []string{"", `,"stream":true`} {
		k := h.Token(t, control.TokenForm{Quota: quota(100_000)})
		ctx, leave := context.WithCancelCause(t.Context())
		ended := make(chan result)
		go func() { ended <- r.call(ctx, question(t, k.Secret, string(faulty.SlowFirst), more)) }()
		call := h.Faulty.Call(i)
		if purse := rowOf(r, k).Purse; purse.Reserved == 0 {
			t.Error("a call on its way holds nothing")
		}
		leave(gateway.ErrLeft)
		call.WaitGone()
		if got := <-ended; !errors.Is(got.err, gateway.ErrLeft) {
			t.Errorf("it ended with %v", got.err)
		}
		logged, purse := r.logged(k.Row.ID), rowOf(r, k).Purse
		if logged.Units != 0 || logged.Outcome != access.Broken || logged.Rule != "caller_left" || purse.Used != 0 || purse.Reserved != 0 {
			t.Errorf("logged %+v, used %d, reserved %d", logged.Request, purse.Used, purse.Reserved)
		}
	}
}

// Usage is always asked for, and shown to whoever asked for it.
func TestIncludeUsageIsHidden(t *testing.T) {
	h := testbed.New(t)
	h.Faulty.Charge(usedPrompt, usedCompletion)
	for more, shown := range map[string]bool{
		"": false, `,"stream_options":{"include_usage":false}`: false, `,"stream_options":null`: false, `,"stream_options":{"include_usage":true}`: true,
	} {
		k := h.Token(t, control.TokenForm{})
		a, err := h.Gateway.Ask(t.Context(), question(t, k.Secret, "gpt-4o-mini", `,"stream":true`+more))
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for err == nil {
			var events []gateway.Event
			events, err = a.Next(nil)
			for _, e := range events {
				all.Write(e.Data)
			}
		}
		a.Close()
		if got := strings.Contains(all.String(), `"usage"`); got != shown || !errors.Is(err, io.EOF) {
			t.Errorf("%q: usage is shown: %t (%v)", more, got, err)
		}
		if a.Units != usedUnits || a.Usage.Estimated {
			t.Errorf("%q: charged %d, %+v", more, a.Units, a.Usage)
		}
		if !strings.Contains(string(h.Faulty.Calls()[h.Faulty.Started()-1].Body), `"include_usage":true`) {
			t.Errorf("%q: usage was not asked for", more)
		}
	}
}

// A provider that claims more than the call held is believed up to that.
func TestExcessIsCutToTheHold(t *testing.T) {
	h := testbed.New(t)
	h.Faulty.Charge(50_000_000, 50_000_000) // no more than a usage may claim at all
	for _, more := range []string{"", `,"stream":true`} {
		k := h.Token(t, control.TokenForm{Quota: quota(5_000)})
		got := newRig(t, h, upstream.Settings{}).call(t.Context(), question(t, k.Secret, "gpt-4o-mini", `,"max_tokens":10`+more))
		if got.err != nil {
			t.Fatal(got.err)
		}
		h.Gateway.Flush()
		rows, err := h.DB.Requests(t.Context(), h.Workspace.ID, db.RequestPage{TokenID: k.Row.ID, Limit: 2})
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		held := int64(-1)
		for _, check := range rows[0].Trace {
			if check.Rule == gateway.RuleHold {
				held, err = strconv.ParseInt(check.Call, 10, 64)
			}
		}
		purse := row(t, h, k.Row.PublicID).Purse
		if err != nil || purse.Used != held || rows[0].Units != held || got.answer.Units != held || purse.Reserved != 0 || held >= 5_000 {
			t.Errorf("held %d (%v); used %d, logged %d, reserved %d", held, err, purse.Used, rows[0].Units, purse.Reserved)
		}
	}
	if faults, err := h.DB.CheckLedger(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("the ledger: %v %v", faults, err)
	}
}
