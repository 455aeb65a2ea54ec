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

func sessionFor(u access.User, value string, at time.Time) SignedIn {
	hash := sha256.Sum256([]byte(value))
	return SignedIn{
		Kind: access.SubjectUser, ID: u.ID, PasswordHash: u.PasswordHash, Name: "user:" + u.PublicID + " " + u.Username,
		Session: &access.Session{
			Hash: hash[:], Kind: access.SubjectUser, SubjectID: u.ID, WorkspaceID: u.HomeID, AuthAt: at, SeenAt: at,
			IdleUntil: at.Add(access.UserIdle), ExpiresAt: at.Add(access.UserLifetime), Address: "192.0.2.7",
		},
	}
}

func TestSignInHoldsOnlyForWhatWasVerified(t *testing.T) {
	d, c := peopleFile(t)
	u, w := makePerson(t, d, "ada")
	by := access.Actor{Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: u.Username, WorkspaceID: w.ID}
	in := sessionFor(u, "one", c.now())
	if err := d.SignIn(t.Context(), by, in); err != nil {
		t.Fatal(err)
	}
	s := must[UserSession](t)(d.FindUserSession(t.Context(), sha256.Sum256([]byte("one"))))
	if s.User.ID != u.ID || s.Role != access.Owner || s.User.LastLoginAt.IsZero() {
		t.Fatalf("%+v", s)
	}
	// Somebody resets the password while another sign-in is being verified.
	if _, err := d.ResetPassword(t.Context(), shell, u.PublicID, "another hash", true); err != nil {
		t.Fatal(err)
	}
	_, err := d.FindUserSession(t.Context(), sha256.Sum256([]byte("one")))
	wantCode(t, err, access.NotFound, "not_found")
	wantCode(t, d.SignIn(t.Context(), by, sessionFor(u, "two", c.now())), access.SignedOut, "signed_out")
	u = must[access.User](t)(d.FindUser(t.Context(), u.ID))
	if _, err := d.SetUserEnabled(t.Context(), shell, u.PublicID, false); err != nil {
		wantCode(t, err, access.Conflict, "last_admin")
	}
	wantCode(t, d.SignIn(t.Context(), by, sessionFor(u, "three", c.now())), access.SignedOut, "signed_out")
}

