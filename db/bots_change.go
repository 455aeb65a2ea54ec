package db

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"latchkey/internal/access"
)

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
