package control

import (
	"bytes"
	"log/slog"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

func TestChangeCustomerPassword(t *testing.T) {
	o := newOffice(t)
	o.Log = slog.New(slog.DiscardHandler)
	name := "mei.tanaka"
	made, err := o.CreateCustomer(t.Context(), o.owner, CustomerForm{Username: &name})
	o.must(err)
	signIn := func(password string) (SignedIn, error) {
		return o.SignInCustomer(t.Context(), o.workspace.ID, Attempt{Name: name, Password: password, Door: access.DoorChat, Address: "203.0.113.9"})
	}
	in, err := signIn(made.Password)
	o.must(err)
	if !in.Customer.MustChange || !in.Actor.Fresh {
		t.Fatalf("signed in: %+v", in.Actor)
	}
	other, err := signIn(made.Password)
	o.must(err)
	change := func(by access.Actor, current, plain string) error {
		_, err := o.ChangeCustomerPassword(t.Context(), by, current, plain)
		return err
	}
	for code, plain := range map[string]string{"password_short": "short", "password_same": made.Password, "password_name": "mei.tanaka1", "password_common": "password1"} {
		o.refused(change(in.Actor, "", plain), code)
	}
	stale := in.Actor
	stale.Fresh = false
	o.refused(change(stale, "wrong one here", "green tea at noon"), "password_wrong")
	renewed, err := o.ChangeCustomerPassword(t.Context(), in.Actor, "", "green tea at noon")
	o.must(err)
	if _, err := o.CustomerVisit(t.Context(), o.workspace.ID, renewed, ""); err != nil {
		t.Errorf("the session it was done in: %v", err)
	}
	for name, value := range map[string]string{"its old value": in.Value, "another session": other.Value} {
		if _, err := o.CustomerVisit(t.Context(), o.workspace.ID, value, ""); access.KindOf(err) != access.SignedOut {
			t.Errorf("%s lives on: %v", name, err)
		}
	}
	if _, err := signIn(made.Password); access.KindOf(err) != access.SignedOut {
		t.Errorf("the old password: %v", err)
	}
	in, err = signIn("green tea at noon")
	o.must(err)
	if in.Customer.MustChange {
		t.Error("it must be changed again")
	}
	// Once it is one's own, the present one is asked for, however fresh.
	o.refused(change(in.Actor, "", "black tea at noon"), "password_wrong")
	o.must(change(in.Actor, "green tea at noon", "black tea at noon"))
	o.refused(change(o.owner, "x", "black tea at noon"), "signed_out")
	if hash := secret.HashSession(in.Value); !bytes.Equal(in.Actor.SessionHash, hash[:]) {
		t.Error("the actor is of another session")
	}
}
