package gateway

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/strict"
)

// Turn is one thing that was said in a conversation.
type Turn struct {
	Role string // "user" or "assistant"
	Text string
}

// Visit is a customer's question on a share link, or a visitor's in an embedded
// chat, stored as pending.
type Visit struct {
	RequestID  string
	ShareID    int64
	CustomerID int64    // 0 for a visitor without a name
	Beta       [32]byte // hash of the beta key of an embedded chat, zero on a link
	BotID      int64    // that it opens
	QuestionID int64    // the row of the question
	Turns      []Turn
	Address    netip.Addr
}

// AskFor answers a customer's question. It claims the question first, in one
// conditional step, so that the same question sent twice is answered and paid
// once: the second is a Conflict. The answer streams; its end and its text are
// written in the transaction that charges it.
func (g *Gateway) AskFor(ctx context.Context, v Visit) (*Answer, error) {
	c := &call{id: v.RequestID, began: g.Now(), door: access.DoorChat, address: v.Address, path: Chat, stream: true}
	if c.id == "" {
		c.id = g.NewRequestID()
	}
	if err := g.DB.ClaimQuestion(ctx, v.QuestionID, c.id); err != nil {
		return nil, err
	}
	c.question = &questionOf{id: v.QuestionID}
	c.body = conversation(v.Turns)
	return g.conduct(ctx, c, func() error {
		admit := g.admitVisit
		if v.Embedded() {
			admit = g.admitVisitor
		}
		if err := admit(ctx, c, v); err != nil {
			return err
		}
		c.question.keeps = c.bot.KeepsText()
		if err := c.measure(c.defaults()); err != nil {
			return err
		}
		return g.admitPace(c)
	})
}

// TryBot answers a user who tries a bot in the dashboard. It draws on the
// workspace's purse alone.
func (g *Gateway) TryBot(ctx context.Context, by access.Actor, botPublicID string, turns []Turn) (*Answer, error) {
	c := &call{id: g.NewRequestID(), began: g.Now(), door: by.Door, address: parseAddress(by.Address), path: Chat, stream: true}
	c.body = conversation(turns)
	return g.conduct(ctx, c, func() error {
		if err := g.admitUser(ctx, c, by, botPublicID); err != nil {
			return err
		}
		return c.measure(c.defaults())
	})
}

func parseAddress(text string) netip.Addr {
	a, _ := netip.ParseAddr(text)
	return a.Unmap()
}

// settleIn fills in the workspace and its group.
func (g *Gateway) settleIn(ctx context.Context, c *call, w access.Workspace) error {
	c.workspace = w
	c.purses.Workspace = w.PurseID
	group, err := g.DB.FindGroup(ctx, w.GroupName)
	if access.KindOf(err) == access.NotFound {
		return nil
	}
	c.group = group
	return err
}

// admitVisit looks at the rules of a share link and a customer.
func (g *Gateway) admitVisit(ctx context.Context, c *call, v Visit) error {
	if err := g.findVisit(ctx, c, v.ShareID, v.CustomerID); err != nil {
		return err
	}
	w, err := g.DB.FindWorkspace(ctx, c.share.WorkspaceID)
	if err != nil {
		return err
	}
	if err := g.settleIn(ctx, c, w); err != nil {
		return err
	}
	if err := g.mayOpen(c); err != nil {
		return err
	}
	c.purses.Share, c.purses.Customer = c.share.PurseID, c.seat.PurseID
	b, err := g.DB.FindBot(ctx, c.share.BotID)
	if err != nil {
		return err
	}
	if err := g.aimAtBot(ctx, c, b); err != nil {
		return err
	}
	return g.admitGroup(c)
}

func (g *Gateway) findVisit(ctx context.Context, c *call, shareID, customerID int64) (err error) {
	if c.share, err = g.DB.FindShare(ctx, shareID); err != nil {
		return err
	}
	if c.customer, err = g.DB.FindCustomer(ctx, customerID); err != nil {
		return err
	}
	seat, err := g.DB.Seat(ctx, shareID, customerID)
	c.seat = seat.Seat
	return err
}

func (g *Gateway) mayOpen(c *call) error {
	if err := c.share.Usable(g.Now()); err != nil {
		c.check(RuleShare, false, "", errorCode(err))
		return err
	}
	c.check(RuleShare, true, string(access.StatusEnabled), "")
	err := c.share.UsableBy(c.customer, c.seat)
	if err == nil && c.seat.PurseID == 0 {
		err = access.Fail(access.Forbidden, "share_not_opened", "Open the link first.")
	}
	if !c.check(RuleCustomer, err == nil, c.customer.Username, errorCode(err)) {
		return err
	}
	return nil
}

// stillOpen reports why a customer's running answer may not go on.
func (g *Gateway) stillOpen(ctx context.Context, c *call) error {
	now := *c
	if err := g.findVisit(ctx, &now, c.share.ID, c.customer.ID); err != nil {
		return err
	}
	if err := now.share.Usable(g.Now()); err != nil {
		return err
	}
	return now.share.UsableBy(now.customer, now.seat)
}

// conversation spells turns as a request body.
func conversation(turns []Turn) *strict.Object {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	messages := make([]message, 0, len(turns))
	for _, t := range turns {
		messages = append(messages, message{t.Role, t.Text})
	}
	raw, _ := json.Marshal(messages)
	o := &strict.Object{}
	o.Set("model", json.RawMessage(`""`))
	o.Set("messages", raw)
	o.Set("stream", json.RawMessage("true"))
	return o
}

// allowanceUsed says that a customer's own allowance is used up, and when it
// comes back.
func allowanceUsed(p access.Purse, now time.Time, zone *time.Location) error {
	e := access.Fail(access.Spent, "allowance_used", "Your allowance on this link is used up.")
	if next := p.Refill.NextRefill(now, zone); !next.IsZero() {
		e.Wait = next.Sub(now)
	}
	return e
}

// questionOf ties a call to the stored question that it answers.
type questionOf struct {
	id    int64
	keeps bool // the bot keeps what is said
}

// end spells how the question ended for the database.
func (q *questionOf) end(outcome access.Outcome, rule string, said []byte) *db.QuestionEnd {
	if q == nil {
		return nil
	}
	e := &db.QuestionEnd{QuestionID: q.id, Reason: rule}
	switch {
	case outcome == access.Answered:
		e.State = access.Done
	case rule == "stopped":
		e.State = access.Stopped
	case outcome == access.Partial:
		e.State = access.Cut
	default:
		e.State = access.Failed
	}
	if q.keeps {
		e.Text = string(said)
	}
	return e
}
