package db

import (
	"context"
	"encoding/json"
	"strings"

	"latchkey/internal/access"
)

const botColumns = `b.id, b.public_id, b.workspace_id, b.slug, b.name, b.kind, b.provider_id, b.model, b.system_prompt, b.params,
	COALESCE(b.avatar_id, 0), b.avatar_url, b.welcome, b.suggested_questions, b.settings, b.allowed_origins, b.retention_days,
	b.identity_key_sealed, b.enabled, b.created_by, b.created_at, b.version, b.deleted_at IS NOT NULL`

// botReturning spells the columns without the alias, which RETURNING does not know.
var botReturning = " RETURNING " + strings.ReplaceAll(botColumns, "b.", "")

// botScan holds what stands in the row in another spelling than in the noun.
type botScan struct {
	access.Bot
	questions, origins string
	created            moment
}

func (b *botScan) fields() []any {
	return []any{
		&b.ID, &b.PublicID, &b.WorkspaceID, &b.Slug, &b.Name, &b.Kind, &b.ProviderID, &b.Model, &b.SystemPrompt, &b.Params,
		&b.AvatarID, &b.AvatarURL, &b.Welcome, &b.questions, &b.Settings, &b.origins, &b.RetentionDays,
		&b.IdentityKeySealed, &b.Enabled, &b.CreatedBy, &b.created, &b.Version, &b.Deleted,
	}
}

func (b *botScan) bot() (access.Bot, error) {
	b.CreatedAt = b.created.Time
	if err := json.Unmarshal([]byte(b.questions), &b.SuggestedQuestions); err != nil {
		return b.Bot, err
	}
	err := json.Unmarshal([]byte(b.origins), &b.AllowedOrigins)
	return b.Bot, err
}

func scanBot(s scanner) (access.Bot, error) {
	var b botScan
	if err := s.Scan(b.fields()...); err != nil {
		return b.Bot, err
	}
	return b.bot()
}

// Trouble is why a bot's own provider cannot answer for it. It is derived, never
// stored.
type Trouble string

const (
	NoTrouble        Trouble = ""
	ProviderMissing  Trouble = "provider_missing"
	ProviderDisabled Trouble = "provider_disabled"
	ProviderPaused   Trouble = "provider_paused"
	ModelMissing     Trouble = "model_missing"
)

// BotRow is a bot with its provider and what hangs on it.
type BotRow struct {
	access.Bot
	ProviderName     string // "" when the provider was deleted
	ProviderPublicID string
	Links            int64   // share links that were not revoked
	Tokens           int64   // API tokens bound to it that were not revoked
	Trouble          Trouble // of its own provider
	Covered          bool    // another provider of the workspace answers for the model meanwhile
}

const botRowColumns = botColumns + `, COALESCE(r.name, ''), COALESCE(r.public_id, ''), COALESCE(r.enabled, 0), r.paused_at IS NOT NULL,
	EXISTS (SELECT 1 FROM provider_models m WHERE m.provider_id = r.id AND m.name = b.model),
	EXISTS (SELECT 1 FROM provider_models m JOIN providers o ON o.id = m.provider_id
		WHERE m.workspace_id = b.workspace_id AND m.name = b.model AND o.id <> b.provider_id
		AND o.deleted_at IS NULL AND o.enabled = 1 AND o.paused_at IS NULL),
	(SELECT COUNT(*) FROM shares s WHERE s.bot_id = b.id AND s.deleted_at IS NULL AND s.revoked_at IS NULL),
	(SELECT COUNT(*) FROM api_tokens k WHERE k.bot_id = b.id AND k.deleted_at IS NULL AND k.revoked_at IS NULL)`

const botRowFrom = " FROM bots b LEFT JOIN providers r ON r.id = b.provider_id AND r.deleted_at IS NULL"

func scanBotRow(s scanner) (BotRow, error) {
	var b botScan
	var r BotRow
	var enabled, paused, listed bool
	err := s.Scan(append(b.fields(), &r.ProviderName, &r.ProviderPublicID, &enabled, &paused, &listed, &r.Covered, &r.Links, &r.Tokens)...)
	if err != nil {
		return r, err
	}
	switch {
	case r.ProviderPublicID == "":
		r.Trouble = ProviderMissing
	case !enabled:
		r.Trouble = ProviderDisabled
	case paused:
		r.Trouble = ProviderPaused
	case !listed:
		r.Trouble = ModelMissing
	}
	r.Bot, err = b.bot()
	return r, err
}

