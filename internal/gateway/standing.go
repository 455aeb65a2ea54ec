package gateway

import (
	"context"
	"net/netip"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// Standing is what a token's holder may see of it on a page: how it stands, also
// when it cannot be used now.
type Standing struct {
	Holding
	Why      error     // what a call would be refused with now, nil for nothing
	Until    time.Time // the secret was replaced and opens until then, zero: it is the present one
	Days     []db.DayUse
	Models   []db.UsageSum   // of the same days, the greatest first
	Refusals []db.RequestRow // the newest first
}

const (
	standingDays     = 30
	standingModels   = 20
	standingRefusals = 20
)

// Standing tells a token's holder how it stands. A token that is not known here,
// and one that is asked about from an address that is not on its list, tells
// nothing but that.
func (g *Gateway) Standing(ctx context.Context, text string, from netip.Addr) (Standing, error) {
	c := &call{id: g.NewRequestID(), began: g.Now(), door: access.DoorPage, address: from}
	why := g.identify(ctx, c, text)
	if why != nil && (c.token.ID == 0 || !isRefusal(why)) {
		return Standing{}, why
	}
	if err := g.company(ctx, c); err != nil {
		return Standing{}, err
	}
	if !c.token.AllowsAddress(from) {
		err := access.Fail(access.Forbidden, "ip_not_allowed", "Your address %s is not on the list of this API token.", from)
		g.refuse(c, err)
		return Standing{}, err
	}
	return g.standing(ctx, c, why)
}

func (g *Gateway) standing(ctx context.Context, c *call, why error) (Standing, error) {
	h, err := g.holding(ctx, c)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Holding: h, Why: why}
	if why == nil && h.Purse.Exhausted() {
		s.Why = access.Fail(access.Spent, "insufficient_quota", "The budget of this API token is used up. Ask its owner to raise it.")
	}
	known, err := g.DB.FindSecret(ctx, c.secret)
	if err != nil {
		return s, err
	}
	s.Until = known.ValidUntil
	g.Flush()
	of, zone := db.Subject{Token: c.token.ID}, c.workspace.Location()
	if s.Days, err = g.DB.UseOf(ctx, c.workspace.ID, of, standingDays, zone); err != nil {
		return s, err
	}
	if s.Models, err = g.DB.ModelsOf(ctx, c.workspace.ID, of, standingDays, zone, standingModels); err != nil {
		return s, err
	}
	s.Refusals, err = g.DB.Requests(ctx, c.workspace.ID, db.RequestPage{TokenID: c.token.ID, Outcome: access.Refused, Limit: standingRefusals})
	return s, err
}
