package control

import (
	"testing"
	"time"

	"latchkey/internal/access"
)

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
