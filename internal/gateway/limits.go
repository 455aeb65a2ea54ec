package gateway

import (
	"fmt"
	"sync"
	"time"

	"latchkey/internal/access"
)

// limits counts requests, tokens and calls at once. It lives in memory: a restart
// begins a new minute. Counting is exact to the second: in no 60 seconds are more
// than the limit let in.
type limits struct {
	now  func() time.Time
	mu   sync.Mutex
	seen map[limitKey]*minute
}

type limitKey struct {
	kind   byte // t: token, s: customer on a share
	id, of int64
}

// pace is what a subject may do; 0 is no limit.
type pace struct{ rpm, tpm, concurrent int64 }

// slots are the seconds that a minute reaches into: the first and the last of them
// in part.
const slots = 61

// minute is what a subject did in each of the last seconds.
type minute struct {
	requests, tokens [slots]int64
	at               int64 // the second of the newest slot
	running          int64
}

// limitsMax is how many subjects are remembered before idle ones are let go.
const limitsMax = 1 << 16

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, seen: map[limitKey]*minute{}}
}

// overrun says which limit a call would break, and when it fits again.
type overrun struct {
	concurrent bool
	never      bool // it alone has more tokens than a minute may
	requests   int64
	tokens     int64
	wait       time.Duration
}

func (o overrun) text() string {
	if o.never {
		return fmt.Sprintf("%d tokens%s", o.tokens, AtOnce)
	}
	if o.tokens > 0 {
		return fmt.Sprintf("%d tokens", o.tokens)
	}
	return fmt.Sprintf("%d requests", o.requests)
}

// AtOnce ends what the trace notes of a call that no minute can hold.
const AtOnce = " at once"

// refusal is what a caller is told. What never fits is not told to wait.
func (o overrun) refusal(p pace) error {
	switch {
	case o.concurrent:
		return access.Fail(access.Limited, "too_many_concurrent", "At most %d calls may run at once. Wait for one to end.", p.concurrent).After(o.wait)
	case o.never:
		return access.Fail(access.Limited, "rate_limit_exceeded",
			"This call alone has about %d tokens, more than the %d a minute that are allowed. Trying again does not help: shorten it, or have the limit raised.",
			o.tokens, p.tpm)
	}
	return access.Fail(access.Limited, "rate_limit_exceeded", "At most %s. Try again in %d s.", paceText(p), seconds(o.wait)).After(o.wait)
}

// NeverFits reports whether err refuses a call that no minute can hold, so that
// trying again is in vain.
func NeverFits(err error) bool {
	for _, p := range access.Problems(err) {
		if p.Code == "rate_limit_exceeded" && p.Wait == 0 {
			return true
		}
	}
	return false
}

// reasonOf is why whoever chats has no answer, by the rule that is logged: nobody is
// told to wait for what never fits.
func reasonOf(err error, rule string) string {
	if NeverFits(err) {
		return "call_too_large"
	}
	return rule
}

// over says what a call would break of the limits of a minute, nil for none.
func (m *minute) over(p pace, tokens int64) *overrun {
	requests, used := m.sums()
	switch {
	case p.tpm > 0 && tokens > p.tpm:
		return &overrun{tokens: tokens, never: true}
	case p.rpm > 0 && requests+1 > p.rpm:
		return &overrun{requests: requests + 1, wait: m.until(&m.requests, requests+1-p.rpm)}
	case p.tpm > 0 && used+tokens > p.tpm:
		return &overrun{tokens: used + tokens, wait: m.until(&m.tokens, used+tokens-p.tpm)}
	}
	return nil
}

// concurrentWait is what a caller is told to wait for a running call to end.
const concurrentWait = time.Second

// enter lets a call in and counts it, or says what it would break. The estimated
// tokens are counted at once; settle corrects them.
func (l *limits) enter(key limitKey, p pace, tokens int64) (leave func(), over *overrun) {
	if p == (pace{}) {
		return func() {}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.minute(key)
	over = m.over(p, tokens)
	switch {
	case over != nil:
		return nil, over
	case p.concurrent > 0 && m.running+1 > p.concurrent:
		return nil, &overrun{concurrent: true, wait: concurrentWait}
	}
	m.requests[m.at%slots]++
	m.tokens[m.at%slots] += tokens
	m.running++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		m.running--
	}, nil
}

// correct adds to a subject's tokens what an answer took beyond its estimate.
func (l *limits) correct(key limitKey, p pace, tokens int64) {
	if p.tpm == 0 || tokens == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.minute(key)
	slot := &m.tokens[m.at%slots]
	*slot = max(0, *slot+tokens)
}

// left is what a subject may still do in this minute, and when all of it is back.
func (l *limits) left(key limitKey, p pace) (requests, tokens int64, reset time.Duration) {
	if p == (pace{}) {
		return 0, 0, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.minute(key)
	done, used := m.sums()
	return max(0, p.rpm-done), max(0, p.tpm-used), m.until(&m.requests, done)
}

func (l *limits) minute(key limitKey) *minute {
	second := l.now().Unix()
	m := l.seen[key]
	if m == nil {
		l.makeRoom(second)
		m = &minute{at: second}
		l.seen[key] = m
	}
	m.advance(second)
	return m
}

// advance forgets what is older than a minute. A clock that goes back stays in
// its newest second.
func (m *minute) advance(second int64) {
	if second-m.at >= slots {
		m.requests, m.tokens = [slots]int64{}, [slots]int64{}
		m.at = second
		return
	}
	for m.at < second {
		m.at++
		m.requests[m.at%slots], m.tokens[m.at%slots] = 0, 0
	}
}

func (m *minute) sums() (requests, tokens int64) {
	for i := range m.requests {
		requests += m.requests[i]
		tokens += m.tokens[i]
	}
	return requests, tokens
}

// until is how long it takes until need of the counts have grown old.
func (m *minute) until(counts *[slots]int64, need int64) time.Duration {
	for age := int64(slots - 1); age >= 0; age-- {
		if need -= counts[((m.at-age)%slots+slots)%slots]; need <= 0 {
			return time.Duration(slots-age) * time.Second
		}
	}
	return slots * time.Second
}

func (l *limits) makeRoom(second int64) {
	if len(l.seen) < limitsMax {
		return
	}
	for key, m := range l.seen {
		if m.running == 0 && second-m.at >= slots {
			delete(l.seen, key)
		}
	}
}
