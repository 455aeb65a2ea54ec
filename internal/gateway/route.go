package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/secret"
	"latchkey/internal/upstream"
)

// botPrefix marks a model name that means a bot.
const botPrefix = "bot:"

// target is what a call asks: a model, perhaps through a bot, and the providers
// that may answer, in the order in which they are tried.
type target struct {
	bot    access.Bot
	routes []route
}

// route is a provider and the model it would be asked for.
type route struct {
	provider access.Provider
	model    access.Model
}

func (c *call) names() string {
	var names []string
	for _, r := range c.routes {
		if !slices.Contains(names, r.model.UpstreamName) {
			names = append(names, r.model.UpstreamName)
		}
	}
	if len(names) == 0 {
		return c.asked
	}
	return listText(names)
}

// narrow keeps the routes whose model passes.
func (c *call) narrow(pass func(access.Model) bool) {
	if refused := func(r route) bool { return !pass(r.model) }; slices.ContainsFunc(c.routes, refused) {
		c.routes = slices.DeleteFunc(slices.Clone(c.routes), refused)
	}
}

func modelUnknown(name string) error {
	return access.Fail(access.NotFound, "model_not_found", "There is no model %s here. GET /v1/models lists those that this token may use.", name).At("model")
}

// aim finds the bot and the providers that a call asks. bot names a bot of the
// route or of the binding; otherwise the model does, or is one.
func (g *Gateway) aim(ctx context.Context, c *call, bot string) error {
	kind := access.ChatModel
	if c.path == Embeddings {
		kind = access.EmbeddingModel
	}
	switch name, isBot := strings.CutPrefix(c.asked, botPrefix); {
	case c.token.BotID != 0 && c.path != Embeddings:
		b, err := g.DB.FindBot(ctx, c.token.BotID)
		if err != nil {
			return botGone(err)
		}
		// A bound token always asks its bot, whatever it names; another bot is
		// refused by the rule of the binding.
		if isBot && name != b.PublicID && name != b.Slug || bot != "" && bot != b.PublicID && bot != b.Slug {
			c.other = cmp.Or(bot, c.asked)
		}
		return g.aimAtBot(ctx, c, b)
	case bot != "" || isBot:
		if bot == "" {
			bot = name
		}
		b, err := g.DB.BotByAny(ctx, c.workspace.ID, bot)
		if access.KindOf(err) == access.NotFound {
			c.check(RuleModel, false, c.asked, "")
			return modelUnknown(botPrefix + bot)
		}
		if err != nil {
			return err
		}
		return g.aimAtBot(ctx, c, b)
	}
	return g.aimAtModel(ctx, c, c.asked, kind, 0)
}

func botGone(err error) error {
	if access.KindOf(err) == access.NotFound {
		return access.Fail(access.NotFound, "model_not_found", "The bot of this API token is gone.")
	}
	return err
}

func (g *Gateway) aimAtBot(ctx context.Context, c *call, b access.Bot) error {
	c.bot = b
	if b.Deleted || !b.Enabled {
		c.check(RuleBot, false, b.Name, "")
		return access.Fail(access.NotFound, "model_not_found", "The bot %s is switched off.", b.Name)
	}
	if c.asked == "" {
		c.asked = botPrefix + b.Slug
	}
	return g.aimAtModel(ctx, c, b.Model, access.ChatModel, b.ProviderID)
}

// aimAtModel lists the providers of the workspace that serve a model: the bot's
// own first, then by priority, health and id.
func (g *Gateway) aimAtModel(ctx context.Context, c *call, name string, kind access.ModelKind, first int64) error {
	if name == "" {
		return access.Fail(access.Invalid, "model_missing", "Name a model: \"model\" is missing or empty.").At("model")
	}
	providers, err := g.DB.FindProviders(ctx, c.workspace.ID)
	if err != nil {
		return err
	}
	known := false
	for _, p := range providers {
		m, ok := p.Model(name)
		if !ok || m.Kind != kind {
			continue
		}
		known = true
		if p.Serving() {
			c.routes = append(c.routes, route{p, m})
		}
	}
	if !known {
		c.check(RuleModel, false, name, "")
		if c.bot.ID != 0 {
			return access.Fail(access.Busy, "model_not_found", "No provider serves this bot's model %s any more. Its owner has to choose another.", name)
		}
		return modelUnknown(name)
	}
	if len(c.routes) == 0 {
		c.check(RuleModel, false, name, "")
		return access.Fail(access.Busy, "model_not_found", "No provider serves the model %s to the group %s at this moment.",
			name, cmp.Or(c.group.Name, c.workspace.GroupName))
	}
	slices.SortStableFunc(c.routes, func(a, b route) int { return g.rank(a, first) - g.rank(b, first) })
	return nil
}

// rank puts the bot's own provider first and those in trouble last; within that
// the order by priority and id is kept.
func (g *Gateway) rank(r route, first int64) int {
	rank := 1
	if r.provider.ID == first {
		rank = 0
	}
	if g.health.open(r.provider.ID) {
		rank += 2
	}
	return rank
}

// endpoint opens a provider's key for one call.
func (g *Gateway) endpoint(p access.Provider) (upstream.Endpoint, error) {
	ep := upstream.Endpoint{BaseURL: p.BaseURL}
	if len(p.KeySealed) > 0 {
		key, err := g.Keys.Open(secret.Place{Table: "providers", Row: p.PublicID, Column: "key_sealed"}, p.KeySealed)
		if err != nil {
			return ep, err
		}
		ep.Key = string(key)
	}
	return ep, nil
}

// outgoing is the body for one provider: the caller's, with the provider's name
// of the model, the bot's prompt and defaults, the output cap, and usage asked for.
func (c *call) outgoing(m access.Model) []byte {
	o := c.body.Clone()
	o.Set("model", quote(m.UpstreamName))
	if c.bot.ID != 0 {
		c.addDefaults(o)
		c.addPrompt(o)
	}
	if c.cap > 0 {
		o.Set(c.capKey, number(c.cap))
	}
	if c.stream && (c.path == Chat || c.path == Completions) {
		o.Set("stream_options", json.RawMessage(`{"include_usage":true}`))
	}
	return o.Encode()
}

func quote(text string) json.RawMessage {
	b, _ := json.Marshal(text)
	return b
}

func number(n int64) json.RawMessage {
	b, _ := json.Marshal(n)
	return b
}
