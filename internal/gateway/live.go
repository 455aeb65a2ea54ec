package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// Readerless is how long a chat's answer goes on while nobody reads it, and how
// long one that has ended can still be read from memory: by whoever lost the
// connection for its last words, where nothing is stored.
const Readerless = 60 * time.Second

// liveSweep is how often answers without readers are looked for.
const liveSweep = time.Second

// Live keeps chats' answers running while their readers come and go: the provider
// is read by a goroutine of the answer's own, into a text that any number of
// readers follow, each from where it was, without loss or doubling.
type Live struct {
	gateway *Gateway
	closing chan struct{}
	once    sync.Once
	work    sync.WaitGroup // the sweeper and the pumps

	mu      sync.Mutex
	answers map[int64]*LiveAnswer // by question
	closed  bool
}

// NewLive makes a Live. Close it after the gateway was drained.
func NewLive(g *Gateway) *Live {
	l := &Live{gateway: g, closing: make(chan struct{}), answers: map[int64]*LiveAnswer{}}
	l.work.Go(l.run)
	return l
}

// run sweeps until Close.
func (l *Live) run() {
	tick := time.NewTicker(liveSweep)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.sweep(l.gateway.Now())
		case <-l.closing:
			return
		}
	}
}

// Close cuts what still runs and returns when all is settled.
func (l *Live) Close() {
	l.once.Do(func() {
		close(l.closing)
		l.mu.Lock()
		l.closed = true
		for _, a := range l.answers {
			a.cancel(draining())
		}
		l.mu.Unlock()
	})
	l.work.Wait()
}

func draining() error {
	return access.Fail(access.Busy, "draining", "Latchkey is restarting. Ask again in a moment.").After(drainWait)
}

// Ask begins to answer a question that was stored as pending, or returns the
// answer that runs for it already. A refusal is how the answer ends.
func (l *Live) Ask(v Visit) *LiveAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.answers[v.QuestionID]; a != nil {
		return a
	}
	a := &LiveAnswer{live: l, question: v.QuestionID, state: access.Running, changed: make(chan struct{}), seen: l.gateway.Now()}
	if n := len(v.Turns); n > 0 {
		a.asked = v.Turns[n-1].Text
	}
	a.ctx, a.cancel = context.WithCancelCause(context.Background())
	if l.closed {
		a.cancel(draining())
	}
	l.answers[v.QuestionID] = a
	l.work.Go(func() { a.pump(v) })
	return a
}

// Answer returns the answer of a question that runs, or has just ended; nil for
// any other.
func (l *Live) Answer(question int64) *LiveAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answers[question]
}

// Stop ends the answer of a question on its customer's word. It reports whether
// one was running.
func (l *Live) Stop(question int64) bool {
	a := l.Answer(question)
	if a == nil {
		return false
	}
	if said, _ := a.Said(); said.Ended() {
		return false
	}
	a.cancel(ErrStopped)
	return true
}

// sweep cuts the answers that nobody has read for too long, and forgets the ended
// ones.
func (l *Live) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, a := range l.answers {
		switch ended, idle := a.idle(now); {
		case idle < Readerless:
		case ended:
			delete(l.answers, id)
		default:
			a.cancel(ErrLeft)
		}
	}
}

// LiveAnswer is an answer that its readers follow.
type LiveAnswer struct {
	live     *Live
	question int64
	asked    string
	ctx      context.Context
	cancel   context.CancelCauseFunc

	mu      sync.Mutex
	text    []byte // only ever appended to: what was handed out stays as it is
	state   access.MessageState
	reason  string
	changed chan struct{} // closed and replaced when there is more
	readers int
	seen    time.Time // when the last reader left or looked, or it ended
}

// Asked is the question, for a page that finds no text of it stored.
func (a *LiveAnswer) Asked() string { return a.asked }

// Said is an answer as far as it has come.
type Said struct {
	Text   []byte // from the beginning; not to be changed
	State  access.MessageState
	Reason string // a code, for failed and cut
}

// Ended reports whether no more will come.
func (s Said) Ended() bool { return s.State.Final() }

