package db

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"latchkey/internal/access"
)

// desk is a workspace on a real file, with the clock in the test's hand.
type desk struct {
	*DB
	t         *testing.T
	mu        sync.Mutex
	at        time.Time
	workspace int64
	bot       int64
	owner     access.Actor
}

var deskStart = time.Date(2026, 11, 20, 14, 21, 0, 0, time.UTC)

func newDesk(t *testing.T) *desk {
	t.Helper()
	k := &desk{t: t, at: deskStart}
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "latchkey.db"), Now: k.now, Random: rand.Reader, BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	d.UseAuditKey(1, func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] })
	k.DB = d
	k.workspace, k.bot = k.newWorkspace("acme-support")
	k.owner = access.Actor{Kind: access.ActorUser, ID: 1, PublicID: k.id(), Name: "lin.wei", WorkspaceID: k.workspace, Role: access.Owner, Door: access.DoorPage}
	return k
}

func (k *desk) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.at
}

func (k *desk) wait(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = k.at.Add(d)
}

func (k *desk) id() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// newWorkspace makes a workspace with one bot on one provider.
func (k *desk) newWorkspace(name string) (workspace, bot int64) {
	k.t.Helper()
	k.must(k.change(k.t.Context(), func(t *Tx) error {
		purse, err := t.makePurse(access.Purse{Unlimited: true}, time.UTC)
		if err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO groups (public_id, name, created_at) VALUES ($1, 'default', $2) ON CONFLICT DO NOTHING`, k.id(), t.now()); err != nil {
			return err
		}
		if workspace, err = t.insert(`INSERT INTO workspaces (public_id, name, purse_id, created_at) VALUES ($1, $2, $3, $4)`, k.id(), name, purse, t.now()); err != nil {
			return err
		}
		provider, err := t.insert(`INSERT INTO providers (public_id, workspace_id, name, base_url, created_at) VALUES ($1, $2, 'demo', 'demo:', $3)`, k.id(), workspace, t.now())
		if err != nil {
			return err
		}
		bot, err = t.insert(`INSERT INTO bots (public_id, workspace_id, slug, name, provider_id, model, created_at) VALUES ($1, $2, 'support', 'Support Bot', $3, 'demo', $4)`,
			k.id(), workspace, provider, t.now())
		return err
	}))
	return workspace, bot
}

func (k *desk) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// refused checks the code of a refusal.
func (k *desk) refused(err error, code string) {
	k.t.Helper()
	problems := access.Problems(err)
	if len(problems) == 0 || problems[0].Code != code {
		k.t.Fatalf("got %v, want a refusal %q", err, code)
	}
}

func (k *desk) customer(name string) access.Customer {
	k.t.Helper()
	m, err := k.MakeCustomer(k.t.Context(), k.owner, access.Customer{
		PublicID: k.id(), WorkspaceID: k.workspace, Username: name, UsernameKey: name, PasswordHash: "hash of " + name,
	})
	k.must(err)
	return m
}

// share makes a link; change may say what is special about it.
func (k *desk) share(name string, change func(*NewShare)) access.Share {
	k.t.Helper()
	n := NewShare{Share: access.Share{
		PublicID: k.id(), WorkspaceID: k.workspace, BotID: k.bot, Name: name, Sealed: []byte("sealed " + name), Hint: "9KaB",
		AllowanceUnit: access.Messages, Refill: access.RefillNone,
	}, Hash: sha256.Sum256([]byte(name)), Zone: time.UTC}
	if change != nil {
		change(&n)
	}
	s, err := k.MakeShare(k.t.Context(), k.owner, n)
	k.must(err)
	return s
}

func (k *desk) open(s access.Share, m access.Customer) SeatRow {
	k.t.Helper()
	seat, err := k.OpenShare(k.t.Context(), s.ID, m.ID, time.UTC)
	k.must(err)
	return seat
}

// ask holds a call of a seat.
func (k *desk) ask(seat SeatRow, units int64) (*Hold, error) {
	k.t.Helper()
	h := &Hold{RequestID: k.id(), WorkspaceID: k.workspace, Zone: time.UTC, Units: units, Purses: Purses{Customer: seat.PurseID, Share: seat.Share.PurseID}}
	return h, k.Ledger.Hold(k.t.Context(), h)
}

func (k *desk) settle(h *Hold, seat SeatRow, units int64) {
	k.t.Helper()
	k.must(k.Ledger.Settle(k.t.Context(), Settlement{Hold: h, Request: access.Request{
		RequestID: h.RequestID, At: k.now(), WorkspaceID: k.workspace, ShareID: seat.ShareID, CustomerID: seat.CustomerID, BotID: k.bot,
		Model: "demo", Door: access.DoorChat, Outcome: access.Answered, Status: 200, Units: units,
	}}))
}

func (k *desk) answered(seat SeatRow, units int64) {
	k.t.Helper()
	h, err := k.ask(seat, units)
	k.must(err)
	k.settle(h, seat, units)
}

func (k *desk) seat(s access.Share, m access.Customer) SeatRow {
	k.t.Helper()
	seat, err := k.Seat(k.t.Context(), s.ID, m.ID)
	k.must(err)
	return seat
}

// signIn gives a customer a session and a login token.
func (k *desk) signIn(m access.Customer) {
	k.t.Helper()
	far := k.now().Add(time.Hour)
	k.must(k.change(k.t.Context(), func(t *Tx) error {
		if _, err := t.exec(`INSERT INTO sessions (id_hash, kind, subject_id, workspace_id, auth_at, seen_at, idle_until, expires_at)
			VALUES ($1, 'customer', $2, $3, $4, $4, $5, $5)`, []byte(k.id()), m.ID, m.WorkspaceID, t.now(), ms(far)); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO login_tokens (hash, kind, subject_id, door, created_at, seen_at, expires_at)
			VALUES ($1, 'customer', $2, 'bot-share', $3, $3, $4)`, []byte(k.id()), m.ID, t.now(), ms(far))
		return err
	}))
}

func (k *desk) signIns(m access.Customer) (n int) {
	k.t.Helper()
	k.must(k.row(k.t.Context(), `SELECT (SELECT COUNT(*) FROM sessions WHERE kind = 'customer' AND subject_id = $1)
		+ (SELECT COUNT(*) FROM login_tokens WHERE kind = 'customer' AND subject_id = $1)`, m.ID).Scan(&n))
	return n
}

func (k *desk) lastAudit() AuditRow {
	k.t.Helper()
	rows, err := k.Audit(k.t.Context(), k.workspace, 0, 1)
	k.must(err)
	return rows[0]
}

func ptr[T any](v T) *T { return &v }

var background = context.Background()
