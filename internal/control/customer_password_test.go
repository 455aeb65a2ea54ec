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
	for code, plain := range map[string]string{"password_short": "short", "password_same": made.Password, "password_name": "mei.tanaka1", "password_common": "password1"} {
		o.refused(o.ChangeCustomerPassword(t.Context(), in.Actor, "", plain), code)
	}
	stale := in.Actor
	stale.Fresh = false
	o.refused(o.ChangeCustomerPassword(t.Context(), stale, "wrong one here", "green tea at noon"), "password_wrong")
	o.must(o.ChangeCustomerPassword(t.Context(), in.Actor, "", "green tea at noon"))
	if _, err := o.CustomerVisit(t.Context(), o.workspace.ID, in.Value, ""); err != nil {
		t.Errorf("the session it was done in: %v", err)
	}
	if _, err := o.CustomerVisit(t.Context(), o.workspace.ID, other.Value, ""); access.KindOf(err) != access.SignedOut {
		t.Errorf("another session lives on: %v", err)
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
	o.refused(o.ChangeCustomerPassword(t.Context(), in.Actor, "", "black tea at noon"), "password_wrong")
	o.must(o.ChangeCustomerPassword(t.Context(), in.Actor, "green tea at noon", "black tea at noon"))
	o.refused(o.ChangeCustomerPassword(t.Context(), o.owner, "x", "black tea at noon"), "signed_out")
	if hash := secret.HashSession(in.Value); !bytes.Equal(in.Actor.SessionHash, hash[:]) {
		t.Error("the actor is of another session")
	}
}
