package web

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/gateway"
	"latchkey/web/wire/ragflow"
)

// gateway is what the holder of an API token calls.
func (r Rooms) gateway(app *fiber.App) {
	app.Post("/v1/chat/completions", r.OpenAI.Ask(gateway.Chat))
	app.Post("/v1/completions", r.OpenAI.Ask(gateway.Completions))
	app.Post("/v1/embeddings", r.OpenAI.Ask(gateway.Embeddings))
	app.Post("/v1/responses", r.OpenAI.Ask(gateway.Responses))
	app.Get("/v1/models", crossOrigin, r.OpenAI.Models)
	app.Options("/v1/models", crossOrigin)
	app.Get("/v1/models/*", crossOrigin, r.OpenAI.Model)
	for _, path := range []string{"/dashboard/billing/subscription", "/v1/dashboard/billing/subscription"} {
		app.Get(path, crossOrigin, r.OpenAI.Subscription)
		app.Options(path, crossOrigin)
	}
	for _, path := range []string{"/dashboard/billing/usage", "/v1/dashboard/billing/usage"} {
		app.Get(path, crossOrigin, r.OpenAI.Billed)
		app.Options(path, crossOrigin)
	}
	for _, path := range []string{"/api/usage/token", "/api/usage/token/"} {
		app.Get(path, crossOrigin, r.OpenAI.Usage)
		app.Options(path, crossOrigin)
	}
	app.Get("/api/log/token", crossOrigin, r.OpenAI.HolderLog)
	app.Options("/api/log/token", crossOrigin)
	app.Get("/api/latchkey/v1/verify", r.OpenAI.Verify)
	app.Post("/api/latchkey/v1/verify", r.OpenAI.Verify)
	if r.RAGFlow != nil {
		r.ragflow(app)
	}
	app.All("/v1/*", r.OpenAI.NotFound)
}

