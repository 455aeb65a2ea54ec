package db

import (
	"bytes"
	"context"

	"latchkey/internal/access"
)

// KeepBeta gives an API token that has none the beta key, and returns the sealed
// copy of the one that it has from now on.
func (d *DB) KeepBeta(ctx context.Context, by access.Actor, workspaceID int64, publicID string, hash [32]byte, sealed []byte) (kept []byte, err error) {
	err = d.change(ctx, func(t *Tx) error {
		k, err := scanToken(t.row(`UPDATE api_tokens SET beta_sealed = COALESCE(beta_sealed, $1)
			WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL`+tokenReturning, sealed, workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "API token")
		}
		if kept = k.BetaSealed; !bytes.Equal(kept, sealed) {
			return nil
		}
		t.after(func() { d.caches.tokens.drop(k.ID) })
		if err := t.keepSecret(hash, BetaSecret, k.ID); err != nil {
			return err
		}
		return t.tell(by, event{workspaceID, "token.beta", object("token", k.PublicID, k.Name), nil})
	})
	return kept, err
}
