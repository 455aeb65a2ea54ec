package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/upstream"
)

const storeLeast = 1 << 10 // bytes: what most batches of events fit into

// How a stream is watched while it runs.
const (
	watchEvery      = 250 * time.Millisecond // is the caller still allowed?
	checkpointEvery = time.Second            // what a crash would charge
	checkpointMost  = 256                    // tokens that one checkpoint may lag behind
	quietMost       = 15 * time.Second       // then Next returns ErrQuiet for a sign of life
)

// ErrQuiet is what Next returns when nothing came for a while: a sign of life may
// be sent, and Next called again.
var ErrQuiet = upstream.ErrQuiet

// Event is one event of a stream, in the words of the endpoint that was asked.
// Its bytes are good until the next call of Next.
type Event struct {
	Name []byte // of the SSE event, where the endpoint has names
	Data []byte // one JSON object
	Text []byte // what of it is text for the reader
}

// Answer is an admitted call's answer. A plain one is whole in Body. A stream is
// read with Next by one goroutine; Close may come from any.
type Answer struct {
	RequestID string
	Model     string // as the caller named it
	Body      []byte // the plain answer
	Text      string // the plain answer's text
	Usage     access.Usage
	Units     int64 // charged, once settled
	Pace      Pace

	g      *Gateway
	call   *call
	ctx    context.Context
	cancel context.CancelCauseFunc
	up     *upstream.Answer
	route  route
	named  []byte // the model's name as JSON
	events []upstream.Event
	store  []byte // bytes of the events handed out last

	said       []byte // all text that was handed on
	other      int    // bytes of other text that costs
	reported   upstream.Usage
	hasUsage   bool
	checkpoint int64
	checkedAt  time.Time
	watchedAt  time.Time
	spokeAt    time.Time

	settling sync.Mutex
	settled  bool
	err      error
}

// Pace is what the answer's rate-limit headers say.
type Pace struct {
	LimitRequests, LeftRequests int64 // 0 limit: none
	LimitTokens, LeftTokens     int64
	Reset                       time.Duration
	QuotaLimited                bool
	QuotaLeft                   int64
}

func (g *Gateway) newAnswer(ctx context.Context, c *call, up *upstream.Answer, r route) *Answer {
	a := &Answer{RequestID: c.id, Model: c.asked, g: g, call: c, up: up, route: r, named: quote(c.asked)}
	a.ctx, a.cancel = ctx, func(error) {}
	return a
}

// settlePlain charges a whole answer before anyone sees it.
func (g *Gateway) settlePlain(ctx context.Context, c *call, up *upstream.Answer, r route) (*Answer, error) {
	a := g.newAnswer(ctx, c, up, r)
	defer up.Close()
	a.Text = string(up.Said.Content)
	a.said, a.other = up.Said.Content, len(up.Said.Other)
	a.reported, a.hasUsage = up.Said.Usage, up.Said.HasUsage
	if err := a.settle(access.Answered, ""); err != nil {
		return nil, err
	}
	a.Body = up.Said.AppendAs(nil, up.Body, a.named)
	a.pace()
	return a, nil
}

// openStream hands nothing on before the hold is on the disk. From then on a crash
// charges the prompt at least; that write is not waited for.
func (g *Gateway) openStream(ctx context.Context, c *call, up *upstream.Answer, r route) (*Answer, error) {
	a := g.newAnswer(ctx, c, up, r)
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	now := g.Now()
	a.checkedAt, a.watchedAt, a.spokeAt = now, now, now
	if err := <-c.written; err != nil {
		up.Close()
		g.DB.Ledger.Release(c.hold)
		return nil, err
	}
	g.DB.Ledger.Checkpoint(c.id, c.charge(access.Usage{Prompt: c.estimate}))
	a.pace()
	g.track(a)
	return a, nil
}

// Next waits for an event and appends it to into, with all that have arrived by
// then. At the end it settles and then returns io.EOF: whoever sees io.EOF may
// tell the client that the answer is whole. Any other error but ErrQuiet ends the
// answer too, after what was delivered has been settled: a *upstream.Failure, or
// the *access.Error that says why the call may not go on.
func (a *Answer) Next(into []Event) ([]Event, error) {
	for {
		if a.err != nil {
			return into, a.err
		}
		var err error
		a.events, err = a.up.NextWithin(watchEvery, a.events[:0])
		now := a.g.Now()
		if now.Sub(a.watchedAt) >= watchEvery || errors.Is(err, ErrQuiet) {
			a.watchedAt = now
			if refusal := a.g.still(a.ctx, a.call); refusal != nil {
				return into, a.end(access.Partial, refusal)
			}
		}
		before := len(into)
		into = a.hand(into)
		switch {
		case err == nil || errors.Is(err, ErrQuiet):
		case errors.Is(err, io.EOF):
			return into, a.end(access.Answered, io.EOF)
		default:
			return into, a.end(access.Partial, a.reason(err))
		}
		if len(into) > before {
			a.spokeAt = now
			a.keepCheckpoint(now)
			return into, nil
		}
		if now.Sub(a.spokeAt) >= quietMost {
			a.spokeAt = now
			return into, ErrQuiet
		}
	}
}

