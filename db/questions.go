package db

import (
	"context"

	"latchkey/internal/access"
)

// QuestionEnd says how a chat's question ended. It is written in the transaction
// that charges the answer.
type QuestionEnd struct {
	QuestionID int64  // the row of the question
	Text       string // of the answer as far as it was delivered; "" where nothing is kept
	State      access.MessageState
	Reason     string // a code, for failed and cut
}

// endQuestion moves a running question to its end and writes the answer beside it.
func (t *Tx) endQuestion(q QuestionEnd) error {
	n, err := t.exec(`UPDATE messages SET state = $1, reason = $2 WHERE id = $3 AND role = 'question' AND state IN ('pending', 'running')`,
		q.State, q.Reason, q.QuestionID)
	if err != nil || n == 0 {
		return err
	}
	if _, err := t.exec(`INSERT INTO messages (conversation_id, workspace_id, position, role, text, state, reason, created_at)
		SELECT conversation_id, workspace_id, position + 1, 'answer', $1, $2, $3, $4 FROM messages WHERE id = $5`,
		q.Text, q.State, q.Reason, t.now(), q.QuestionID); err != nil {
		return err
	}
	_, err = t.exec(`UPDATE conversations SET updated_at = $1 WHERE id = (SELECT conversation_id FROM messages WHERE id = $2)`, t.now(), q.QuestionID)
	return err
}

// EndQuestion ends a question that never reached its settlement, such as one that
// was stopped before it ran. One that has ended already stays as it is.
func (d *DB) EndQuestion(ctx context.Context, q QuestionEnd) error {
	return d.change(ctx, func(t *Tx) error { return t.endQuestion(q) })
}

// questionRunning is what a second question of a conversation answers while the
// first is under way.
func questionRunning() error {
	return access.Fail(access.Conflict, "question_running", "The last question is still being answered: wait for its end, or stop it.")
}

// ClaimQuestion moves a pending question to running under a request id. A
// question that runs already, or has ended, is a Conflict: it is answered and paid
// once, however often it is sent.
func (d *DB) ClaimQuestion(ctx context.Context, id int64, requestID string) error {
	return d.change(ctx, func(t *Tx) error {
		n, err := t.exec("UPDATE messages SET state = 'running', request_id = $1 WHERE id = $2 AND role = 'question' AND state = 'pending'", requestID, id)
		if err == nil && n == 0 {
			return questionRunning()
		}
		return err
	})
}

// NewQuestion is a customer's question about to be stored.
type NewQuestion struct {
	Seat         access.Seat // whose it is: share, customer and workspace
	BotID        int64
	Conversation string // public id, "" for a new one
	NewID        string // public id of a new one
	Title        string // of a conversation that has none
	Text         string
	Keeps        bool   // false: the row is stored without its text and title
	ClientKey    string // the same key again is the same question; "" for none
	Replaces     int64  // the question that a retry or an edit takes the place of, 0 for none
}

// Asked is a stored question. Text holds what was asked also where the row is
// empty. Again: it was stored by an earlier submit of the same form.
type Asked struct {
	Conversation access.Conversation
	Question     access.Message
	Again        bool
}

// StoreQuestion stores a question as pending, in a new conversation where it names
// none. A conversation has one question under way at a time: another is a Conflict
// `question_running`. A retry or an edit takes the place of its question and of
// all that came after it, which stay in the file as superseded.
func (d *DB) StoreQuestion(ctx context.Context, n NewQuestion) (Asked, error) {
	var a Asked
	err := d.change(ctx, func(t *Tx) error {
		var err error
		if a, err = t.sameQuestion(n); err == nil || !isNone(err) {
			return err
		}
		if a.Conversation, err = t.conversationOf(n); err != nil {
			return err
		}
		position, text, err := t.makeRoom(n, a.Conversation)
		if err != nil {
			return err
		}
		if a.Question, err = t.insertQuestion(n, a.Conversation, position, text); err != nil {
			return err
		}
		a.Question.Text = text
		return nil
	})
	return a, err
}

// sameQuestion finds what an earlier submit of the same form stored.
func (t *Tx) sameQuestion(n NewQuestion) (Asked, error) {
	var a Asked
	var err error
	condition, args := own(n.Seat, n.ClientKey)
	a.Question, err = scanMessage(t.row("SELECT "+messageColumns+` FROM messages m JOIN conversations c ON c.id = m.conversation_id
		WHERE`+condition+` AND m.client_key = $4 AND m.client_key <> '' AND m.role = 'question'`, args...))
	if err != nil {
		return a, err
	}
	a.Again = true
	condition, args = own(n.Seat, a.Question.ConversationID)
	a.Conversation, err = scanConversation(t.row("SELECT "+conversationColumns+" FROM conversations c WHERE"+condition+" AND c.id = $4", args...))
	return a, err
}