func TestSessionsAreTrimmedAndSwept(t *testing.T) {
	d, c := peopleFile(t)
	u, _ := makePerson(t, d, "ada")
	by := access.Actor{Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: u.Username}
	for i := range access.SessionsPerUser + 5 {
		if err := d.SignIn(t.Context(), by, sessionFor(u, string(rune('a'+i)), c.now())); err != nil {
			t.Fatal(err)
		}
		c.forward(time.Second)
	}
	rows := must[[]access.Session](t)(d.Sessions(t.Context(), access.SubjectUser, u.ID))
	if len(rows) != access.SessionsPerUser {
		t.Fatalf("%d sessions", len(rows))
	}
	oldest := sha256.Sum256([]byte{byte('a' + 5)})
	if got := rows[len(rows)-1].Hash; string(got) != string(oldest[:]) {
		t.Fatal("not the oldest went first")
	}
	// One that is used keeps its place, once a minute.
	hash := oldest[:]
	until := c.now().Add(access.UserIdle)
	if err := d.TouchSession(t.Context(), hash, until, "198.51.100.1"); err != nil {
		t.Fatal(err)
	}
	if s := must[[]access.Session](t)(d.Sessions(t.Context(), access.SubjectUser, u.ID)); s[len(s)-1].Address != "192.0.2.7" {
		t.Fatal("a use within the minute was written")
	}
	c.forward(time.Minute)
	if err := d.TouchSession(t.Context(), hash, until, "198.51.100.1"); err != nil {
		t.Fatal(err)
	}
	if s := must[[]access.Session](t)(d.Sessions(t.Context(), access.SubjectUser, u.ID)); s[0].Address != "198.51.100.1" {
		t.Fatal("the use was not written")
	}
	c.forward(access.UserLifetime)
	if err := d.ForgetExpired(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := d.row(t.Context(), "SELECT COUNT(*) FROM sessions").Scan(&left); err != nil || left != 0 {
		t.Fatalf("%d left, %v", left, err)
	}
}

func TestRenewSessionOfAnEndedOne(t *testing.T) {
	d, c := peopleFile(t)
	u, _ := makePerson(t, d, "ada")
	by := access.Actor{Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: u.Username}
	if err := d.SignIn(t.Context(), by, sessionFor(u, "one", c.now())); err != nil {
		t.Fatal(err)
	}
	old, renewed, third := sha256.Sum256([]byte("one")), sha256.Sum256([]byte("two")), sha256.Sum256([]byte("three"))
	s := must[access.Session](t)(d.RenewSession(t.Context(), old[:], renewed[:], c.now(), 0))
	if s.SubjectID != u.ID || string(s.Hash) != string(renewed[:]) {
		t.Fatalf("%+v", s)
	}
	_, err := d.RenewSession(t.Context(), old[:], third[:], c.now(), 0)
	wantCode(t, err, access.NotFound, "not_found")
	if _, err := d.FindUserSession(t.Context(), third); access.KindOf(err) != access.NotFound {
		t.Fatal("an ended session came back")
	}
}

func TestCountTry(t *testing.T) {
	d, c := peopleFile(t)
	limits := []Limit{{"a", 3, time.Minute}, {"b", 2, 15 * time.Minute}}
	count := func(want int) time.Duration {
		t.Helper()
		over, wait, err := d.CountTry(t.Context(), limits)
		if err != nil || over != want {
			t.Fatalf("over %d (%v), want %d", over, err, want)
		}
		return wait
	}
	count(-1)
	c.forward(10 * time.Second)
	count(-1)
	if wait := count(1); wait != 15*time.Minute-10*time.Second {
		t.Fatalf("wait %s", wait)
	}
	if wait := count(0); wait != 50*time.Second { // the third of a; nothing more of b is counted
		t.Fatalf("wait %s", wait)
	}
	c.forward(50 * time.Second)
	count(1) // a began anew, b is still full
	if err := d.Forgive(t.Context(), []string{"b"}, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	count(-1)
	count(-1)
	// A clock that goes back a day makes no window longer than a whole one.
	c.forward(-24 * time.Hour)
	count(-1)
	count(-1)
	if wait := count(1); wait > 15*time.Minute || wait <= 0 {
		t.Fatalf("wait %s", wait)
	}
}

func TestCountTryOutlivesTheProcess(t *testing.T) {
	d, c := peopleFile(t)
	limits := []Limit{{"a", 1, time.Minute}}
	if over, _, err := d.CountTry(t.Context(), limits); err != nil || over != -1 {
		t.Fatal(over, err)
	}
	again, err := Open(t.Context(), Options{Path: d.Path, Now: c.now, Random: rand.Reader, BootID: "second"})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if over, _, err := again.CountTry(t.Context(), limits); err != nil || over != 0 {
		t.Fatal(over, err)
	}
}

func TestSettingsAreCachedExactly(t *testing.T) {
	d, _ := peopleFile(t)
	want := func(key, value string) {
		t.Helper()
		if got, err := d.FindSetting(t.Context(), key); err != nil || got != value {
			t.Fatalf("%s: %q %v, want %q", key, got, err, value)
		}
	}
	want("x", "")
	if err := d.SetSetting(t.Context(), shell, "x", "1"); err != nil {
		t.Fatal(err)
	}
	want("x", "1")
	rows := must[[]AuditRow](t)(d.Audit(t.Context(), 0, 0, 10))
	if err := d.SetSetting(t.Context(), shell, "x", "1"); err != nil {
		t.Fatal(err)
	}
	if again := must[[]AuditRow](t)(d.Audit(t.Context(), 0, 0, 10)); len(again) != len(rows) {
		t.Fatal("setting what is there already was told")
	}
	if kept := must[string](t)(d.KeepSetting(t.Context(), "x", "2")); kept != "1" {
		t.Fatalf("kept %q", kept)
	}
	if kept := must[string](t)(d.KeepSetting(t.Context(), "y", "2")); kept != "2" {
		t.Fatalf("kept %q", kept)
	}
	want("y", "2")
}

func TestKeysAndPeek(t *testing.T) {
	d, _ := peopleFile(t)
	peek := func() Peeked {
		t.Helper()
		return must[Peeked](t)(Peek(t.Context(), d.Path))
	}
	if p := must[Peeked](t)(Peek(t.Context(), filepath.Join(t.TempDir(), "none.db"))); p.Sealed || p.Keys != nil {
		t.Fatalf("%+v", p)
	}
	if p := peek(); p.Sealed || len(p.Keys) != 0 {
		t.Fatalf("a new file: %+v", p)
	}
	for number, check := range map[int]string{1: "one", 2: "two"} {
		if err := d.KeepKey(t.Context(), number, check); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.KeepKey(t.Context(), 1, "another"); err != nil {
		t.Fatal(err)
	}
	p := peek()
	if !p.Sealed || len(p.Keys) != 2 || p.Keys[0].CheckValue != "one" || p.Keys[1].Number != 2 || !p.Keys[1].RetiredAt.IsZero() {
		t.Fatalf("%+v", p)
	}
	if keys := must[[]KeyRow](t)(d.Keys(t.Context())); len(keys) != 2 || keys[0] != p.Keys[0] {
		t.Fatalf("%+v", keys)
	}
	if sealed := must[bool](t)(d.AnySealed(t.Context())); !sealed {
		t.Fatal("nothing sealed")
	}
}

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
