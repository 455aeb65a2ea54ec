package db

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
)

// watching is a desk whose ledger is watched, with calls of a token and of a seat.
type watching struct {
	*desk
	watch       *Watch
	token, seat access.Request // what their calls look like
	ofToken     Purses
	ofSeat      Purses
}

func newWatching(t *testing.T) *watching {
	t.Helper()
	k := newDesk(t)
	w, err := k.FindWorkspace(t.Context(), k.workspace)
	k.must(err)
	token, mei := k.unbound("pipeline"), k.customer("mei")
	share := k.share("Help desk", func(n *NewShare) { n.Share.Refill = access.RefillDaily })
	seat := k.open(share, mei)
	request := access.Request{WorkspaceID: k.workspace, BotID: k.bot, Model: "demo", Door: access.DoorGateway, Outcome: access.Answered, Status: 200}
	l := &watching{desk: k, watch: k.Ledger.Watch(), token: request, seat: request}
	l.behind("UPDATE purses SET workspace_id = $1 WHERE id = $2", k.workspace, w.PurseID) // as a real workspace has it
	l.token.TokenID, l.ofToken = token.ID, Purses{Token: token.PurseID, Workspace: w.PurseID}
	l.seat.ShareID, l.seat.CustomerID = seat.ShareID, seat.CustomerID
	l.ofSeat = Purses{Share: share.PurseID, Customer: seat.PurseID, Workspace: w.PurseID}
	return l
}

// hold begins a call.
func (l *watching) hold(r access.Request, p Purses, units int64) *Hold {
	l.t.Helper()
	r.RequestID, r.At = l.id(), l.now()
	h := &Hold{RequestID: r.RequestID, WorkspaceID: l.workspace, Zone: time.UTC, Units: units, Purses: p, Deadline: l.now().Add(time.Minute), Request: r}
	l.must(l.Ledger.Hold(l.t.Context(), h))
	return h
}

func (l *watching) charge(h *Hold) {
	l.t.Helper()
	r := h.Request
	r.Units = h.Units
	l.must(l.Ledger.Settle(l.t.Context(), Settlement{Hold: h, Request: r}))
}

func (l *watching) both(units int64) {
	l.t.Helper()
	l.charge(l.hold(l.token, l.ofToken, units))
	l.charge(l.hold(l.seat, l.ofSeat, units))
}

// look compares what is found, each fault by its name, with what is expected.
func (l *watching) look(want ...string) {
	l.t.Helper()
	faults, err := l.watch.Check(l.t.Context())
	l.must(err)
	var got []string
	for _, f := range faults {
		got = append(got, strings.TrimSuffix(strings.Fields(f)[1], ":"))
	}
	if !slices.Equal(got, want) {
		l.t.Errorf("found %q, want %q", faults, want)
	}
}

// behind writes what the ledger knows nothing of.
func (l *watching) behind(text string, args ...any) {
	l.t.Helper()
	l.must(l.change(l.t.Context(), func(x *Tx) error { _, err := x.exec(text, args...); return err }))
}

// What is broken behind the ledger's back in a purse of any kind is found once the
// purse is touched, and told until it is mended.
func TestWatchFindsWhatIsWrong(t *testing.T) {
	l := newWatching(t)
	l.look()
	l.both(700)
	l.look()
	l.look()
	for _, id := range []int64{l.ofToken.Token, l.ofToken.Workspace, l.ofSeat.Share, l.ofSeat.Customer} {
		for _, c := range []struct{ fault, breaks, mends string }{
			{"I2", "UPDATE purses SET used = used + 3 WHERE id = $1", "UPDATE purses SET used = used - 3 WHERE id = $1"},
			{"I3", "UPDATE purses SET reserved = reserved + 3 WHERE id = $1", "UPDATE purses SET reserved = reserved - 3 WHERE id = $1"},
		} {
			l.behind(c.breaks, id)
			l.look() // not touched since: the nightly check's to find
			l.both(5)
			l.look(c.fault)
			l.look(c.fault)
			l.behind(c.mends, id)
			l.look()
		}
	}
	l.behind("UPDATE usage_days SET units = units + 1 WHERE token_id = $1", l.token.TokenID)
	l.both(5)
	l.look("I2", "I2") // the token's and the workspace's
	// What breaks I1 or I7 is refused by the table itself.
	for _, text := range []string{"UPDATE purses SET unlimited = 0, quota = used - 1 WHERE id = $1", "UPDATE purses SET reserved = -1 WHERE id = $1"} {
		if err := l.change(t.Context(), func(x *Tx) error { _, err := x.exec(text, l.ofToken.Token); return err }); err == nil {
			t.Errorf("%s was written", text)
		}
	}
}

// Days pass and periods end, under streams that are open, and all of it adds up at
// every look.
func TestWatchOverManyDays(t *testing.T) {
	l := newWatching(t)
	for range 9 {
		open := l.hold(l.seat, l.ofSeat, 40)
		l.must(l.Ledger.Stream(t.Context(), open, 3))
		l.both(11)
		l.look()
		l.wait(17 * time.Hour)
		l.both(13)
		l.look("I6") // the stream's deadline is long past
		l.charge(open)
		l.look()
		l.wait(20 * time.Hour)
	}
	l.sound()
}

// A settled hold whose row in the log says otherwise is found without any purse
// having been touched.
func TestWatchFindsHolds(t *testing.T) {
	l := newWatching(t)
	open := l.hold(l.token, l.ofToken, 40)
	l.must(l.Ledger.Stream(t.Context(), open, 3))
	l.charge(open)
	l.look()
	l.behind("UPDATE holds SET actual = 21 WHERE request_id = $1", open.RequestID)
	l.look("I4")
}

// One look takes no more than its share; what is left over is taken by the next.
func TestWatchTakesAllInTurn(t *testing.T) {
	l := newWatching(t)
	l.both(7)
	seen := map[int64]bool{}
	for range 4 {
		for _, id := range l.Ledger.takeTouched(1) {
			seen[id] = true
		}
	}
	if len(seen) != 4 || len(l.Ledger.takeTouched(9)) != 0 {
		t.Errorf("%v", seen)
	}
}

// A look costs what was touched, not what there is.
func TestWatchTakesTheOwnersIndex(t *testing.T) {
	k := newDesk(t)
	for text, index := range map[string]string{usedToken: "usage_days_token", usedShare: "usage_days_share", usedSeat: "usage_days_share"} {
		var plan []string
		args := make([]any, strings.Count(text, "$"))
		for i := range args {
			args[i] = i
		}
		k.must(k.rows(t.Context(), func(s scanner) error {
			var id, parent, unused int64
			var line string
			err := s.Scan(&id, &parent, &unused, &line)
			plan = append(plan, line)
			return err
		}, "EXPLAIN QUERY PLAN "+text, args...))
		if all := fmt.Sprint(plan); !strings.Contains(all, index) || strings.Contains(all, "SCAN") {
			t.Errorf("%s\n%s", text, all)
		}
	}
}
