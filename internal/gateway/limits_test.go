package gateway_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/upstream/faulty"
)

// atOnce makes calls that all come at the same moment and returns how many were let
// in; the others must be refused with the code.
func (r *rig) atOnce(calls int, code string, ask func() error) (let int64) {
	r.t.Helper()
	var wait sync.WaitGroup
	var in atomic.Int64
	gate := make(chan struct{})
	for range calls {
		wait.Go(func() {
			<-gate
			err := ask()
			if err == nil {
				in.Add(1)
				return
			}
			p := access.Problems(err)
			if len(p) != 1 || p[0].Code != code || gateway.Status(err) != 429 || p[0].Wait <= 0 || p[0].Wait > 61*time.Second {
				r.t.Errorf("refused with %v, to wait %s", err, p[0].Wait)
			}
		})
	}
	close(gate)
	wait.Wait()
	return in.Load()
}

func (r *rig) plain(secret, model string) func() error {
	return func() error { return r.call(context.Background(), question(r.t, secret, model, "")).err }
}

// A minute lets in exactly as many requests as it should, however they come.
func TestRequestsAMinute(t *testing.T) {
	r := stepper(t)
	r.StopClock()
	const most = 7
	limit := int64(most)
	k := r.Token(t, control.TokenForm{RPM: &limit})
	for range 2 {
		if n := r.atOnce(40, "rate_limit_exceeded", r.plain(k.Secret, "gpt-4o-mini")); n != most {
			t.Errorf("%d of 40 were let in", n)
		}
		r.Wait(62 * time.Second)
	}
	if n := r.Faulty.Started(); n != 2*most {
		t.Errorf("%d calls reached the provider", n)
	}
}

// In no 60 seconds are more let in than the limit says, at whichever moments they
// come; and whoever waits as long as told is let in.
func TestRequestsInAnyMinute(t *testing.T) {
	r := stepper(t)
	r.StopClock()
	const most = 5
	limit := int64(most)
	k := r.Token(t, control.TokenForm{RPM: &limit})
	var let []time.Time
	ask := func() error {
		at := r.Now()
		err := r.plain(k.Secret, "gpt-4o-mini")()
		if err == nil {
			let = append(let, at)
		}
		return err
	}
	r.Wait(r.Now().Truncate(time.Second).Add(1950 * time.Millisecond).Sub(r.Now())) // late in a second
	for len(let) < 6*most {
		if ask() == nil {
			if len(let)%4 == 0 {
				r.Wait(7300 * time.Millisecond)
			}
			continue
		}
		told := access.Problems(ask())
		if len(told) != 1 || told[0].Wait < time.Second {
			t.Fatal(told)
		}
		r.Wait(told[0].Wait - 950*time.Millisecond)
		if ask() == nil {
			continue // soon enough
		}
		r.Wait(950 * time.Millisecond)
		if err := ask(); err != nil {
			t.Errorf("after waiting as told: %v", err)
		}
	}
	for i := most; i < len(let); i++ {
		if span := let[i].Sub(let[i-most]); span < time.Minute {
			t.Errorf("%d calls within %s", most+1, span)
		}
	}
}

// As many calls run at once as may, never one more, and a place that becomes free
// is taken again, however its call ended.
func TestCallsAtOnce(t *testing.T) {
	r := stepper(t)
	const most = 3
	limit := int64(most)
	k := r.Token(t, control.TokenForm{Concurrent: &limit})
	for round := range 3 {
		running := make(chan *gateway.Answer, most)
		before := r.Faulty.Started()
		go func() { // each stream that was let in says something
			for n := range most {
				r.Faulty.Call(before + n).Send("Hello ")
			}
		}()
		n := r.atOnce(20, "too_many_concurrent", func() error {
			a, err := r.gate.Ask(context.Background(), question(t, k.Secret, string(faulty.Stepped), `,"stream":true`))
			if err == nil {
				running <- a
			}
			return err
		})
		if n != most || r.gate.Running() != most {
			t.Fatalf("%d of 20 were let in, %d run", n, r.gate.Running())
		}
		for i := range most {
			a := <-running
			switch i {
			case 0:
				a.Close()
			case 1:
				a.Stop(gateway.ErrLeft)
				read(a)
			case 2:
				r.Faulty.Call(before + i) // ends with its reader
				a.Close()
			}
		}
		if r.gate.Running() != 0 {
			t.Fatalf("%d run after round %d", r.gate.Running(), round)
		}
	}
	// A place is not lost by what fails before it runs.
	for range 3 * most {
		r.Faulty.Script(faulty.Status(400))
		if r.plain(k.Secret, string(faulty.Stepped))() == nil {
			t.Error("it was answered")
		}
		if _, err := r.gate.Ask(t.Context(), question(t, k.Secret, "no-such", "")); gateway.Status(err) != 404 {
			t.Error(err)
		}
	}
	if n := r.atOnce(most, "", r.plain(k.Secret, "gpt-4o-mini")); n != most {
		t.Errorf("%d of %d were let in", n, most)
	}
}

// Tokens a minute are held by estimate at once, and corrected by what the answer
// took.
func TestTokensAMinute(t *testing.T) {
	r := stepper(t)
	r.StopClock()
	const most = 200
	limit := int64(most)
	k := r.Token(t, control.TokenForm{TPM: &limit})
	a, _ := r.begin(t.Context(), k.Secret, "")
	estimate := most - a.Pace.LeftTokens
	if a.Pace.LimitTokens != most || estimate < 5 || estimate > 100 {
		t.Fatalf("the pace says %+v", a.Pace)
	}
	fit := most / estimate
	before := r.Faulty.Started()
	go func() {
		for n := range fit - 1 {
			r.Faulty.Call(before + int(n)).Send("Hello ")
		}
	}()
	var mu sync.Mutex
	running := []*gateway.Answer{a}
	n := r.atOnce(30, "rate_limit_exceeded", func() error {
		a, err := r.gate.Ask(context.Background(), question(t, k.Secret, string(faulty.Stepped), `,"stream":true`))
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			running = append(running, a)
		}
		return err
	})
	if n != fit-1 {
		t.Errorf("%d more were let in, %d fit", n, fit-1)
	}
	for _, a := range running {
		a.Close()
	}
	r.Wait(62 * time.Second)
	r.Faulty.Charge(most, 1) // more than estimated: the next call waits
	if err := r.plain(k.Secret, "gpt-4o-mini")(); err != nil {
		t.Fatal(err)
	}
	if n := r.atOnce(3, "rate_limit_exceeded", r.plain(k.Secret, "gpt-4o-mini")); n != 0 {
		t.Errorf("%d were let in after an answer that took it all", n)
	}
}

// The tighter of the token's own limit and its group's holds.
func TestGroupLimits(t *testing.T) {
	r := stepper(t)
	r.StopClock()
	name := "slow"
	if _, err := r.DB.MakeGroup(t.Context(), r.Owner, access.Group{PublicID: "0123456789abcdef0123456789abcdef", Name: name, RatioPPM: access.RatioOne, RPM: 2, AllModels: true, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	for own, want := range map[int64]int64{0: 2, 1: 1, 5: 2} {
		f := control.TokenForm{RPM: &own, Group: &name}
		if own == 0 {
			f.RPM = nil
		}
		k := r.Token(t, f)
		if n := r.atOnce(10, "rate_limit_exceeded", r.plain(k.Secret, "gpt-4o-mini")); n != want {
			t.Errorf("own limit %d: %d were let in, want %d", own, n, want)
		}
	}
}
