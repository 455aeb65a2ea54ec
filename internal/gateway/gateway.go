// Package gateway is what programs and chats do: ask. A call is admitted, holds
// its worst price, goes to a provider, streams back and is settled.
//
// It promises that every rule of a token is looked at in one fixed order and
// written into the call's trace; that a purse never spends more than it holds,
// however many calls run at once; that an answer is charged once, and before its
// last event is handed on; that whoever is revoked, disabled or expired under way
// is cut off within a second; and that a caller who leaves stops the provider. It
// refuses with kinds of access and the codes of the manual.
//
// Start with ask.go for the way of a call, admit.go for the rules, answer.go for
// the stream and its end.
package gateway

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
	"latchkey/internal/strict"
	"latchkey/internal/upstream"
)

// Gateway is the room. Make it with New.
type Gateway struct {
	Parts
	health   *health
	limits   *limits
	refusals *refusals
	counter  *counter

	mu       sync.Mutex
	running  map[*Answer]struct{}
	idle     chan struct{} // closed once draining and nothing runs
	draining bool
	began    int // calls between admission and their Answer
}

// Parts is what a gateway is made of.
type Parts struct {
	DB       *db.DB
	Upstream *upstream.Client
	Keys     *secret.Keys
	Now      func() time.Time
	Random   io.Reader
	Log      *slog.Logger
}

// New makes a gateway. Close it after the last call has ended.
func New(p Parts) *Gateway {
	g := &Gateway{
		Parts: p, health: newHealth(p.Now), limits: newLimits(p.Now), counter: &counter{},
		running: map[*Answer]struct{}{}, idle: make(chan struct{}),
	}
	g.refusals = startRefusals(p)
	return g
}

// Close writes the refusals that are still waiting for the log.
func (g *Gateway) Close() { g.refusals.close() }

// Path is the endpoint that is asked, as the provider spells it.
type Path string

const (
	Chat        Path = "/chat/completions"
	Completions Path = "/completions"
	Embeddings  Path = "/embeddings"
	Responses   Path = "/responses"
)

// Question is one call of a program, as its door received it.
type Question struct {
	RequestID string
	Secret    string // as presented, "" for none
	Address   netip.Addr
	Door      access.Door
	Path      Path
	Body      *strict.Object
	Raw       []byte // the body as it came, where Body is nil: read once the token is known
	Bot       string // id or slug of the bot that the route names, "" for none
}

// NewRequestID makes an id that sorts by time: 32 lower-case hex digits.
func (g *Gateway) NewRequestID() string { return newRequestID(g.Now(), g.Random) }

// call is a question on its way.
type call struct {
	id      string
	began   time.Time
	door    access.Door
	address netip.Addr
	path    Path
	body    *strict.Object
	asked   string // the model as the caller named it
	other   string // the bot that it named instead of the one its token is bound to
	stream  bool
	usage   bool // the caller wants usage in the stream

	party
	target
	bounds
	atHand  db.Left // of its purses, when it was admitted
	hold    *db.Hold
	trace   []access.Check
	written chan error // tells when the hold of a stream is on the disk
	leave   []func()   // gives back what limits hold

	question *questionOf // the chat's question that this answers, if any
}

// party is who asks, with all that the rules need.
type party struct {
	workspace access.Workspace
	group     access.Group
	purses    db.Purses
	token     access.Token
	secret    [32]byte
	embedded  bool // the secret is a beta key
	share     access.Share
	customer  access.Customer
	seat      access.Seat
	actor     access.Actor
}

// checksMost is how many lines most traces have room for.
const checksMost = 12

// check notes a rule in the trace and passes its outcome on.
func (c *call) check(rule string, passed bool, called, allowed string) bool {
	if c.trace == nil {
		c.trace = make([]access.Check, 0, checksMost)
	}
	c.trace = append(c.trace, access.Check{Rule: rule, Passed: passed, Call: called, Allowed: allowed})
	return passed
}

// request is the call's row of the request log, before its outcome.
func (c *call) request() access.Request {
	r := access.Request{
		RequestID: c.id, At: c.began, WorkspaceID: c.workspace.ID, TokenID: c.token.ID, ShareID: c.share.ID,
		CustomerID: c.customer.ID, BotID: c.bot.ID, Model: c.asked, Door: c.door, Stream: c.stream, Trace: c.trace,
	}
	if c.address.IsValid() {
		r.Address = c.address.String()
	}
	return r
}

// enter counts a call in, unless the gateway is closing.
func (g *Gateway) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return access.Fail(access.Busy, "draining", "Latchkey is restarting. Try again in a moment.").After(drainWait)
	}
	g.began++
	return nil
}

func (g *Gateway) left() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.began--
	g.tellIdle()
}

func (g *Gateway) track(a *Answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running[a] = struct{}{}
}

func (g *Gateway) untrack(a *Answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, a)
	g.tellIdle()
}

// tellIdle tells Drain that nothing runs any more.
func (g *Gateway) tellIdle() {
	if g.draining && g.began == 0 && len(g.running) == 0 {
		select {
		case <-g.idle:
		default:
			close(g.idle)
		}
	}
}

// Running is how many answers stream at this moment.
func (g *Gateway) Running() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.running)
}

// drainWait is what callers are told to wait while Latchkey restarts.
const drainWait = 2 * time.Second

// Drain refuses new calls and waits for those under way. When ctx ends first,
// each stream that is left gets an error event and is settled.
func (g *Gateway) Drain(ctx context.Context) {
	g.mu.Lock()
	g.draining = true
	g.tellIdle()
	g.mu.Unlock()
	select {
	case <-g.idle:
		return
	case <-ctx.Done():
	}
	g.mu.Lock()
	for a := range g.running {
		a.cut(access.Fail(access.Busy, "draining", "Latchkey is restarting. Ask again in a moment.").After(drainWait))
	}
	g.mu.Unlock()
	select {
	case <-g.idle:
	case <-time.After(settleGrace):
	}
}

// settleGrace is how long cut streams have to settle.
const settleGrace = 5 * time.Second
