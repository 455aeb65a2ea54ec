package db

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/internal/access"
)

func TestMakeUserMakesAHomeOfTheSameID(t *testing.T) {
	d, _ := peopleFile(t)
	u, w := makePerson(t, d, "ada")
	if u.PublicID != w.PublicID || u.HomeID != w.ID {
		t.Fatalf("user %s home %d, workspace %s %d", u.PublicID, u.HomeID, w.PublicID, w.ID)
	}
	if w.GroupName != "default" || w.Location().String() != "Asia/Shanghai" {
		t.Fatalf("workspace %+v", w)
	}
	role := must[access.Role](t)(d.RoleIn(t.Context(), w.ID, u.ID))
	if role != access.Owner {
		t.Fatalf("role %q", role)
	}
	var unlimited bool
	var owner int64
	if err := d.row(t.Context(), "SELECT unlimited, workspace_id FROM purses WHERE id = $1", w.PurseID).Scan(&unlimited, &owner); err != nil || !unlimited || owner != w.ID {
		t.Fatalf("purse: unlimited %v of %d, %v", unlimited, owner, err)
	}
}

func TestOneSpaceOfSignInNames(t *testing.T) {
	d, _ := peopleFile(t)
	makePerson(t, d, "ada")
	for _, tc := range []struct{ username, email, code string }{
		{"ada", "other@acme.example", "username_taken"},
		{"other", "ada@acme.example", "email_taken"},
		{"ada@acme.example", "", "username_taken"}, // would be meant by ada's address too
		{"other", "ada", "email_taken"},
	} {
		n := person(tc.username)
		n.User.Email, n.User.EmailKey = tc.email, tc.email
		_, _, err := d.MakeUser(t.Context(), shell, n)
		wantCode(t, err, access.Conflict, tc.code)
	}
	bob, _ := makePerson(t, d, "bob")
	name := "ada"
	_, err := d.EditUser(t.Context(), shell, bob.PublicID, UserChange{Username: &name, UsernameKey: &name})
	wantCode(t, err, access.Conflict, "username_taken")
}

func TestOneFirstAdmin(t *testing.T) {
	d, _ := peopleFile(t)
	var made, refused atomic.Int64
	var wg sync.WaitGroup
	for _, name := range []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"} {
		wg.Go(func() {
			switch _, _, err := d.MakeFirstAdmin(context.Background(), shell, person(name)); {
			case err == nil:
				made.Add(1)
			case access.KindOf(err) == access.Conflict:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || refused.Load() != 7 {
		t.Fatalf("%d made, %d refused", made.Load(), refused.Load())
	}
	if n := must[int64](t)(d.CountWorkspaces(t.Context(), Page{})); n != 1 {
		t.Fatalf("%d workspaces", n)
	}
}
