package db

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"time"

	"latchkey/internal/access"
)

const conversationColumns = `c.id, c.public_id, c.workspace_id, c.bot_id, COALESCE(c.share_id, 0), COALESCE(c.customer_id, 0),
	COALESCE(c.token_id, 0), c.visitor_hash, c.title, c.created_at, c.updated_at, c.read_at, c.deleted_at IS NOT NULL`

// conversationScan holds what stands in the row in another spelling than in the noun.
type conversationScan struct {
	access.Conversation
	created, updated, read moment
}

func (c *conversationScan) fields() []any {
	return []any{
		&c.ID, &c.PublicID, &c.WorkspaceID, &c.BotID, &c.ShareID, &c.CustomerID, &c.TokenID, &c.VisitorHash, &c.Title,
		&c.created, &c.updated, &c.read, &c.Deleted,
	}
}

func (c *conversationScan) conversation() access.Conversation {
	c.CreatedAt, c.UpdatedAt, c.ReadAt = c.created.Time, c.updated.Time, c.read.Time
	return c.Conversation
}

func scanConversation(s scanner) (access.Conversation, error) {
	var c conversationScan
	err := s.Scan(c.fields()...)
	return c.conversation(), err
}

// own is the condition that a conversation is of a seat: every query of a customer
// or a visitor carries it. Its three arguments come first.
func own(of access.Seat, more ...any) (condition string, args []any) {
	if of.VisitorHash != nil {
		return " c.workspace_id = $1 AND c.token_id = $2 AND c.visitor_hash = $3 AND c.deleted_at IS NULL",
			append([]any{of.WorkspaceID, of.TokenID, of.VisitorHash}, more...)
	}
	return " c.workspace_id = $1 AND c.share_id = $2 AND c.customer_id = $3 AND c.deleted_at IS NULL",
		append([]any{of.WorkspaceID, of.ShareID, of.CustomerID}, more...)
}

// Conversations lists what a customer said on a share link, the last changed
// first. p.Query searches titles and texts; p.Before is the row number of the last
// of the page before.
func (d *DB) Conversations(ctx context.Context, of access.Seat, p Page) ([]access.Conversation, error) {
	condition, args := own(of)
	q := query{from: " FROM conversations c", args: args, where: []string{condition}}
	if p.Query != "" {
		like := "%" + likeText(p.Query) + "%"
		q.and(`(c.title LIKE ? ESCAPE '\' OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id
			AND m.superseded_at IS NULL AND m.text LIKE ? ESCAPE '\'))`, like, like)
	}
	var out []access.Conversation
	err := d.rows(ctx, list(&out, scanConversation), q.text(conversationColumns, q.latest(p)), q.args...)
	return out, err
}

// latest pages by the last change, which is not the order of the row numbers.
func (q *query) latest(p Page) (tail string) {
	if p.Before > 0 {
		q.and("(c.updated_at, c.id) < (SELECT o.updated_at, o.id FROM conversations o WHERE o.id = ?)", p.Before)
	}
	q.args = append(q.args, min(max(p.Limit, 1), ListMax))
	return " ORDER BY c.updated_at DESC, c.id DESC LIMIT $" + strconv.Itoa(len(q.args))
}

// Conversation returns one of a customer's conversations on a share link.
func (d *DB) Conversation(ctx context.Context, of access.Seat, publicID string) (access.Conversation, error) {
	condition, args := own(of, publicID)
	c, err := scanConversation(d.row(ctx, "SELECT "+conversationColumns+" FROM conversations c WHERE"+condition+" AND c.public_id = $4", args...))
	return c, orNotFound(err, "conversation")
}

// RenameConversation gives one of a customer's conversations another title.
func (d *DB) RenameConversation(ctx context.Context, of access.Seat, publicID, title string) error {
	return d.change(ctx, func(t *Tx) error {
		c, err := t.conversation(of, publicID)
		if err != nil {
			return err
		}
		_, err = t.exec("UPDATE conversations SET title = $1 WHERE id = $2", title, c.ID)
		return err
	})
}

