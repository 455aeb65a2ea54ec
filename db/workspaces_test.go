package db

import (
	"crypto/sha256"
	"testing"
	"time"

	"latchkey/internal/access"
)

func TestDeleteWorkspaceLeavesNothingOpen(t *testing.T) {
	d, c := peopleFile(t)
	ada, w := makePerson(t, d, "ada")
	made, err := d.MakeToken(t.Context(), shell, NewToken{
		Token: access.Token{PublicID: hexID(), WorkspaceID: w.ID, Name: "x", PermissionsShape: "array", Sealed: []byte("s"), BetaSealed: []byte("b")},
		Purse: access.Purse{Unlimited: true}, Hash: sha256.Sum256([]byte("t")), BetaHash: sha256.Sum256([]byte("b")), Zone: time.UTC,
	})
	if err != nil {
		t.Fatal(err)
	}
	jun, err := d.MakeCustomer(t.Context(), shell, access.Customer{PublicID: hexID(), WorkspaceID: w.ID, Username: "jun", UsernameKey: "jun", PasswordHash: "h"})
	if err != nil {
		t.Fatal(err)
	}
	in := sessionFor(access.User{}, "jun", c.now())
	in.Kind, in.ID, in.PasswordHash = access.SubjectCustomer, jun.ID, "h"
	in.Session.Kind, in.Session.SubjectID, in.Session.WorkspaceID = access.SubjectCustomer, jun.ID, w.ID
	if err := d.SignIn(t.Context(), access.Actor{Kind: access.ActorCustomer, WorkspaceID: w.ID}, in); err != nil {
		t.Fatal(err)
	}
	for _, look := range []func() error{ // warm every cache
		func() error { _, err := d.FindWorkspace(t.Context(), w.ID); return err },
		func() error { _, err := d.FindToken(t.Context(), made.ID); return err },
		func() error { _, err := d.FindSecret(t.Context(), sha256.Sum256([]byte("t"))); return err },
	} {
		if err := look(); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.DeleteWorkspace(t.Context(), shell, w.ID); err != nil {
		t.Fatal(err)
	}
	for name, look := range map[string]func() error{
		"workspace": func() error { _, err := d.FindWorkspace(t.Context(), w.ID); return err },
		"secret":    func() error { _, err := d.FindSecret(t.Context(), sha256.Sum256([]byte("t"))); return err },
		"customer":  func() error { _, err := d.CustomerByName(t.Context(), w.ID, "jun"); return err },
		"session": func() error {
			_, err := d.FindCustomerSession(t.Context(), w.ID, sha256.Sum256([]byte("jun")))
			return err
		},
		"again": func() error { return d.DeleteWorkspace(t.Context(), shell, w.ID) },
	} {
		if access.KindOf(look()) != access.NotFound {
			t.Errorf("%s is still there", name)
		}
	}
	if k := must[access.Token](t)(d.FindToken(t.Context(), made.ID)); !k.Deleted {
		t.Error("the token is not deleted")
	}
	if u := must[access.User](t)(d.FindUser(t.Context(), ada.ID)); u.HomeID != 0 {
		t.Error("the owner still has that home")
	}
	if n := must[[]Membership](t)(d.Memberships(t.Context(), ada.ID)); len(n) != 0 {
		t.Error("a role is left")
	}
}

func TestWorkspaceListAndCounts(t *testing.T) {
	d, _ := peopleFile(t)
	ada, w := makePerson(t, d, "ada")
	makePerson(t, d, "bo")
	more := must[access.Workspace](t)(d.MakeWorkspace(t.Context(), shell, access.Workspace{PublicID: hexID(), Name: "Zeta", TimeZone: "UTC"}, ada.PublicID))
	mine := must[[]Membership](t)(d.Memberships(t.Context(), ada.ID))
	if len(mine) != 2 || mine[0].Workspace.ID != w.ID || mine[1].Workspace.ID != more.ID || mine[1].Role != access.Owner {
		t.Fatalf("%+v", mine)
	}
	for query, want := range map[string]int{"": 3, "ze": 1, more.PublicID: 1, "%": 0, "nowhere": 0} {
		rows := must[[]access.Workspace](t)(d.Workspaces(t.Context(), Page{Query: query, Limit: 10}))
		if len(rows) != want {
			t.Errorf("%q: %d workspaces, want %d", query, len(rows), want)
		}
	}
	if oldest := must[access.Workspace](t)(d.OldestWorkspace(t.Context())); oldest.ID != w.ID {
		t.Fatalf("%+v", oldest)
	}
	if n := must[NavCounts](t)(d.NavCounts(t.Context(), w.ID)); n != (NavCounts{}) {
		t.Fatalf("%+v", n)
	}
	name, zone := "Ada's desk", "Europe/Berlin"
	e := must[access.Workspace](t)(d.EditWorkspace(t.Context(), shell, w.ID, WorkspaceChange{Name: &name, TimeZone: &zone, Version: w.Version}))
	if f := must[access.Workspace](t)(d.FindWorkspace(t.Context(), w.ID)); f != e || f.Name != name {
		t.Fatalf("%+v, %+v", e, f)
	}
	_, err := d.EditWorkspace(t.Context(), shell, w.ID, WorkspaceChange{Name: &name, Version: w.Version})
	wantCode(t, err, access.Conflict, "stale")
	group := "gold"
	_, err = d.EditWorkspace(t.Context(), shell, w.ID, WorkspaceChange{GroupName: &group})
	wantCode(t, err, access.Invalid, "group_unknown")
}