// dialects is the native API and the management of the four dialects.
func (r Rooms) dialects(app *fiber.App) {
	// The native API: its list, with who may call what, is web/wire/native/routes.go.
	if r.Native != nil {
		r.Native.Mount(app)
	}

	// New API's management.
	if n := r.NewAPI; n != nil {
		both := slashed(app)
		both(fiber.MethodGet, "/api/token", n.As(n.Tokens))
		both(fiber.MethodPost, "/api/token", n.As(n.CreateToken))
		both(fiber.MethodPut, "/api/token", n.As(n.EditToken))
		both(fiber.MethodGet, "/api/token/search", n.As(n.SearchTokens))
		both(fiber.MethodPost, "/api/token/batch", n.As(n.DeleteTokens))
		both(fiber.MethodPost, "/api/token/batch/keys", n.As(n.RevealTokens))
		both(fiber.MethodGet, "/api/token/:id", n.As(n.Token))
		both(fiber.MethodDelete, "/api/token/:id", n.As(n.DeleteToken))
		both(fiber.MethodPost, "/api/token/:id/key", n.As(n.RevealToken))
		both(fiber.MethodGet, "/api/status", n.Open(n.Status))
		both(fiber.MethodPost, "/api/user/login", n.Open(n.Login))
		both(fiber.MethodPost, "/api/user/register", n.Open(n.Register))
		both(fiber.MethodGet, "/api/user/logout", n.Open(n.Logout))
		both(fiber.MethodGet, "/api/user/self", n.As(n.Self))
		both(fiber.MethodGet, "/api/user/self/groups", n.As(n.Groups))
		both(fiber.MethodGet, "/api/user/token", n.As(n.AccessToken))
		both(fiber.MethodGet, "/api/user/models", n.As(n.Models))
	}

	// Fess's access tokens and its search call.
	if f := r.Fess; f != nil {
		both := slashed(app)
		both(fiber.MethodGet, "/api/admin/accesstoken/settings", f.As(f.Settings))
		both(fiber.MethodPut, "/api/admin/accesstoken/settings", f.As(f.Settings))
		both(fiber.MethodPost, "/api/admin/accesstoken/settings", f.As(f.Settings))
		both(fiber.MethodPost, "/api/admin/accesstoken/setting", f.As(f.CreateSetting))
		both(fiber.MethodPut, "/api/admin/accesstoken/setting", f.As(f.EditSetting))
		both(fiber.MethodGet, "/api/admin/accesstoken/setting/:id", f.As(f.Setting))
		both(fiber.MethodDelete, "/api/admin/accesstoken/setting/:id", f.As(f.DeleteSetting))
		both(fiber.MethodGet, "/json", f.Search)
	}

	// bot-share's links, customers and chat.
	if b := r.BotShare; b != nil {
		both := slashed(app)
		both(fiber.MethodPost, "/api/v1/bots/:id/share-tokens", b.Serve(b.CreateShare))
		both(fiber.MethodGet, "/api/v1/bots/:id/share-tokens", b.Serve(b.Shares))
		both(fiber.MethodDelete, "/api/v1/bot-share-tokens/:id", b.Serve(b.RevokeShare))
		both(fiber.MethodPost, "/api/v1/end-users", b.Serve(b.CreateCustomer))
		both(fiber.MethodGet, "/api/v1/end-users", b.Serve(b.Customers))
		both(fiber.MethodPost, "/api/v1/end-users/:id/reset-password", b.Serve(b.ResetPassword))
		both(fiber.MethodDelete, "/api/v1/end-users/:id", b.Serve(b.DeleteCustomer))
		both(fiber.MethodGet, "/api/v1/public/bot-share/:share", b.Serve(b.Bot))
		both(fiber.MethodPost, "/api/v3/chat/completions", b.Serve(b.Chat))
		both(fiber.MethodGet, "/api/v1/auth/verify", b.Serve(b.Verify))
		// The other two, which RAGFlow shares.
		var login, logout fiber.Handler
		if f := r.RAGFlow; f != nil {
			login, logout = f.Open(f.Login), f.As(f.Logout)
		}
		both(fiber.MethodPost, "/api/v1/auth/login", r.login(b.Serve(b.Login), login))
		both(fiber.MethodPost, "/api/v1/auth/logout", r.logout(b.Serve(b.Logout), logout))
	}
}

// slashed adds an address with and without a slash at its end.
func slashed(app *fiber.App) func(method, path string, h fiber.Handler) {
	return func(method, path string, h fiber.Handler) {
		app.Add(method, path, h)
		app.Add(method, path+"/", h)
	}
}

