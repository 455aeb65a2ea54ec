package gateway

import (
	"context"

	"latchkey/db"
	"latchkey/internal/access"
)

// Embedded reports whether the question came from a chat in another site's page.
func (v Visit) Embedded() bool { return v.Beta != [32]byte{} }

// secretKind is what the call's secret must be: an API token's own text opens no
// embedded chat, and a beta key opens nothing else.
func (c *call) secretKind() db.SecretKind {
	if c.embedded {
		return db.BetaSecret
	}
	return db.TokenSecret
}

// admitVisitor looks at the rules of an embedded chat: those of the token that the
// beta key belongs to, but for its addresses, since its visitors come from anywhere.
func (g *Gateway) admitVisitor(ctx context.Context, c *call, v Visit) error {
	c.secret, c.embedded = v.Beta, true
	if err := g.findToken(ctx, c); err != nil {
		c.check(RuleToken, false, "", errorCode(err))
		return err
	}
	c.check(RuleToken, true, string(access.StatusEnabled), "")
	if err := g.company(ctx, c); err != nil {
		return err
	}
	if err := g.admitBudget(ctx, c); err != nil {
		return err
	}
	if v.CustomerID != 0 {
		c.customer.ID = v.CustomerID
		if err := g.stillWelcome(ctx, c); err != nil {
			c.check(RuleCustomer, false, c.customer.Username, errorCode(err))
			return err
		}
		c.check(RuleCustomer, true, c.customer.Username, "")
	}
	b, err := g.DB.FindBot(ctx, v.BotID)
	if err != nil {
		return botGone(err)
	}
	if b.WorkspaceID != c.workspace.ID {
		return anotherBot()
	}
	if err := g.aimAtBot(ctx, c, b); err != nil {
		return err
	}
	return g.admitTarget(c)
}

// stillWelcome reports why a named visitor may not ask, nil for one without a name.
func (g *Gateway) stillWelcome(ctx context.Context, c *call) error {
	if c.customer.ID == 0 {
		return nil
	}
	var err error
	if c.customer, err = g.DB.FindCustomer(ctx, c.customer.ID); err != nil {
		return err
	}
	switch {
	case c.customer.Deleted || c.customer.WorkspaceID != c.workspace.ID:
		return access.Fail(access.SignedOut, "signed_out", "Sign in first.")
	case !c.customer.Enabled:
		return access.Fail(access.Forbidden, "customer_disabled", "This account is disabled. Ask whoever made it for you.")
	}
	return nil
}