// Said returns what was said so far, and a channel that is closed as soon as there
// is more, or the end.
func (a *LiveAnswer) Said() (Said, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return Said{Text: a.text[:len(a.text):len(a.text)], State: a.state, Reason: a.reason}, a.changed
}

// Follow counts a reader in until leave is called.
func (a *LiveAnswer) Follow() (leave func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.readers++
	return sync.OnceFunc(func() {
		now := a.live.gateway.Now()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.readers--
		if !a.state.Final() {
			a.seen = now // what has ended is kept no longer for being looked at
		}
	})
}

// Look counts as reading for a page without script, which comes again by itself.
func (a *LiveAnswer) Look() { a.Follow()() }

// idle is how long nobody has read.
func (a *LiveAnswer) idle(now time.Time) (ended bool, idle time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.readers == 0 {
		idle = now.Sub(a.seen)
	}
	return a.state.Final(), idle
}

// pump reads the provider to its end. Whatever happens, the question ends too.
func (a *LiveAnswer) pump(v Visit) {
	defer a.cancel(nil)
	defer func() {
		if r := recover(); r != nil {
			a.live.gateway.Log.Error("panic in a chat's answer", "question", a.question, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			a.end(access.Failed, fmt.Errorf("panic: %v", r))
		}
	}()
	answer, err := a.live.gateway.AskFor(a.ctx, v)
	if err != nil {
		a.end(access.Failed, err)
		return
	}
	defer answer.Close()
	var events []Event
	for err == nil || errors.Is(err, ErrQuiet) {
		events, err = answer.Next(events[:0])
		a.add(events)
	}
	a.end(access.Cut, err)
}

func (a *LiveAnswer) add(events []Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := len(a.text)
	for i := range events {
		a.text = append(a.text, events[i].Text...)
	}
	if len(a.text) > before {
		a.tell()
	}
}

func (a *LiveAnswer) tell() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// end says how the answer ended: otherwise, unless err is one of the two that a
// customer brings about. The row is written already, by the settlement or with the
// refusal; where neither came about, it is written here.
func (a *LiveAnswer) end(otherwise access.MessageState, err error) {
	// Only the bare io.EOF of Next is a good end: a fault may have one as its cause.
	good := err == io.EOF
	if cause := context.Cause(a.ctx); cause != nil && !good {
		err = cause
	}
	state, reason := otherwise, ""
	switch {
	case good:
		state = access.Done
	case errors.Is(err, ErrStopped):
		state, reason = access.Stopped, endRule(err)
	default:
		reason = reasonOf(err, endRule(err))
	}
	g := a.live.gateway
	if err := g.DB.EndQuestion(context.Background(), db.QuestionEnd{QuestionID: a.question, State: state, Reason: reason}); err != nil {
		g.Log.Error("a question's end could not be written", "question", a.question, "error", err)
	}
	now := g.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state, a.reason, a.seen = state, reason, now
	a.tell()
}

// How much of a conversation goes along with a question.
const (
	turnsMost     = 40       // questions and answers
	turnsMostText = 96 << 10 // bytes
)

// TurnsOf says what a model is told: the question, after as much of the
// conversation before it as fits. What failed or was not kept is left out.
func TurnsOf(before []access.Message, question string) []Turn {
	turns := []Turn{{Role: "user", Text: question}}
	size := 0
	for i := len(before) - 1; i > 0 && len(turns) < turnsMost; i-- {
		answer, asked := before[i], before[i-1]
		if answer.Role != access.RoleAnswer || asked.Role != access.RoleQuestion || answer.Text == "" || asked.Text == "" {
			continue
		}
		if size += len(answer.Text) + len(asked.Text); size > turnsMostText {
			break
		}
		turns = append(turns, Turn{Role: "assistant", Text: answer.Text}, Turn{Role: "user", Text: asked.Text})
	}
	for i, j := 0, len(turns)-1; i < j; i, j = i+1, j-1 {
		turns[i], turns[j] = turns[j], turns[i]
	}
	return turns
}
