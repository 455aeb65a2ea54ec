package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/upstream"
)

// Refused calls are logged in batches, so that refusing costs no write of its
// own. What does not fit is dropped and counted.
const (
	refusalsQueued = 4096
	refusalsBatch  = 256
	refusalsEvery  = 200 * time.Millisecond
)

type refusals struct {
	Parts
	queue   chan db.Logged
	flush   chan chan struct{}
	stop    chan struct{}
	done    chan struct{}
	mu      sync.Mutex
	dropped int64
	old     map[[32]byte]int64 // calls with a secret that was replaced and lives on
}

func startRefusals(p Parts) *refusals {
	r := &refusals{Parts: p, queue: make(chan db.Logged, refusalsQueued), flush: make(chan chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
	go r.run()
	return r
}

func (r *refusals) add(l db.Logged) {
	select {
	case r.queue <- l:
	default:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.dropped++
	}
}

func (r *refusals) run() {
	defer close(r.done)
	tick := time.NewTicker(refusalsEvery)
	defer tick.Stop()
	var batch []db.Logged
	write := func() {
		r.writeOld()
		if len(batch) == 0 {
			return
		}
		if err := r.DB.LogRequests(context.Background(), batch); err != nil {
			r.Log.Error("refused calls could not be logged", "calls", len(batch), "error", err)
		}
		batch = nil
	}
	for {
		select {
		case <-r.stop:
			for range len(r.queue) {
				batch = append(batch, <-r.queue)
			}
			write()
			return
		case l := <-r.queue:
			if batch = append(batch, l); len(batch) >= refusalsBatch {
				write()
			}
		case <-tick.C:
			write()
			r.tellDropped()
		case told := <-r.flush:
			for range len(r.queue) {
				batch = append(batch, <-r.queue)
			}
			write()
			close(told)
		}
	}
}

// calledWithOld counts a call that still used a secret which was replaced.
func (r *refusals) calledWithOld(hash [32]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.old == nil {
		r.old = map[[32]byte]int64{}
	}
	r.old[hash]++
}

func (r *refusals) writeOld() {
	r.mu.Lock()
	old := r.old
	r.old = nil
	r.mu.Unlock()
	if len(old) == 0 {
		return
	}
	if err := r.DB.CountUses(context.Background(), old); err != nil {
		r.Log.Error("calls with replaced secrets could not be counted", "error", err)
	}
}

func (r *refusals) tellDropped() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dropped > 0 {
		r.Log.Warn("refused calls were not logged: too many at once", "calls", r.dropped)
		r.dropped = 0
	}
}

// close writes what waits. The queue stays open: a call that outlived the drain
// may still be refused.
func (r *refusals) close() {
	close(r.stop)
	<-r.done
}

// Flush writes what waits for the request log. A page that shows the log calls it
// first, so that it never shows less than happened.
func (g *Gateway) Flush() {
	told := make(chan struct{})
	select {
	case g.refusals.flush <- told:
		<-told
	case <-g.refusals.done:
	}
}

// refuse logs a call that got no answer. What has no workspace belongs to nobody
// and is not kept.
func (g *Gateway) refuse(c *call, err error) {
	if c.workspace.ID == 0 && c.question == nil {
		return
	}
	r := c.request()
	r.Outcome, r.Status, r.Rule, r.Total = access.Refused, Status(err), errorCode(err), g.Now().Sub(c.began)
	if f, ok := errors.AsType[*upstream.Failure](err); ok {
		r.Outcome, r.Rule = access.Broken, f.Code
	} else if errors.Is(err, context.Canceled) || errors.Is(err, ErrLeft) || errors.Is(err, ErrStopped) {
		r.Outcome, r.Rule = access.Broken, endRule(err)
	}
	l := db.Logged{Request: r, Zone: c.workspace.Location(), Question: c.question.end(r.Outcome, reasonOf(err, r.Rule), nil)}
	if l.Question == nil {
		g.refusals.add(l)
	} else if err := g.DB.LogRequests(context.Background(), []db.Logged{l}); err != nil {
		g.Log.Error("a refused question could not be written", "request", c.id, "error", err)
	}
}

// statuses are the HTTP statuses of the manual's codes; other errors have that of
// their kind.
var statuses = map[string]int{
	"missing_api_key": 401, "invalid_api_key": 401, "token_disabled": 401, "token_revoked": 401, "token_expired": 401,
	"insufficient_quota": 401, "quota_too_low": 403, "ip_not_allowed": 403, "model_not_allowed": 403, "bot_not_allowed": 403,
	"permission_denied": 403, "group_not_allowed": 403, "rate_limit_exceeded": 429, "too_many_concurrent": 429,
}

var kindStatuses = map[access.Kind]int{
	access.Invalid: 400, access.SignedOut: 401, access.Forbidden: 403, access.NotFound: 404, access.Conflict: 409,
	access.Spent: 403, access.Revoked: 403, access.Expired: 403, access.Limited: 429, access.Busy: 503, access.Upstream: 502,
}

// Status is the HTTP status of an error of Ask: the manual's for its codes, the
// provider's fault's, else its kind's; 500 for a fault.
func Status(err error) int {
	if f, ok := errors.AsType[*upstream.Failure](err); ok && f.Status != 0 {
		return f.Status
	}
	problems := access.Problems(err)
	if len(problems) == 0 {
		return 500
	}
	if s := statuses[problems[0].Code]; s != 0 {
		return s
	}
	return kindStatuses[problems[0].Kind]
}
