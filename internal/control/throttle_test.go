package control

import (
	"context"
	"errors"
	"sync"
	"testing"

	"latchkey/internal/access"
)

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
