package db

import (
	"context"

	"latchkey/internal/access"
)

// RateAnswer keeps what a customer thinks of an answer in one of their own
// conversations: 1, -1, or 0 for nothing any more. A nil note leaves the one there
// is, unless the rating goes. An answer that failed, or that is not there yet, is
// NotFound.
func (d *DB) RateAnswer(ctx context.Context, of access.Seat, conversation string, question, rating int64, note *string) error {
	return d.change(ctx, func(t *Tx) error {
		condition, args := own(of, conversation, question)
		var id int64
		err := t.row(`SELECT a.id FROM messages q JOIN conversations c ON c.id = q.conversation_id
			JOIN messages a ON a.conversation_id = q.conversation_id AND a.role = 'answer' AND a.position = q.position + 1 AND a.id > q.id
			WHERE`+condition+` AND c.public_id = $4 AND q.id = $5 AND q.role = 'question' AND a.state IN ('done', 'stopped', 'cut')
			ORDER BY a.id LIMIT 1`, args...).Scan(&id)
		if err != nil {
			return orNotFound(err, "answer")
		}
		text := ""
		if note != nil {
			text = *note
		}
		_, err = t.exec(`UPDATE messages SET rating = $1, rating_note = CASE WHEN $1 IS NULL THEN '' WHEN $2 = 1 THEN $3 ELSE rating_note END
			WHERE id = $4 AND workspace_id = $5`, idOrNull(rating), flag(note != nil), text, id, of.WorkspaceID)
		return err
	})
}
