package control

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// office is a workspace with one bot on a real file, and a neighbour beside it.
type office struct {
	*Control
	t         *testing.T
	mu        sync.Mutex
	at        time.Time
	workspace access.Workspace
	bot       access.Bot
	owner     access.Actor
	neighbour access.Actor // owner of another workspace
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, at: time.Date(2026, 11, 20, 14, 21, 0, 0, time.UTC)}
	keys := secret.NewKeys(rand.Reader)
	file, err := db.Open(t.Context(), db.Options{Path: filepath.Join(t.TempDir(), "latchkey.db"), Now: o.now, Random: rand.Reader, BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	file.UseAuditKey(int64(keys.Current()), keys.AuditMAC)
	o.Control = &Control{
		DB: file, Keys: keys, Passwords: secret.NewPasswords(rand.Reader), Now: o.now, Random: rand.Reader,
		Settings: Settings{Reveal: RevealAlways, UnitsPerDollar: 500_000, Language: "en"},
	}
	o.owner, o.workspace = o.settle("lin.wei")
	o.neighbour, _ = o.settle("northwind")
	o.bot = o.makeBot(o.owner, "Support Bot")
	return o
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.at
}

func (o *office) wait(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at = o.at.Add(d)
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// refused checks the codes of a refusal, in order.
func (o *office) refused(err error, codes ...string) {
	o.t.Helper()
	problems := access.Problems(err)
	got := make([]string, 0, len(problems))
	for _, p := range problems {
		got = append(got, p.Code)
	}
	if len(got) != len(codes) {
		o.t.Fatalf("got %v (%v), want a refusal %v", got, err, codes)
	}
	for i := range codes {
		if got[i] != codes[i] {
			o.t.Fatalf("got %v, want a refusal %v", got, codes)
		}
	}
}

// settle makes a user with a home workspace.
func (o *office) settle(name string) (access.Actor, access.Workspace) {
	o.t.Helper()
	u, w, err := o.DB.MakeUser(o.t.Context(), access.Actor{Kind: access.ActorShell, Door: access.DoorShell}, db.NewUser{
		User:      access.User{PublicID: secret.NewPublicID(rand.Reader), Username: name, UsernameKey: name, PasswordHash: "x", Enabled: true},
		Workspace: name, TimeZone: "UTC",
	})
	o.must(err)
	return access.Actor{
		Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: name, WorkspaceID: w.ID, Role: access.Owner, Door: access.DoorPage,
	}, w
}

func (o *office) makeBot(by access.Actor, name string) access.Bot {
	o.t.Helper()
	p, err := o.DB.MakeProvider(o.t.Context(), by, access.Provider{
		PublicID: secret.NewPublicID(rand.Reader), WorkspaceID: by.WorkspaceID, Name: name, BaseURL: access.DemoURL, Enabled: true,
		Models: []access.Model{{Name: "demo", UpstreamName: "demo", Kind: access.ChatModel}},
	})
	o.must(err)
	b, err := o.DB.MakeBot(o.t.Context(), by, access.Bot{
		PublicID: secret.NewPublicID(rand.Reader), WorkspaceID: by.WorkspaceID, Slug: secret.NewPublicID(rand.Reader), Name: name,
		Kind: access.DialogBot, ProviderID: p.ID, Model: "demo", Params: "{}", Settings: "{}", Enabled: true, CreatedBy: by.ID,
	})
	o.must(err)
	return b
}

// as is an actor of the office's workspace with another role.
func (o *office) as(role access.Role) access.Actor {
	by := o.owner
	by.Role = role
	return by
}

func (o *office) token(permissions ...string) access.Actor {
	return access.Actor{Kind: access.ActorToken, ID: 99, WorkspaceID: o.workspace.ID, Permissions: permissions, Door: access.DoorNative}
}

func (o *office) lastAudit() db.AuditRow {
	o.t.Helper()
	rows, err := o.DB.Audit(o.t.Context(), o.workspace.ID, 0, 1)
	o.must(err)
	return rows[0]
}

// act is one row of a permission matrix.
type act struct {
	name string
	do   func(context.Context, access.Actor) error
	need access.Act
}

// matrix runs every act as every sort of actor. Who may not is Forbidden or
// SignedOut; who may must not be; the neighbour finds nothing.
func (o *office) matrix(acts []act) {
	o.t.Helper()
	actors := map[string]access.Actor{
		"owner": o.as(access.Owner), "editor": o.as(access.Editor), "viewer": o.as(access.Viewer), "no role": o.as(access.NoRole),
		"token chat": o.token("chat"), "token read": o.token("read"), "token manage": o.token("manage"), "token admin": o.token("admin"),
		"customer": {Kind: access.ActorCustomer, ID: 1, WorkspaceID: o.workspace.ID}, "nobody": {},
	}
	for _, one := range acts {
		for name, by := range actors {
			kind := access.KindOf(one.do(o.t.Context(), by))
			denied := kind == access.Forbidden || kind == access.SignedOut
			if denied == by.May(one.need) {
				o.t.Errorf("%s as %s: %v, may: %v", one.name, name, kind, by.May(one.need))
			}
		}
		if kind := access.KindOf(one.do(o.t.Context(), o.neighbour)); kind != access.NotFound {
			o.t.Errorf("%s by the neighbour: %v, want not found", one.name, kind)
		}
	}
}

func ptr[T any](v T) *T { return &v }
