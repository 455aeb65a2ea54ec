package control_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/secret"
	"latchkey/internal/strict"
	"latchkey/internal/testbed"
	"latchkey/internal/testbed/foreign"
)

// key makes a key as both systems do: 48 letters and digits.
func key(n int) string { return fmt.Sprintf("aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5kL7nP9r%05d", n) }

// importing is a house and a file to import into it.
type importing struct {
	*testing.T
	*testbed.House
	by     access.Actor
	path   string
	system db.System
}

func newImporting(t *testing.T, system db.System, statements ...string) *importing {
	t.Helper()
	schema := foreign.NewAPI
	if system == db.OneAPI {
		schema = foreign.OneAPI
	}
	h := testbed.New(t)
	return &importing{
		T: t, House: h, path: foreign.File(t, append([]string{schema}, statements...)...), system: system,
		by: access.Actor{Kind: access.ActorShell, Name: "shell", IsAdmin: true, Role: access.Owner, Door: access.DoorShell},
	}
}

func (i *importing) add(statements ...string) {
	i.Helper()
	if err := foreign.Write(i.path, statements...); err != nil {
		i.Fatal(err)
	}
}

func (i *importing) read() db.Foreign {
	i.Helper()
	f, err := db.ReadForeign(i.Context(), i.path, i.system)
	if err != nil {
		i.Fatal(err)
	}
	return f
}

func (i *importing) run(dry bool) control.ForeignImport {
	i.Helper()
	out, err := i.Control.ImportForeign(i.Context(), i.by, i.read(), dry)
	if err != nil {
		i.Fatal(err)
	}
	i.sound()
	return out
}

// sound fails when the ledger or the audit chain is not in order.
func (i *importing) sound() {
	i.Helper()
	if faults, err := i.DB.CheckLedger(i.Context()); err != nil || len(faults) > 0 {
		i.Errorf("ledger: %v (%v)", faults, err)
	}
	if _, broken, err := i.DB.VerifyAudit(i.Context()); err != nil || broken != 0 {
		i.Errorf("audit: row %d is broken (%v)", broken, err)
	}
}

func (i *importing) tallies(out control.ForeignImport, users, tokens control.Tally) {
	i.Helper()
	if out.Users != users || out.Tokens != tokens {
		i.Errorf("users %+v, want %+v; tokens %+v, want %+v\n%s", out.Users, users, out.Tokens, tokens, notes(out))
	}
}

func notes(out control.ForeignImport) string {
	var b strings.Builder
	for _, n := range out.Notes {
		fmt.Fprintf(&b, "%s: %s\n", n.What, n.Why)
	}
	return b.String()
}

func (i *importing) noted(out control.ForeignImport, what, why string) {
	i.Helper()
	for _, n := range out.Notes {
		if n.What == what && strings.Contains(n.Why, why) {
			return
		}
	}
	i.Errorf("no note that %s: %s\n%s", what, why, notes(out))
}

func (i *importing) user(name string) (access.User, access.Workspace) {
	i.Helper()
	u, err := i.DB.UserByName(i.Context(), name)
	if err != nil {
		i.Fatalf("%s: %v", name, err)
	}
	w, err := i.DB.FindWorkspace(i.Context(), u.HomeID)
	if err != nil {
		i.Fatalf("%s: %v", name, err)
	}
	return u, w
}

func (i *importing) token(secretText string) db.TokenRow {
	i.Helper()
	s, err := i.DB.FindSecret(i.Context(), secret.Hash(secretText))
	if err != nil {
		i.Fatalf("%s: %v", secretText, err)
	}
	k, err := i.DB.FindToken(i.Context(), s.SubjectID)
	if err != nil {
		i.Fatal(err)
	}
	row, err := i.DB.Token(i.Context(), k.WorkspaceID, k.PublicID)
	if err != nil {
		i.Fatal(err)
	}
	return row
}

// count counts what an import could have written.
func (i *importing) count() string {
	i.Helper()
	users, err := i.DB.CountUsers(i.Context(), db.Page{})
	if err != nil {
		i.Fatal(err)
	}
	rows, _, err := i.DB.VerifyAudit(i.Context())
	if err != nil {
		i.Fatal(err)
	}
	groups, err := i.DB.GroupNames(i.Context())
	if err != nil {
		i.Fatal(err)
	}
	here, err := i.DB.Imported(i.Context(), i.system)
	if err != nil {
		i.Fatal(err)
	}
	return fmt.Sprintln(users, rows, groups, len(here.Users), len(here.Tokens))
}

// ask makes a call with a secret and returns the code of its refusal, "" for none.
func (i *importing) ask(secretText string) string {
	i.Helper()
	body, err := strict.Parse([]byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		i.Fatal(err)
	}
	_, err = i.Gateway.Ask(i.Context(), gateway.Question{
		Secret: secretText, Address: testbed.Loopback, Door: access.DoorGateway, Path: gateway.Chat, Body: body,
	})
	if err == nil {
		return ""
	}
	p := access.Problems(err)
	if len(p) == 0 {
		i.Fatal(err)
	}
	return p[0].Code
}

const ratios = `INSERT INTO options VALUES ('GroupRatio', '{"default":1,"vip":0.8,"svip":2,"odd":99999}')`
