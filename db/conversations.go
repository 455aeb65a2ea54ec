package db

import (
	"context"

	"latchkey/internal/access"
)

// QuestionEnd says how a chat's question ended. It is written in the transaction
// that charges the answer.
type QuestionEnd struct {
	QuestionID int64 // the row of the question
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

// ClaimQuestion moves a pending question to running under a request id. A
// question that runs already, or has ended, is a Conflict: it is answered and paid
// once, however often it is sent.
func (d *DB) ClaimQuestion(ctx context.Context, id int64, requestID string) error {
	return d.change(ctx, func(t *Tx) error {
		n, err := t.exec("UPDATE messages SET state = 'running', request_id = $1 WHERE id = $2 AND role = 'question' AND state = 'pending'", requestID, id)
		if err == nil && n == 0 {
			return access.Fail(access.Conflict, "question_running", "This question is being answered already.")
		}
		return err
	})
}
