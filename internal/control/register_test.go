package control

import (
	"strings"
	"testing"

	"latchkey/internal/access"
)

func TestRegistration(t *testing.T) {
	k := newDesk(t)
	f := UserForm{Username: ptr("new"), Password: ptr(goodPassword), IsAdmin: ptr(true)}
	_, err := k.Register(t.Context(), access.DoorPage, "192.0.2.7", f)
	k.refused(err, "registration_closed")
	k.must(k.DB.SetSetting(t.Context(), shellActor, RegistrationSetting, "open"))
	made, err := k.Register(t.Context(), access.DoorPage, "192.0.2.7", f)
	k.must(err)
	if made.User.IsAdmin || made.User.HomeID == 0 || made.Workspace.PublicID != made.User.PublicID {
		t.Fatalf("%+v", made)
	}
	// RAGFlow's register makes the address the name.
	mail := "rag@acme.example"
	_, err = k.Register(t.Context(), access.DoorRAGFlow, "192.0.2.7", UserForm{Username: &mail, Email: &mail, Password: ptr("1")})
	k.must(err)
	_, err = k.Register(t.Context(), access.DoorRAGFlow, "192.0.2.7", UserForm{Username: &mail, Email: &mail, Password: ptr("1")})
	if access.KindOf(err) != access.Conflict {
		t.Fatal(err)
	}
	if in := k.signIn(strings.ToUpper(mail), "1"); in.User.Email != mail {
		t.Fatalf("%+v", in.User)
	}
	k.RegistrationFixed, k.Registration = true, "closed" // the environment wins
	_, err = k.Register(t.Context(), access.DoorPage, "192.0.2.7", f)
	k.refused(err, "registration_closed")
}
