package gateway_test

import (
	"errors"
	"io"
	"strconv"
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

// Whoever is shut out loses the running stream at once, in silence too, and is told
// why.
func TestShutOutMeansNow(t *testing.T) {
	edit := func(f control.TokenForm) func(*rig, string) error {
		return func(r *rig, id string) error {
			_, err := r.Control.EditToken(r.t.Context(), r.Owner, id, f)
			return err
		}
	}
	elsewhere := []string{"192.0.2.0/24"}
	for name, c := range map[string]struct {
		code string
		do   func(*rig, string) error
	}{
		"revoked":         {"token_revoked", func(r *rig, id string) error { return r.Control.RevokeToken(r.t.Context(), r.Owner, id) }},
		"disabled":        {"token_disabled", func(r *rig, id string) error { return r.Control.DisableToken(r.t.Context(), r.Owner, id) }},
		"deleted":         {"invalid_api_key", func(r *rig, id string) error { return r.Control.DeleteToken(r.t.Context(), r.Owner, id) }},
		"no address left": {"ip_not_allowed", edit(control.TokenForm{Addresses: &elsewhere})},
		"expired by time": {"token_expired", func(r *rig, _ string) error { r.Wait(2 * time.Hour); return nil }},
		"expired by edit": {"token_expired", func(r *rig, id string) error {
			at := r.Now().Add(time.Millisecond)
			return edit(control.TokenForm{ExpiresAt: &at})(r, id)
		}},
		"rotated, at once": {"invalid_api_key", func(r *rig, id string) error {
			_, err := r.Control.RotateToken(r.t.Context(), r.Owner, id, 0)
			return err
		}},
		"rotated, and over": {"token_expired", func(r *rig, id string) error {
			_, err := r.Control.RotateToken(r.t.Context(), r.Owner, id, time.Minute)
			r.Wait(time.Minute)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := stepper(t)
			later := r.Now().Add(time.Hour)
			k := r.Token(t, control.TokenForm{Quota: quota(100_000), ExpiresAt: &later})
			a, call := r.begin(t.Context(), k.Secret, "")
			until(t, a, "Hello ")
			if err := c.do(r, k.Row.PublicID); err != nil {
				t.Fatal(err)
			}
			_, err := read(a) // the provider says nothing more, and is waited for for two minutes
			if p := access.Problems(err); len(p) != 1 || p[0].Code != c.code {
				t.Errorf("it ended with %v", err)
			}
			call.WaitGone()
			logged := r.logged(k.Row.ID)
			if logged.Rule != c.code || logged.Outcome != access.Partial || logged.Units == 0 {
				t.Errorf("logged %+v", logged.Request)
			}
			if _, err := r.gate.Ask(t.Context(), question(t, k.Secret, string(faulty.Stepped), "")); access.Problems(err)[0].Code != c.code {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}

// A quota may be edited while a stream runs: never below what it holds, and what
// is raised can be used at once.
func TestQuotaEditBesideAStream(t *testing.T) {
	r := stepper(t)
	k := r.Token(t, control.TokenForm{Quota: quota(1_000)})
	a, call := r.begin(t.Context(), k.Secret, `,"max_tokens":500`)
	until(t, a, "Hello ")
	held := rowOf(r, k).Purse.Reserved
	if held < 500 || held > 1_000 {
		t.Fatalf("%d units are reserved", held)
	}
	set := func(units int64) error {
		_, err := r.Control.EditToken(t.Context(), r.Owner, k.Row.PublicID, control.TokenForm{Quota: quota(units)})
		return err
	}
	p := access.Problems(set(held - 1))
	if len(p) != 1 || p[0].Code != "quota_below_used" || !strings.Contains(p[0].Text, strconv.FormatInt(held, 10)) {
		t.Errorf("below what is held: %v", p)
	}
	if err := set(held); err != nil {
		t.Errorf("down to what is held: %v", err)
	}
	more := `,"max_tokens":500`
	if _, err := r.gate.Ask(t.Context(), question(t, k.Secret, string(faulty.Stepped), more)); gateway.Status(err) != 403 && gateway.Status(err) != 401 {
		t.Errorf("a second call without room: %v", err)
	}
	if err := set(10 * held); err != nil {
		t.Errorf("up: %v", err)
	}
	b, other := r.begin(t.Context(), k.Secret, more)
	for _, one := range []*faulty.Call{call, other} {
		one.End()
	}
	for _, one := range []*gateway.Answer{a, b} {
		if _, err := read(one); !errors.Is(err, io.EOF) {
			t.Errorf("a stream ended with %v", err)
		}
	}
	if purse := rowOf(r, k).Purse; purse.Used != a.Units+b.Units || purse.Reserved != 0 || purse.Quota != 10*held {
		t.Errorf("%+v after %d and %d units", purse, a.Units, b.Units)
	}
}

// Close may come from elsewhere while Next waits or hands on: it is settled once,
// for what was handed on until then.
func TestCloseBesideNext(t *testing.T) {
	h := testbed.New(t)
	h.Faulty.Say(strings.Repeat("word ", 300))
	r := newRig(t, h, upstream.Settings{})
	k := h.Token(t, control.TokenForm{})
	var units int64
	for range 20 {
		a, err := r.gate.Ask(t.Context(), question(t, k.Secret, "gpt-4o-mini", `,"stream":true`))
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan error)
		events, err := a.Next(nil)
		go func() { closed <- a.Close() }()
		for err == nil {
			events, err = a.Next(events[:0])
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		units += a.Units
	}
	if purse := row(t, h, k.Row.PublicID).Purse; purse.Used != units || purse.Reserved != 0 || units == 0 {
		t.Errorf("used %d, reserved %d after %d units", purse.Used, purse.Reserved, units)
	}
}

// A panic in a call gives back what it held, and its place among the running ones.
func TestPanicGivesBack(t *testing.T) {
	h := testbed.New(t)
	one := int64(1)
	k := h.Token(t, control.TokenForm{Quota: quota(100_000), Concurrent: &one})
	broken := gateway.New(gateway.Parts{DB: h.DB, Keys: h.Keys, Now: h.Now, Random: h.Control.Random, Log: h.Log}) // it has no client to ask with
	defer broken.Close()
	for range 3 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("there was no panic")
				}
			}()
			if _, err := broken.Ask(t.Context(), question(t, k.Secret, "gpt-4o-mini", "")); err != nil {
				t.Error(err)
			}
		}()
	}
	if purse := row(t, h, k.Row.PublicID).Purse; purse.Reserved != 0 || purse.Used != 0 {
		t.Errorf("used %d, reserved %d", purse.Used, purse.Reserved)
	}
}
