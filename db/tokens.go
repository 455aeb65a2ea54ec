package db

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/internal/access"
)

const tokenColumns = `k.id, k.public_id, k.workspace_id, k.created_by, k.name, k.note, COALESCE(k.bot_id, 0), k.sealed, k.beta_sealed, k.hint,

	k.enabled, k.expires_at, k.expired_seen_at, k.revoked_at, COALESCE(k.revoked_by, 0), k.deleted_at IS NOT NULL, k.purse_id,
	k.models_limited, k.models, k.addresses, k.group_name, k.permissions, k.permissions_shape, k.parameter_name,
	k.rpm, k.tpm, k.concurrent, k.show_once, k.created_at, k.updated_at, k.used_at, k.version`

// tokenScan holds what stands in the row in another spelling than in the noun.
type tokenScan struct {
	access.Token
	expires, expiredSeen, revoked, created, updated, used moment
	models, addresses, permissions                        string
}

func (k *tokenScan) fields() []any {
	return []any{
		&k.ID, &k.PublicID, &k.WorkspaceID, &k.CreatedBy, &k.Name, &k.Note, &k.BotID, &k.Sealed, &k.BetaSealed, &k.Hint,
		&k.Enabled, &k.expires, &k.expiredSeen, &k.revoked, &k.RevokedBy, &k.Deleted, &k.PurseID,
		&k.ModelsLimited, &k.models, &k.addresses, &k.GroupName, &k.permissions, &k.PermissionsShape, &k.ParameterName,
		&k.RPM, &k.TPM, &k.Concurrent, &k.ShowOnce, &k.created, &k.updated, &k.used, &k.Version,
	}
}

func (k *tokenScan) token() (access.Token, error) {
	k.ExpiresAt, k.ExpiredSeenAt, k.RevokedAt = k.expires.Time, k.expiredSeen.Time, k.revoked.Time
	k.CreatedAt, k.UpdatedAt, k.UsedAt = k.created.Time, k.updated.Time, k.used.Time
	var entries []string
	k.Models, k.Permissions = []string{}, access.Permissions{}
	for _, one := range []struct {
		text string
		into any
	}{{k.models, &k.Models}, {k.permissions, &k.Permissions}, {k.addresses, &entries}} {
		if one.text == "[]" {
			continue // what most rows hold needs no reading
		}
		if err := json.Unmarshal([]byte(one.text), one.into); err != nil {
			return k.Token, err
		}
	}
	var err error
	k.Addresses, err = access.ParseAddresses(entries)
	return k.Token, err
}

func scanToken(s scanner) (access.Token, error) {
	var k tokenScan
	if err := s.Scan(k.fields()...); err != nil {
		return k.Token, err
	}
	return k.token()
}

// TokenRow is an API token with its purse and the names that a list shows.
type TokenRow struct {
	access.Token
	Purse       access.Purse
	BotName     string
	BotPublicID string
	BotKind     access.BotKind
	MadeBy      string // username of who made it, "" when a program or the shell did
}

const tokenRowColumns = tokenColumns + ", " + purseColumns + `, COALESCE(b.name, ''), COALESCE(b.public_id, ''), COALESCE(b.kind, ''), COALESCE(u.username, '')`

const tokenRowFrom = ` FROM api_tokens k JOIN purses p ON p.id = k.purse_id

	LEFT JOIN bots b ON b.id = k.bot_id LEFT JOIN users u ON u.id = k.created_by`

func (d *DB) scanTokenRow(s scanner) (TokenRow, error) {
	var k tokenScan
	var r TokenRow
	var period moment
	into := append(k.fields(), purseFields(&r.Purse, &period)...)
	err := s.Scan(append(into, &r.BotName, &r.BotPublicID, &r.BotKind, &r.MadeBy)...)
	if err != nil {
		return r, err
	}
	r.Purse.PeriodAt = period.Time
	d.Ledger.overlay(&r.Purse)
	r.Token, err = k.token()
	return r, err
}

// NewToken is an API token about to be made. Its secrets come hashed and sealed:
// the clear text never enters this package.
type NewToken struct {
	Token    access.Token // PublicID, WorkspaceID, Sealed, BetaSealed and Hint filled by the caller
	Purse    access.Purse // Quota, Unlimited, Refill, Opening, Used
	Hash     [32]byte
	BetaHash [32]byte
	Zone     *time.Location // of the workspace
}

// MakeToken issues an API token with its purse and both its secrets. A text that
// is taken is a Conflict; a bot that is not the workspace's is NotFound.
func (d *DB) MakeToken(ctx context.Context, by access.Actor, n NewToken) (k access.Token, err error) {
	err = d.change(ctx, func(t *Tx) error {
		k, err = t.makeToken(by, n)
		return err
	})
	return k, err
}

