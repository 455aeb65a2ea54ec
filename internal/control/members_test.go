package control

import (
	"context"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

func TestLastOwnerStays(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	by := k.actor(k.signIn("mei", goodPassword).Value)
	_, err := k.EditMember(t.Context(), by, u.PublicID, access.Editor, 0)
	k.refused(err, "last_owner")
	k.refused(k.DeleteMember(t.Context(), by, u.PublicID), "last_owner")

	bo := k.person("bo")
	_, err = k.CreateMember(t.Context(), by, MemberForm{Username: "BO@acme.example", Role: access.Owner})
	k.must(err)
	_, err = k.CreateMember(t.Context(), by, MemberForm{Username: "bo", Role: access.Viewer})
	k.refused(err, "member_there")
	// A disabled owner is none: the workspace would have nobody.
	_, err = k.DisableUser(t.Context(), shellActor, bo.PublicID)
	k.must(err)
	_, err = k.EditMember(t.Context(), by, u.PublicID, access.Viewer, 0)
	k.refused(err, "last_owner")
	_, err = k.EnableUser(t.Context(), shellActor, bo.PublicID)
	k.must(err)
	_, err = k.EditMember(t.Context(), by, u.PublicID, access.Viewer, 0)
	k.must(err)
	if a := k.actor(k.signIn("mei", goodPassword).Value); a.Role != access.Viewer {
		t.Fatalf("%+v", a)
	}
}

func TestParallelDemotionsLeaveAnOwner(t *testing.T) {
	k := newDesk(t)
	var all []access.User
	names := []string{"a1", "a2", "a3", "a4"}
	for _, name := range names {
		all = append(all, k.person(name))
	}
	by := k.actor(k.signIn("a1", goodPassword).Value)
	for _, name := range names[1:] {
		_, err := k.CreateMember(t.Context(), by, MemberForm{Username: name, Role: access.Owner})
		k.must(err)
	}
	var wg sync.WaitGroup
	for _, u := range all {
		wg.Go(func() {
			if _, err := k.EditMember(context.Background(), by, u.PublicID, access.Viewer, 0); err != nil && access.KindOf(err) != access.Conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rows, err := k.Members(t.Context(), by)
	k.must(err)
	owners := 0
	for _, m := range rows {
		if m.Role == access.Owner {
			owners++
		}
	}
	if owners != 1 {
		t.Fatalf("%d owners", owners)
	}
}

func TestOwnerTakesAFreshPassword(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	bo := k.person("bo")
	value := k.signIn("mei", goodPassword).Value
	k.wait(FreshFor + time.Second)
	by := k.actor(value)
	_, err := k.CreateMember(t.Context(), by, MemberForm{Username: "bo", Role: access.Owner})
	k.refused(err, "confirm_password")
	_, err = k.CreateMember(t.Context(), by, MemberForm{Username: "bo", Role: access.Editor})
	k.must(err)
	_, err = k.EditMember(t.Context(), by, bo.PublicID, access.Owner, 0)
	k.refused(err, "confirm_password")
	value, err = k.ConfirmPassword(t.Context(), by, goodPassword)
	k.must(err)
	_, err = k.EditMember(t.Context(), k.actor(value), bo.PublicID, access.Owner, 0)
	k.must(err)
}

// Who may do what with people, as kinds: 0 may.
func TestPeopleMatrix(t *testing.T) {
	k := newDesk(t)
	u := k.person("target")
	k.must(k.DB.AddMember(t.Context(), shellActor, k.workspace.ID, u.PublicID, access.Viewer))
	role := func(r access.Role, admin bool) access.Actor {
		a := k.owner
		a.Role, a.IsAdmin = r, admin
		return a
	}
	token := func(p string) access.Actor {
		return access.Actor{Kind: access.ActorToken, PublicID: "t", WorkspaceID: k.workspace.ID, Permissions: access.Permissions{p}, Door: access.DoorNative}
	}
	actors := []struct {
		name  string
		actor access.Actor
	}{
		{"nobody", access.Actor{}},
		{"customer", access.Actor{Kind: access.ActorCustomer, WorkspaceID: k.workspace.ID}},
		{"viewer", role(access.Viewer, false)},
		{"editor", role(access.Editor, false)},
		{"owner", role(access.Owner, false)},
		{"admin elsewhere", role(access.NoRole, true)},
		{"token admin", token("admin")},
		{"token manage", token("manage")},
	}
	const (
		may = access.Kind(0)
		out = access.SignedOut
		no  = access.Forbidden
	)
	for _, one := range []struct {
		act  string
		do   func(by access.Actor) error
		want [8]access.Kind
	}{
		{"list members", func(by access.Actor) error { _, err := k.Members(t.Context(), by); return err }, [8]access.Kind{out, no, no, no, may, no, no, no}},
		{"change a role", func(by access.Actor) error {
			_, err := k.EditMember(t.Context(), by, u.PublicID, access.Viewer, 0)
			return err
		}, [8]access.Kind{out, no, no, no, may, no, no, no}},
		{"edit the workspace", func(by access.Actor) error {
			_, err := k.EditWorkspace(t.Context(), by, WorkspaceForm{Name: ptr("Acme")})
			return err
		}, [8]access.Kind{out, no, no, no, may, no, no, no}},
		{"choose its group", func(by access.Actor) error {
			_, err := k.EditWorkspace(t.Context(), by, WorkspaceForm{Group: ptr("default")})
			return err
		}, [8]access.Kind{out, no, no, no, no, may, no, no}},
		{"list users", func(by access.Actor) error {
			_, _, err := k.Users(t.Context(), by, db.Page{Limit: 1})
			return err
		}, [8]access.Kind{out, no, no, no, no, may, no, no}},
		{"reset a password", func(by access.Actor) error { _, err := k.ResetPassword(t.Context(), by, u.PublicID, nil); return err }, [8]access.Kind{out, no, no, no, no, may, no, no}},
		{"list workspaces", func(by access.Actor) error {
			_, _, err := k.Workspaces(t.Context(), by, db.Page{Limit: 1})
			return err
		}, [8]access.Kind{out, no, no, no, no, may, no, no}},
	} {
		for i, a := range actors {
			if got := access.KindOf(one.do(a.actor)); got != one.want[i] {
				t.Errorf("%s by %s: %v, want %v", one.act, a.name, got, one.want[i])
			}
		}
	}
}
