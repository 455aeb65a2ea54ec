package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// DeleteBot removes a bot. Share links and API tokens of it that still work are
// its reach: unless confirmed it is refused with their numbers; when confirmed
// they are revoked in the same fact. Nobody can take those revocations back.
func (d *DB) DeleteBot(ctx context.Context, by access.Actor, workspaceID int64, publicID string, confirmed bool) error {
	return d.change(ctx, func(t *Tx) error {
		b, err := scanBot(t.row(`UPDATE bots SET deleted_at = $1
			WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL`+botReturning, t.now(), workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "bot")
		}
		t.after(func() { d.caches.bots.drop(b.ID) })
		links, err := t.revokeAll(workspaceID, b.ID, d.caches.shares.drop,
			`UPDATE shares SET revoked_at = $1, updated_at = $1, version = version + 1
			WHERE workspace_id = $2 AND bot_id = $3 AND deleted_at IS NULL AND revoked_at IS NULL RETURNING id`)
		if err != nil {
			return err
		}
		tokens, err := t.revokeAll(workspaceID, b.ID, d.caches.tokens.drop,
			`UPDATE api_tokens SET revoked_at = $1, updated_at = $1, version = version + 1
			WHERE workspace_id = $2 AND bot_id = $3 AND deleted_at IS NULL AND revoked_at IS NULL RETURNING id`)
		if err != nil {
			return err
		}
		if links+tokens > 0 && !confirmed {
			return access.Fail(access.Conflict, "bot_in_use",
				"%d share links and %d API tokens of this bot still work. Confirm to delete it: they are then revoked with it, for good.", links, tokens)
		}
		return t.tell(by, event{
			workspaceID, "bot.delete", object("bot", b.PublicID, b.Name),
			map[string]any{"links_revoked": links, "tokens_revoked": tokens},
		})
	})
}

// revokeAll runs a statement that revokes what hangs on a bot and returns the
// numbers of those rows, which drop forgets.
func (t *Tx) revokeAll(workspaceID, botID int64, drop func(int64), text string) (int64, error) {
	var ids []int64
	err := t.rows(list(&ids, func(s scanner) (id int64, err error) { return id, s.Scan(&id) }), text, t.now(), workspaceID, botID)
	t.after(func() {
		for _, id := range ids {
			drop(id)
		}
	})
	return int64(len(ids)), err
}

// CountBotCalls counts the calls of a bot since a moment, up to CountMax + 1.
func (d *DB) CountBotCalls(ctx context.Context, workspaceID, botID int64, since time.Time) (int64, error) {
	q := query{from: " FROM requests q"}
	q.and("q.workspace_id = ?", workspaceID)
	q.and("q.at >= ?", ms(since))
	q.and("q.bot_id = ?", botID)
	return d.countUpTo(ctx, q, "q.id")
}
