package db

import (
	"context"

	"latchkey/internal/access"
)

// Blob is a picture that was uploaded.
type Blob struct {
	PublicID    string
	ContentType string
	Body        []byte
}

// Blob returns one of a workspace's pictures.
func (d *DB) Blob(ctx context.Context, workspaceID, id int64) (Blob, error) {
	var b Blob
	err := d.row(ctx, "SELECT public_id, content_type, body FROM blobs WHERE workspace_id = $1 AND id = $2", workspaceID, id).
		Scan(&b.PublicID, &b.ContentType, &b.Body)
	return b, orNotFound(err, "picture")
}

// SetBotAvatar gives a bot a picture, nil for none. The one that it had goes.
func (d *DB) SetBotAvatar(ctx context.Context, by access.Actor, workspaceID int64, publicID string, picture *Blob) error {
	return d.change(ctx, func(t *Tx) error {
		old, err := scanBot(t.row("SELECT "+botColumns+
			" FROM bots b WHERE b.workspace_id = $1 AND b.public_id = $2 AND b.deleted_at IS NULL", workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "bot")
		}
		fresh := old
		fresh.AvatarID = 0
		if picture != nil {
			if fresh.AvatarID, err = t.insert("INSERT INTO blobs (public_id, workspace_id, content_type, body, created_at) VALUES ($1, $2, $3, $4, $5)",
				picture.PublicID, workspaceID, picture.ContentType, picture.Body, t.now()); err != nil {
				return err
			}
		}
		t.after(func() { d.caches.bots.drop(old.ID) })
		if _, err := t.exec("UPDATE bots SET avatar_id = $1, version = version + 1 WHERE id = $2", idOrNull(fresh.AvatarID), old.ID); err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM blobs WHERE id = $1 AND workspace_id = $2 AND NOT EXISTS (SELECT 1 FROM bots WHERE avatar_id = $1)",
			old.AvatarID, workspaceID); err != nil {
			return err
		}
		return t.tell(by, event{workspaceID, "bot.edit", object("bot", old.PublicID, old.Name), changed(botFacts(old), botFacts(fresh))})
	})
}
