package gateway

import (
	"context"
	"net/netip"

	"latchkey/internal/access"
	"latchkey/internal/strict"
)

// Inquiry is what somebody who is signed in asks a bot through a program: a
// customer on a share link that they have opened, or a user. Nothing of it is
// stored as a conversation.
type Inquiry struct {
	RequestID string
	By        access.Actor
	ShareID   int64  // of a customer
	Bot       string // public id or slug, of a user
	Address   netip.Addr
	Body      *strict.Object // as of a chat completion
}

// AskAs answers an inquiry. A customer's draws on the purses of the link, a
// user's on the workspace's alone; either is admitted, held, answered and settled
// as Ask does it.
func (g *Gateway) AskAs(ctx context.Context, q Inquiry) (*Answer, error) {
	c := &call{id: q.RequestID, began: g.Now(), door: q.By.Door, address: q.Address, path: Chat, body: q.Body}
	if c.id == "" {
		c.id = g.NewRequestID()
	}
	return g.conduct(ctx, c, func() error {
		if err := g.admitInquiry(ctx, c, q); err != nil {
			return err
		}
		if err := c.read(); err != nil {
			return err
		}
		if err := c.measure(c.defaults()); err != nil {
			return err
		}
		return g.admitPace(c)
	})
}

func (g *Gateway) admitInquiry(ctx context.Context, c *call, q Inquiry) error {
	if q.By.Kind == access.ActorCustomer {
		return g.admitVisit(ctx, c, Visit{ShareID: q.ShareID, CustomerID: q.By.ID})
	}
	return g.admitUser(ctx, c, q.By, q.Bot)
}

// admitUser looks at the rules of a user, or whoever may do as much, who asks a
// bot of a workspace.
func (g *Gateway) admitUser(ctx context.Context, c *call, by access.Actor, bot string) error {
	if err := by.Must(access.AskBots); err != nil {
		return err
	}
	c.actor = by
	c.check(RuleRole, true, string(by.Role), "")
	w, err := g.DB.FindWorkspace(ctx, by.WorkspaceID)
	if err != nil {
		return err
	}
	if err := g.settleIn(ctx, c, w); err != nil {
		return err
	}
	b, err := g.DB.BotByAny(ctx, w.ID, bot)
	if err != nil {
		return err
	}
	return g.aimAtBot(ctx, c, b)
}

// stillMember reports why a user's running answer may not go on.
func (g *Gateway) stillMember(ctx context.Context, c *call) error {
	u, err := g.DB.FindUser(ctx, c.actor.ID)
	if access.KindOf(err) == access.NotFound || err == nil && !u.Enabled {
		return access.Fail(access.SignedOut, "signed_out", "Sign in first.")
	}
	if err != nil {
		return err
	}
	now := c.actor
	if now.Role, err = g.DB.RoleIn(ctx, c.workspace.ID, now.ID); err != nil {
		return err
	}
	return now.Must(access.AskBots)
}
