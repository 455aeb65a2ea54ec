package db

import (
	"context"
	"maps"
	"net/netip"
	"strings"
	"time"

	"latchkey/internal/access"
)

// TokenChange is an owner's edit of a token. Nil leaves a field as it is.
type TokenChange struct {
	Name, Note       *string
	BotID            *int64
	ExpiresAt        *time.Time // the zero time: never
	Models           *[]string
	ModelsLimited    *bool
	Addresses        *[]netip.Prefix
	GroupName        *string
	Permissions      *access.Permissions
	PermissionsShape *string
	ParameterName    *string
	RPM, TPM         *int64
	Concurrent       *int64
	Enabled          *bool
	Quota            QuotaChange
	Version          int64 // the version it was based on, 0: any
}

// Apply returns the token with the change made to it.
func (c TokenChange) Apply(k access.Token) access.Token {
	set(&k.Name, c.Name)
	set(&k.Note, c.Note)
	set(&k.BotID, c.BotID)
	set(&k.Models, c.Models)
	set(&k.ModelsLimited, c.ModelsLimited)
	set(&k.Addresses, c.Addresses)
	set(&k.GroupName, c.GroupName)
	set(&k.Permissions, c.Permissions)
	set(&k.PermissionsShape, c.PermissionsShape)
	set(&k.ParameterName, c.ParameterName)
	set(&k.RPM, c.RPM)
	set(&k.TPM, c.TPM)
	set(&k.Concurrent, c.Concurrent)
	set(&k.Enabled, c.Enabled)
	if c.ExpiresAt != nil {
		k.ExpiresAt, k.ExpiredSeenAt = *c.ExpiresAt, time.Time{}
	}
	return k
}

