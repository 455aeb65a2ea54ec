package gateway

import (
	"context"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// take settles price and cap, and holds the worst price.
func (g *Gateway) take(ctx context.Context, c *call) error {
	m := c.routes[0].model
	if err := g.findPrice(ctx, c, m); err != nil {
		return err
	}
	const attempts = 3 // others may take what was left between the look and the hold
	own := c.cap
	for try := 1; ; try++ {
		c.cap = own
		if try > 1 {
			c.atHand = nil
		}
		left, limited, err := g.tightest(ctx, c)
		if err != nil {
			return err
		}
		c.limitOutput(m, left, limited)
		c.hold = c.makeHold(g.Now(), limited)
		err = g.DB.Ledger.Hold(ctx, c.hold)
		short, ok := asShort(err)
		if err == nil {
			c.check(RuleHold, true, countText(c.hold.Units), "")
			return nil
		}
		if !ok {
			return err
		}
		if own == 0 && try < attempts && c.cap > outputLeast {
			continue
		}
		c.check(RuleHold, false, countText(c.hold.Units), purseText(short.Purse))
		return g.shortOf(c, short)
	}
}

func (c *call) makeHold(now time.Time, limited bool) *db.Hold {
	h := &db.Hold{
		RequestID: c.id, WorkspaceID: c.workspace.ID, Zone: c.workspace.Location(), Units: c.worst(c.cap),
		Purses: c.purses, Deadline: now.Add(streamDeadline), Request: c.request(),
	}
	if !limited && c.cap == 0 {
		h.Units = c.worst(outputMost)
	}
	return h
}

func (g *Gateway) findPrice(ctx context.Context, c *call, m access.Model) error {
	price, err := g.DB.FindPrice(ctx, m.UpstreamName)
	if err == nil && price.Default && m.Name != m.UpstreamName {
		price, err = g.DB.FindPrice(ctx, m.Name)
	}
	c.price, c.ratio = price, access.RatioOne
	if c.group.ID != 0 {
		c.ratio = c.group.RatioPPM
	}
	return err
}

// tightest is the least that the call's purses of units have left, and whether any
// of them is limited.
func (g *Gateway) tightest(ctx context.Context, c *call) (least int64, limited bool, err error) {
	if c.atHand == nil {
		if c.atHand, err = g.DB.Ledger.Remain(ctx, c.purses, c.workspace.Location()); err != nil {
			return 0, false, err
		}
	}
	least = access.UnitsMax
	for _, p := range c.atHand {
		if !p.Unlimited && p.Unit == access.Units {
			least, limited = min(least, p.Remain()), true
		}
	}
	return least, limited, nil
}

// shortOf says which budget does not hold the call.
func (g *Gateway) shortOf(c *call, s *db.Short) error {
	switch p := s.Purse; {
	case p.ID == c.purses.Customer:
		return allowanceUsed(p, g.Now(), c.workspace.Location())
	case p.ID == c.purses.Share:
		return access.Fail(access.Spent, "link_spent", "The budget of this link is used up. Ask whoever sent it.")
	case p.ID == c.purses.Workspace:
		return access.Fail(access.Spent, "insufficient_quota", "The budget of this workspace is used up.")
	case p.Remain() <= 0:
		return access.Fail(access.Spent, "insufficient_quota", "The budget of this API token is used up. Ask its owner to raise it.")
	}
	return access.Fail(access.Forbidden, "quota_too_low", "What is left of this API token's budget does not hold this call. Ask for a shorter answer (max_tokens) or send less.")
}
