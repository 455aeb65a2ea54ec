package control

import (
	"testing"

	"latchkey/internal/access"
)

func TestProfile(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	k.person("bo")
	by := k.actor(k.signIn("mei", goodPassword).Value)
	u, err := k.EditProfile(t.Context(), by, UserForm{Nickname: ptr(" Mei Tanaka "), Language: ptr("zh"), TimeZone: ptr("Asia/Tokyo"), IsAdmin: ptr(true)})
	k.must(err)
	if u.Nickname != "Mei Tanaka" || u.Language != "zh" || u.IsAdmin || u.Username != "mei" || u.Email != "mei@acme.example" {
		t.Fatalf("%+v", u)
	}
	_, err = k.EditProfile(t.Context(), by, UserForm{Nickname: ptr("x"), Version: u.Version - 1})
	k.refused(err, "stale")
	for _, one := range []struct {
		form  UserForm
		codes []string
	}{
		{UserForm{Username: ptr("bo")}, []string{"username_taken"}},
		{UserForm{Email: ptr("bo@acme.example")}, []string{"email_taken"}},
		{UserForm{Username: ptr("bo@acme.example")}, []string{"username_taken"}},
		{UserForm{Email: ptr("x"), Language: ptr("fr"), TimeZone: ptr("Mars/Base")}, []string{"email_invalid", "language_unknown", "time_zone_unknown"}},
		{UserForm{TimeZone: ptr("Local")}, []string{"time_zone_unknown"}},
		{UserForm{TimeZone: ptr("../etc/passwd")}, []string{"time_zone_unknown"}},
	} {
		_, err := k.EditProfile(t.Context(), by, one.form)
		k.refused(err, one.codes...)
	}
	// The own address as username is one name, and may become two again.
	_, err = k.EditProfile(t.Context(), by, UserForm{Username: ptr("mei@acme.example")})
	k.must(err)
	k.signIn("mei@acme.example", goodPassword)
	_, err = k.EditProfile(t.Context(), by, UserForm{Username: ptr("mei")})
	k.must(err)
	k.signIn("mei@acme.example", goodPassword)
	k.signIn("mei", goodPassword)
}

func TestSwitchWorkspace(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	value := k.signIn("mei", goodPassword).Value
	by := k.actor(value)
	_, err := k.SwitchWorkspace(t.Context(), by, k.workspace.PublicID)
	k.refused(err, "workspace_unknown")
	k.must(k.DB.AddMember(t.Context(), shellActor, k.workspace.ID, u.PublicID, access.Viewer))
	next, err := k.SwitchWorkspace(t.Context(), by, k.workspace.PublicID)
	k.must(err)
	k.dead(value)
	a := k.actor(next)
	if a.WorkspaceID != k.workspace.ID || a.Role != access.Viewer {
		t.Fatalf("%+v", a)
	}
	k.must(k.DB.RemoveMember(t.Context(), shellActor, k.workspace.ID, u.PublicID))
	if a := k.actor(next); a.WorkspaceID != u.HomeID || a.Role != access.Owner {
		t.Fatalf("after the role was lost: %+v", a)
	}
}