func (t *Tx) conversationOf(n NewQuestion) (access.Conversation, error) {
	title := n.Title
	if !n.Keeps {
		title = ""
	}
	if n.Conversation == "" {
		of := n.Seat
		if _, err := t.insert(`INSERT INTO conversations (public_id, workspace_id, bot_id, share_id, customer_id, token_id, visitor_hash,
			title, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
			n.NewID, of.WorkspaceID, n.BotID, idOrNull(of.ShareID), idOrNull(of.CustomerID), idOrNull(of.TokenID), of.VisitorHash, title, t.now()); err != nil {
			return access.Conversation{}, err
		}
		return t.conversation(of, n.NewID)
	}
	c, err := t.conversation(n.Seat, n.Conversation)
	if err != nil {
		return c, err
	}
	if _, err := t.exec("UPDATE conversations SET updated_at = $1, title = CASE WHEN title = '' THEN $2 ELSE title END WHERE id = $3",
		t.now(), title, c.ID); err != nil {
		return c, err
	}
	return t.conversation(n.Seat, n.Conversation)
}

// makeRoom says where a question goes and what it says: at the end, or where the
// one stood that it replaces.
func (t *Tx) makeRoom(n NewQuestion, c access.Conversation) (position int64, text string, err error) {
	text = n.Text
	if n.Replaces == 0 {
		err = t.row("SELECT COALESCE(MAX(position), 0) + 1 FROM messages WHERE conversation_id = $1", c.ID).Scan(&position)
		return position, text, err
	}
	var old string
	if err := t.row(`SELECT position, text FROM messages
		WHERE id = $1 AND conversation_id = $2 AND role = 'question' AND superseded_at IS NULL`, n.Replaces, c.ID).Scan(&position, &old); err != nil {
		return 0, "", orNotFound(err, "question")
	}
	if text == "" {
		text = old
	}
	if text == "" {
		return 0, "", access.Fail(access.Invalid, "question_not_kept", "Nothing was kept of this question: type it again.").At("question")
	}
	_, err = t.exec(`UPDATE messages SET superseded_at = $1 WHERE conversation_id = $2 AND position >= $3 AND superseded_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM messages r WHERE r.conversation_id = $2 AND r.state IN ('pending', 'running'))`, t.now(), c.ID, position)
	return position, text, err
}

// insertQuestion writes the row under the condition that no other question of the
// conversation is under way.
func (t *Tx) insertQuestion(n NewQuestion, c access.Conversation, position int64, text string) (access.Message, error) {
	kept := text
	if !n.Keeps {
		kept = ""
	}
	var key any
	if n.ClientKey != "" {
		key = n.ClientKey
	}
	var id int64
	err := t.row(`INSERT INTO messages (conversation_id, workspace_id, position, role, text, state, client_key, created_at)
		SELECT $1, $2, $3, 'question', $4, 'pending', $5, $6 WHERE NOT EXISTS
		(SELECT 1 FROM messages r WHERE r.conversation_id = $1 AND r.state IN ('pending', 'running')) RETURNING id`,
		c.ID, c.WorkspaceID, position, kept, key, t.now()).Scan(&id)
	if isNone(err) {
		return access.Message{}, questionRunning()
	}
	if err != nil {
		return access.Message{}, err
	}
	return scanMessage(t.row("SELECT "+messageColumns+" FROM messages m WHERE m.id = $1", id))
}

// RecoverQuestions cuts every question that was under way when the last process
// ended, and returns how many there were. It runs at start, before listening.
func (d *DB) RecoverQuestions(ctx context.Context) (int64, error) {
	var n int64
	err := d.change(ctx, func(t *Tx) error {
		if _, err := t.exec(`INSERT INTO messages (conversation_id, workspace_id, position, role, text, state, reason, created_at)
			SELECT m.conversation_id, m.workspace_id, m.position + 1, 'answer', '', 'cut', 'restart', $1 FROM messages m
			WHERE m.role = 'question' AND m.state IN ('pending', 'running')`, t.now()); err != nil {
			return err
		}
		var err error
		n, err = t.exec("UPDATE messages SET state = 'cut', reason = 'restart' WHERE role = 'question' AND state IN ('pending', 'running')")
		return err
	})
	return n, err
}
