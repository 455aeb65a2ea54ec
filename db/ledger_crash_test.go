package db

import (
	"context"
	"time"

	"pgregory.net/rapid"
)

// Wait moves the clock, over the ends of periods and of deadlines, and now and
// then the process ends meanwhile.
func (l *life) Wait(t *rapid.T) {
	const crash = 0
	d := rapid.SampledFrom([]time.Duration{time.Second, time.Hour, 9 * time.Hour, 24 * time.Hour, 8 * 24 * time.Hour, 33 * 24 * time.Hour, crash}).Draw(t, "time")
	if d == crash {
		l.crash(t)
		return
	}
	l.at.Add(d.Milliseconds())
	l.sweep(t, true, func(c *modelCall) bool { return c.hold.Deadline.Before(l.now()) })
}

// crash ends the process without a word and starts another on its files.
func (l *life) crash(t *rapid.T) {
	dead := l.d
	l.open(t, dead.Path)
	need(t, dead.Close())
	for _, c := range l.calls {
		if c.state == "memory" {
			c.release()
		}
	}
	l.sweep(t, false, func(*modelCall) bool { return true })
	// What is over is of a process that is gone: ending it again finds its row.
	for _, c := range l.calls {
		c.lingers = false
		c.hold = &Hold{
			RequestID: c.hold.RequestID, WorkspaceID: c.hold.WorkspaceID, Zone: modelZone, Units: c.hold.Units, Request: c.hold.Request,
			durable: c.hold.durable,
		}
	}
}

func (l *life) sweep(t *rapid.T, alive bool, due func(*modelCall) bool) {
	n, err := l.d.Ledger.Sweep(context.Background())
	need(t, err)
	for _, c := range l.calls {
		if c.state == "streaming" && due(c) {
			c.settle(c.checkpoint, false, l.now())
			c.lingers = alive
			n--
		}
	}
	if n != 0 {
		t.Fatalf("%d holds more were swept than were left", n)
	}
}
