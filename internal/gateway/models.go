package gateway

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"

	"latchkey/internal/access"
)

// Offer is a model that a token may name.
type Offer struct {
	ID      string // a model's name, or bot:<slug>
	OwnedBy string // the provider's name, or the bot's
	Created int64  // Unix seconds
}

// Models lists what a token may name: the models of its workspace that its own
// list and its group's allow, and its bots. A token bound to a bot has that one.
func (g *Gateway) Models(ctx context.Context, text string, from netip.Addr) ([]Offer, error) {
	c := &call{id: g.NewRequestID(), began: g.Now(), door: access.DoorGateway, address: from}
	if err := g.admitHolder(ctx, c, text); err != nil {
		g.refuse(c, err)
		return nil, err
	}
	providers, err := g.DB.FindProviders(ctx, c.workspace.ID)
	if err != nil {
		return nil, err
	}
	var offers []Offer
	seen := map[string]bool{}
	allowed := func(m access.Model) bool {
		return c.token.AllowsModel(m.UpstreamName) && c.group.Enabled && c.group.AllowsModel(m.UpstreamName)
	}
	for _, p := range providers {
		for _, m := range p.Models {
			if p.Serving() && !seen[m.Name] && allowed(m) && c.token.BotID == 0 {
				seen[m.Name] = true
				offers = append(offers, Offer{ID: m.Name, OwnedBy: p.Name, Created: p.CreatedAt.Unix()})
			}
		}
	}
	return g.offerBots(ctx, c, offers, providers, allowed)
}

func (g *Gateway) offerBots(ctx context.Context, c *call, offers []Offer, providers []access.Provider, allowed func(access.Model) bool) ([]Offer, error) {
	bots, err := g.DB.LiveBots(ctx, c.workspace.ID)
	if err != nil {
		return nil, err
	}
	for _, b := range bots {
		if !b.Enabled || !c.token.AllowsBot(b.ID) {
			continue
		}
		for _, p := range providers {
			if m, ok := p.Model(b.Model); ok && p.Serving() && allowed(m) {
				offers = append(offers, Offer{ID: botPrefix + b.Slug, OwnedBy: b.Name, Created: b.CreatedAt.Unix()})
				break
			}
		}
	}
	return offers, nil
}

// admitHolder lets a token's holder look at its own things: any usable token,
// from an allowed address, whatever is left of its budget.
func (g *Gateway) admitHolder(ctx context.Context, c *call, text string) error {
	if err := g.identify(ctx, c, text); err != nil {
		return err
	}
	if err := g.company(ctx, c); err != nil {
		return err
	}
	if !c.token.AllowsAddress(c.address) {
		return access.Fail(access.Forbidden, "ip_not_allowed", "Your address %s is not on the list of this API token.", c.address)
	}
	return nil
}

// promptText is all that the caller and the bot said, for counting.
func (c *call) promptText() string {
	var b strings.Builder
	b.WriteString(c.bot.SystemPrompt)
	for _, key := range []string{"messages", "prompt", "input", "instructions"} {
		if raw := c.body.Get(key); raw != nil {
			b.WriteByte('\n')
			collectText(raw, &b)
		}
	}
	return b.String()
}

// collectText gathers the texts of a JSON value, leaving out inlined data.
func collectText(raw json.RawMessage, into *strings.Builder) {
	var v any
	if json.Unmarshal(raw, &v) == nil {
		gather(v, into)
	}
}

func gather(v any, into *strings.Builder) {
	switch v := v.(type) {
	case string:
		if len(v) < pictureLeast || !strings.HasPrefix(v, "data:") {
			into.WriteString(v)
			into.WriteByte('\n')
		}
	case []any:
		for _, one := range v {
			gather(one, into)
		}
	case map[string]any:
		for _, one := range v {
			gather(one, into)
		}
	}
}

// paced is a subject of limits and what it may do.
type paced struct {
	key  limitKey
	pace pace
}

// paced is what the limits of a call count.
func (c *call) paced() paced {
	switch {
	case c.token.ID != 0:
		return paced{limitKey{kind: 't', id: c.token.ID}, pace{
			rpm: least(c.token.RPM, c.group.RPM), tpm: least(c.token.TPM, c.group.TPM), concurrent: c.token.Concurrent,
		}}
	case c.share.ID != 0:
		return paced{limitKey{kind: 's', id: c.share.ID, of: c.customer.ID}, pace{rpm: c.share.RPM}}
	}
	return paced{}
}

// TooFast is a refusal by the limits of a minute, with what they are.
type TooFast struct {
	error
	Pace Pace
}

func (e *TooFast) Unwrap() error { return e.error }

func (g *Gateway) paceOf(k paced) (p Pace) {
	p.LimitRequests, p.LimitTokens = k.pace.rpm, k.pace.tpm
	p.LeftRequests, p.LeftTokens, p.Reset = g.limits.left(k.key, k.pace)
	return p
}

// admitPace takes the call's place in its limits.
func (g *Gateway) admitPace(c *call) error {
	k := c.paced()
	if k.key.id == 0 {
		return nil
	}
	if err := g.keepPace(c, k.key, k.pace); err != nil {
		return &TooFast{error: err, Pace: g.paceOf(k)}
	}
	return nil
}