func (t *Tx) makeToken(by access.Actor, n NewToken) (access.Token, error) {
	k := n.Token
	if err := t.checkBot(k.WorkspaceID, k.BotID); err != nil {
		return k, err
	}
	n.Purse.WorkspaceID = k.WorkspaceID
	purse, err := t.makePurse(n.Purse, n.Zone)
	if err != nil {
		return k, err
	}
	models, addresses, permissions, err := tokenLists(k)
	if err != nil {
		return k, err
	}
	k.PurseID = purse
	k.CreatedAt = time.UnixMilli(t.now()).UTC()
	k.UpdatedAt, k.Version, k.Enabled = k.CreatedAt, 1, true
	k.ID, err = t.insert(`INSERT INTO api_tokens (public_id, workspace_id, created_by, name, note, bot_id, sealed, beta_sealed, hint,
		expires_at, purse_id, models_limited, models, addresses, group_name, permissions, permissions_shape, parameter_name,
		rpm, tpm, concurrent, show_once, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		k.PublicID, k.WorkspaceID, k.CreatedBy, k.Name, k.Note, idOrNull(k.BotID), k.Sealed, k.BetaSealed, k.Hint,
		ms(k.ExpiresAt), k.PurseID, flag(k.ModelsLimited), models, addresses, k.GroupName, permissions, k.PermissionsShape, k.ParameterName,
		k.RPM, k.TPM, k.Concurrent, flag(k.ShowOnce), ms(k.CreatedAt), ms(k.UpdatedAt))
	if err != nil {
		return k, err
	}
	if err := t.keepShort("api_tokens_short", k.ID, k.Name, k.Note, k.Hint); err != nil {
		return k, err
	}
	if err := t.keepSecret(n.Hash, TokenSecret, k.ID); err != nil {
		return k, err
	}
	if err := t.keepSecret(n.BetaHash, BetaSecret, k.ID); err != nil {
		return k, err
	}
	if err := t.count(k.WorkspaceID, "token_count", 1); err != nil {
		return k, err
	}
	return k, t.tell(by, event{k.WorkspaceID, "token.create", object("token", k.PublicID, k.Name), tokenFacts(k)})
}

func tokenLists(k access.Token) (models, addresses, permissions string, err error) {
	texts := [3]string{}
	for i, list := range []any{nonNil(k.Models), access.FormatAddresses(k.Addresses), nonNil([]string(k.Permissions))} {
		b, err := json.Marshal(list)
		if err != nil {
			return "", "", "", err
		}
		texts[i] = string(b)
	}
	return texts[0], texts[1], texts[2], nil
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// tokenFacts is what the audit log keeps of a token.
func tokenFacts(k access.Token) map[string]any {
	m := map[string]any{
		"name": k.Name, "note": k.Note, "bot": k.BotID, "models_limited": k.ModelsLimited, "models": k.Models,
		"addresses": access.FormatAddresses(k.Addresses), "group": k.GroupName, "permissions": k.Permissions,
		"parameter_name": k.ParameterName, "rpm": k.RPM, "tpm": k.TPM, "concurrent": k.Concurrent, "show_once": k.ShowOnce,
		"enabled": k.Enabled, "expires_at": nil,
	}
	if !k.ExpiresAt.IsZero() {
		m["expires_at"] = k.ExpiresAt.Format(time.RFC3339)
	}
	return m
}

// checkBot refuses a bot that is not a live one of the workspace.
func (t *Tx) checkBot(workspaceID, botID int64) error {
	if botID == 0 {
		return nil
	}
	var there int
	err := t.row("SELECT 1 FROM bots WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL", workspaceID, botID).Scan(&there)
	return orNotFound(err, "bot")
}

// count moves one of a workspace's counters.
func (t *Tx) count(workspaceID int64, column string, by int64) error {
	text := map[string]string{
		"token_count":    "UPDATE workspaces SET token_count = token_count + $1 WHERE id = $2",
		"share_count":    "UPDATE workspaces SET share_count = share_count + $1 WHERE id = $2",
		"customer_count": "UPDATE workspaces SET customer_count = customer_count + $1 WHERE id = $2",
	}[column]
	t.after(func() { t.d.caches.workspaces.drop(workspaceID) })
	_, err := t.exec(text, by, workspaceID)
	return err
}

// Token returns a workspace's API token by its public id.
func (d *DB) Token(ctx context.Context, workspaceID int64, publicID string) (TokenRow, error) {
	r, err := d.scanTokenRow(d.row(ctx, "SELECT "+tokenRowColumns+tokenRowFrom+
		" WHERE k.workspace_id = $1 AND k.public_id = $2 AND k.deleted_at IS NULL", workspaceID, publicID))
	return r, orNotFound(err, "API token")
}

// TokenByNumber returns a workspace's API token by its row number.
func (d *DB) TokenByNumber(ctx context.Context, workspaceID, number int64) (TokenRow, error) {
	r, err := d.scanTokenRow(d.row(ctx, "SELECT "+tokenRowColumns+tokenRowFrom+
		" WHERE k.workspace_id = $1 AND k.id = $2 AND k.deleted_at IS NULL", workspaceID, number))
	return r, orNotFound(err, "API token")
}

// FindToken returns the token that a secret leads to. It is cached: a change of
// the token drops the entry before the change is acknowledged.
func (d *DB) FindToken(ctx context.Context, id int64) (access.Token, error) {
	return d.caches.tokens.get(id, func() (access.Token, error) {
		k, err := scanToken(d.row(ctx, "SELECT "+tokenColumns+" FROM api_tokens k WHERE k.id = $1", id))
		return k, orNotFound(err, "API token")
	})
}

// LatchExpired remembers that a token was seen expired, so that a clock that goes
// back does not revive it. It does nothing when the token's expiry was edited.
func (d *DB) LatchExpired(ctx context.Context, id int64, expiresAt time.Time) error {
	return d.change(ctx, func(t *Tx) error {
		t.after(func() { d.caches.tokens.drop(id) })
		_, err := t.exec("UPDATE api_tokens SET expired_seen_at = $1, past = 1 WHERE id = $2 AND expires_at = $3 AND expired_seen_at IS NULL",
			t.now(), id, ms(expiresAt))
		return err
	})
}

func set[T any](into *T, from *T) {
	if from != nil {
		*into = *from
	}
}
