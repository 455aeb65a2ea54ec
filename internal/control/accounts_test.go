package control

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

var shellActor = access.Actor{Kind: access.ActorShell, Name: "shell", Door: access.DoorShell}

const (
	goodPassword = "four quiet words apart"
	newPassword  = "another four calm words"
)

// desk is an office where people sign in; it remembers the delays.
type desk struct {
	*office
	pauses []time.Duration
}

func newDesk(t *testing.T) *desk {
	k := &desk{office: newOffice(t)}
	k.Log = slog.New(slog.DiscardHandler)
	k.Pause = func(_ context.Context, d time.Duration) error {
		k.pauses = append(k.pauses, d)
		return nil
	}
	return k
}

func (k *desk) person(name string) access.User {
	k.t.Helper()
	made, err := k.CreateUser(k.t.Context(), shellActor, UserForm{
		Username: &name, Email: ptr(name + "@acme.example"), Password: ptr(goodPassword),
	})
	k.must(err)
	return made.User
}

func (k *desk) attempt(name, password string) Attempt {
	return Attempt{Name: name, Password: password, Door: access.DoorPage, Address: "192.0.2.7", Agent: "Test"}
}

func (k *desk) signIn(name, password string) SignedIn {
	k.t.Helper()
	in, err := k.SignIn(k.t.Context(), k.attempt(name, password))
	k.must(err)
	return in
}

func (k *desk) actor(value string) access.Actor {
	k.t.Helper()
	v, err := k.Visit(k.t.Context(), value, "192.0.2.7")
	k.must(err)
	return v.Actor
}

func (k *desk) dead(value string) {
	k.t.Helper()
	if _, err := k.Visit(k.t.Context(), value, "192.0.2.7"); access.KindOf(err) != access.SignedOut {
		k.t.Fatalf("the session opens: %v", err)
	}
}

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

func lockedID(k *desk) string {
	u, err := k.DB.UserByName(k.t.Context(), "locked")
	k.must(err)
	return u.PublicID
}

func TestThrottleOfAnAccount(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	known := k.signIn("mei", goodPassword).Device
	for i := range triesPerAccount {
		a := k.attempt("mei", "wrong")
		a.Address = "198.51.100." + string(rune('1'+i%3))
		_, err := k.SignIn(t.Context(), a)
		k.refused(err, "sign_in_refused")
	}
	_, err := k.SignIn(t.Context(), k.attempt("MEI@acme.example", goodPassword))
	if RefusalOf(err) != RefusedLocked {
		t.Fatalf("another name of the account: %v", err)
	}

	// The owner's own browser passes, slowly; the wrong password does not.
	a := k.attempt("mei", "wrong")
	a.Device = known
	_, err = k.SignIn(t.Context(), a)
	if RefusalOf(err) != RefusedPassword || len(k.pauses) != 1 || k.pauses[0] != deviceDelay {
		t.Fatalf("known device, wrong password: %v after %v", err, k.pauses)
	}
	a.Password = goodPassword
	in, err := k.SignIn(t.Context(), a)
	k.must(err)
	if in.Device != known || len(k.pauses) != 2 {
		t.Fatalf("known device: %q after %v", in.Device, k.pauses)
	}
	// Success forgot the failures.
	k.signIn("mei", goodPassword)
}

func TestKnownDeviceHasACountOfItsOwn(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	a := k.attempt("mei", "wrong")
	a.Device = k.signIn("mei", goodPassword).Device
	for range 2 * triesPerAccount {
		_, err := k.SignIn(t.Context(), a)
		if RefusalOf(err) != RefusedPassword {
			t.Fatal(err)
		}
	}
	a.Password = goodPassword
	if _, err := k.SignIn(t.Context(), a); RefusalOf(err) != RefusedLocked {
		t.Fatalf("the device guesses on: %v", err)
	}
	other := k.person("bo")
	a.Name = "bo"
	for range triesPerAccount {
		b := k.attempt("bo", "wrong")
		b.Address = "203.0.113.5"
		_, err := k.SignIn(t.Context(), b)
		k.refused(err, "sign_in_refused")
	}
	if _, err := k.SignIn(t.Context(), a); RefusalOf(err) != RefusedLocked {
		t.Fatalf("a device known to one account is known to %s: %v", other.Username, err)
	}
	k.wait(triesWindow)
	k.signIn("mei", goodPassword)
}

