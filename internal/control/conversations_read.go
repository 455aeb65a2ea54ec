package control

import (
	"context"

	"latchkey/db"
	"latchkey/internal/access"
)

// CustomerConversations lists what a customer of the workspace said. That it was
// looked at is in the audit log before it answers.
func (c *Control) CustomerConversations(ctx context.Context, by access.Actor, customer string, p db.Page) ([]db.CustomerTalk, error) {
	if err := by.Must(access.ReadConversations); err != nil {
		return nil, err
	}
	m, err := c.DB.Customer(ctx, by.WorkspaceID, customer)
	if err != nil {
		return nil, err
	}
	return c.DB.CustomerConversations(ctx, by, by.WorkspaceID, m.Customer, p)
}

// BotConversations lists what anybody said to a bot, visitors without a name
// included. That it was looked at is in the audit log before it answers.
func (c *Control) BotConversations(ctx context.Context, by access.Actor, bot string, which db.Talks, p db.Page) ([]db.CustomerTalk, error) {
	if err := by.Must(access.ReadConversations); err != nil {
		return nil, err
	}
	row, err := c.DB.Bot(ctx, by.WorkspaceID, bot)
	if err != nil {
		return nil, err
	}
	return c.DB.BotConversations(ctx, by, by.WorkspaceID, row.Bot, which, p)
}

// ReadConversation returns a conversation of the workspace with its messages. That
// it was read is in the audit log before it answers.
func (c *Control) ReadConversation(ctx context.Context, by access.Actor, publicID string, before int64) (db.CustomerTalk, []access.Message, bool, error) {
	if err := by.Must(access.ReadConversations); err != nil {
		return db.CustomerTalk{}, nil, false, err
	}
	talk, err := c.DB.ReadConversation(ctx, by, by.WorkspaceID, publicID)
	if err != nil {
		return talk, nil, false, err
	}
	messages, more, err := c.DB.Thread(ctx, talk.Conversation, before)
	return talk, messages, more, err
}
