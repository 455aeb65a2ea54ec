package db

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	flags "flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/internal/access"
)

// How much of the ledger's life is tried out. RAPID_CHECKS and RAPID_STEPS in the
// environment say otherwise.
const (
	ledgerSequences = 300
	ledgerSteps     = 60
)

// TestLedgerAgainstTheModel lives through random lives of the ledger: every step
// leaves the file, the mirror and the model the same, and every invariant whole.
func TestLedgerAgainstTheModel(t *testing.T) {
	setRapid(t, "checks", "RAPID_CHECKS", ledgerSequences)
	setRapid(t, "steps", "RAPID_STEPS", ledgerSteps)
	folder := t.TempDir()
	template := filepath.Join(folder, "template.db")
	makeTemplate(t, template)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		l := &life{folder: filepath.Join(folder, strconv.Itoa(n))}
		l.begin(t, template)
		defer l.end(t)
		t.Repeat(rapid.StateMachineActions(l))
	})
}

// setRapid sets what neither the environment nor the command line has said.
func setRapid(t *testing.T, name, variable string, n int) {
	t.Helper()
	f := flags.Lookup("rapid." + name)
	if _, said := os.LookupEnv(variable); said || f.Value.String() != f.DefValue {
		return
	}
	if err := f.Value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
}