// DeleteConversation takes one of a customer's conversations away, for its owner
// too: the texts and the title are overwritten, the rows stay for the usage. One
// with a question under way is a Conflict `question_running`.
func (d *DB) DeleteConversation(ctx context.Context, by access.Actor, of access.Seat, publicID string) error {
	return d.change(ctx, func(t *Tx) error {
		c, err := t.conversation(of, publicID)
		if err != nil {
			return err
		}
		n, err := t.exec(`UPDATE conversations SET deleted_at = $1, title = '' WHERE id = $2 AND NOT EXISTS
			(SELECT 1 FROM messages m WHERE m.conversation_id = $2 AND m.state IN ('pending', 'running'))`, t.now(), c.ID)
		if err == nil && n == 0 {
			err = questionRunning()
		}
		if err != nil {
			return err
		}
		if _, err := t.exec("UPDATE messages SET text = '', rating_note = '' WHERE conversation_id = $1 AND workspace_id = $2", c.ID, of.WorkspaceID); err != nil {
			return err
		}
		return t.tell(by, event{of.WorkspaceID, "conversation.delete", object("conversation", c.PublicID, ""), nil})
	})
}

// DeleteConversations takes all that a customer said in their workspace away, for
// its owner too, and returns how many conversations there were. Those with a
// question under way stay.
func (d *DB) DeleteConversations(ctx context.Context, by access.Actor, m access.Customer) (gone int64, err error) {
	err = d.change(ctx, func(t *Tx) error {
		if _, err := t.exec(`UPDATE messages SET text = '', rating_note = '' WHERE workspace_id = $1 AND conversation_id IN
			(SELECT c.id FROM conversations c WHERE c.workspace_id = $1 AND c.customer_id = $2 AND c.deleted_at IS NULL AND NOT EXISTS
				(SELECT 1 FROM messages r WHERE r.conversation_id = c.id AND r.state IN ('pending', 'running')))`, m.WorkspaceID, m.ID); err != nil {
			return err
		}
		var err error
		if gone, err = t.exec(`UPDATE conversations SET deleted_at = $1, title = '' WHERE workspace_id = $2 AND customer_id = $3 AND deleted_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM messages r WHERE r.conversation_id = conversations.id AND r.state IN ('pending', 'running'))`,
			t.now(), m.WorkspaceID, m.ID); err != nil || gone == 0 {
			return err
		}
		return t.tell(by, event{m.WorkspaceID, "conversation.delete-all", object("customer", m.PublicID, m.Username), map[string]any{"conversations": gone}})
	})
	return gone, err
}

// conversation finds one of a seat's conversations within a fact.
func (t *Tx) conversation(of access.Seat, publicID string) (access.Conversation, error) {
	condition, args := own(of, publicID)
	c, err := scanConversation(t.row("SELECT "+conversationColumns+" FROM conversations c WHERE"+condition+" AND c.public_id = $4", args...))
	return c, orNotFound(err, "conversation")
}

// ThreadMax bounds the messages that one look at a conversation returns.
const ThreadMax = 200

const messageColumns = `m.id, m.conversation_id, m.workspace_id, m.position, m.role, m.text, m.state, COALESCE(m.request_id, ''), m.reason,
	COALESCE(m.client_key, ''), m.superseded_at IS NOT NULL, COALESCE(m.rating, 0), m.rating_note, m.created_at`

func scanMessage(s scanner) (access.Message, error) {
	var m access.Message
	var created moment
	err := s.Scan(&m.ID, &m.ConversationID, &m.WorkspaceID, &m.Position, &m.Role, &m.Text, &m.State, &m.RequestID, &m.Reason,
		&m.ClientKey, &m.Superseded, &m.Rating, &m.RatingNote, &created)
	m.CreatedAt = created.Time
	return m, err
}

