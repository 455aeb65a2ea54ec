package db

import (
	"context"

	"latchkey/internal/access"
)

// CustomerTalk is a conversation as its workspace's owner sees it.
type CustomerTalk struct {
	access.Conversation
	CustomerName     string
	CustomerPublicID string
	CustomerDeleted  bool
	ShareName        string
	ShareHint        string
	SharePublicID    string
	BotName          string
	BotPublicID      string
	Keeps            bool  // the bot keeps texts now
	Questions        int64 // that were not superseded
	Good, Bad        int64 // ratings of answers to those
	TokenName        string
}

const customerTalkColumns = conversationColumns + `, COALESCE(m.username, ''), COALESCE(m.public_id, ''), m.deleted_at IS NOT NULL,
	COALESCE(s.name, ''), COALESCE(s.hint, ''), COALESCE(s.public_id, ''), b.name, b.public_id, b.retention_days IS NULL OR b.retention_days > 0,
	(SELECT COUNT(*) FROM messages q WHERE q.conversation_id = c.id AND q.role = 'question' AND q.superseded_at IS NULL),
	(SELECT COUNT(*) FROM messages a WHERE a.conversation_id = c.id AND a.rating = 1 AND a.superseded_at IS NULL),
	(SELECT COUNT(*) FROM messages a WHERE a.conversation_id = c.id AND a.rating = -1 AND a.superseded_at IS NULL), COALESCE(k.name, '')`

const customerTalkFrom = ` FROM conversations c JOIN bots b ON b.id = c.bot_id
	LEFT JOIN customers m ON m.id = c.customer_id LEFT JOIN shares s ON s.id = c.share_id
	LEFT JOIN api_tokens k ON k.id = c.token_id`

func scanCustomerTalk(s scanner) (CustomerTalk, error) {
	var c conversationScan
	var r CustomerTalk
	err := s.Scan(append(c.fields(), &r.CustomerName, &r.CustomerPublicID, &r.CustomerDeleted, &r.ShareName, &r.ShareHint, &r.SharePublicID,
		&r.BotName, &r.BotPublicID, &r.Keeps, &r.Questions, &r.Good, &r.Bad, &r.TokenName)...)
	r.Conversation = c.conversation()
	return r, err
}

// CustomerConversations lists what a customer of the workspace said on all links,
// the last changed first, and tells the audit log that the list was read.
func (d *DB) CustomerConversations(ctx context.Context, by access.Actor, workspaceID int64, customer access.Customer, p Page) ([]CustomerTalk, error) {
	if err := d.change(ctx, func(t *Tx) error {
		return t.tell(by, event{workspaceID, "conversation.list", object("customer", customer.PublicID, customer.Username), nil})
	}); err != nil {
		return nil, err
	}
	q := query{from: customerTalkFrom}
	q.and("c.workspace_id = ? AND c.customer_id = ? AND c.deleted_at IS NULL", workspaceID, customer.ID)
	var out []CustomerTalk
	err := d.rows(ctx, list(&out, scanCustomerTalk), q.text(customerTalkColumns, q.latest(p)), q.args...)
	return out, err
}

// Talks narrows a list of conversations.
type Talks string

const (
	TalksOfVisitors Talks = "visitors" // without a name: told apart by what their browser keeps
	TalksRatedBad   Talks = "bad"
)

// BotConversations lists what anybody said to a bot of the workspace, visitors
// without a name included, the last changed first, and tells the audit log that the
// list was read.
func (d *DB) BotConversations(ctx context.Context, by access.Actor, workspaceID int64, bot access.Bot, which Talks, p Page) ([]CustomerTalk, error) {
	if err := d.change(ctx, func(t *Tx) error {
		return t.tell(by, event{workspaceID, "conversation.list", object("bot", bot.PublicID, bot.Name), nil})
	}); err != nil {
		return nil, err
	}
	q := query{from: customerTalkFrom}
	q.and("c.workspace_id = ? AND c.bot_id = ? AND c.deleted_at IS NULL", workspaceID, bot.ID)
	switch which {
	case TalksOfVisitors:
		q.and("c.customer_id IS NULL")
	case TalksRatedBad:
		q.and("EXISTS (SELECT 1 FROM messages a WHERE a.conversation_id = c.id AND a.rating = -1 AND a.superseded_at IS NULL)")
	}
	var out []CustomerTalk
	err := d.rows(ctx, list(&out, scanCustomerTalk), q.text(customerTalkColumns, q.latest(p)), q.args...)
	return out, err
}

// ReadConversation returns a conversation of the workspace for its owner, and
// tells the audit log that it was read.
func (d *DB) ReadConversation(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (CustomerTalk, error) {
	var r CustomerTalk
	err := d.change(ctx, func(t *Tx) error {
		var err error
		r, err = scanCustomerTalk(t.row("SELECT "+customerTalkColumns+customerTalkFrom+
			" WHERE c.workspace_id = $1 AND c.public_id = $2 AND c.deleted_at IS NULL", workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "conversation")
		}
		return t.tell(by, event{workspaceID, "conversation.read", object("conversation", r.PublicID, r.CustomerName), nil})
	})
	return r, err
}
