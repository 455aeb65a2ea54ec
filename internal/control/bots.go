package control

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// RetentionMax bounds how many days a bot may keep conversations before they go.
const RetentionMax = 3650

// BotForm is what a door sends to create or edit a bot. Nil leaves a field as it
// is, or at its default when creating.
type BotForm struct {
	Name               *string
	Slug               *string // made from the name when creating without one
	Provider           *string // public id
	Model              *string // as the provider's list names it
	Kind               *string
	SystemPrompt       *string
	Params             *string // JSON object
	AvatarURL          *string
	AvatarID           *int64 // of a stored picture
	Welcome            *string
	SuggestedQuestions *[]string
	Settings           *string // JSON object
	AllowedOrigins     *[]string
	RetentionDays      **int64 // nil inside: keep, 0: never stored
	Enabled            *bool
	Version            int64
}

// Bot returns one of the workspace's bots.
func (c *Control) Bot(ctx context.Context, by access.Actor, publicID string) (db.BotRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return db.BotRow{}, err
	}
	return c.DB.Bot(ctx, by.WorkspaceID, publicID)
}

// Bots lists the workspace's bots, and how many there are in all pages (up to
// db.CountMax + 1).
func (c *Control) Bots(ctx context.Context, by access.Actor, p db.Page) ([]db.BotRow, int64, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, 0, err
	}
	rows, err := c.DB.Bots(ctx, by.WorkspaceID, p)
	if err != nil {
		return nil, 0, err
	}
	n, err := c.DB.CountBots(ctx, by.WorkspaceID, p)
	return rows, n, err
}

// BotChoices lists all bots of the workspace by name, for a list to choose from.
func (c *Control) BotChoices(ctx context.Context, by access.Actor) ([]access.Bot, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	return c.DB.LiveBots(ctx, by.WorkspaceID)
}

// CreateBot makes a bot on a model of one of the workspace's providers.
func (c *Control) CreateBot(ctx context.Context, by access.Actor, f BotForm) (db.BotRow, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return db.BotRow{}, err
	}
	b := access.Bot{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, Kind: access.DialogBot, Params: "{}", Settings: "{}",
		Enabled: true, CreatedBy: by.UserNumber(),
	}
	change, err := c.checkBot(ctx, by, f, b, true)
	if err != nil {
		return db.BotRow{}, err
	}
	if b, err = c.makeBot(ctx, by, change.Apply(b)); err != nil {
		return db.BotRow{}, err
	}
	return c.DB.Bot(ctx, by.WorkspaceID, b.PublicID)
}

// makeBot states the fact. A slug made from the name gives way to one that is
// taken: -2, -3 and in the end the digits of the public id.
func (c *Control) makeBot(ctx context.Context, by access.Actor, b access.Bot) (access.Bot, error) {
	if b.Slug != "" {
		return c.DB.MakeBot(ctx, by, b)
	}
	const tries = 9
	base := slugOf(b.Name)
	if base == "" {
		base = "bot-" + b.PublicID[:6]
	}
	for n := 1; ; n++ {
		b.Slug = base
		switch {
		case n > tries:
			b.Slug = base + "-" + b.PublicID[:12]
		case n > 1:
			b.Slug = base + "-" + strconv.Itoa(n)
		}
		made, err := c.DB.MakeBot(ctx, by, b)
		if n > tries || !hasCode(err, "slug_taken") {
			return made, err
		}
	}
}

func hasCode(err error, code string) bool {
	e, ok := errors.AsType[*access.Error](err)
	return ok && e.Code == code
}

// EditBot changes the fields that the form names.
func (c *Control) EditBot(ctx context.Context, by access.Actor, publicID string, f BotForm) (db.BotRow, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return db.BotRow{}, err
	}
	old, err := c.DB.Bot(ctx, by.WorkspaceID, publicID)
	if err != nil {
		return db.BotRow{}, err
	}
	change, err := c.checkBot(ctx, by, f, old.Bot, false)
	if err != nil {
		return db.BotRow{}, err
	}
	if err := c.DB.EditBot(ctx, by, by.WorkspaceID, publicID, change); err != nil {
		return db.BotRow{}, err
	}
	return c.DB.Bot(ctx, by.WorkspaceID, publicID)
}

// SetBotEnabled stops a bot's answers, or lets it answer again.
func (c *Control) SetBotEnabled(ctx context.Context, by access.Actor, publicID string, enabled bool) (db.BotRow, error) {
	return c.EditBot(ctx, by, publicID, BotForm{Enabled: &enabled})
}

// DeleteBot removes a bot. Share links and API tokens of it that still work are
// revoked with it, which has to be confirmed.
func (c *Control) DeleteBot(ctx context.Context, by access.Actor, publicID string, confirmed bool) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	return c.DB.DeleteBot(ctx, by, by.WorkspaceID, publicID, confirmed)
}

// BotReach is what deleting a bot would stop.
type BotReach struct {
	Row   db.BotRow
	Calls int64 // in the last 24 hours, up to db.CountMax + 1
}

