// Package testbed builds a whole house for tests: a real SQLite file, real keys, a
// workspace with an owner, a provider that behaves as it is told, a bot on it. It
// is imported by tests alone.
package testbed

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/demo"
	"latchkey/internal/gateway"
	"latchkey/internal/secret"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

// House is everything below the doors, ready to be used.
type House struct {
	DB        *db.DB
	Keys      *secret.Keys
	Control   *control.Control
	Gateway   *gateway.Gateway
	Upstream  *upstream.Client
	Faulty    *faulty.Server
	Workspace access.Workspace
	User      access.User
	Owner     access.Actor
	Provider  access.Provider
	Bot       access.Bot
	Path      string // of the database file
	Log       *slog.Logger

	ahead   atomic.Int64
	stopped atomic.Bool
	at      time.Time // where a stopped clock stands, and Wait moves it from
}

// noon is when the clock of a house begins: a Wednesday in the middle of next month,
// far from the ends of a day, a week, a month and a year, whenever the tests run. It
// is never behind the real one, by which sockets count.
func noon() time.Time {
	y, m, _ := time.Now().UTC().Date()
	at := time.Date(y, m+1, 14, 12, 0, 0, 0, time.UTC)
	return at.AddDate(0, 0, int(time.Wednesday-at.Weekday()+7)%7)
}

// Password is the owner's.
const Password = "correct horse battery staple"

// Models that the provider serves, by the name that callers say: each is asked
// upstream under its own name, which tells the faulty provider how to behave.
var Models = []string{"gpt-4o-mini", "qwen-max"}

// Now is the house's clock: it begins at noon, goes as fast as the real one, and is
// moved by Wait.
func (h *House) Now() time.Time {
	if h.stopped.Load() {
		return h.at.Add(time.Duration(h.ahead.Load()))
	}
	return time.Now().Add(time.Duration(h.ahead.Load()))
}

// Wait moves the house's clock.
func (h *House) Wait(d time.Duration) { h.ahead.Add(int64(d)) }

// StopClock makes the clock move by Wait alone, for a test that counts to the second:
// how fast the machine is means nothing to it then. What a running stream looks at
// now and then it does not see any more.
func (h *House) StopClock() {
	h.at = time.Now()
	h.stopped.Store(true)
}

// New builds a house in a folder of the test's.
func New(tb testing.TB) *House {
	tb.Helper()
	h := &House{Path: filepath.Join(tb.TempDir(), "latchkey.db"), Keys: secret.NewKeys(rand.Reader), Log: slog.New(slog.DiscardHandler)}
	h.ahead.Store(int64(time.Until(noon())))
	h.Faulty = faulty.Start(tb)
	h.Open(tb, "boot-1")
	h.furnish(tb)
	return h
}

// Open opens the file, as a process of its own would.
func (h *House) Open(tb testing.TB, boot string) {
	tb.Helper()
	d, err := db.Open(tb.Context(), db.Options{Path: h.Path, Now: h.Now, Random: rand.Reader, BootID: boot, Log: h.Log})
	if err != nil {
		tb.Fatal(err)
	}
	d.UseAuditKey(int64(h.Keys.Current()), h.Keys.AuditMAC)
	h.DB = d
	h.Upstream = upstream.New(upstream.Settings{
		PrivateHosts: h.Faulty.Private, Demo: demo.Handler(demo.Options{Now: h.Now}), Now: h.Now,
		FirstEvent: time.Minute, // a busy machine sends no long line in a second
	})
	h.Control = &control.Control{
		DB: d, Keys: h.Keys, Passwords: secret.NewPasswords(rand.Reader), Upstream: h.Upstream, Now: h.Now, Random: rand.Reader, Log: h.Log,
		Settings: control.Settings{Reveal: control.RevealAlways, UnitsPerDollar: 500_000, Registration: "closed", Language: "en", PrivateHosts: h.Faulty.Private(), Data: filepath.Dir(h.Path), Version: "test"},
	}
	h.Gateway = gateway.New(gateway.Parts{DB: d, Upstream: h.Upstream, Keys: h.Keys, Now: h.Now, Random: rand.Reader, Log: h.Log})
	tb.Cleanup(func() { h.Close(tb) })
}

