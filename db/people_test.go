package db

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/access"
)

// clock is a time that tests move by hand.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) forward(d time.Duration) { c.ms.Add(d.Milliseconds()) }

var shell = access.Actor{Kind: access.ActorShell, Name: "shell", Door: access.DoorShell}

// peopleFile opens a new database in a folder of the test's own.
func peopleFile(t *testing.T) (*DB, *clock) {
	t.Helper()
	c := &clock{}
	c.ms.Store(time.Date(2026, 11, 20, 14, 21, 0, 0, time.UTC).UnixMilli())
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "latchkey.db"), Now: c.now, Random: rand.Reader, BootID: "test"})
	if err != nil {
		t.Fatal(err)
	}
	d.UseAuditKey(1, func(b []byte) []byte {
		m := hmac.New(sha256.New, []byte("audit"))
		m.Write(b)
		return m.Sum(nil)
	})
	t.Cleanup(func() {
		if rows, broken, err := d.VerifyAudit(context.Background()); err != nil || broken != 0 {
			t.Errorf("audit chain: %d rows hold, broken at %d, %v", rows, broken, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, c
}

func hexID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func person(name string) NewUser {
	return NewUser{
		User:      access.User{PublicID: hexID(), Username: name, UsernameKey: name, Email: name + "@acme.example", EmailKey: name + "@acme.example", PasswordHash: "hash of " + name},
		Workspace: name + "'s", TimeZone: "Asia/Shanghai",
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func makePerson(t *testing.T, d *DB, name string) (access.User, access.Workspace) {
	t.Helper()
	u, w, err := d.MakeUser(t.Context(), shell, person(name))
	if err != nil {
		t.Fatal(err)
	}
	return u, w
}

func wantCode(t *testing.T, err error, kind access.Kind, code string) {
	t.Helper()
	problems := access.Problems(err)
	if len(problems) != 1 || problems[0].Kind != kind || problems[0].Code != code {
		t.Fatalf("got %v, want %v %s", err, kind, code)
	}
}

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
