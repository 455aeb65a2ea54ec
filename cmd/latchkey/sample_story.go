package main

import (
	"context"
	"crypto/rand"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
)

// The models of the sample: both chat models are the demo's. The one without a
// price of its own costs the default price, as pages that show it say.
const (
	sampleLarge = "demo-large"
	sampleSmall = "demo"
	sampleEmbed = "demo-embedding"
)

// sampleGuest is the customer whose password is printed.
const sampleGuest = "mei.tanaka"

// newPassword makes a password for a person to type. Secrets are never made from
// the seed.
func (s *sample) newPassword() string { return secret.NewPassword(rand.Reader) }

// plan writes down what people do, and when.
func (s *sample) plan() {
	s.on(61, 9, 5, s.connectModels)
	s.on(61, 9, 40, s.makeBots)
	s.planCalls()
	s.planTokens()
	s.planLinks()
	s.planCustomers()
	s.planTalks()
	s.planChanges()
}

func (s *sample) connectModels(ctx context.Context) error {
	chat := func(name string) access.Model {
		return access.Model{Name: name, UpstreamName: sampleSmall, Kind: access.ChatModel, MaxOutput: 4096}
	}
	_, err := s.control.CreateProvider(ctx, s.owner, control.ProviderForm{
		Name: new("Demo model"), BaseURL: new(access.DemoURL), SetUp: true, Priority: new(int64(10)),
		Models: &[]access.Model{chat(sampleSmall), chat(sampleLarge), {Name: sampleEmbed, UpstreamName: sampleEmbed, Kind: access.EmbeddingModel}},
	})
	if err != nil {
		return err
	}
	_, err = s.control.CreateProvider(ctx, s.owner, control.ProviderForm{
		Name: new("Paris gateway"), BaseURL: new("https://models.acme.example/v1"), Key: new("placeholder-not-a-key"),
		Models: &[]access.Model{{Name: "qwen-max", UpstreamName: "qwen-max", Kind: access.ChatModel, MaxOutput: 8192}},
	})
	if err != nil {
		return err
	}
	for _, p := range []control.PriceForm{
		{Model: new(sampleLarge), Prompt: new("10"), Completion: new("30")},
		{Model: new(sampleEmbed), Prompt: new("0.1"), Completion: new("0")},
		{Model: new("qwen-max"), Prompt: new("1.6"), Completion: new("6.4")},
	} {
		if _, err := s.control.CreatePrice(ctx, s.owner, p); err != nil {
			return err
		}
	}
	return nil
}

type sampleBot struct {
	name, slug, model, prompt, welcome string
	questions                          []string
}

var sampleBots = []sampleBot{
	{
		"Support Bot", "support", sampleLarge,
		"You are the support assistant of Acme. Answer in the customer's language, in at most six sentences, and only about Acme's products: the Acme Hub, its sensors and the Acme app. When you are not sure, say so and give the address support@acme.example. Never promise refunds or dates.",
		"Hello, I am Acme's assistant. Ask me about your Hub, its sensors or the app.",
		[]string{"My Hub shows a red light. What now?", "How do I add a second sensor?", "Can I change my delivery address?"},
	},
	{
		"Docs Bot", "docs", sampleSmall,
		"You answer questions about the Acme developer documentation. Quote endpoint names exactly and give short examples in curl. If the documentation does not cover something, say that it does not.",
		"Ask about the Acme API: endpoints, webhooks, limits.",
		[]string{"How do I verify a webhook's signature?", "What are the rate limits?"},
	},
	{
		"Sales Bot", "sales", sampleLarge,
		"You help visitors to choose between Acme Home, Acme Team and Acme Fleet. Ask at most two questions before you recommend one. Prices are on acme.example/prices; do not invent any.",
		"Which Acme plan fits you? Tell me what you want to connect.",
		[]string{"What is the difference between Team and Fleet?", "Do you offer a trial?"},
	},
	{
		"HR Bot", "hr", sampleSmall,
		"You answer questions of new colleagues about their first weeks at Acme: accounts, holidays, expenses. You never give legal advice.",
		"Welcome to Acme! What would you like to know about your first weeks?",
		[]string{"How many days of holiday do I have?", "Who approves my expenses?"},
	},
	{
		"客服助手", "kefu", sampleLarge,
		"你是 Acme 的中文客服助手。请用简洁、礼貌的中文回答，只回答与 Acme 产品有关的问题；不确定时请说明，并给出 support@acme.example。",
		"您好，我是 Acme 的客服助手，请问有什么可以帮您？",
		[]string{"设备一直闪红灯怎么办？", "如何更换收货地址？", "保修期是多久？"},
	},
	{
		"Eval Bot", "eval", "qwen-max",
		"You grade the answers of another assistant from 1 to 5 and give one sentence of reason. Output JSON only.",
		"", nil,
	},
}

