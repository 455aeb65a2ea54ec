package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// account mirrors a purse that was touched, with what is held in memory.
type account struct {
	access.Purse
	memory  int64
	touched bool // since Watch looked
	pins    int  // calls and changes under way that will come back to it
	edits   int  // changes of the quota in the commit under way: the row may say otherwise
	closed  bool // nothing can be held in it any more
}

// accountsMax is how many purses are mirrored before idle ones are let go.
const accountsMax = 1 << 16

// amount is what a call takes from a purse: its units, or one message.
func (a *account) amount(units int64) int64 {
	if a.Unit == access.Messages {
		return 1
	}
	return units
}

func (a *account) fits(amount int64) bool {
	return !a.closed && (a.Unlimited || amount <= a.Quota-a.Used-a.Reserved-a.memory)
}

func (l *Ledger) unpin(p Purses) { p.each(func(id int64) { l.known[id].pins-- }) }

// Left is the purses of a call at one moment.
type Left []access.Purse

// Of is the purse with that number, the zero purse if the call has none such.
func (l Left) Of(id int64) access.Purse {
	for i := range l {
		if l[i].ID == id {
			return l[i]
		}
	}
	return access.Purse{}
}

// Remain returns the purses of a call as they stand, refilled where their period
// has ended.
func (l *Ledger) Remain(ctx context.Context, p Purses, zone *time.Location) (Left, error) {
	if left, ok := l.look(p, zone); ok {
		return left, nil
	}
	if err := l.refill(ctx, p, zone); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var left Left
	p.each(func(id int64) { left = append(left, l.known[id].view()) })
	l.unpin(p)
	return left, nil
}

// look is Remain where all purses are mirrored and in their period.
func (l *Ledger) look(p Purses, zone *time.Location) (Left, bool) {
	now := l.d.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	left, ok := make(Left, 0, 2), true
	p.each(func(id int64) {
		a := l.known[id]
		if a == nil {
			ok = false
			return
		}
		if _, ended := endedPeriod(a.Purse, zone, now); ended {
			ok = false
			return
		}
		left = append(left, a.view())
	})
	return left, ok
}

// view is the purse with what memory holds counted as reserved.
func (a *account) view() access.Purse {
	p := a.Purse
	p.Reserved += a.memory
	return p
}

// overlay adds what memory holds to purses that were read from the file.
func (l *Ledger) overlay(p *access.Purse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.known[p.ID]; a != nil {
		p.Reserved += a.memory
	}
}

// pin mirrors purses and keeps them mirrored until unpin. A purse is read once:
// from then on every change of it goes through the ledger, which keeps the
// mirror exact.
func (l *Ledger) pin(p Purses, read func(id int64) *row) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	var pinned []*account
	p.each(func(id int64) {
		if err != nil {
			return
		}
		a := l.known[id]
		if a == nil {
			a = &account{}
			if a.Purse, err = scanPurse(read(id)); err != nil {
				return
			}
			l.makeRoom()
			l.known[id] = a
		}
		a.pins++
		a.touched = true
		pinned = append(pinned, a)
	})
	if err != nil {
		for _, a := range pinned {
			a.pins--
		}
	}
	return err
}

// makeRoom lets idle mirrors go once there are too many.
func (l *Ledger) makeRoom() {
	if len(l.known) < accountsMax {
		return
	}
	for id, a := range l.known {
		if a.pins == 0 {
			delete(l.known, id)
		}
	}
}
