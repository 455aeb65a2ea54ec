package db

import (
	"slices"
	"sync"
)

// findings are faults of the ledger that checks found, by check. Each check replaces
// its own.
type findings struct {
	mu sync.Mutex
	of map[string][]string
}

// Found keeps what a check found in the place of what it found before, and returns
// what is new.
func (l *Ledger) Found(check string, faults []string) (fresh []string) {
	f := &l.findings
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range faults {
		if !slices.Contains(f.of[check], one) {
			fresh = append(fresh, one)
		}
	}
	if f.of == nil {
		f.of = map[string][]string{}
	}
	f.of[check] = slices.Clone(faults)
	return fresh
}

// Findings lists what the checks found and nobody has mended, each once.
func (l *Ledger) Findings() []string {
	f := &l.findings
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, faults := range f.of {
		all = append(all, faults...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
