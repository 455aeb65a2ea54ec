package gateway

import "context"

// AskStored is Ask for a question that stands in a conversation, stored as pending.
// It claims the question first, as AskFor does; its end and the answer's text are
// written in the transaction that charges it.
func (g *Gateway) AskStored(ctx context.Context, q Question, questionID int64) (*Answer, error) {
	c := &call{id: q.RequestID, began: g.Now(), door: q.Door, address: q.Address, path: q.Path, body: q.Body}
	if c.id == "" {
		c.id = g.NewRequestID()
	}
	if err := g.DB.ClaimQuestion(ctx, questionID, c.id); err != nil {
		return nil, err
	}
	c.question = &questionOf{id: questionID}
	return g.conduct(ctx, c, func() error {
		err := g.admitProgram(ctx, c, q)
		c.question.keeps = c.bot.KeepsText()
		return err
	})
}
