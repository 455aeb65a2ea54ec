package native

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

type botView struct {
	ID                 string          `json:"id"`
	WorkspaceID        string          `json:"workspace_id"`
	Slug               string          `json:"slug"`
	Name               string          `json:"name"`
	Kind               string          `json:"kind"`
	ProviderID         *string         `json:"provider_id"` // null: it was deleted
	Model              string          `json:"model"`
	SystemPrompt       string          `json:"system_prompt"`
	Params             json.RawMessage `json:"params"`
	AvatarURL          string          `json:"avatar_url"`
	Welcome            string          `json:"welcome"`
	SuggestedQuestions []string        `json:"suggested_questions"`
	Settings           json.RawMessage `json:"settings"`
	AllowedOrigins     []string        `json:"allowed_origins"`
	RetentionDays      *int64          `json:"retention_days"`
	Enabled            bool            `json:"enabled"`
	Status             string          `json:"status"`
	Trouble            *string         `json:"trouble"` // why its own provider cannot answer for it
	Shares             int64           `json:"shares"`
	Tokens             int64           `json:"tokens"`
	CreatedAt          *string         `json:"created_at"`
	Version            int64           `json:"version"`
}

func (s scene) bot(r db.BotRow) botView {
	return botView{
		ID: r.PublicID, WorkspaceID: s.workspace.PublicID, Slug: r.Slug, Name: r.Name, Kind: string(r.Kind), ProviderID: orNull(r.ProviderPublicID),
		Model: r.Model, SystemPrompt: r.SystemPrompt, Params: object(r.Params), AvatarURL: r.AvatarURL, Welcome: r.Welcome,
		SuggestedQuestions: nonNil(r.SuggestedQuestions), Settings: object(r.Settings), AllowedOrigins: nonNil(r.AllowedOrigins),
		RetentionDays: r.RetentionDays, Enabled: r.Enabled, Status: string(onOff(r.Enabled)), Trouble: orNull(string(r.Trouble)),
		Shares: r.Links, Tokens: r.Tokens, CreatedAt: at(r.CreatedAt), Version: r.Version,
	}
}

type botBody struct {
	Slug               Maybe[string]          `json:"slug"`
	Name               Maybe[string]          `json:"name"`
	Kind               Maybe[string]          `json:"kind"`
	ProviderID         Maybe[string]          `json:"provider_id"`
	Model              Maybe[string]          `json:"model"`
	SystemPrompt       Maybe[string]          `json:"system_prompt"`
	Params             Maybe[json.RawMessage] `json:"params"`
	AvatarURL          Maybe[string]          `json:"avatar_url"`
	Welcome            Maybe[string]          `json:"welcome"`
	SuggestedQuestions Maybe[[]string]        `json:"suggested_questions"`
	Settings           Maybe[json.RawMessage] `json:"settings"`
	AllowedOrigins     Maybe[[]string]        `json:"allowed_origins"`
	RetentionDays      Maybe[int64]           `json:"retention_days"`
	Enabled            Maybe[bool]            `json:"enabled"`
}

type editBot struct {
	botBody
	Version Maybe[int64] `json:"version"`
}

func (b botBody) form(r *reader) control.BotForm {
	return control.BotForm{
		Slug: take(r, b.Slug, "slug"), Name: take(r, b.Name, "name"), Kind: take(r, b.Kind, "kind"), Provider: take(r, b.ProviderID, "provider_id"),
		Model: take(r, b.Model, "model"), SystemPrompt: takeOr(b.SystemPrompt, ""), Params: text(b.Params), AvatarURL: takeOr(b.AvatarURL, ""),
		Welcome: takeOr(b.Welcome, ""), SuggestedQuestions: takeOr(b.SuggestedQuestions, nil), Settings: text(b.Settings),
		AllowedOrigins: takeOr(b.AllowedOrigins, nil), RetentionDays: takeNil(b.RetentionDays), Enabled: take(r, b.Enabled, "enabled"),
	}
}

// text reads an object as it was sent; null is an empty one.
func text(m Maybe[json.RawMessage]) *string {
	raw := takeOr(m, json.RawMessage("{}"))
	if raw == nil {
		return nil
	}
	s := string(*raw)
	return &s
}

// Bots serves GET bots.
func (d *Door) Bots(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.StatusEnabled, access.StatusDisabled))
	if err != nil {
		return err
	}
	s, err := d.scene(c.UserContext(), by)
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context, p db.Page) ([]db.BotRow, int64, error) { return d.Control.Bots(ctx, by, p) }
	return rows(d, c, l, fetch, func(r db.BotRow) int64 { return r.ID }, func(r db.BotRow) any { return s.bot(r) })
}

// CreateBot serves POST bots.
func (d *Door) CreateBot(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b botBody) (any, error) {
		var r reader
		f := b.form(&r)
		if err := r.err(); err != nil {
			return nil, err
		}
		row, err := d.Control.CreateBot(ctx, by, f)
		return spelled(ctx, d, by, row, err, scene.bot)
	})
}

// Bot serves GET bots/{id}.
func (d *Door) Bot(c *fiber.Ctx, by access.Actor) error {
	row, err := d.Control.Bot(c.UserContext(), by, c.Params("id"))
	v, err := spelled(c.UserContext(), d, by, row, err, scene.bot)
	return show(c, v, err)
}

// EditBot serves PATCH bots/{id}.
func (d *Door) EditBot(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editBot) (any, error) {
		var r reader
		f := b.form(&r)
		f.Version = r.version(b.Version)
		if err := r.err(); err != nil {
			return nil, err
		}
		row, err := d.Control.EditBot(ctx, by, c.Params("id"), f)
		return spelled(ctx, d, by, row, err, scene.bot)
	})
}

// DeleteBot serves DELETE bots/{id}. A program has confirmed by asking: links and
// tokens of the bot are revoked with it.
func (d *Door) DeleteBot(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteBot(c.UserContext(), by, c.Params("id"), true))
}
