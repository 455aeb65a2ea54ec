package control

import (
	"context"
	"log/slog"
	"testing"
	"time"

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
