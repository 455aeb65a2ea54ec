package db

import (
	"context"
	"encoding/json"
	"strings"
	"time"

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

// MakeBot makes a bot on one of its workspace's providers. A slug that is taken
// is a Conflict with the code "slug_taken".
func (d *DB) MakeBot(ctx context.Context, by access.Actor, b access.Bot) (access.Bot, error) {
	err := d.change(ctx, func(t *Tx) error {
		if err := t.checkProvider(b.WorkspaceID, b.ProviderID); err != nil {
			return err
		}
		questions, origins, err := botLists(b)
		if err != nil {
			return err
		}
		b.CreatedAt, b.Version = time.UnixMilli(t.now()).UTC(), 1
		b.ID, err = t.insert(`INSERT INTO bots (public_id, workspace_id, slug, name, kind, provider_id, model, system_prompt, params, avatar_id,
			avatar_url, welcome, suggested_questions, settings, allowed_origins, retention_days, enabled, created_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
			b.PublicID, b.WorkspaceID, b.Slug, b.Name, b.Kind, b.ProviderID, b.Model, b.SystemPrompt, b.Params, idOrNull(b.AvatarID),
			b.AvatarURL, b.Welcome, questions, b.Settings, origins, b.RetentionDays, flag(b.Enabled), b.CreatedBy, ms(b.CreatedAt))
		if err != nil {
			return slugTaken(err)
		}
		return t.tell(by, event{b.WorkspaceID, "bot.create", object("bot", b.PublicID, b.Name), botFacts(b)})
	})
	return b, err
}

func (t *Tx) checkProvider(workspaceID, providerID int64) error {
	var there int
	err := t.row("SELECT 1 FROM providers WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL", workspaceID, providerID).Scan(&there)
	return orNotFound(err, "provider")
}

func botLists(b access.Bot) (questions, origins string, err error) {
	q, err := json.Marshal(nonNil(b.SuggestedQuestions))
	if err != nil {
		return "", "", err
	}
	o, err := json.Marshal(nonNil(b.AllowedOrigins))
	return string(q), string(o), err
}

func slugTaken(err error) error {
	if columns, taken := isTaken(err); taken && strings.Contains(columns, "slug") {
		return access.Fail(access.Conflict, "slug_taken", "A bot of this workspace has this short name already. Choose another.").At("slug")
	}
	return err
}

// botFacts is what the audit log keeps of a bot.
func botFacts(b access.Bot) map[string]any {
	m := map[string]any{
		"name": b.Name, "slug": b.Slug, "kind": b.Kind, "provider": b.ProviderID, "model": b.Model, "system_prompt": b.SystemPrompt,
		"params": b.Params, "avatar": b.AvatarID, "avatar_url": b.AvatarURL, "welcome": b.Welcome,
		"suggested_questions": b.SuggestedQuestions, "settings": b.Settings, "allowed_origins": b.AllowedOrigins,
		"retention_days": nil, "enabled": b.Enabled,
	}
	if b.RetentionDays != nil {
		m["retention_days"] = *b.RetentionDays
	}
	return m
}

// BotChange is an edit of a bot. Nil leaves a field as it is.
type BotChange struct {
	Slug, Name, Model, SystemPrompt *string
	Params, Welcome, Settings       *string
	AvatarURL                       *string
	AvatarID                        *int64 // 0: none
	Kind                            *access.BotKind
	ProviderID                      *int64
	SuggestedQuestions              *[]string
	AllowedOrigins                  *[]string
	RetentionDays                   **int64 // nil inside: keep
	Enabled                         *bool
	Version                         int64 // the version it was based on, 0: any
}

// Apply returns the bot with the change made to it.
func (c BotChange) Apply(b access.Bot) access.Bot {
	set(&b.Slug, c.Slug)
	set(&b.Name, c.Name)
	set(&b.Model, c.Model)
	set(&b.SystemPrompt, c.SystemPrompt)
	set(&b.Params, c.Params)
	set(&b.Welcome, c.Welcome)
	set(&b.Settings, c.Settings)
	set(&b.AvatarURL, c.AvatarURL)
	set(&b.AvatarID, c.AvatarID)
	set(&b.Kind, c.Kind)
	set(&b.ProviderID, c.ProviderID)
	set(&b.SuggestedQuestions, c.SuggestedQuestions)
	set(&b.AllowedOrigins, c.AllowedOrigins)
	set(&b.RetentionDays, c.RetentionDays)
	set(&b.Enabled, c.Enabled)
	return b
}

// EditBot changes what c names. A provider that is not the workspace's is
// NotFound; the one it had may stay although it was deleted.
func (d *DB) EditBot(ctx context.Context, by access.Actor, workspaceID int64, publicID string, c BotChange) error {
	return d.change(ctx, func(t *Tx) error {
		old, err := scanBot(t.row("SELECT "+botColumns+
			" FROM bots b WHERE b.workspace_id = $1 AND b.public_id = $2 AND b.deleted_at IS NULL", workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "bot")
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		b := c.Apply(old)
		if b.ProviderID != old.ProviderID {
			if err := t.checkProvider(workspaceID, b.ProviderID); err != nil {
				return err
			}
		}
		questions, origins, err := botLists(b)
		if err != nil {
			return err
		}
		t.after(func() { d.caches.bots.drop(b.ID) })
		if _, err := t.exec(`UPDATE bots SET slug = $1, name = $2, kind = $3, provider_id = $4, model = $5, system_prompt = $6, params = $7,
			avatar_id = $8, avatar_url = $9, welcome = $10, suggested_questions = $11, settings = $12, allowed_origins = $13,
			retention_days = $14, enabled = $15, version = version + 1 WHERE workspace_id = $16 AND id = $17`,
			b.Slug, b.Name, b.Kind, b.ProviderID, b.Model, b.SystemPrompt, b.Params, idOrNull(b.AvatarID), b.AvatarURL, b.Welcome,
			questions, b.Settings, origins, b.RetentionDays, flag(b.Enabled), workspaceID, b.ID); err != nil {
			return slugTaken(err)
		}
		return t.tell(by, event{workspaceID, "bot.edit", object("bot", b.PublicID, b.Name), changed(botFacts(old), botFacts(b))})
	})
}

// LiveBots returns a workspace's bots, newest first, at most ListMax of them.
func (d *DB) LiveBots(ctx context.Context, workspaceID int64) ([]access.Bot, error) {
	var out []access.Bot
	err := d.rows(ctx, list(&out, scanBot), "SELECT "+botColumns+` FROM bots b
		WHERE b.workspace_id = $1 AND b.deleted_at IS NULL ORDER BY b.id DESC LIMIT $2`, workspaceID, ListMax)
	return out, err
}
