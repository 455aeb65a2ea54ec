package db

import "context"

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
