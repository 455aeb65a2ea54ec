package db

import (
	"crypto/sha256"
	"testing"
	"time"

	"latchkey/internal/access"
)

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