// FindBot returns a bot by row number, deleted ones too: they say so. It is
// cached: a change of the bot drops the entry before the change is acknowledged.
func (d *DB) FindBot(ctx context.Context, id int64) (access.Bot, error) {
	return d.caches.bots.get(id, func() (access.Bot, error) {
		b, err := scanBot(d.row(ctx, "SELECT "+botColumns+" FROM bots b WHERE b.id = $1", id))
		return b, orNotFound(err, "bot")
	})
}

// Bot returns one of a workspace's bots by its public id.
func (d *DB) Bot(ctx context.Context, workspaceID int64, publicID string) (BotRow, error) {
	r, err := scanBotRow(d.row(ctx, "SELECT "+botRowColumns+botRowFrom+
		" WHERE b.workspace_id = $1 AND b.public_id = $2 AND b.deleted_at IS NULL", workspaceID, publicID))
	return r, orNotFound(err, "bot")
}

// BotBySlug returns one of a workspace's bots by its slug.
func (d *DB) BotBySlug(ctx context.Context, workspaceID int64, slug string) (access.Bot, error) {
	b, err := scanBot(d.row(ctx, "SELECT "+botColumns+
		" FROM bots b WHERE b.workspace_id = $1 AND b.slug = $2 AND b.deleted_at IS NULL", workspaceID, slug))
	return b, orNotFound(err, "bot")
}

// BotByAny returns one of a workspace's bots by its public id, else by its slug.
func (d *DB) BotByAny(ctx context.Context, workspaceID int64, idOrSlug string) (access.Bot, error) {
	b, err := scanBot(d.row(ctx, "SELECT "+botColumns+` FROM bots b
		WHERE b.workspace_id = $1 AND (b.public_id = $2 OR b.slug = $2) AND b.deleted_at IS NULL
		ORDER BY b.public_id = $2 DESC LIMIT 1`, workspaceID, idOrSlug))
	return b, orNotFound(err, "bot")
}

// Bots lists a workspace's bots, by name, slug or model.
func (d *DB) Bots(ctx context.Context, workspaceID int64, p Page) ([]BotRow, error) {
	q := query{from: botRowFrom}
	botConditions(&q, workspaceID, p)
	tail := q.page("b.id", nil, p)
	var out []BotRow
	err := d.rows(ctx, list(&out, scanBotRow), q.text(botRowColumns, tail), q.args...)
	return out, err
}

// CountBots counts what Bots would list over all pages, up to CountMax + 1.
func (d *DB) CountBots(ctx context.Context, workspaceID int64, p Page) (int64, error) {
	q := query{from: " FROM bots b"}
	botConditions(&q, workspaceID, p)
	return d.countUpTo(ctx, q, "b.id")
}

func botConditions(q *query, workspaceID int64, p Page) {
	q.and("b.workspace_id = ?", workspaceID)
	q.and("b.deleted_at IS NULL")
	if p.Query != "" {
		like := "%" + likeText(p.Query) + "%"
		q.and(`(b.name LIKE ? ESCAPE '\' OR b.slug LIKE ? ESCAPE '\' OR b.model LIKE ? ESCAPE '\')`, like, like, like)
	}
	switch p.Status {
	case access.StatusEnabled:
		q.and("b.enabled = 1")
	case access.StatusDisabled:
		q.and("b.enabled = 0")
	}
}

// LiveBots returns a workspace's bots, newest first, at most ListMax of them.
func (d *DB) LiveBots(ctx context.Context, workspaceID int64) ([]access.Bot, error) {
	var out []access.Bot
	err := d.rows(ctx, list(&out, scanBot), "SELECT "+botColumns+` FROM bots b
		WHERE b.workspace_id = $1 AND b.deleted_at IS NULL ORDER BY b.id DESC LIMIT $2`, workspaceID, ListMax)
	return out, err
}
