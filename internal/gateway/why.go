package gateway

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/strict"
)

// WhatIf is a call that was not made.
type WhatIf struct {
	Token   string     // public id of the token
	Address netip.Addr // invalid: not asked
	Model   string     // or bot:<id or slug>; "": not asked
	At      time.Time  // zero: now
}

// Why tries every rule of a token on a call that is not made, and says of each
// whether it would pass and what it compares. Nothing is counted or charged. Code
// is that of the first rule that would refuse, "" when the call would be let in.
func (g *Gateway) Why(ctx context.Context, by access.Actor, q WhatIf) (checks []access.Check, code string, err error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, "", err
	}
	row, err := g.DB.Token(ctx, by.WorkspaceID, q.Token)
	if err != nil {
		return nil, "", err
	}
	at := q.At
	if at.IsZero() {
		at = g.Now()
	}
	c := &call{began: at, door: by.Door, address: q.Address, path: Chat, asked: q.Model, body: &strict.Object{}}
	c.token = row.Token
	if err := g.company(ctx, c); err != nil {
		return nil, "", err
	}
	first := ""
	for _, rule := range []func() error{
		func() error { return c.tryToken(at) },
		func() error { return c.tryQuota(row.Purse, at) },
		func() error { return c.tryAddress() },
		func() error { return g.tryTarget(ctx, c) },
		func() error { return g.tryPace(c) },
	} {
		if err := rule(); err != nil {
			if !isRefusal(err) {
				return nil, "", err
			}
			if first == "" {
				first = errorCode(err)
			}
		}
	}
	return c.trace, first, nil
}

func isRefusal(err error) bool { return access.KindOf(err) != 0 }

func (c *call) tryToken(at time.Time) error {
	err := c.token.Usable(at)
	called := string(access.StatusEnabled)
	if err != nil {
		called = errorCode(err)
	}
	c.check(RuleToken, err == nil, called, "")
	return err
}

func (c *call) tryQuota(p access.Purse, at time.Time) error {
	if start := p.Refill.PeriodStart(at, c.workspace.Location()); p.Refill != access.RefillNone && start.After(p.PeriodAt) {
		p.Used = 0
	}
	if c.check(RuleQuota, !p.Exhausted(), "", purseText(p)) {
		return nil
	}
	return access.Fail(access.Spent, "insufficient_quota", "The budget of this API token is used up. Ask its owner to raise it.")
}

func (c *call) tryAddress() error {
	if !c.address.IsValid() {
		return nil
	}
	if c.check(RuleAddress, c.token.AllowsAddress(c.address), c.address.String(), listText(access.FormatAddresses(c.token.Addresses))) {
		return nil
	}
	return access.Fail(access.Forbidden, "ip_not_allowed", "Your address %s is not on the list of this API token.", c.address)
}

func (g *Gateway) tryTarget(ctx context.Context, c *call) error {
	if c.asked == "" && c.token.BotID == 0 {
		return nil
	}
	if err := g.aim(ctx, c, ""); err != nil {
		return err
	}
	return g.admitTarget(c)
}

// tryPace looks at the limits without taking a place in them.
func (g *Gateway) tryPace(c *call) error {
	for _, k := range c.paceKeys() {
		requests, tokens, reset := g.limits.left(k.key, k.pace)
		if k.pace.rpm > 0 && requests == 0 || k.pace.tpm > 0 && tokens == 0 {
			c.check(RuleRate, false, "", paceText(k.pace))
			return access.Fail(access.Limited, "rate_limit_exceeded", "At most %s. Try again in %d s.", paceText(k.pace), seconds(reset)).After(reset)
		}
		c.check(RuleRate, true, "", paceText(k.pace))
		c.check(RuleConcurrent, true, "", countText(k.pace.concurrent))
	}
	return nil
}

func asShort(err error) (*db.Short, bool) { return errors.AsType[*db.Short](err) }