// ragflow is RAGFlow's part of the list, each address with and without a slash at
// its end. What else stands below its part of /v1 is its own to refuse.
func (r Rooms) ragflow(app *fiber.App) {
	f := r.RAGFlow
	var shared []string // below /v1, where the gateway would answer what is left
	add := slashed(app)
	both := func(method, path string, h fiber.Handler) {
		add(method, path, h)
		if strings.HasPrefix(path, gatewayPrefix) {
			shared = append(shared, path, path+"/")
		}
	}

	// The documents' addresses.
	both(fiber.MethodPost, "/v1/user/register", f.Open(f.Register))
	both(fiber.MethodPost, "/v1/user/login", f.Open(f.Login))
	both(fiber.MethodGet, "/v1/user/login", f.Open(f.Login))
	both(fiber.MethodPost, "/v1/system/new_token", f.As(f.CreateToken))
	both(fiber.MethodGet, "/v1/system/token_list", f.As(f.TokenList))
	both(fiber.MethodDelete, "/v1/system/token/:token", f.As(f.DeleteToken))

	// Their newer names; /api/v1/auth/login and logout stand with bot-share's.
	both(fiber.MethodPost, "/api/v1/users", f.Open(f.Register))
	for _, noun := range []string{"tokens", "keys"} {
		both(fiber.MethodPost, "/api/v1/system/"+noun, f.AsManager(f.CreateToken))
		both(fiber.MethodGet, "/api/v1/system/"+noun, f.AsManager(f.Tokens))
		both(fiber.MethodDelete, "/api/v1/system/"+noun+"/:token", f.AsManager(f.DeleteToken))
	}

	// What clients look at beside them.
	for _, base := range []string{"/v1/system", "/api/v1/system"} {
		both(fiber.MethodGet, base+"/ping", f.Open(f.Pong))
		both(fiber.MethodGet, base+"/config", f.Open(f.Config))
		both(fiber.MethodGet, base+"/public_key", f.Open(f.PublicKey))
	}
	both(fiber.MethodGet, "/v1/system/version", f.As(f.UsersVersion))
	both(fiber.MethodGet, "/api/v1/system/version", f.Open(f.OpenVersion))
	both(fiber.MethodGet, "/v1/system/status", f.As(f.Status))
	both(fiber.MethodGet, "/v1/user/logout", f.As(f.Logout))
	both(fiber.MethodGet, "/v1/user/info", f.As(f.Info))
	both(fiber.MethodGet, "/v1/user/tenant_info", f.As(f.TenantInfo))
	both(fiber.MethodPost, "/v1/user/set_tenant_info", f.As(f.SetTenantInfo))
	both(fiber.MethodGet, "/v1/llm/my_llms", f.As(f.MyLLMs))
	both(fiber.MethodPost, "/v1/llm/set_api_key", f.As(f.SetAPIKey))

	// Its admin server's.
	both(fiber.MethodPost, "/api/v1/admin/login", f.Open(f.AdminLogin))
	for _, noun := range []struct{ create, list, one string }{{"new_token", "token_list", "token"}, {"keys", "keys", "keys"}} {
		const user = "/api/v1/admin/users/:email/"
		both(fiber.MethodPost, user+noun.create, f.AsAdmin(ragflow.NoUser, f.CreateKey))
		both(fiber.MethodGet, user+noun.list, f.AsAdmin(ragflow.NoSuchUser, f.Keys))
		both(fiber.MethodDelete, user+noun.one+"/:token", f.AsAdmin(ragflow.NoSuchUser, f.DeleteKey))
	}

	// Bots: with a beta key, and with an API token.
	both(fiber.MethodPost, "/api/v1/chatbots/:id/completions", f.Open(f.AskBot))
	both(fiber.MethodPost, "/api/v1/agentbots/:id/completions", f.Open(f.AskBot))
	both(fiber.MethodGet, "/v1/conversation/getsse/:id", f.Open(f.BotInfo))
	both(fiber.MethodGet, "/v1/canvas/getsse/:id", f.Open(f.BotInfo))
	both(fiber.MethodPost, "/api/v1/conversation/completion", f.Open(f.Converse))
	for _, noun := range []string{"chats_openai", "agents_openai", "openai"} {
		both(fiber.MethodPost, "/api/v1/"+noun+"/:id/chat/completions", f.Open(f.Complete))
	}

	for _, path := range shared {
		app.All(path, f.WrongMethod)
	}
	for _, noun := range []string{"user", "system", "llm", "conversation", "canvas"} {
		app.All(gatewayPrefix+noun, f.NotFound)
		app.All(gatewayPrefix+noun+"/*", f.NotFound)
	}
}

// crossOrigin lets pages elsewhere read what a token's holder may read. No cookie
// is ever looked at there.
func crossOrigin(c *fiber.Ctx) error {
	c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
	if c.Method() == fiber.MethodOptions {
		c.Set(fiber.HeaderAccessControlAllowHeaders, "Authorization, X-Api-Key, Content-Type")
		c.Set(fiber.HeaderAccessControlAllowMethods, "GET")
		return c.SendStatus(fiber.StatusNoContent)
	}
	return c.Next()
}
