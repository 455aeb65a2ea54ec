package db

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	flags "flag"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
)

// How often the process is killed. make crash says more.
var kills = flags.Int("kills", 10, "rounds of TestKill")

const (
	victimFile    = "LATCHKEY_TEST_VICTIM" // this process is the one to be killed, and works on that file
	victimWorkers = 12
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimFile); path != "" {
		if err := liveAndDie(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// liveAndDie charges calls and changes settings for ever, and says each time what
// has been acknowledged:
//
//	begun ID · floor ID UNITS · settled ID UNITS · set N
func liveAndDie(path string) error {
	ctx := context.Background()
	d, err := Open(ctx, Options{Path: path, Now: time.Now, Random: rand.Reader, BootID: hexID()})
	if err != nil {
		return err
	}
	useTestKey(d)
	if _, err := d.Ledger.Sweep(ctx); err != nil {
		return err
	}
	w, err := d.OldestWorkspace(ctx)
	if err != nil {
		return err
	}
	tokens, err := d.Tokens(ctx, w.ID, Page{Limit: 10})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for range victimWorkers {
		go func() {
			for {
				if err := oneCall(ctx, d, w, tokens[mathrand.IntN(len(tokens))]); err != nil {
					failed <- err
				}
			}
		}()
	}
	text, err := d.FindSetting(ctx, "turn")
	if err != nil {
		return err
	}
	from, _ := strconv.Atoi(text) // nothing yet is 0
	go func() {
		for n := from + 1; ; n++ {
			if err := d.SetSetting(ctx, shell, "turn", strconv.Itoa(n)); err != nil {
				failed <- err
			}
			fmt.Println("set", n)
		}
	}()
	return <-failed
}

// settled waits for what was handed to the writer before.
func (d *DB) settled() error {
	return d.change(context.Background(), func(*Tx) error { return nil })
}

func oneCall(ctx context.Context, d *DB, w access.Workspace, k TokenRow) error {
	h := &Hold{
		RequestID: hexID(), WorkspaceID: w.ID, Zone: w.Location(), Units: 50, Purses: Purses{Token: k.PurseID, Workspace: w.PurseID},
		Deadline: time.Now().Add(time.Hour),
	}
	h.Request = access.Request{RequestID: h.RequestID, At: time.Now(), WorkspaceID: k.WorkspaceID, TokenID: k.ID, Model: "demo", Door: access.DoorGateway, Outcome: access.Answered, Status: 200}
	fmt.Println("begun", h.RequestID)
	if err := d.Ledger.Hold(ctx, h); err != nil {
		return err
	}
	if mathrand.IntN(2) == 0 {
		if err := d.Ledger.Stream(ctx, h, 3); err != nil {
			return err
		}
		fmt.Println("floor", h.RequestID, 3)
		for _, units := range []int64{9, 17} {
			d.Ledger.Checkpoint(h.RequestID, units)
			if err := d.settled(); err != nil {
				return err
			}
			fmt.Println("floor", h.RequestID, units)
		}
	}
	h.Request.Units = 20 + mathrand.Int64N(50) // sometimes more than is held
	if err := d.Ledger.Settle(ctx, Settlement{Hold: h, Request: h.Request}); err != nil {
		return err
	}
	fmt.Println("settled", h.RequestID, min(h.Request.Units, h.Units))
	return nil
}

// witness remembers what the processes that were killed have acknowledged.
type witness struct {
	begun          map[string]bool
	floor, settled map[string]int64
	set            int64
}

// hear reads one line; half a line was never said.
func (w *witness) hear(line string) {
	f := strings.Fields(line)
	if !strings.HasSuffix(line, "\n") || len(f) < 2 {
		return
	}
	n := int64(0)
	if last, err := strconv.ParseInt(f[len(f)-1], 10, 64); err == nil {
		n = last
	}
	switch f[0] {
	case "begun":
		w.begun[f[1]] = true
	case "floor":
		w.floor[f[1]] = max(w.floor[f[1]], n)
	case "settled":
		w.settled[f[1]] = n
	case "set":
		w.set = max(w.set, n)
	}
}

// The process is killed at random moments under load, and started again on the same
// file: no charge that was acknowledged is lost, none is booked twice, what streamed
// is charged for at least its last checkpoint, and nothing stays held.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "latchkey.db")
	makeTemplate(t, path)
	d := openFile(t, path)
	w, err := d.OldestWorkspace(t.Context())
	need(t, err)
	for i := range 3 {
		p := access.Purse{Unlimited: true, Refill: []access.Refill{access.RefillNone, access.RefillDaily, access.RefillNone}[i]}
		if i == 2 {
			p.Quota, p.Unlimited = access.UnitsMax, false
		}
		_, err := d.MakeToken(t.Context(), shell, NewToken{
			Token: access.Token{PublicID: hexID(), WorkspaceID: w.ID, Name: fmt.Sprint(i), Hint: "9KaB", PermissionsShape: "array"},
			Purse: p, Hash: [32]byte{byte(i)}, BetaHash: [32]byte{byte(i), 1}, Zone: w.Location(),
		})
		need(t, err)
	}
	need(t, d.Close())
	said := &witness{begun: map[string]bool{}, floor: map[string]int64{}, settled: map[string]int64{}}
	for round := range *kills {
		killOne(t, path, said, 20+mathrand.IntN(700))
		checkAfterKill(t, path, said, int64(round+1)*victimWorkers)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if len(said.settled) < *kills || said.set == 0 {
		t.Errorf("%d charges and %d settings were acknowledged", len(said.settled), said.set)
	}
}

// killOne starts a process and kills it after it has said some lines.
func killOne(t *testing.T, path string, said *witness, lines int) {
	t.Helper()
	self, err := os.Executable()
	need(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), victimFile+"="+path)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	need(t, err)
	need(t, cmd.Start())
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	r := bufio.NewReader(out)
	for n := 0; ; n++ {
		line, err := r.ReadString('\n')
		said.hear(line)
		if err == io.EOF {
			break
		}
		need(t, err)
		if n == lines {
			need(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the process ended by itself: %v %s", err, complaints.String())
	}
}

func checkAfterKill(t *testing.T, path string, said *witness, unsaid int64) {
	t.Helper()
	d := openFile(t, path)
	defer func() { need(t, d.Close()) }()
	ctx := t.Context()
	_, err := d.Ledger.Sweep(ctx)
	need(t, err)
	charged := map[string]int64{}
	need(t, d.rows(ctx, func(s scanner) error {
		var id string
		var units int64
		err := s.Scan(&id, &units)
		charged[id] = units
		return err
	}, "SELECT request_id, units FROM requests"))
	for id, units := range said.settled {
		if got, there := charged[id]; !there || got != units {
			t.Errorf("%s was acknowledged with %d units; %d are booked (%t)", id, units, got, there)
		}
	}
	for id, floor := range said.floor {
		if got, there := charged[id]; !there || got < floor {
			t.Errorf("%s streamed for %d units at least; %d are booked (%t)", id, floor, got, there)
		}
	}
	for id := range charged {
		if !said.begun[id] {
			t.Errorf("%s was charged and never asked", id)
		}
	}
	// What is booked and was not acknowledged was under way, one a worker and kill.
	if more := int64(len(charged) - len(said.settled)); more < 0 || more > unsaid {
		t.Errorf("%d charges were not acknowledged, at most %d can have been under way", more, unsaid)
	}
	var open, reserved int64
	need(t, d.row(ctx, "SELECT (SELECT COUNT(*) FROM holds WHERE state IN ('reserved', 'streaming')), (SELECT SUM(reserved) FROM purses)").Scan(&open, &reserved))
	if open != 0 || reserved != 0 {
		t.Errorf("%d holds are open, %d units reserved", open, reserved)
	}
	text, err := d.FindSetting(ctx, "turn")
	need(t, err)
	if n, _ := strconv.ParseInt("0"+text, 10, 64); n < said.set || n > said.set+1 {
		t.Errorf("setting %d was acknowledged, %s is there", said.set, text)
	}
	for name, check := range map[string]func(context.Context) ([]string, error){"ledger": d.CheckLedger, "file": d.CheckFile} {
		if faults, err := check(ctx); err != nil || len(faults) > 0 {
			t.Errorf("the %s: %v %v", name, faults, err)
		}
	}
	if _, broken, err := d.VerifyAudit(ctx); err != nil || broken != 0 {
		t.Errorf("the audit chain is broken at %d, %v", broken, err)
	}
}
