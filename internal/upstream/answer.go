package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Event is one event of a stream. Its bytes are good until the next call of
// Next or NextWithin on the same Answer.
type Event struct {
	Name  []byte // the SSE event's name, where it has one
	Data  []byte // one JSON object, valid UTF-8
	Chunk Chunk  // what Data says
}

// Answer is a provider's answer: Body and Said for a plain call, events for a
// stream. One goroutine reads it; Close may come from any, any number of times.
type Answer struct {
	Body      []byte        // the plain answer, one JSON object
	Said      Chunk         // what Body says
	FirstByte time.Duration // from the call to the answer's first byte

	client *Client
	began  time.Time
	key    string
	ctx    context.Context
	cancel context.CancelCauseFunc

	clock   sync.Mutex // guards the three against finish
	first   *time.Timer
	silence *time.Timer // these two run where more than a first piece comes
	total   *time.Timer

	mu     sync.Mutex
	queue  batch // arrived, not yet asked for
	lent   batch // what the last Next returned
	end    error // why no more will come, once that is known
	opened bool  // something other than an event has come whole
	plain  bool  // what comes is no stream

	wake   chan struct{} // the queue or the end has changed
	space  chan struct{} // the queue was taken
	quiet  *time.Timer   // NextWithin's
	stream *reader       // nil for a plain call
}

// What a batch has room for before it grows: most readers keep up.
const (
	fewEvents = 4
	fewBytes  = 1 << 10
)

// batch holds events in one run of bytes.
type batch struct {
	bytes  []byte
	events []placed
}

type placed struct {
	name, data, content, other span
	chunk                      Chunk
}

func (b *batch) add(bytes []byte) span {
	from := len(b.bytes)
	b.bytes = append(b.bytes, bytes...)
	return span{from, len(b.bytes)}
}

func (b *batch) at(s span) []byte { return b.bytes[s.from:s.to:s.to] }

// ErrQuiet is what NextWithin returns when nothing came in time.
var ErrQuiet = errors.New("upstream: nothing came in time")

// Next waits for an event and appends it to into, with all that have arrived by
// then: it never waits for a second one. At the end of a whole answer it
// returns io.EOF; otherwise a *Failure, or the cause of ctx's end, or ErrClosed.
func (a *Answer) Next(into []Event) ([]Event, error) { return a.next(nil, into) }

// NextWithin is Next, which gives up after d with ErrQuiet, so that the caller
// can send a sign of life; nothing is lost by that.
func (a *Answer) NextWithin(d time.Duration, into []Event) ([]Event, error) {
	if a.quiet == nil {
		a.quiet = time.NewTimer(d)
	} else {
		a.quiet.Reset(d)
	}
	defer a.quiet.Stop()
	return a.next(a.quiet.C, into)
}

func (a *Answer) next(quiet <-chan time.Time, into []Event) ([]Event, error) {
	for {
		a.mu.Lock()
		if len(a.queue.events) > 0 {
			a.queue, a.lent = a.lent, a.queue
			a.queue.bytes, a.queue.events = a.queue.bytes[:0], a.queue.events[:0]
			a.mu.Unlock()
			signal(a.space)
			return a.lent.appendTo(into), nil
		}
		end := a.end
		a.mu.Unlock()
		if end != nil {
			return into, started(end)
		}
		select {
		case <-a.wake:
		case <-quiet:
			return into, ErrQuiet
		}
	}
}

func (b *batch) appendTo(into []Event) []Event {
	for i := range b.events {
		p := &b.events[i]
		e := Event{Data: b.at(p.data), Chunk: p.chunk}
		if p.name.to > p.name.from {
			e.Name = b.at(p.name)
		}
		e.Chunk.Content, e.Chunk.Other = b.at(p.content), b.at(p.other)
		into = append(into, e)
	}
	return into
}

// started marks a failure that comes after the first byte: no other provider
// may be tried.
func started(end error) error {
	f, ok := errors.AsType[*Failure](end)
	if !ok {
		return end
	}
	late := *f
	late.Started, late.Retry = true, false
	return &late
}

// signal wakes whoever waits on a channel with room for one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// arm starts the clocks of an answer that ends with ctx.
func (a *Answer) arm(ctx context.Context) {
	running, cancel := context.WithCancelCause(ctx)
	a.ctx, a.cancel, a.began = running, cancel, a.client.settings.Now()
	wait, late := a.client.settings.FirstByte, errFirstByte
	if total := a.client.settings.Total; total < wait {
		wait, late = total, errOverlong
	}
	a.first = time.AfterFunc(wait, func() { cancel(late) })
}

// open starts to read a stream and waits for its first byte.
func (a *Answer) open(resp *http.Response) error {
	a.wake, a.space = make(chan struct{}, 1), make(chan struct{}, 1)
	a.stream = &reader{answer: a}
	a.queue.events, a.lent.events = make([]placed, 0, fewEvents), make([]placed, 0, fewEvents)
	a.queue.bytes, a.lent.bytes = make([]byte, 0, fewBytes), make([]byte, 0, fewBytes)
	go a.stream.run(resp.Body)

	var grace <-chan time.Time
	for {
		a.mu.Lock()
		events, end, opened, plain := len(a.queue.events), a.end, a.opened, a.plain
		begun := a.stream.begun
		a.mu.Unlock()
		switch {
		case events > 0, opened:
			return nil
		case errors.Is(end, io.EOF):
			return nil
		case end != nil:
			return end
		case begun && !plain && grace == nil:
			t := time.NewTimer(a.client.settings.FirstEvent)
			defer t.Stop()
			grace = t.C
		}
		select {
		case <-a.wake:
		case <-grace:
			return nil
		}
	}
}

// alive notes that bytes came, and whether more are to come.
func (a *Answer) alive(more bool) {
	a.clock.Lock()
	defer a.clock.Unlock()
	switch {
	case a.first != nil:
		if !a.first.Stop() {
			return // it has struck
		}
		a.first, a.FirstByte = nil, a.client.settings.Now().Sub(a.began)
		if more {
			a.total = time.AfterFunc(a.client.settings.Total-a.FirstByte, func() { a.cancel(errOverlong) })
			a.silence = time.AfterFunc(a.client.settings.Silence, func() { a.cancel(errSilent) })
		}
	case a.silence != nil:
		a.silence.Reset(a.client.settings.Silence)
	}
}

// hush stops the watch for silence while nobody reads; alive starts it again.
func (a *Answer) hush() {
	a.clock.Lock()
	defer a.clock.Unlock()
	if a.silence != nil {
		a.silence.Stop()
	}
}

// finish stops all clocks.
func (a *Answer) finish() {
	a.clock.Lock()
	defer a.clock.Unlock()
	if a.total != nil {
		a.total.Stop()
	}
	if a.first != nil {
		a.first.Stop()
	}
	if a.silence != nil {
		a.silence.Stop()
	}
	a.first, a.silence = nil, nil
}

// Close stops the provider at once, wherever the answer is. After the end of a
// whole answer it does nothing more: the connection is kept for the next call.
func (a *Answer) Close() error {
	a.mu.Lock()
	whole := errors.Is(a.end, io.EOF)
	a.mu.Unlock()
	a.finish()
	if !whole {
		a.cancel(ErrClosed)
	}
	return nil
}