// BotReach says what deleting a bot would stop.
func (c *Control) BotReach(ctx context.Context, by access.Actor, publicID string) (BotReach, error) {
	row, err := c.Bot(ctx, by, publicID)
	if err != nil {
		return BotReach{}, err
	}
	calls, err := c.DB.CountBotCalls(ctx, by.WorkspaceID, row.ID, c.Now().Add(-24*time.Hour))
	return BotReach{Row: row, Calls: calls}, err
}

// checkBot checks every field that was sent and reports all that is wrong.
func (c *Control) checkBot(ctx context.Context, by access.Actor, f BotForm, old access.Bot, creating bool) (db.BotChange, error) {
	change := db.BotChange{
		Welcome: f.Welcome, SystemPrompt: f.SystemPrompt, AvatarURL: f.AvatarURL, AvatarID: f.AvatarID,
		RetentionDays: f.RetentionDays, Enabled: f.Enabled, Version: f.Version,
	}
	var wrong []error
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if f.Name != nil || creating {
		name, err := checkName(deref(f.Name), "name")
		note(err)
		change.Name = &name
	}
	if f.Slug != nil && (*f.Slug != "" || !creating) {
		note(checkSlug(*f.Slug))
		change.Slug = f.Slug
	}
	note(c.checkBotModel(ctx, by, f, old, creating, &change))
	note(checkText(deref(f.Welcome), "welcome", access.WelcomeMax))
	note(checkPrompt(deref(f.SystemPrompt)))
	note(checkAvatarURL(deref(f.AvatarURL)))
	note(checkBotLists(f, &change))
	note(checkBotJSON(f, &change))
	if f.Kind != nil {
		kind := access.BotKind(*f.Kind)
		if kind != access.DialogBot && kind != access.AgentBot {
			note(access.Fail(access.Invalid, "bot_kind", "A bot is of kind dialog or agent.").At("kind"))
		}
		change.Kind = &kind
	}
	if f.RetentionDays != nil && *f.RetentionDays != nil && (**f.RetentionDays < 0 || **f.RetentionDays > RetentionMax) {
		note(access.Fail(access.Invalid, "retention_range", "Conversations are kept for 0 to %d days, or for ever.", RetentionMax).At("retention_days"))
	}
	return change, errors.Join(wrong...)
}

// checkBotModel finds the provider and looks for the model among its chat models,
// wherever one of the two changes.
func (c *Control) checkBotModel(ctx context.Context, by access.Actor, f BotForm, old access.Bot, creating bool, change *db.BotChange) error {
	if f.Provider == nil && f.Model == nil && !creating {
		return nil
	}
	providers, err := c.DB.FindProviders(ctx, by.WorkspaceID)
	if err != nil {
		return err
	}
	model, id := old.Model, old.ProviderID
	if f.Model != nil {
		model = strings.TrimSpace(*f.Model)
	}
	var own access.Provider
	for _, p := range providers {
		if f.Provider != nil && p.PublicID == *f.Provider || f.Provider == nil && p.ID == id {
			own = p
		}
	}
	change.ProviderID, change.Model = &own.ID, &model
	switch m, listed := own.Model(model); {
	case own.ID == 0 && f.Provider == nil && !creating:
		return access.Fail(access.Invalid, "bot_provider_gone", "The bot's provider was deleted. Choose another one with the model.").At("provider_id")
	case own.ID == 0:
		return access.Fail(access.Invalid, "bot_provider_unknown", "Choose one of the workspace's providers.").At("provider_id")
	case own.ID == old.ProviderID && model == old.Model:
		return nil // as it was, even where the provider has dropped the model since
	case model == "":
		return access.Fail(access.Invalid, "bot_model_missing", "Choose a model.").At("model")
	case !listed:
		return access.Fail(access.Invalid, "bot_model_unknown", "%s lists no model %s. Add it there first, or choose another.", own.Name, model).At("model")
	case m.Kind != access.ChatModel:
		return access.Fail(access.Invalid, "bot_model_kind", "%s makes embeddings and cannot chat. Choose a chat model.", model).At("model")
	}
	return nil
}

func checkBotLists(f BotForm, change *db.BotChange) error {
	var wrong []error
	if f.SuggestedQuestions != nil {
		questions, err := checkQuestions(*f.SuggestedQuestions)
		wrong = append(wrong, err)
		change.SuggestedQuestions = &questions
	}
	if f.AllowedOrigins != nil {
		origins, err := access.ParseOrigins(*f.AllowedOrigins)
		wrong = append(wrong, err)
		change.AllowedOrigins = &origins
	}
	return errors.Join(wrong...)
}

func checkQuestions(entries []string) ([]string, error) {
	questions := compact(entries)
	if len(questions) > access.SuggestionsMax {
		return nil, access.Fail(access.Invalid, "questions_too_many", "At most %d suggested questions fit.", access.SuggestionsMax).At("suggested_questions")
	}
	for _, q := range questions {
		if err := checkText(q, "suggested_questions", access.SuggestionMax); err != nil {
			return nil, err
		}
	}
	return questions, nil
}
