package gateway_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

func isDraining(err error) bool {
	p := access.Problems(err)
	return len(p) == 1 && p[0].Code == "draining" && p[0].Kind == access.Busy && p[0].Wait > 0
}

// When its time is up, a running stream is told why it ends and is settled; new
// calls are refused from the first moment.
func TestDrainCuts(t *testing.T) {
	r := stepper(t)
	k := r.Token(t, control.TokenForm{Quota: quota(100_000)})
	a, call := r.begin(t.Context(), k.Secret, "")
	until(t, a, "Hello ")
	ended := make(chan error)
	go func() { _, err := read(a); ended <- err }()
	ctx, now := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() { r.gate.Drain(ctx); close(drained) }()
	fresh := r.Token(t, control.TokenForm{})
	testbed.Eventually(t, "new calls are refused", func() bool {
		got := r.call(t.Context(), question(t, fresh.Secret, "gpt-4o-mini", ""))
		if got.err != nil && !isDraining(got.err) {
			t.Fatal(got.err)
		}
		return got.err != nil
	})
	if _, err := r.gate.Verify(t.Context(), gateway.Check{Secret: fresh.Secret, Address: testbed.Loopback}); !isDraining(err) {
		t.Errorf("a check: %v", err)
	}
	select {
	case err := <-ended:
		t.Fatalf("it was cut before its time: %v", err)
	default:
	}
	call.Send("still ")
	now()
	if err := <-ended; !isDraining(err) || gateway.Status(err) != 503 {
		t.Errorf("it ended with %v", err)
	}
	<-drained
	call.WaitGone()
	logged, purse := r.logged(k.Row.ID), rowOf(r, k).Purse
	if logged.Rule != "draining" || logged.Outcome != access.Partial || purse.Used != logged.Units || purse.Used == 0 || purse.Reserved != 0 {
		t.Errorf("logged %+v; used %d, reserved %d", logged.Request, purse.Used, purse.Reserved)
	}
}

// What ends by itself in time is not cut, plain or streamed.
func TestDrainWaits(t *testing.T) {
	r := stepper(t)
	k := r.Token(t, control.TokenForm{})
	a, stream := r.begin(t.Context(), k.Secret, "")
	plain := make(chan result)
	go func() {
		plain <- r.call(context.Background(), question(t, k.Secret, string(faulty.Stepped), ""))
	}()
	other := r.Faulty.Call(1)
	drained := make(chan struct{})
	go func() { r.gate.Drain(t.Context()); close(drained) }()
	testbed.Eventually(t, "new calls are refused", func() bool {
		_, err := r.gate.Ask(t.Context(), question(t, k.Secret, "no-such-model", ""))
		return isDraining(err)
	})
	other.Send("Well.")
	other.End()
	if got := <-plain; got.err != nil || got.text != "Well." {
		t.Errorf("the plain call: %q, %v", got.text, got.err)
	}
	select {
	case <-drained:
		t.Error("it does not wait for the stream")
	default:
	}
	stream.End()
	if _, err := read(a); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v", err)
	}
	<-drained
	r.gate.Drain(t.Context()) // again, with nothing left
}

// Who outlives the drain and the gateway is refused like anyone.
func TestRefusedAfterClose(t *testing.T) {
	h := testbed.New(t)
	up := upstream.New(upstream.Settings{PrivateHosts: h.Faulty.Private, Now: h.Now})
	defer up.Close()
	g := gateway.New(gateway.Parts{DB: h.DB, Upstream: up, Keys: h.Keys, Now: h.Now, Random: h.Control.Random, Log: h.Log})
	k := h.Token(t, control.TokenForm{Quota: quota(0)})
	g.Close()
	if _, err := g.Ask(t.Context(), question(t, k.Secret, "gpt-4o-mini", "")); gateway.Status(err) != 401 {
		t.Errorf("refused with %v", err)
	}
	g.Flush()
}