// EditToken changes what c names. A token that was revoked or deleted, or edited
// since c.Version, is refused and stays as it is.
func (d *DB) EditToken(ctx context.Context, by access.Actor, workspaceID int64, publicID string, c TokenChange, zone *time.Location) error {
	return d.change(ctx, func(t *Tx) error {
		old, err := scanToken(t.row("SELECT "+tokenColumns+` FROM api_tokens k
			WHERE k.workspace_id = $1 AND k.public_id = $2 AND k.deleted_at IS NULL`, workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "API token")
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		k := c.Apply(old)
		if err := t.checkBot(workspaceID, k.BotID); err != nil {
			return err
		}
		models, addresses, permissions, err := tokenLists(k)
		if err != nil {
			return err
		}
		budget, err := t.purseFacts(k.PurseID)
		if err != nil {
			return err
		}
		if err := d.Ledger.setQuota(t, k.PurseID, c.Quota, zone); err != nil {
			return err
		}
		t.after(func() { d.caches.tokens.drop(k.ID) })
		if err := t.keepShort("api_tokens_short", k.ID, k.Name, k.Note, k.Hint); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE api_tokens SET name = $1, note = $2, bot_id = $3,
			past = CASE WHEN expires_at IS $4 AND expired_seen_at IS $5 THEN past ELSE 0 END, expires_at = $4, expired_seen_at = $5,
			models_limited = $6, models = $7, addresses = $8, group_name = $9, permissions = $10, permissions_shape = $11,
			parameter_name = $12, rpm = $13, tpm = $14, concurrent = $15, enabled = $16, updated_at = $17, version = version + 1
			WHERE id = $18`,
			k.Name, k.Note, idOrNull(k.BotID), ms(k.ExpiresAt), ms(k.ExpiredSeenAt), flag(k.ModelsLimited), models, addresses,
			k.GroupName, permissions, k.PermissionsShape, k.ParameterName, k.RPM, k.TPM, k.Concurrent, flag(k.Enabled), t.now(), k.ID); err != nil {
			return err
		}
		before, after := tokenFacts(old), tokenFacts(k)
		maps.Copy(before, budget)
		if budget, err = t.purseFacts(k.PurseID); err != nil {
			return err
		}
		maps.Copy(after, budget)
		return t.tell(by, event{workspaceID, "token.edit", object("token", k.PublicID, k.Name), changed(before, after)})
	})
}

// purseFacts is what the audit log keeps of a budget.
func (t *Tx) purseFacts(id int64) (map[string]any, error) {
	p, err := scanPurse(t.row("SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id))
	return map[string]any{"quota": p.Quota, "unlimited": p.Unlimited, "refill": string(p.Refill)}, err
}

// tokenVerb runs one of the statements that end or revive a token, and tells it.
func (d *DB) tokenVerb(ctx context.Context, by access.Actor, workspaceID int64, action, text string, args []any,
	more func(*Tx, access.Token) error,
) (access.Token, error) {
	var k access.Token
	err := d.change(ctx, func(t *Tx) error {
		var err error
		if k, err = scanToken(t.row(text, args...)); err != nil {
			return orNotFound(err, "API token")
		}
		t.after(func() { d.caches.tokens.drop(k.ID) })
		if more != nil {
			if err := more(t, k); err != nil {
				return err
			}
		}
		return t.tell(by, event{workspaceID, action, object("token", k.PublicID, k.Name), nil})
	})
	return k, err
}

// tokenReturning spells the columns without the alias, which RETURNING does not know.
var tokenReturning = " RETURNING " + strings.ReplaceAll(tokenColumns, "k.", "")

// RevokeToken switches a token off for good. Revoking again changes nothing but
// is no error. Its hash rows stay, so that the refusal can say why.
func (d *DB) RevokeToken(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Token, error) {
	return d.tokenVerb(ctx, by, workspaceID, "token.revoke", `UPDATE api_tokens SET revoked_at = COALESCE(revoked_at, $1),
		revoked_by = CASE WHEN revoked_at IS NULL THEN $2 ELSE revoked_by END, updated_at = $1, version = version + 1
		WHERE workspace_id = $3 AND public_id = $4 AND deleted_at IS NULL`+tokenReturning,
		[]any{d.Now().UnixMilli(), idOrNull(by.UserNumber()), workspaceID, publicID}, nil)
}

// UndoRevokeToken takes a revocation back: only the user who made it, within the window.
func (d *DB) UndoRevokeToken(ctx context.Context, by access.Actor, workspaceID int64, publicID string, window time.Duration) (access.Token, error) {
	now := d.Now()
	k, err := d.tokenVerb(ctx, by, workspaceID, "token.undo-revoke", `UPDATE api_tokens SET revoked_at = NULL, revoked_by = NULL,
		updated_at = $1, version = version + 1
		WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL AND revoked_by = $4 AND revoked_at >= $5`+tokenReturning,
		[]any{now.UnixMilli(), workspaceID, publicID, by.UserNumber(), now.Add(-window).UnixMilli()}, nil)
	if access.KindOf(err) == access.NotFound {
		if _, there := d.Token(ctx, workspaceID, publicID); there == nil {
			return k, access.Fail(access.Conflict, "undo_too_late", "A revocation can be taken back only by whoever made it, within %d seconds.", int(window.Seconds()))
		}
	}
	return k, err
}

// SetTokenEnabled disables a token, or enables it again: none that was revoked.
func (d *DB) SetTokenEnabled(ctx context.Context, by access.Actor, workspaceID int64, publicID string, enabled bool) (access.Token, error) {
	action := "token.disable"
	if enabled {
		action = "token.enable"
	}
	return d.tokenVerb(ctx, by, workspaceID, action, `UPDATE api_tokens SET enabled = $1, updated_at = $2, version = version + 1
		WHERE workspace_id = $3 AND public_id = $4 AND deleted_at IS NULL AND (revoked_at IS NULL OR $1 = 0)`+tokenReturning,
		[]any{flag(enabled), d.Now().UnixMilli(), workspaceID, publicID}, nil)
}

// DeleteToken removes a token for every door. Its row stays, hidden, so that
// usage and audit keep their subject; its texts are free again.
func (d *DB) DeleteToken(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Token, error) {
	return d.tokenVerb(ctx, by, workspaceID, "token.delete", `UPDATE api_tokens SET deleted_at = $1, sealed = NULL, beta_sealed = NULL
		WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL`+tokenReturning,
		[]any{d.Now().UnixMilli(), workspaceID, publicID}, func(t *Tx, k access.Token) error {
			if err := t.dropSecrets(k.ID, TokenSecret, BetaSecret); err != nil {
				return err
			}
			return t.count(workspaceID, "token_count", -1)
		})
}

// RotateToken gives a token a new secret; the old one lives on until keepOld, or
// ends at once when that is zero. Quota, limits and history stay.
func (d *DB) RotateToken(ctx context.Context, by access.Actor, workspaceID int64, publicID string, hash [32]byte, sealed []byte, hint string, keepOld time.Time) (access.Token, error) {
	return d.tokenVerb(ctx, by, workspaceID, "token.rotate", `UPDATE api_tokens SET sealed = $1, hint = $2, updated_at = $3, version = version + 1
		WHERE workspace_id = $4 AND public_id = $5 AND deleted_at IS NULL AND revoked_at IS NULL`+tokenReturning,
		[]any{sealed, hint, d.Now().UnixMilli(), workspaceID, publicID}, func(t *Tx, k access.Token) error {
			if err := t.retireSecrets(k.ID, keepOld); err != nil {
				return err
			}
			if err := t.keepShort("api_tokens_short", k.ID, k.Name, k.Note, k.Hint); err != nil {
				return err
			}
			return t.keepSecret(hash, TokenSecret, k.ID)
		})
}

// RevealToken returns the sealed copies for showing them to their owner, and
// tells the audit log that they were shown.
func (d *DB) RevealToken(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Token, error) {
	return d.tokenVerb(ctx, by, workspaceID, "token.reveal",
		"SELECT "+tokenColumns+" FROM api_tokens k WHERE k.workspace_id = $1 AND k.public_id = $2 AND k.deleted_at IS NULL",
		[]any{workspaceID, publicID}, nil)
}
