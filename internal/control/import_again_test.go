package control_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// Running twice brings nothing twice, whatever became of it since, and brings what
// is new.
func TestImportAgain(t *testing.T) {
	i := newImporting(t, db.OneAPI,
		`INSERT INTO users (id, username, password, aff_code) VALUES (1, 'mei', '', 'aaaa'), (2, 'ann', '', 'bbbb')`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, created_time) VALUES (1, 1, '`+key(1)+`', 1, 5), (2, 1, '`+key(2)+`', 1, 5),
			(3, 2, '`+key(3)+`', 1, 5), (4, 1, '`+key(4)+`', 1, 5)`,
	)
	i.tallies(i.run(false), control.Tally{Made: 2}, control.Tally{Made: 4})
	before := i.count()
	out := i.run(false)
	i.tallies(out, control.Tally{There: 2}, control.Tally{There: 4})
	if after := i.count(); after != before || len(out.Notes) != 0 {
		t.Errorf("%s, then %s\n%s", before, after, notes(out))
	}

	// Since then: one token deleted here, one revoked, one given a new secret; a
	// user renamed, another deleted; there a token and a user are new.
	mei, home := i.user("mei")
	owner := access.Actor{Kind: access.ActorUser, ID: mei.ID, WorkspaceID: home.ID, Role: access.Owner}
	for _, err := range []error{
		i.Control.DeleteToken(t.Context(), owner, i.token(key(1)).PublicID), i.Control.RevokeToken(t.Context(), owner, i.token(key(2)).PublicID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := i.Control.RotateToken(t.Context(), owner, i.token(key(4)).PublicID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Control.EditUser(t.Context(), i.by, mei.PublicID, control.UserForm{Username: new("Mei Lan")}); err != nil {
		t.Fatal(err)
	}
	ann, _ := i.user("ann")
	if err := i.Control.DeleteUser(t.Context(), i.by, ann.PublicID); err != nil {
		t.Fatal(err)
	}
	i.add(`INSERT INTO users (id, username, password, aff_code) VALUES (3, 'mei2', '', 'cccc')`, `UPDATE users SET username = 'renamed' WHERE id = 1`,
		`INSERT INTO tokens (id, user_id, key, unlimited_quota, created_time) VALUES (5, 1, '`+key(5)+`', 1, 6), (6, 3, '`+key(6)+`', 1, 6), (7, 2, '`+key(7)+`', 1, 6)`)
	out = i.run(false)
	i.tallies(out, control.Tally{Made: 1, There: 2}, control.Tally{Made: 2, There: 4, Left: 1})
	i.noted(out, "API token 7 of ann", "imported and deleted since")
	if k := i.token(key(5)); k.WorkspaceID != home.ID || k.CreatedBy != mei.ID {
		t.Errorf("the new token is %+v", k.Token)
	}
	for n, want := range map[int]string{1: "invalid_api_key", 2: "token_revoked", 4: "invalid_api_key", 3: "invalid_api_key"} {
		if got := i.ask("sk-" + key(n)); got != want {
			t.Errorf("key %d: %q, want %q", n, got, want)
		}
	}

	// Another system's user of the same number is another user.
	other := newImporting(t, db.OneAPI, `INSERT INTO users (id, username, password, aff_code) VALUES (1, 'mei', '', 'dddd')`)
	f := other.read()
	if out, err := i.Control.ImportForeign(t.Context(), i.by, f, false); err != nil || out.Users.Made != 1 {
		t.Errorf("%+v (%v)", out, err)
	}
}

// cutting ends a context after some reads of randomness.
type cutting struct {
	io.Reader
	left int
	cut  context.CancelFunc
}

func (c *cutting) Read(p []byte) (int, error) {
	if c.left--; c.left == 0 {
		c.cut()
	}
	return c.Reader.Read(p)
}

// A run that ends early leaves whole users, and the next one carries on.
func TestImportCarriesOn(t *testing.T) {
	const users, tokens = 12, 3
	var text []string
	for u := 1; u <= users; u++ {
		text = append(text, fmt.Sprintf(`INSERT INTO users (id, username, password) VALUES (%d, 'user%d', '')`, u, u))
		for k := range tokens {
			text = append(text, fmt.Sprintf(`INSERT INTO tokens (user_id, key, unlimited_quota) VALUES (%d, '%s', 1)`, u, key(u*100+k)))
		}
	}
	i := newImporting(t, db.NewAPI, text...)
	random := i.Control.Random
	ends := 0
	made := control.Tally{}
	for left := 5; made.Made < users; left += 9 {
		ctx, cut := context.WithCancel(t.Context())
		i.Control.Random = &cutting{random, left, cut}
		out, err := i.Control.ImportForeign(ctx, i.by, i.read(), false)
		cut()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err != nil {
			ends++
		}
		i.Control.Random = random
		here, err := i.DB.Imported(t.Context(), i.system)
		if err != nil || len(here.Tokens) != tokens*len(here.Users) {
			t.Fatalf("%d users with %d tokens (%v)", len(here.Users), len(here.Tokens), err)
		}
		made.Made = len(here.Users)
		i.sound()
		if out.Users.Left != 0 {
			t.Fatalf("%+v\n%s", out, notes(out))
		}
	}
	if ends < 3 {
		t.Errorf("only %d runs ended early", ends)
	}
	i.tallies(i.run(false), control.Tally{There: users}, control.Tally{There: users * tokens})
}