func TestThrottleOfAnAddressTellsNothing(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	for i := range triesPerAddress {
		a := k.attempt("nobody"+string(rune('a'+i)), "wrong")
		a.Address = "2001:db8:1:2::" + string(rune('1'+i%9)) // one line, many addresses
		_, err := k.SignIn(t.Context(), a)
		k.refused(err, "sign_in_refused")
	}
	a := k.attempt("mei", goodPassword)
	a.Address = "2001:db8:1:2:ffff::1"
	_, err := k.SignIn(t.Context(), a)
	k.refused(err, "sign_in_limited")
	if e, _ := errors.AsType[*access.Error](err); e.Kind != access.Limited || e.Wait <= 0 || e.Wait > triesWindow {
		t.Fatalf("%+v", e)
	}
	a.Address = "2001:db8:1:3::1"
	_, err = k.SignIn(t.Context(), a)
	k.must(err)
}

func TestThrottleOfTheServer(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	_, _, err := k.DB.CountTry(t.Context(), nil)
	k.must(err)
	for i := range triesPerServer {
		over, _, err := k.DB.CountTry(t.Context(), addressLimits("10.1."+string(rune('0'+i/30))+".1"))
		k.must(err)
		_ = over
	}
	_, err = k.SignIn(t.Context(), k.attempt("mei", goodPassword))
	k.refused(err, "sign_in_limited")
	k.wait(serverWindow)
	k.signIn("mei", goodPassword)
}

func TestParallelTriesDoNotPassTheLimit(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	var wg sync.WaitGroup
	var mu sync.Mutex
	reasons := map[Refusal]int{}
	for range 2 * triesPerAccount {
		wg.Go(func() {
			_, err := k.SignIn(context.Background(), k.attempt("mei", "wrong"))
			mu.Lock()
			defer mu.Unlock()
			reasons[RefusalOf(err)]++
		})
	}
	wg.Wait()
	if reasons[RefusedPassword] != triesPerAccount || reasons[RefusedLocked] != triesPerAccount {
		t.Fatalf("%v", reasons)
	}
}

func TestSessionsPerAccount(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	var values []string
	for range access.SessionsPerUser + 3 {
		values = append(values, k.signIn("mei", goodPassword).Value)
		k.wait(time.Second)
	}
	for i, value := range values {
		_, err := k.Visit(t.Context(), value, "192.0.2.7")
		if gone := access.KindOf(err) == access.SignedOut; gone != (i < 3) {
			t.Fatalf("session %d of %d: %v", i, len(values), err)
		}
	}
	rows, err := k.SignIns(t.Context(), k.actor(values[10]))
	k.must(err)
	if len(rows) != access.SessionsPerUser {
		t.Fatalf("%d sessions", len(rows))
	}
	current := 0
	for _, r := range rows {
		if r.Current {
			current++
		}
	}
	if current != 1 {
		t.Fatalf("%d are the present one", current)
	}
}

func TestSessionLimits(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	idle, used := k.signIn("mei", goodPassword).Value, k.signIn("mei", goodPassword).Value
	for range 13 {
		k.wait(access.UserIdle - time.Minute)
		k.actor(used)
	}
	k.dead(idle)
	k.wait(access.UserLifetime - 13*(access.UserIdle-time.Minute))
	k.dead(used) // used all the time, and still over after a week
}

func TestFreshForTenMinutes(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	old := k.signIn("mei", goodPassword).Value
	k.wait(FreshFor + time.Second)
	a := k.actor(old)
	if a.Fresh {
		t.Fatal("still fresh")
	}
	_, err := k.ConfirmPassword(t.Context(), a, "wrong")
	k.refused(err, "password_wrong")
	value, err := k.ConfirmPassword(t.Context(), a, goodPassword)
	k.must(err)
	k.dead(old)
	if !k.actor(value).Fresh {
		t.Fatal("not fresh")
	}
}