// Close ends the process; the file stays.
func (h *House) Close(tb testing.TB) {
	if h.DB == nil {
		return
	}
	h.Gateway.Close()
	h.Upstream.Close()
	if err := h.DB.Close(); err != nil {
		tb.Error(err)
	}
	h.DB = nil
}

func (h *House) furnish(tb testing.TB) {
	tb.Helper()
	ctx := tb.Context()
	shell := access.Actor{Kind: access.ActorShell, Name: "test", Door: access.DoorShell}
	hash, err := h.Control.Passwords.Hash(ctx, Password)
	must(tb, err)
	h.User, h.Workspace, err = h.DB.MakeFirstAdmin(ctx, shell, db.NewUser{
		User: access.User{
			PublicID: secret.NewPublicID(rand.Reader), Username: "lin", UsernameKey: "lin", Email: "lin@acme.example", EmailKey: "lin@acme.example",
			Nickname: "Lin Wei", PasswordHash: hash, Enabled: true,
		},
		Workspace: "Acme Support", TimeZone: "UTC",
	})
	must(tb, err)
	h.Owner = access.Actor{
		Kind: access.ActorUser, ID: h.User.ID, PublicID: h.User.PublicID, Name: h.User.Username, WorkspaceID: h.Workspace.ID,
		Role: access.Owner, IsAdmin: true, Door: access.DoorPage, Address: "127.0.0.1", Fresh: true,
	}
	h.Provider = h.AddProvider(tb, "Acme models", h.Faulty.URL+"/v1", Models...)
	h.Bot, err = h.DB.MakeBot(ctx, h.Owner, access.Bot{
		PublicID: secret.NewPublicID(rand.Reader), WorkspaceID: h.Workspace.ID, Slug: "support", Name: "Support Bot", Kind: access.DialogBot,
		ProviderID: h.Provider.ID, Model: Models[0], Params: "{}", Settings: "{}", Enabled: true, Welcome: "Hello, ask away.",
	})
	must(tb, err)
}

// AddProvider connects a provider that serves models under their own names.
func (h *House) AddProvider(tb testing.TB, name, url string, models ...string) access.Provider {
	tb.Helper()
	id := secret.NewPublicID(rand.Reader)
	sealed, err := h.Keys.Seal(secret.Place{Table: "providers", Row: id, Column: "key_sealed"}, []byte("upstream-key"))
	must(tb, err)
	p := access.Provider{PublicID: id, WorkspaceID: h.Workspace.ID, Name: name, BaseURL: url, KeySealed: sealed, Enabled: true}
	for _, m := range models {
		p.Models = append(p.Models, access.Model{Name: m, UpstreamName: m, Kind: access.ChatModel})
	}
	p, err = h.DB.MakeProvider(tb.Context(), h.Owner, p)
	must(tb, err)
	return p
}

// Token issues an API token.
func (h *House) Token(tb testing.TB, f control.TokenForm) control.Issued {
	tb.Helper()
	if f.Name == nil {
		name := "Data pipeline"
		f.Name = &name
	}
	k, err := h.Control.CreateToken(tb.Context(), h.Owner, f)
	must(tb, err)
	return k
}

// Price sets what a model costs, in units per million tokens.
func (h *House) Price(tb testing.TB, model string, prompt, completion int64) {
	tb.Helper()
	_, err := h.DB.MakePrice(tb.Context(), h.Owner, access.Price{
		PublicID: secret.NewPublicID(rand.Reader), Model: model, Prompt: prompt, Completion: completion,
	})
	must(tb, err)
}

// Loopback is the address of callers on this machine.
var Loopback = netip.MustParseAddr("127.0.0.1")

// patience is how long a test waits for what must happen: only a hang is longer,
// however busy the machine.
const patience = time.Minute

// Eventually waits until ok holds, asking again and again, and fails the test
// when it never does.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
