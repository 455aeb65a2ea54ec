package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/strict"
	"latchkey/internal/upstream"
)

// streamDeadline is how long a streaming hold may stay open: the longest answer,
// and time to settle it.
const streamDeadline = upstream.DefaultTotal + time.Minute

// Ask answers a program's question: admit, hold, upstream, settle. A plain answer
// is whole and settled when Ask returns; a stream is settled by its last Next, or
// by Close, which must be called. When ctx ends the provider is stopped.
//
// A refusal is an *access.Error with a code of the manual, a provider's fault an
// *upstream.Failure. Either stands in the request log with its trace, and nothing
// is charged.
func (g *Gateway) Ask(ctx context.Context, q Question) (*Answer, error) {
	c := &call{id: q.RequestID, began: g.Now(), door: q.Door, address: q.Address, path: q.Path, body: q.Body}
	if c.id == "" {
		c.id = g.NewRequestID()
	}
	return g.conduct(ctx, c, func() error { return g.admitProgram(ctx, c, q) })
}

// admitProgram looks at every rule of a program's call, in their order.
func (g *Gateway) admitProgram(ctx context.Context, c *call, q Question) error {
	if err := g.admitToken(ctx, c, q.Secret); err != nil {
		return err
	}
	if c.body == nil {
		var err error
		if c.body, err = strict.Parse(q.Raw); err != nil {
			return err
		}
	}
	if err := c.read(); err != nil {
		return err
	}
	if err := g.aim(ctx, c, q.Bot); err != nil {
		return err
	}
	if err := g.admitTarget(c); err != nil {
		return err
	}
	if err := c.measure(c.defaults()); err != nil {
		return err
	}
	return g.admitPace(c)
}

// conduct leads an admitted call to its answer, and logs it when it gets none.
func (g *Gateway) conduct(ctx context.Context, c *call, admit func() error) (*Answer, error) {
	if err := g.enter(); err != nil {
		return nil, err
	}
	defer g.left()
	ended := false
	defer func() {
		if !ended { // a panic: what the call holds comes back
			c.leaveAll()
			g.giveBack(c)
		}
	}()
	a, err := g.answer(ctx, c, admit)
	ended = true
	if err != nil {
		c.leaveAll()
		g.refuse(c, err)
		return nil, err
	}
	return a, nil
}

func (g *Gateway) answer(ctx context.Context, c *call, admit func() error) (*Answer, error) {
	if err := admit(); err != nil {
		return nil, err
	}
	if err := g.take(ctx, c); err != nil {
		return nil, err
	}
	if c.stream {
		g.makeDurable(ctx, c)
	}
	up, r, err := g.send(ctx, c)
	if err != nil {
		g.giveBack(c)
		return nil, err
	}
	if c.stream {
		return g.openStream(ctx, c, up, r)
	}
	return g.settlePlain(ctx, c, up, r)
}

// makeDurable writes a stream's hold while the provider thinks: nobody waits for
// the disk that would not wait for the provider anyway. A crash until the first
// byte charges nothing.
func (g *Gateway) makeDurable(ctx context.Context, c *call) {
	c.hold.Request.ProviderID = c.routes[0].provider.ID
	written := make(chan error, 1)
	go func() { written <- g.DB.Ledger.Stream(context.WithoutCancel(ctx), c.hold, 0) }()
	c.written = written
}

// giveBack ends the hold of a call that got no answer, uncharged.
func (g *Gateway) giveBack(c *call) {
	if c.hold == nil {
		return
	}
	if c.written != nil && <-c.written == nil {
		if err := g.DB.Ledger.Withdraw(context.Background(), c.hold); err != nil {
			// The sweep ends it, past its deadline.
			g.Log.Error("the hold of a call without an answer could not be given back", "request", c.id, "error", err)
		}
		return
	}
	g.DB.Ledger.Release(c.hold)
}

func (c *call) leaveAll() {
	for _, leave := range c.leave {
		leave()
	}
	c.leave = nil
}

// names that some provider could take for another spelling.
var bodyNames = []string{
	"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens",
	"n", "best_of", "prompt", "input", "instructions", "tools", "functions", "previous_response_id", "conversation", "background",
}

// stateful are the keys of the Responses API that lead to what a provider keeps.
// It keeps it for whoever has its key, which is every caller here: what one of them
// left behind another could go on with, past the bound of its hold.
var stateful = []string{"previous_response_id", "conversation", "background", "prompt"}

