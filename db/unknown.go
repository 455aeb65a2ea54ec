package db

import (
	"sync"
	"time"
)

// A text that leads nowhere is not looked up again for a moment, so that a program
// which goes on calling with a wrong one costs little. What this process makes is
// known at once; what another registers beside it (latchkey token add) after
// unknownFor at the latest.
const (
	unknownFor = time.Second
	unknownMax = 4096 // texts; a flood of them pushes out nothing that is known
)

type unknown struct {
	mu    sync.RWMutex
	until map[[32]byte]time.Time
	made  uint64 // secrets since the start: what was looked up before one is not kept
}

func newUnknown() *unknown { return &unknown{until: map[[32]byte]time.Time{}} }

// holds reports whether a text was looked for in vain just now, and else what keep
// wants to know.
func (u *unknown) holds(hash [32]byte, now time.Time) (held bool, made uint64) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return now.Before(u.until[hash]), u.made
}

func (u *unknown) keep(hash [32]byte, now time.Time, made uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.made != made {
		return
	}
	if len(u.until) >= unknownMax {
		clear(u.until)
	}
	u.until[hash] = now.Add(unknownFor)
}

func (u *unknown) drop(hash [32]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.made++
	delete(u.until, hash)
}