func (s *sample) makeBots(ctx context.Context) error {
	providers, err := s.control.Providers(ctx, s.owner)
	if err != nil {
		return err
	}
	for i, b := range sampleBots {
		s.clock.to(s.clock.now().Add(time.Duration(4+i) * time.Minute))
		form := control.BotForm{
			Name: new(b.name), Slug: new(b.slug), Model: new(b.model), SystemPrompt: new(b.prompt), Welcome: new(b.welcome),
			SuggestedQuestions: &b.questions, Provider: new(providerOf(providers, b.model)),
		}
		if s.bots[b.name], err = s.control.CreateBot(ctx, s.owner, form); err != nil {
			return err
		}
	}
	return nil
}

func providerOf(all []db.ProviderRow, model string) string {
	for _, p := range all {
		if _, ok := p.Model(model); ok {
			return p.PublicID
		}
	}
	return ""
}

// planChanges is what people did since to what was made.
func (s *sample) planChanges() {
	s.on(9, 18, 12, s.changeToken("Partner: Northwind", func(ctx context.Context, id string) error { return s.control.DisableToken(ctx, s.owner, id) }))
	s.on(6, 10, 4, func(ctx context.Context) error {
		return s.control.PauseShare(ctx, s.ana, s.links["HR pilot"].row.PublicID)
	})
	s.on(4, 15, 31, func(ctx context.Context) error {
		return s.control.DisableCustomer(ctx, s.owner, s.people["nora.klein"].row.PublicID)
	})
	s.on(3, 11, 25, s.changeToken("Trade fair kiosk", func(ctx context.Context, id string) error {
		_, _, err := s.control.RevealToken(ctx, s.ana, id)
		return err
	}))
	s.on(3, 11, 26, s.changeToken("Trade fair kiosk", func(ctx context.Context, id string) error { return s.control.RevokeToken(ctx, s.ana, id) }))
	s.on(2, 11, 28, func(ctx context.Context) error {
		return s.control.RevokeShare(ctx, s.ana, s.links["Trade fair"].row.PublicID)
	})
	s.on(1, 13, 40, s.changeToken("客服小程序 · 生产", func(ctx context.Context, id string) error {
		k := s.tokens["客服小程序 · 生产"]
		_, err := s.control.EditToken(ctx, s.zhou, id, control.TokenForm{
			ExpiresAt: new(s.at(-12, 0, 0)), Models: &[]string{sampleSmall}, ModelsLimited: new(true), Addresses: &[]string{"203.0.113.0/24"},
			Quota: db.QuotaChange{Quota: new(k.budget)},
		})
		return err
	}))
	s.on(1, 16, 40, func(ctx context.Context) error {
		_, err := s.control.ResetCustomerPassword(ctx, s.owner, s.people["王芳"].row.PublicID, control.CustomerForm{})
		return err
	})
	s.on(0, 0, 6, s.pauseProvider)
	s.on(0, 0, 24, func(ctx context.Context) error {
		_, err := s.control.EditBot(ctx, s.owner, s.bots["Support Bot"].PublicID, control.BotForm{
			SystemPrompt: new(sampleBots[0].prompt + " Name the article in the help centre that your answer is from."),
		})
		return err
	})
}

func (s *sample) changeToken(name string, do func(context.Context, string) error) func(context.Context) error {
	return func(ctx context.Context) error { return do(ctx, s.tokens[name].row.PublicID) }
}

// pauseProvider is what the gateway does when a provider refuses Latchkey's key.
func (s *sample) pauseProvider(ctx context.Context) error {
	providers, err := s.control.Providers(ctx, s.owner)
	if err != nil {
		return err
	}
	for _, p := range providers {
		if p.Name == "Paris gateway" {
			by := access.Actor{Kind: access.ActorUpkeep, Name: "gateway", Door: access.DoorGateway}
			return s.db.SetProviderPaused(ctx, by, p.Provider, "provider_key_refused")
		}
	}
	return nil
}