// Thread returns a conversation's messages in their order: those that a retry or
// an edit took the place of are left out. before is the position of the first of
// the page after, 0 for the newest; more says that there are earlier ones.
func (d *DB) Thread(ctx context.Context, c access.Conversation, before int64) (messages []access.Message, more bool, err error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	err = d.rows(ctx, list(&messages, scanMessage), "SELECT "+messageColumns+` FROM messages m
		WHERE m.conversation_id = $1 AND m.workspace_id = $2 AND m.superseded_at IS NULL AND m.position < $3
		ORDER BY m.position DESC, m.id DESC LIMIT $4`, c.ID, c.WorkspaceID, before, ThreadMax+1)
	if len(messages) > ThreadMax {
		messages, more = messages[:ThreadMax], true
	}
	slices.Reverse(messages)
	return messages, more, err
}

// Question returns a question of one of a customer's conversations, with the
// answer that ended it where there is one.
func (d *DB) Question(ctx context.Context, of access.Seat, conversation string, id int64) (question, answer access.Message, err error) {
	var both []access.Message
	condition, args := own(of, conversation, id)
	err = d.rows(ctx, list(&both, scanMessage), "SELECT "+messageColumns+` FROM messages m JOIN messages q ON q.conversation_id = m.conversation_id
		JOIN conversations c ON c.id = q.conversation_id
		WHERE`+condition+` AND c.public_id = $4 AND q.id = $5 AND q.role = 'question'
		AND (m.id = q.id OR m.id = (SELECT MIN(a.id) FROM messages a WHERE a.conversation_id = q.conversation_id
			AND a.role = 'answer' AND a.position = q.position + 1 AND a.id > q.id))
		ORDER BY m.id`, args...)
	if err == nil && len(both) == 0 {
		err = notFound("question")
	}
	if err != nil {
		return question, answer, err
	}
	if question = both[0]; len(both) > 1 {
		answer = both[1]
	}
	return question, answer, nil
}

// RunningQuestion returns the question of a conversation that is pending or
// running; NotFound when none is.
func (d *DB) RunningQuestion(ctx context.Context, c access.Conversation) (access.Message, error) {
	m, err := scanMessage(d.row(ctx, "SELECT "+messageColumns+` FROM messages m
		WHERE m.conversation_id = $1 AND m.workspace_id = $2 AND m.role = 'question' AND m.state IN ('pending', 'running')`, c.ID, c.WorkspaceID))
	return m, orNotFound(err, "question")
}

// DropOldTexts overwrites what conversations hold longer than their bot keeps it,
// at most limit conversations at a time, and returns how many there were. One that
// has not changed for that long is hidden too; of a bot that keeps nothing any more
// the empty rows stay.
func (d *DB) DropOldTexts(ctx context.Context, limit int) (dropped int, err error) {
	err = d.change(ctx, func(t *Tx) error {
		var old []int64
		if err := t.rows(list(&old, func(s scanner) (id int64, err error) { return id, s.Scan(&id) }),
			`SELECT c.id FROM conversations c JOIN bots b ON b.id = c.bot_id
			WHERE b.retention_days IS NOT NULL AND c.deleted_at IS NULL AND c.updated_at <= $1 - b.retention_days * $2
			AND (b.retention_days > 0 OR c.title <> '' OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.text <> ''))
			AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.state IN ('pending', 'running'))
			ORDER BY c.id LIMIT $3`, t.now(), (24 * time.Hour).Milliseconds(), limit); err != nil {
			return err
		}
		for _, id := range old {
			if err := t.dropTexts(id); err != nil {
				return err
			}
		}
		dropped = len(old)
		return nil
	})
	return dropped, err
}

func (t *Tx) dropTexts(conversation int64) error {
	if _, err := t.exec("UPDATE messages SET text = '', rating_note = '' WHERE conversation_id = $1", conversation); err != nil {
		return err
	}
	_, err := t.exec(`UPDATE conversations SET title = '', deleted_at = CASE WHEN
		(SELECT b.retention_days FROM bots b WHERE b.id = conversations.bot_id) > 0 THEN $1 END WHERE id = $2`, t.now(), conversation)
	return err
}

// isNone reports that a query found nothing.
func isNone(err error) bool { return errors.Is(err, sql.ErrNoRows) }
