package db

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"latchkey/internal/access"
)

// Ledger alone writes used, reserved and period_at of purses, and answers every
// question of what is left. The law of a purse: used + reserved + held in memory
// never passes its quota, unless it is unlimited.
//
// A call holds its worst price in memory first (Hold). A plain call stays there
// until it is settled: an answer that was never given is never charged, and one
// process owns the file. A stream becomes a durable row before its first byte
// (Stream), so that a crash charges what was delivered. Settle gives the rest
// back, adds the charge and writes the request log and the day's usage in one
// transaction; a second Settle of the same request changes nothing.
type Ledger struct {
	d       *DB
	commits sync.RWMutex // held while the mirrors follow a commit; taken before mu
	mu      sync.Mutex
	known   map[int64]*account

	settling  batch[*settling]
	streaming batch[*streaming]

	findings findings
}

func newLedger(d *DB) *Ledger { return &Ledger{d: d, known: map[int64]*account{}} }

// Purses names the purses that a call draws on; 0 where it has none.
type Purses struct {
	Token, Share, Customer, Workspace int64
}

func (p Purses) each(do func(id int64)) {
	for _, id := range [...]int64{p.Token, p.Share, p.Customer, p.Workspace} {
		if id != 0 {
			do(id)
		}
	}
}

// Hold is what one call may cost at most.
type Hold struct {
	RequestID   string
	WorkspaceID int64
	Zone        *time.Location // of the workspace: refills follow it
	Units       int64
	Purses      Purses
	Deadline    time.Time // a streaming row older than this is swept
	Request     access.Request
	durable     bool
	held        bool // until it is settled or released
}

// Short is the refusal of a purse that cannot hold a call.
type Short struct {
	Purse access.Purse // as it stood, with what memory holds counted as reserved
}

func (s *Short) Error() string { return "the purse does not hold that much" }

// Hold takes the worst price of a call from all its purses, or from none and
// returns a *Short.
func (l *Ledger) Hold(ctx context.Context, h *Hold) error {
	if err := l.refill(ctx, h.Purses, h.Zone); err != nil {
		return err
	}
	l.commits.RLock() // between two of a commit's changes more may seem to be left than is
	defer l.commits.RUnlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	var short *Short
	h.Purses.each(func(id int64) {
		if a := l.known[id]; short == nil && !a.fits(a.amount(h.Units)) {
			short = &Short{Purse: a.view()}
		}
	})
	if short != nil {
		l.unpin(h.Purses)
		return short
	}
	h.Purses.each(func(id int64) {
		a := l.known[id]
		a.memory += a.amount(h.Units)
	})
	h.held = true
	return nil
}

// Release gives a call's hold back uncharged. It is for calls that never became
// a durable row, see Withdraw. Releasing what holds nothing, or nothing any more, changes nothing.
func (l *Ledger) Release(h *Hold) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(h)
}

// forget gives back what memory holds for a call and lets go of its purses, once.
func (l *Ledger) forget(h *Hold) {
	if !h.held {
		return
	}
	h.held = false
	if !h.durable {
		h.Purses.each(func(id int64) {
			a := l.known[id]
			a.memory -= a.amount(h.Units)
		})
	}
	l.unpin(h.Purses)
}

// streaming is a hold on its way to the disk.
type streaming struct {
	hold    *Hold
	request string
	floor   int64
	amounts map[int64]int64
}

// Stream makes the hold a durable row, charged at least floor if nothing else ends
// it. It must return before the first byte of the answer is passed on. Holds that
// wait together are written together, each purse once.
func (l *Ledger) Stream(ctx context.Context, h *Hold, floor int64) error {
	request, err := json.Marshal(h.Request)
	if err != nil {
		return err
	}
	one := &streaming{hold: h, request: string(request), floor: min(floor, h.Units), amounts: l.amounts(h)}
	return l.streaming.write(ctx, l.d, one, l.streamAll)
}

func (l *Ledger) streamAll(t *Tx, all []*streaming) error {
	sums := map[int64]int64{}
	for _, s := range all {
		h := s.hold
		_, err := t.exec(`INSERT INTO holds (request_id, workspace_id, boot_id, state, units, checkpoint, token_purse,
			share_purse, customer_purse, workspace_purse, request, created_at, deadline_at)
			VALUES ($1, $2, $3, 'streaming', $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			h.RequestID, h.WorkspaceID, l.d.BootID, h.Units, s.floor, idOrNull(h.Purses.Token),
			idOrNull(h.Purses.Share), idOrNull(h.Purses.Customer), idOrNull(h.Purses.Workspace), s.request, t.now(), ms(h.Deadline))
		if err != nil {
			return err
		}
		for id, amount := range s.amounts {
			sums[id] += amount
		}
	}
	for id, amount := range sums {
		n, err := t.exec(`UPDATE purses SET reserved = reserved + $1
			WHERE id = $2 AND (unlimited = 1 OR used + reserved + $1 <= quota)`, amount, id)
		if err != nil {
			return err
		}
		if n != 1 {
			return &Short{}
		}
	}
	t.after(func() { l.madeDurable(all) })
	return nil
}

func (l *Ledger) amounts(h *Hold) map[int64]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	amounts := make(map[int64]int64, 4)
	h.Purses.each(func(id int64) { amounts[id] = l.known[id].amount(h.Units) })
	return amounts
}

func (l *Ledger) madeDurable(all []*streaming) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range all {
		s.hold.durable = true
		for id, amount := range s.amounts {
			a := l.known[id]
			a.memory -= amount
			a.Reserved += amount
		}
	}
}

// Checkpoint raises what a crash would charge for a stream; it never lowers it. It
// returns at once: the next commit holds it.
func (l *Ledger) Checkpoint(requestID string, units int64) {
	l.d.changeSoon(func(t *Tx) error {
		_, err := t.exec(`UPDATE holds SET checkpoint = MAX(checkpoint, MIN($1, units))
			WHERE request_id = $2 AND state = 'streaming'`, units, requestID)
		return err
	})
}
