// Package upkeep is what happens by the clock: overdue holds are swept, the ledger
// is verified, what has expired is forgotten, and long work is carried out.
//
// It promises that each task runs by itself, that one that fails is logged and
// tried again at its next time, and that Stop waits for the one under way. It
// changes nothing that a person decided.
package upkeep

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"latchkey/db"
	"latchkey/internal/control"
)

// Parts is what upkeep works on.
type Parts struct {
	DB      *db.DB
	Control *control.Control
	Now     func() time.Time
	Log     *slog.Logger
}

// task is one thing that is done again and again.
type task struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

func (p Parts) tasks() []task {
	return []task{
		{"sweep overdue holds", time.Minute, p.sweep},
		{"mark what has ended", time.Minute, p.DB.MarkPast},
		{"verify what was touched", time.Minute, p.watch(p.DB.Ledger.Watch())},
		{"verify the ledger", 24 * time.Hour, p.verify},
		{"forget what has expired", 10 * time.Minute, p.DB.ForgetExpired},
		{"forget old requests", time.Hour, p.retain},
		{"forget old conversations", time.Hour, p.dropTexts},
	}
}

// Keeper runs the tasks until Stop.
type Keeper struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// Start begins the tasks, each in its own time.
func Start(p Parts) *Keeper {
	ctx, cancel := context.WithCancel(context.Background())
	k := &Keeper{cancel: cancel}
	for _, t := range p.tasks() {
		k.done.Go(func() {
			tick := time.NewTicker(t.every)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					if err := t.do(ctx); err != nil && ctx.Err() == nil {
						p.Log.Error("upkeep failed", "task", t.name, "error", err)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	k.done.Go(func() { p.workOff(ctx) })
	return k
}

// workOff carries jobs out: those that the last process left, then each as soon as
// it is made.
func (p Parts) workOff(ctx context.Context) {
	err := p.DB.RequeueJobs(ctx)
	for {
		if err == nil {
			err = p.Control.WorkOff(ctx)
		}
		if err != nil && ctx.Err() == nil {
			p.Log.Error("upkeep failed", "task", "jobs", "error", err)
		}
		select {
		case <-p.DB.JobsWait():
			err = nil
		case <-ctx.Done():
			return
		}
	}
}

// Stop ends the tasks and waits for those under way.
func (k *Keeper) Stop() {
	k.cancel()
	k.done.Wait()
}

func (p Parts) sweep(ctx context.Context) error {
	n, err := p.DB.Ledger.Sweep(ctx)
	if n > 0 {
		p.Log.Warn("holds past their deadline were settled", "holds", n)
	}
	return err
}

// watch verifies the ledger for what was touched since the last time.
func (p Parts) watch(w *db.Watch) func(context.Context) error {
	return func(ctx context.Context) error {
		faults, err := w.Check(ctx)
		if err == nil {
			p.found("touched", faults)
		}
		return err
	}
}

// verify verifies the whole of it.
func (p Parts) verify(ctx context.Context) error {
	faults, err := p.DB.CheckLedger(ctx)
	if err == nil {
		p.found("whole", faults)
	}
	return err
}

// found keeps faults for the overview, and logs each once.
func (p Parts) found(check string, faults []string) {
	for _, f := range p.DB.Ledger.Found(check, faults) {
		p.Log.Error("the ledger does not add up", "fault", f)
	}
}

// retain forgets the request log beyond what the operator keeps.
func (p Parts) retain(ctx context.Context) error {
	days, err := p.Control.RequestRetention(ctx)
	if err != nil || days == nil {
		return err
	}
	return p.DB.ForgetRequests(ctx, p.Now().AddDate(0, 0, -int(*days)))
}

// dropTexts forgets what customers said longer ago than their bot keeps it.
func (p Parts) dropTexts(ctx context.Context) error {
	const most = 200 // in one fact, so that others are not kept waiting
	for {
		n, err := p.DB.DropOldTexts(ctx, most)
		if err != nil || n < most {
			return err
		}
	}
}