// read takes from the body what the rules need.
func (c *call) read() error {
	if key := c.body.Misspelled(bodyNames...); key != "" {
		return access.Fail(access.Invalid, "json_misspelled", "The key %q is not spelled as the contract spells it: this could be read in two ways.", key).At(key)
	}
	wrong := func(key, what string) error {
		return access.Fail(access.Invalid, "json_type", "%s must be %s.", key, what).At(key)
	}
	if raw := c.body.Get("model"); raw != nil && !strict.Text(raw, &c.asked) {
		return wrong("model", "a text")
	}
	switch string(c.body.Get("stream")) {
	case "", "null":
	case "true":
		c.stream = true
	case "false":
		c.stream = false
	default:
		return wrong("stream", "true or false")
	}
	if c.path == Embeddings {
		c.stream = false
	}
	var options struct {
		IncludeUsage bool `json:"include_usage"`
	}
	if raw := c.body.Get("stream_options"); raw != nil && json.Unmarshal(raw, &options) != nil {
		return wrong("stream_options", "an object")
	}
	c.usage = options.IncludeUsage
	return c.readContent()
}

func (c *call) readContent() error {
	key := map[Path]string{Chat: "messages", Completions: "prompt", Embeddings: "input", Responses: "input"}[c.path]
	raw := c.body.Get(key)
	if raw == nil || string(raw) == "null" {
		return access.Fail(access.Invalid, "content_missing", "%s is missing.", key).At(key)
	}
	if c.path == Responses {
		return c.checkStateless(raw)
	}
	if c.path == Chat {
		all, ok := strict.Elements(raw)
		if !ok || len(all) == 0 {
			return access.Fail(access.Invalid, "messages_empty", "messages must be a list with at least one message.").At(key)
		}
		for _, m := range all {
			if m[0] != '{' {
				return access.Fail(access.Invalid, "messages_empty", "Each of messages must be an object.").At(key)
			}
		}
	}
	return nil
}

// checkStateless refuses what is to be continued from a provider's own store.
func (c *call) checkStateless(input json.RawMessage) error {
	refused := func(key string) error {
		return access.Fail(access.Invalid, "state_not_kept", "%s is not taken: Latchkey keeps no conversations for the Responses API. Send all of it as input.", key).At(key)
	}
	for _, key := range stateful {
		if raw := string(c.body.Get(key)); raw != "" && raw != "null" && raw != "false" {
			return refused(key)
		}
	}
	var items []struct {
		Type, Role string
		Content    json.RawMessage
	}
	if json.Unmarshal(input, &items) != nil {
		return nil // a text, or what the provider will refuse
	}
	for _, item := range items {
		if item.Type == "item_reference" || item.Type == "" && item.Role == "" && item.Content == nil {
			return refused("item_reference")
		}
	}
	return nil
}

// send asks the providers one after the other, until one begins to answer.
func (g *Gateway) send(ctx context.Context, c *call) (*upstream.Answer, route, error) {
	var last error
	tries := 0
	for _, r := range c.routes {
		if tries == triesMax || tries > 0 && (g.Now().Sub(c.began) > triesTime || !g.health.mayRetry()) {
			break
		}
		if !g.health.admits(r.provider.ID) {
			continue
		}
		tries++
		up, err := g.sendTo(ctx, c, r)
		if err == nil {
			return up, r, nil
		}
		last = err
		f, ok := errors.AsType[*upstream.Failure](err)
		c.trace = append(c.trace, access.Check{Rule: "provider", Call: r.provider.Name, Allowed: errorCode(err)})
		if !ok || !f.Retry {
			return nil, r, err
		}
	}
	if last == nil {
		last = access.Fail(access.Busy, "model_not_found", "The providers of %s are failing at this moment. Try again shortly.", c.asked).After(breakerOpen)
	}
	return nil, route{}, last
}

func (g *Gateway) sendTo(ctx context.Context, c *call, r route) (*upstream.Answer, error) {
	ep, err := g.endpoint(r.provider)
	if err != nil {
		g.health.tell(r.provider.ID, true, false)
		return nil, err
	}
	up, err := g.Upstream.Ask(ctx, ep, upstream.Question{Path: string(c.path), Body: c.outgoing(r.model), Stream: c.stream})
	f, failed := errors.AsType[*upstream.Failure](err)
	g.health.tell(r.provider.ID, err != nil, failed && f.CountsAgainstHealth)
	if failed && f.PauseProvider {
		if pause := g.DB.SetProviderPaused(context.WithoutCancel(ctx), access.Actor{Kind: access.ActorUpkeep, Name: "gateway", Door: access.DoorGateway}, r.provider, f.Code); pause != nil {
			g.Log.Error("a provider that refuses our key could not be paused", "provider", r.provider.PublicID, "error", pause)
		}
	}
	return up, err
}
