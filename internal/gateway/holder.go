package gateway

import (
	"context"
	"net/netip"

	"latchkey/db"
	"latchkey/internal/access"
)

// Holding is what a token's holder may know of it.
type Holding struct {
	Token     access.Token
	Purse     access.Purse
	Workspace access.Workspace
	Group     access.Group
}

// Holding tells a token's holder about their own token: any usable one, from an
// allowed address, also when its budget is used up.
func (g *Gateway) Holding(ctx context.Context, text string, from netip.Addr) (Holding, error) {
	c := &call{id: g.NewRequestID(), began: g.Now(), door: access.DoorGateway, address: from}
	if err := g.admitHolder(ctx, c, text); err != nil {
		g.refuse(c, err)
		return Holding{}, err
	}
	return g.holding(ctx, c)
}

func (g *Gateway) holding(ctx context.Context, c *call) (Holding, error) {
	left, err := g.DB.Ledger.Remain(ctx, db.Purses{Token: c.token.PurseID}, c.workspace.Location())
	return Holding{Token: c.token, Purse: left.Of(c.token.PurseID), Workspace: c.workspace, Group: c.group}, err
}

// HolderLogMax is how many calls a holder is shown.
const HolderLogMax = 100

// HolderLog lists the newest answered calls of a holder's own token.
func (g *Gateway) HolderLog(ctx context.Context, text string, from netip.Addr) (Holding, []db.RequestRow, error) {
	h, err := g.Holding(ctx, text, from)
	if err != nil {
		return h, nil, err
	}
	rows, err := g.DB.Requests(ctx, h.Workspace.ID, db.RequestPage{TokenID: h.Token.ID, Outcome: access.Answered, Limit: HolderLogMax})
	return h, rows, err
}

// Check is what a proxy asks before it lets a call through to something else.
type Check struct {
	RequestID string
	Secret    string
	Address   netip.Addr
	Cost      int64 // units to charge, 0: none
}

// Verify says whether a token may be used now and from there, and charges the
// cost where the proxy names one. The rules are those of a call, without a model.
func (g *Gateway) Verify(ctx context.Context, q Check) (Holding, error) {
	c := &call{id: q.RequestID, began: g.Now(), door: access.DoorGateway, address: q.Address, asked: "verify"}
	if err := g.enter(); err != nil {
		return Holding{}, err
	}
	defer g.left()
	if err := g.verify(ctx, c, q); err != nil {
		g.refuse(c, err)
		return Holding{}, err
	}
	return g.holding(ctx, c)
}

func (g *Gateway) verify(ctx context.Context, c *call, q Check) error {
	if err := g.admitToken(ctx, c, q.Secret); err != nil {
		return err
	}
	if !c.group.Enabled {
		c.check(RuleGroup, false, c.group.Name, "")
		return access.Fail(access.Forbidden, "group_not_allowed", "The group %s is not in use any more.", c.group.Name)
	}
	if err := g.admitPace(c); err != nil {
		return err
	}
	defer c.leaveAll()
	if q.Cost == 0 {
		return nil
	}
	return g.chargeCost(ctx, c, q.Cost)
}

// chargeCost holds and settles at once: what is verified is charged before the
// proxy hears yes.
func (g *Gateway) chargeCost(ctx context.Context, c *call, cost int64) error {
	h := &db.Hold{
		RequestID: c.id, WorkspaceID: c.workspace.ID, Zone: c.workspace.Location(), Units: cost, Purses: c.purses,
		Deadline: g.Now().Add(streamDeadline), Request: c.request(),
	}
	if err := g.DB.Ledger.Hold(ctx, h); err != nil {
		if short, ok := asShort(err); ok {
			c.check(RuleHold, false, countText(cost), purseText(short.Purse))
			return g.shortOf(c, short)
		}
		return err
	}
	r := c.request()
	r.Outcome, r.Status, r.Units, r.Total = access.Answered, 204, cost, g.Now().Sub(c.began)
	return g.DB.Ledger.Settle(context.WithoutCancel(ctx), db.Settlement{Hold: h, Request: r})
}
