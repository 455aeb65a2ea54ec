package gateway

import (
	"sync"
	"time"
)

// The breaker of a provider, and the budget of retries.
const (
	breakerWindow   = 30 * time.Second // what is looked back on
	breakerFailures = 5                // open after this many
	breakerCalls    = 20               // or when half of at least this many failed
	breakerOpen     = 15 * time.Second // then one probe
	retryShare      = 0.1              // extra calls for each call
	retryMost       = 10.0             // saved up at most
	triesMax        = 2                // providers asked for one call
	triesTime       = 10 * time.Second // no second provider after this
)

// health remembers how providers did, in memory.
type health struct {
	now    func() time.Time
	mu     sync.Mutex
	states map[int64]*providerState
	budget float64
}

type providerState struct {
	calls    []outcome // in the order of time
	failed   int       // of them
	openTill time.Time
	probing  bool
}

type outcome struct {
	at     time.Time
	failed bool
}

func newHealth(now func() time.Time) *health {
	return &health{now: now, states: map[int64]*providerState{}, budget: retryMost}
}

func (h *health) state(id int64) *providerState {
	s := h.states[id]
	if s == nil {
		s = &providerState{}
		h.states[id] = s
	}
	return s
}

// Trouble is how a provider has done lately.
type Trouble struct {
	Calls, Failed int
	Open          bool // calls go elsewhere until a probe succeeds
}

// Health tells how a provider did within the last half minute.
func (g *Gateway) Health(providerID int64) Trouble {
	h := g.health
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.state(providerID)
	calls, failed := s.recent(h.now())
	return Trouble{Calls: calls, Failed: failed, Open: !s.openTill.IsZero()}
}

func (s *providerState) recent(now time.Time) (calls, failed int) {
	for len(s.calls) > 0 && now.Sub(s.calls[0].at) >= breakerWindow {
		s.forget()
	}
	return len(s.calls), s.failed
}

func (s *providerState) note(o outcome) {
	if len(s.calls) >= healthKept {
		s.forget()
	}
	s.calls = append(s.calls, o)
	if o.failed {
		s.failed++
	}
}

// forget lets the oldest call go.
func (s *providerState) forget() {
	if s.calls[0].failed {
		s.failed--
	}
	s.calls = s.calls[1:]
}

// admits reports whether a call may go to the provider. While its breaker is open
// none may; afterwards one may, as a probe.
func (h *health) admits(id int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.state(id)
	switch {
	case s.openTill.IsZero():
		return true
	case h.now().Before(s.openTill) || s.probing:
		return false
	}
	s.probing = true
	return true
}

// open reports whether the breaker is open, without taking the probe.
func (h *health) open(id int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.states[id]
	return s != nil && !s.openTill.IsZero()
}

// healthKept bounds the calls that are looked back on.
const healthKept = 256

// tell notes how a call went. A fault of the caller's counts as neither.
func (h *health) tell(id int64, failed, counts bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, s := h.now(), h.state(id)
	wasProbe := s.probing
	s.probing = false
	if !failed {
		s.openTill = time.Time{}
	}
	if !counts && failed {
		return
	}
	s.note(outcome{now, failed})
	calls, bad := s.recent(now)
	if failed && (wasProbe || bad >= breakerFailures || calls >= breakerCalls && bad*2 >= calls) {
		s.openTill = now.Add(breakerOpen)
	}
	h.budget = min(retryMost, h.budget+retryShare)
}

// mayRetry takes one extra call from the budget, if there is one.
func (h *health) mayRetry() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.budget < 1 {
		return false
	}
	h.budget--
	return true
}
