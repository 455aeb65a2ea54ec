package control

import (
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

func TestSignInByNameOrAddress(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	for _, name := range []string{"mei", " MEI ", "Mei@ACME.example", "ｍｅｉ"} {
		in := k.signIn(name, goodPassword)
		if in.User.ID != u.ID || in.Actor.Role != access.Owner || in.Actor.WorkspaceID != u.HomeID || in.Device == "" {
			t.Fatalf("%q: %+v", name, in.Actor)
		}
		if a := k.actor(in.Value); a.ID != u.ID || !a.Fresh || a.Door != access.DoorPage {
			t.Fatalf("%q: %+v", name, a)
		}
	}
}

// Every refusal says the same, and the true reason only to who asks for it.
func TestRefusalsLookAlike(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	off := k.person("off")
	_, err := k.DisableUser(t.Context(), shellActor, off.PublicID)
	k.must(err)
	locked := k.person("locked")
	for range triesPerAccount {
		a := k.attempt(locked.Username, "wrong")
		a.Address = "198.51.100.9"
		_, err := k.SignIn(t.Context(), a)
		k.refused(err, "sign_in_refused")
	}
	var first *access.Error
	for _, one := range []struct {
		name, password string
		why            Refusal
	}{
		{"nobody", goodPassword, RefusedUnknown},
		{"mei", "wrong", RefusedPassword},
		{"mei", "", RefusedPassword},
		{"off", goodPassword, RefusedDisabled},
		{"off", "wrong", RefusedPassword},
		{"locked", goodPassword, RefusedLocked},
		{"mei", string(make([]byte, longestPassword+1)), RefusedPassword},
	} {
		_, err := k.SignIn(t.Context(), k.attempt(one.name, one.password))
		e, ok := errors.AsType[*access.Error](err)
		if !ok {
			t.Fatalf("%s: %v", one.name, err)
		}
		if first == nil {
			first = e
		}
		if e.Kind != first.Kind || e.Code != first.Code || e.Text != first.Text || e.Wait != first.Wait || e.Field != first.Field {
			t.Errorf("%s: %+v differs from %+v", one.name, e, first)
		}
		if got := RefusalOf(err); got != one.why {
			t.Errorf("%s: reason %q, want %q", one.name, got, one.why)
		}
	}
}

// Every way to fail does the work of one hash, which is what can be measured from
// outside. The machine may be busy, so the fastest of many rounds count.
func TestRefusalsTakeTheSameTime(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	off := k.person("off")
	_, err := k.DisableUser(t.Context(), shellActor, off.PublicID)
	k.must(err)
	ways := []struct{ name, password string }{{"nobody", "wrong"}, {"mei", "wrong"}, {"off", "wrong"}, {"off", goodPassword}, {"locked", "wrong"}}
	k.person("locked")
	best := make([]time.Duration, len(ways))
	alike := func() bool {
		return slices.Max(best) < 2*slices.Min(best)
	}
	const rounds = 40
	for round := range rounds {
		k.wait(triesWindow)
		for range triesPerAccount {
			_, _, err := k.DB.CountTry(t.Context(), []db.Limit{{Key: "user:" + lockedID(k), Most: triesPerAccount, Window: triesWindow}})
			k.must(err)
		}
		for i, way := range ways {
			start := time.Now()
			_, err := k.SignIn(t.Context(), k.attempt(way.name, way.password))
			took := time.Since(start)
			k.refused(err, "sign_in_refused")
			if best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
		if round >= 4 && alike() {
			return
		}
	}
	t.Fatalf("%v took %v", ways, best)
}