// makeTemplate writes a file with an admin, a workspace, a bot and customers.
func makeTemplate(t *testing.T, path string) {
	t.Helper()
	d, err := Open(t.Context(), Options{Path: path, Now: func() time.Time { return deskStart }, Random: rand.Reader, BootID: "template"})
	if err != nil {
		t.Fatal(err)
	}
	useTestKey(d)
	_, w, err := d.MakeFirstAdmin(t.Context(), shell, NewUser{
		User:      access.User{PublicID: hexID(), Username: "lin.wei", UsernameKey: "lin.wei", PasswordHash: "-"},
		Workspace: "Acme Support", TimeZone: "Asia/Shanghai",
	})
	if err != nil {
		t.Fatal(err)
	}
	err = d.change(t.Context(), func(x *Tx) error {
		provider, err := x.insert(`INSERT INTO providers (public_id, workspace_id, name, base_url, created_at) VALUES ($1, $2, 'demo', 'demo:', $3)`, hexID(), w.ID, x.now())
		if err != nil {
			return err
		}
		_, err = x.insert(`INSERT INTO bots (public_id, workspace_id, slug, name, provider_id, model, created_at) VALUES ($1, $2, 'support', 'Support Bot', $3, 'demo', $4)`,
			hexID(), w.ID, provider, x.now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		name := fmt.Sprintf("customer-%d", i)
		if _, err := d.MakeCustomer(t.Context(), shell, access.Customer{PublicID: hexID(), WorkspaceID: w.ID, Username: name, UsernameKey: name, PasswordHash: "-"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func useTestKey(d *DB) {
	d.UseAuditKey(1, func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] })
}

// life is one life of a ledger, with the model beside it.
type life struct {
	folder    string
	boots     int
	at        atomic.Int64
	d         *DB
	watch     *Watch
	owner     access.Actor
	workspace access.Workspace
	customers []int64

	purses map[int64]*modelPurse
	tokens []access.Token
	shares []access.Share
	seats  []*modelSeat
	calls  []*modelCall
}

type modelSeat struct {
	share, customer int64
	purse           *modelPurse
}

func (l *life) now() time.Time { return time.UnixMilli(l.at.Load()).UTC() }

func (l *life) begin(t rapid.TB, template string) {
	l.at.Store(deskStart.UnixMilli())
	l.purses = map[int64]*modelPurse{}
	l.open(t, template)
	ctx := context.Background()
	var err error
	l.workspace, err = l.d.OldestWorkspace(ctx)
	need(t, err)
	need(t, l.d.rows(ctx, list(&l.customers, func(s scanner) (id int64, err error) { return id, s.Scan(&id) }), "SELECT id FROM customers ORDER BY id"))
	l.owner = access.Actor{Kind: access.ActorUser, ID: 1, PublicID: hexID(), Name: "lin.wei", WorkspaceID: l.workspace.ID, Role: access.Owner, Door: access.DoorPage}
	whole := newModelPurse(access.Purse{Unit: access.Units, Unlimited: true, Refill: access.RefillNone}, l.now())
	whole.id = l.workspace.PurseID
	l.purses[whole.id] = whole
}

// open starts a process on a copy of the files as another one left them.
func (l *life) open(t rapid.TB, from string) {
	l.boots++
	folder := filepath.Join(l.folder, strconv.Itoa(l.boots))
	need(t, os.MkdirAll(folder, 0o700))
	path := filepath.Join(folder, "latchkey.db")
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(from + suffix)
		if err != nil && suffix != "" && os.IsNotExist(err) {
			continue
		}
		need(t, err)
		need(t, os.WriteFile(path+suffix, raw, 0o600))
	}
	d, err := Open(context.Background(), Options{Path: path, Now: l.now, Random: rand.Reader, BootID: fmt.Sprintf("boot-%d", l.boots)})
	need(t, err)
	useTestKey(d)
	l.d, l.watch = d, d.Ledger.Watch()
}

func (l *life) end(t rapid.TB) {
	need(t, l.d.Close())
	need(t, os.RemoveAll(l.folder))
}

func need(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refusedWith checks that err has the code, "" for none.
func refusedWith(t rapid.TB, err error, code string) {
	t.Helper()
	got := ""
	for _, p := range access.Problems(err) {
		got = p.Code
	}
	if got != code || code == "" && err != nil {
		t.Fatalf("refused with %q (%v), want %q", got, err, code)
	}
}

// Check compares file, mirror and model, and asks for the invariants.
func (l *life) Check(t *rapid.T) {
	ctx := context.Background()
	faults, err := l.d.CheckLedger(ctx)
	need(t, err)
	if len(faults) > 0 {
		t.Fatalf("the ledger: %v", faults)
	}
	faults, err = l.watch.Check(ctx)
	need(t, err)
	if len(faults) > 0 {
		t.Fatalf("what was touched: %v", faults)
	}
	seen := 0
	need(t, l.d.rows(ctx, func(s scanner) error {
		seen++
		got, err := scanPurse(s)
		want := l.purses[got.ID]
		if err != nil || want == nil {
			return fmt.Errorf("purse %d: %w", got.ID, err)
		}
		return l.compare(got, want)
	}, "SELECT "+purseColumns+" FROM purses p"))
	if seen != len(l.purses) {
		t.Fatalf("%d purses in the file, %d in the model", seen, len(l.purses))
	}
	l.checkRequests(t)
}

func (l *life) compare(got access.Purse, m *modelPurse) error {
	want := access.Purse{
		ID: m.id, WorkspaceID: l.workspace.ID, Unit: m.unit, Quota: m.quota, Used: m.used, Reserved: m.reserved, Unlimited: m.unlimited,
		Opening: m.opening, Refill: m.refill, PeriodAt: m.period.UTC(),
	}
	if got != want {
		return fmt.Errorf("the file says %+v, the model %+v", got, want)
	}
	pins := l.pins(m)
	l.d.Ledger.mu.Lock()
	defer l.d.Ledger.mu.Unlock()
	a := l.d.Ledger.known[m.id]
	if a == nil {
		if m.memory != 0 || pins != 0 {
			return fmt.Errorf("purse %d is not mirrored", m.id)
		}
		return nil
	}
	want.PeriodAt, a.PeriodAt = a.PeriodAt.UTC(), a.PeriodAt.UTC()
	if a.edits != 0 {
		return fmt.Errorf("purse %d waits for %d edits that are over", m.id, a.edits)
	}
	if a.Purse != want || a.memory != m.memory || a.pins != pins {
		return fmt.Errorf("the mirror says %+v with %d in memory and %d pins, the model %+v with %d and %d", a.Purse, a.memory, a.pins, want, m.memory, pins)
	}
	return nil
}

// pins is how many calls will come back to a purse.
func (l *life) pins(p *modelPurse) (n int) {
	for _, c := range l.calls {
		if (c.state != "over" || c.lingers) && slices.Contains(c.purses, p) {
			n++
		}
	}
	return n
}

// checkRequests: every charged call has one row, with its charge, and no other.
func (l *life) checkRequests(t *rapid.T) {
	want, got := map[string]int64{}, map[string]int64{}
	for _, c := range l.calls {
		if c.state == "over" && c.charged >= 0 {
			want[c.hold.RequestID] = c.charged
		}
	}
	need(t, l.d.rows(context.Background(), func(s scanner) error {
		var id string
		var units int64
		err := s.Scan(&id, &units)
		got[id] = units
		return err
	}, "SELECT request_id, units FROM requests"))
	if !maps.Equal(got, want) {
		t.Fatalf("the request log says %v, want %v", got, want)
	}
}