// hand appends the events that the caller shall see, and counts all. Once the
// answer is settled, as by a Close from elsewhere, it hands on nothing more.
func (a *Answer) hand(into []Event) []Event {
	a.settling.Lock()
	defer a.settling.Unlock()
	if a.settled {
		return into
	}
	a.store = a.store[:0]
	room := 0
	for i := range a.events {
		room += len(a.events[i].Data) + len(a.named)
	}
	if cap(a.store) < room {
		a.store = make([]byte, 0, max(2*room, storeLeast))
	}
	for i := range a.events {
		e := &a.events[i]
		a.said = append(a.said, e.Chunk.Content...)
		a.other += len(e.Chunk.Other)
		if e.Chunk.HasUsage {
			a.reported, a.hasUsage = e.Chunk.Usage, true
		}
		if e.Chunk.Odd || a.onlyUsage(e) && !a.call.usage {
			continue
		}
		from := len(a.store)
		a.store = e.Chunk.AppendAs(a.store, e.Data, a.named)
		into = append(into, Event{Name: e.Name, Data: a.store[from:], Text: e.Chunk.Content})
	}
	return into
}

// onlyUsage reports an event that a caller who did not ask for usage never sees.
func (a *Answer) onlyUsage(e *upstream.Event) bool {
	return a.call.path != Responses && e.Chunk.HasUsage && e.Chunk.Choices == 0 && len(e.Chunk.Content) == 0 && e.Chunk.Finish == ""
}

func (a *Answer) keepCheckpoint(now time.Time) {
	tokens := roughly(len(a.said) + a.other)
	if tokens-a.checkpoint < checkpointMost && (now.Sub(a.checkedAt) < checkpointEvery || tokens == a.checkpoint) {
		return
	}
	a.checkpoint, a.checkedAt = tokens, now
	units := a.call.charge(access.Usage{Prompt: a.call.estimate, Completion: tokens})
	a.g.DB.Ledger.Checkpoint(a.RequestID, units)
}

// reason is why the provider's stream ended before its end: our own cut wins over
// what it looked like from below.
func (a *Answer) reason(err error) error {
	if cause := context.Cause(a.ctx); cause != nil {
		return cause
	}
	return err
}

// end settles once and keeps what every further Next returns.
func (a *Answer) end(outcome access.Outcome, why error) error {
	rule := ""
	if !errors.Is(why, io.EOF) {
		rule = endRule(why)
	}
	a.up.Close()
	if err := a.settle(outcome, rule); err != nil {
		a.g.Log.Error("an answer could not be settled", "request", a.RequestID, "error", err)
		why = access.Fail(access.Busy, "storage", "Latchkey cannot write to its disk now.").After(time.Second).Because(err)
	}
	a.err = why
	return why
}

// ErrLeft is the cause with which a door cancels when its client has gone.
var ErrLeft = errors.New("gateway: the caller has left")

// ErrStopped is the cause with which a chat cancels when its customer says stop.
var ErrStopped = errors.New("gateway: stopped by the customer")

func endRule(why error) string {
	switch {
	case errors.Is(why, ErrStopped):
		return "stopped"
	case errors.Is(why, ErrLeft), errors.Is(why, context.Canceled), errors.Is(why, upstream.ErrClosed):
		return "caller_left"
	}
	if code := errorCode(why); code != "" {
		return code
	}
	return "fault"
}

// Stop ends the stream from another goroutine: the provider is stopped at once and
// Next returns the cause.
func (a *Answer) Stop(cause error) { a.cut(cause) }

func (a *Answer) cut(cause error) {
	a.cancel(cause)
	a.up.Close()
}

// Close stops the provider and settles what was delivered, unless Next has done
// so already. It must be called, and may be called again.
func (a *Answer) Close() error {
	a.cut(ErrLeft)
	return a.settle(access.Partial, "caller_left")
}

// settle charges once: for what the provider reported, else for what was counted.
func (a *Answer) settle(outcome access.Outcome, rule string) error {
	a.settling.Lock()
	defer a.settling.Unlock()
	if a.settled {
		return nil
	}
	a.settled = true
	c := a.call
	a.Usage = a.used(outcome)
	r := c.request()
	r.ProviderID, r.Outcome, r.Status, r.Rule = a.route.provider.ID, outcome, 200, rule
	r.Usage, r.Units = a.Usage, c.charge(a.Usage)
	r.FirstByte, r.Total = a.up.FirstByte, a.g.Now().Sub(c.began)
	err := a.g.DB.Ledger.Settle(context.WithoutCancel(a.ctx), db.Settlement{
		Hold: c.hold, Request: r, Question: c.question.end(outcome, rule, a.said), Empty: len(bytes.TrimSpace(a.said)) == 0 && a.other == 0,
	})
	a.Units = min(r.Units, c.hold.Units)
	subject := c.paced()
	a.g.limits.correct(subject.key, subject.pace, a.Usage.Prompt+a.Usage.Completion-c.estimate)
	c.leaveAll()
	a.cancel(nil)
	a.g.untrack(a)
	return err
}

// used is what the answer took. Where the provider reported nothing, or was cut
// off before it could, it is counted here and marked.
func (a *Answer) used(outcome access.Outcome) access.Usage {
	if a.hasUsage && (outcome == access.Answered || a.reported.Completion > 0) {
		return access.Usage{Prompt: a.reported.Prompt, Completion: a.reported.Completion}
	}
	u := access.Usage{Estimated: true, Completion: a.g.counter.count(string(a.said)) + roughly(a.other)}
	if a.call.path == Embeddings {
		u.Completion = 0
	}
	u.Prompt = a.g.counter.count(a.call.promptText())
	return u
}

// pace fills in what the headers of the answer say.
func (a *Answer) pace() {
	a.Pace = a.g.paceOf(a.call.paced())
	left, err := a.g.DB.Ledger.Remain(a.ctx, db.Purses{Token: a.call.purses.Token}, a.call.workspace.Location())
	if p := left.Of(a.call.purses.Token); err == nil && p.ID != 0 && !p.Unlimited {
		a.Pace.QuotaLimited, a.Pace.QuotaLeft = true, max(0, p.Remain())
	}
}
