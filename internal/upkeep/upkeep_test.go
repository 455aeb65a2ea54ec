package upkeep

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/internal/testbed"
)

func partsOf(h *testbed.House, log *slog.Logger) Parts {
	return Parts{DB: h.DB, Control: h.Control, Now: h.Now, Log: log}
}

// run does a task once.
func run(t *testing.T, tasks []task, name string) {
	t.Helper()
	for _, one := range tasks {
		if one.name == name {
			if err := one.do(t.Context()); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("there is no task %q", name)
}

// A ledger that adds up is silent. One that does not is told once to the log, and to
// whoever runs the instance for as long as it stays.
func TestFaultsOfTheLedgerAreTold(t *testing.T) {
	h := testbed.New(t)
	var log bytes.Buffer
	tasks := partsOf(h, slog.New(slog.NewTextHandler(&log, nil))).tasks()
	k := h.Token(t, control.TokenForm{})
	ask := func() {
		t.Helper()
		body, err := strict.Parse([]byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Gateway.Ask(t.Context(), gateway.Question{Secret: k.Secret, Address: testbed.Loopback, Path: gateway.Chat, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	findings := func() []string {
		t.Helper()
		o, err := h.Control.Overview(t.Context(), h.Owner)
		if err != nil {
			t.Fatal(err)
		}
		return o.Faults
	}
	ask()
	run(t, tasks, "verify what was touched")
	run(t, tasks, "verify the ledger")
	if log.Len() > 0 || len(findings()) > 0 {
		t.Fatalf("%s%v", log.String(), findings())
	}
	forget(t, h, k)
	ask()
	for range 3 {
		run(t, tasks, "verify what was touched")
	}
	run(t, tasks, "verify the ledger")
	if n := strings.Count(log.String(), "the ledger does not add up"); n != 2 || len(findings()) != 1 || !strings.Contains(findings()[0], "ledger I2: purse") {
		t.Errorf("told %d times, %v:\n%s", n, findings(), log.String())
	}
	viewer := h.Owner
	viewer.IsAdmin = false
	if o, err := h.Control.Overview(t.Context(), viewer); err != nil || o.Faults != nil {
		t.Errorf("%v, %v", o.Faults, err)
	}
}

// forget settles a call of a token that is not charged to the token's own purse.
func forget(t *testing.T, h *testbed.House, k control.Issued) {
	t.Helper()
	hold := &db.Hold{RequestID: "forgotten", WorkspaceID: h.Workspace.ID, Zone: time.UTC, Units: 10, Purses: db.Purses{Workspace: h.Workspace.PurseID}}
	if err := h.DB.Ledger.Hold(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	r := access.Request{RequestID: "forgotten", At: h.Now(), WorkspaceID: h.Workspace.ID, TokenID: k.Row.ID, Model: "gpt-4o-mini", Door: access.DoorGateway, Outcome: access.Answered, Units: 10}
	if err := h.DB.Ledger.Settle(t.Context(), db.Settlement{Hold: hold, Request: r}); err != nil {
		t.Fatal(err)
	}
}