func TestChangePasswordEndsTheOthers(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	here, there := k.signIn("mei", goodPassword).Value, k.signIn("mei", goodPassword).Value
	login := k.attempt("mei", goodPassword)
	login.Door = access.DoorNative
	token, err := k.SignIn(t.Context(), login)
	k.must(err)
	a := k.actor(here)

	_, err = k.ChangePassword(t.Context(), a, "wrong", newPassword, false)
	k.refused(err, "password_wrong")
	for plain, code := range map[string]string{"short": "password_short", "password12345": "password_common", "mei@acme.example": "password_name", goodPassword: "password_same"} {
		_, err = k.ChangePassword(t.Context(), a, goodPassword, plain, false)
		k.refused(err, code)
	}
	value, err := k.ChangePassword(t.Context(), a, goodPassword, newPassword, false)
	k.must(err)
	k.actor(value)
	k.dead(here)
	k.dead(there)
	_, err = k.ActorOfBearer(t.Context(), token.Value, "192.0.2.7", access.DoorNative, "")
	k.refused(err, "signed_out")
	_, err = k.SignIn(t.Context(), k.attempt("mei", goodPassword))
	k.refused(err, "sign_in_refused")

	other := k.signIn("mei", newPassword).Value
	_, err = k.ChangePassword(t.Context(), k.actor(value), newPassword, goodPassword, true)
	k.must(err)
	k.actor(other) // asked to be kept
}

func TestResetPasswordEndsEverything(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	session := k.signIn("mei", goodPassword).Value
	made, err := k.ResetPassword(t.Context(), shellActor, u.PublicID, nil)
	k.must(err)
	k.dead(session)
	in := k.signIn("mei", made.Password)
	if !in.User.MustChange {
		t.Fatal("a password that was made need not be changed")
	}
	_, err = k.ChangePassword(t.Context(), k.actor(in.Value), made.Password, goodPassword, false)
	k.must(err)
	if k.signIn("mei", goodPassword).User.MustChange {
		t.Fatal("asked again")
	}
}

func TestDisableAndDeleteEndSignIns(t *testing.T) {
	for name, end := range map[string]func(k *desk, u access.User) error{
		"disable": func(k *desk, u access.User) error {
			_, err := k.DisableUser(k.t.Context(), shellActor, u.PublicID)
			return err
		},
		"delete": func(k *desk, u access.User) error { return k.DeleteUser(k.t.Context(), shellActor, u.PublicID) },
	} {
		t.Run(name, func(t *testing.T) {
			k := newDesk(t)
			u := k.person("mei")
			session := k.signIn("mei", goodPassword).Value
			a := k.attempt("mei", goodPassword)
			a.Door = access.DoorNative
			token, err := k.SignIn(t.Context(), a)
			k.must(err)
			k.must(end(k, u))
			k.dead(session)
			_, err = k.ActorOfBearer(t.Context(), token.Value, "192.0.2.7", access.DoorNative, "")
			k.refused(err, "signed_out")
			_, err = k.SignIn(t.Context(), k.attempt("mei", goodPassword))
			k.refused(err, "sign_in_refused")
		})
	}
}

func TestEndSignIns(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	here, there, third := k.signIn("mei", goodPassword).Value, k.signIn("mei", goodPassword).Value, k.signIn("mei", goodPassword).Value
	a := k.actor(here)
	k.person("bo")
	foreign := k.actor(k.signIn("bo", goodPassword).Value)
	rows, err := k.SignIns(t.Context(), k.actor(there))
	k.must(err)
	for _, r := range rows {
		if r.Current {
			if err := k.EndSignIn(t.Context(), foreign, r.ID); access.KindOf(err) != access.NotFound {
				t.Fatalf("somebody else's: %v", err)
			}
			k.must(k.EndSignIn(t.Context(), a, r.ID))
		}
	}
	k.dead(there)
	k.must(k.EndOtherSignIns(t.Context(), a))
	k.dead(third)
	k.actor(here)
	k.must(k.SignOut(t.Context(), a))
	k.dead(here)
	k.must(k.SignOut(t.Context(), a)) // again is no error
}
