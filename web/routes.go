package web

import (
	"log/slog"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/gateway"
	"latchkey/static"
	"latchkey/web/chat"
	"latchkey/web/dashboard"
	"latchkey/web/ops"
	"latchkey/web/session"
	"latchkey/web/wire"
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/fess"
	"latchkey/web/wire/native"
	"latchkey/web/wire/newapi"
	"latchkey/web/wire/openai"
	"latchkey/web/wire/ragflow"
)

// Rooms is what the app is made of.
type Rooms struct {
	Config    config.Config
	Port      string // that is listened on
	Gateway   *gateway.Gateway
	OpenAI    *openai.Door
	Ops       *ops.Ops
	Dashboard *dashboard.Dashboard
	Chat      *chat.Chat
	Native    *native.Door
	NewAPI    *newapi.Door
	BotShare  *botshare.Door
	RAGFlow   *ragflow.Door
	Fess      *fess.Door
	Now       func() time.Time
	Log       *slog.Logger

	counts *ops.Counts
}

// routes is every address of the product, on one screen.
func (r Rooms) routes(app *fiber.App) {
	// What tools and browsers fetch.
	app.Get("/healthz", r.Ops.Healthy)
	app.Get("/readyz", r.Ops.Ready)
	app.Get("/metrics", r.counts.Metrics(r.Config.MetricsToken.Reveal()))
	manual := sync.OnceValue(Manual) // made when somebody reads it
	app.Get("/openapi.json", r.Ops.OpenAPI(manual))
	app.Get("/docs", r.Ops.Docs(manual))
	app.Get("/docs/:door", r.Ops.Docs(manual))
	app.Get("/static/*", asset)
	app.Get("/favicon.ico", asset)

	// The gateway.
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

	// The native API: its list, with who may call what, is web/wire/native/routes.go.
	if r.Native != nil {
		r.Native.Mount(app)
	}

	// New API's management, each address with and without a slash at its end.
	if n := r.NewAPI; n != nil {
		both := func(method, path string, h fiber.Handler) {
			app.Add(method, path, h)
			app.Add(method, path+"/", h)
		}
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

	// Fess's access tokens and its search call, likewise.
	if f := r.Fess; f != nil {
		both := func(method, path string, h fiber.Handler) {
			app.Add(method, path, h)
			app.Add(method, path+"/", h)
		}
		both(fiber.MethodGet, "/api/admin/accesstoken/settings", f.As(f.Settings))
		both(fiber.MethodPut, "/api/admin/accesstoken/settings", f.As(f.Settings))
		both(fiber.MethodPost, "/api/admin/accesstoken/settings", f.As(f.Settings))
		both(fiber.MethodPost, "/api/admin/accesstoken/setting", f.As(f.CreateSetting))
		both(fiber.MethodPut, "/api/admin/accesstoken/setting", f.As(f.EditSetting))
		both(fiber.MethodGet, "/api/admin/accesstoken/setting/:id", f.As(f.Setting))
		both(fiber.MethodDelete, "/api/admin/accesstoken/setting/:id", f.As(f.DeleteSetting))
		both(fiber.MethodGet, "/json", f.Search)
	}

	// bot-share's links, customers and chat, likewise.
	if b := r.BotShare; b != nil {
		both := func(method, path string, h fiber.Handler) {
			app.Add(method, path, h)
			app.Add(method, path+"/", h)
		}
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

	// Signing in.
	d := r.Dashboard
	app.Get("/setup", d.Setup)
	app.Post("/setup", r.open(d.CreateAdmin)...)
	app.Get("/setup/workspace", r.setup(d.SetupWorkspace)...)
	app.Post("/setup/workspace", r.setup(d.NameWorkspace)...)
	app.Get("/setup/model", r.setup(d.SetupModel)...)
	app.Post("/setup/model", r.setup(d.ConnectModel)...)
	app.Get("/setup/model/try", r.setup(d.TryDemo)...)
	app.Post("/setup/model/try", r.setup(d.TryDemo)...)
	app.Get("/setup/bot", r.setup(d.SetupBot)...)
	app.Post("/setup/bot", r.setup(d.MakeFirstBot)...)
	app.Get("/setup/share", r.setup(d.SetupShare)...)
	app.Post("/setup/share", r.setup(d.MakeFirstShare)...)
	app.Get("/setup/customer", r.setup(d.SetupCustomer)...)
	app.Post("/setup/customer", r.setup(d.MakeFirstCustomer)...)
	app.Post("/setup/done", r.setup(d.FinishSetup)...)
	app.Get("/login", d.Login)
	app.Post("/login", r.open(d.SignIn)...)
	app.Post("/login/code", r.open(d.SignInSecond)...)
	app.Get("/register", d.Register)
	app.Post("/register", r.open(d.SignUp)...)
	app.Post("/language", r.open(d.Language)...)
	app.Post("/logout", r.open(d.SignOut)...)
	app.Get("/confirm", r.page(d.Confirm)...)
	app.Post("/confirm", r.page(d.ConfirmPassword)...)
	app.Post("/workspace", r.page(d.SwitchWorkspace)...)

	// One-time links, and who holds an API token: nobody is signed in there.
	app.Get("/hand-over/:code", d.Handover)
	app.Post("/hand-over/:code", r.open(d.OpenHandover)...)
	app.Get("/invite/:code", d.Invitation)
	app.Post("/invite/:code", r.open(d.AcceptInvitation)...)
	app.Get("/key", d.AskKey)
	app.Post("/key", r.open(d.Key)...)

	// Customers: share links and the chat.
	if t := r.Chat; t != nil {
		app.Get("/accent/:colour", t.Accent)
		app.Post("/s/:share/login", r.open(t.SignIn)...)
		app.Post("/s/:share/logout", r.open(t.SignOut)...)
		app.Get("/s/:share/password", t.Password)
		app.Post("/s/:share/password", r.open(t.ChangePassword)...)
		app.Get("/s/:share/account", t.Account)
		app.Post("/s/:share/account/language", r.open(t.ChooseLanguage)...)
		app.Post("/s/:share/account/sessions/end", r.open(t.EndOtherSessions)...)
		app.Post("/s/:share/account/sessions/:session/end", r.open(t.EndSession)...)
		app.Get("/s/:share/account/delete", t.AskDeleteAll)
		app.Post("/s/:share/account/delete", r.open(t.DeleteAll)...)
		app.Get("/embed.js", embedScript)
		app.Get("/chat/share", t.Embed)
		for _, chat := range []string{"/embed/:beta", "/embed/:beta/bots/:bot"} {
			app.Get(chat+"/visitor", t.Probe)
			app.Post(chat+"/identity", r.open(t.Introduce)...)
			app.Post(chat+"/forget", r.open(t.Forget)...)
			app.Post(chat+"/language", r.open(t.FrameLanguage)...)
		}
		for _, chat := range []string{"/s/:share", "/embed/:beta", "/embed/:beta/bots/:bot"} {
			app.Get(chat, t.Share)
			app.Get(chat+"/face", t.Face)
			app.Get(chat+"/history", t.History)
			app.Post(chat+"/ask", r.open(t.Ask)...)
			app.Get(chat+"/c/:conversation", t.Talk)
			app.Post(chat+"/c/:conversation/ask", r.open(t.Ask)...)
			app.Post(chat+"/c/:conversation/stop", r.open(t.Stop)...)
			app.Get(chat+"/c/:conversation/q/:question/events", t.Events)
			app.Post(chat+"/c/:conversation/q/:question/rate", r.open(t.Rate)...)
			app.Get(chat+"/c/:conversation/menu", t.TalkMenu)
			app.Get(chat+"/c/:conversation/rename", t.AskRename)
			app.Post(chat+"/c/:conversation/rename", r.open(t.RenameTalk)...)
			app.Get(chat+"/c/:conversation/delete", t.AskDelete)
			app.Post(chat+"/c/:conversation/delete", r.open(t.DeleteTalk)...)
		}
	}

	// Settings.
	app.Get("/settings", r.page(d.Settings)...)
	app.Get("/settings/profile", r.page(d.Profile)...)
	app.Post("/settings/profile", r.page(d.EditProfile)...)
	app.Get("/settings/password", r.page(d.Password)...)
	app.Post("/settings/password", r.page(d.ChangePassword)...)
	app.Get("/settings/two-factor", r.page(d.TwoFactor)...)
	app.Post("/settings/two-factor", r.page(d.EnableTwoFactor)...)
	app.Post("/settings/two-factor/new", r.page(d.ProposeApp)...)
	app.Post("/settings/two-factor/codes", r.page(d.ReplaceRecoveryCodes)...)
	app.Post("/settings/two-factor/off", r.page(d.DisableTwoFactor)...)
	app.Get("/settings/sessions", r.page(d.SignIns)...)
	app.Post("/settings/sessions/end", r.page(d.EndOtherSignIns)...)
	app.Post("/settings/sessions/:id/end", r.page(d.EndSignIn)...)
	app.Get("/settings/workspace", r.page(d.Workspace, access.ChangeWorkspace)...)
	app.Post("/settings/workspace", r.page(d.EditWorkspace, access.ChangeWorkspace)...)
	app.Get("/settings/members", r.page(d.Members, access.ChangeWorkspace)...)
	app.Post("/settings/members", r.page(d.CreateMember, access.ChangeWorkspace)...)
	app.Get("/settings/members/new", r.page(d.NewMember, access.ChangeWorkspace)...)
	app.Post("/settings/members/invitations", r.page(d.CreateInvitation, access.ChangeWorkspace)...)
	app.Get("/settings/members/invitations/new", r.page(d.NewInvitation, access.ChangeWorkspace)...)
	app.Post("/settings/members/invitations/:id/delete", r.page(d.DeleteInvitation, access.ChangeWorkspace)...)
	app.Post("/settings/members/:id", r.page(d.EditMember, access.ChangeWorkspace)...)
	app.Get("/settings/members/:id/remove", r.page(d.RemoveMember, access.ChangeWorkspace)...)
	app.Post("/settings/members/:id/remove", r.page(d.DeleteMember, access.ChangeWorkspace)...)
	app.Get("/settings/api", r.page(d.API, access.SeeLists)...)
	app.Post("/settings/api", r.page(d.FillAPI, access.ChangeAccess)...)

	// Insight: the first page, usage, the request log, the audit log.
	app.Get("/", r.page(d.Overview)...)
	app.Get("/search", r.page(d.Search, access.SeeLists)...)
	app.Get("/usage", r.page(d.Usage, access.SeeLists)...)
	app.Get("/usage.csv", r.page(d.UsageCSV, access.SeeLists)...)
	app.Get("/requests", r.page(d.Requests, access.SeeLists)...)
	app.Get("/requests.csv", r.page(d.RequestsCSV, access.SeeLists)...)
	app.Get("/requests/why", r.page(d.Why, access.SeeLists)...)
	app.Get("/requests/:id", r.page(d.Request, access.SeeLists)...)
	app.Get("/audit", r.page(d.Audit, access.ReadAudit)...)
	app.Get("/audit.csv", r.page(d.AuditCSV, access.ReadAudit)...)
	app.Get("/audit/:seq", r.page(d.AuditEntry, access.ReadAudit)...)
	app.Post("/audit/verify", r.page(d.VerifyAudit, access.ReadAudit)...)

	// Providers and bots.
	app.Get("/providers", r.page(d.Providers, access.SeeLists)...)
	app.Post("/providers", r.page(d.CreateProvider, access.ChangeProviders)...)
	app.Get("/providers/new", r.page(d.NewProvider, access.ChangeProviders)...)
	app.Post("/providers/models", r.page(d.FetchModels, access.ChangeProviders)...)
	app.Post("/providers/test", r.page(d.TestProvider, access.ChangeProviders)...)
	app.Get("/providers/:id", r.page(d.Provider, access.SeeLists)...)
	app.Post("/providers/:id", r.page(d.EditProvider, access.ChangeProviders)...)
	app.Get("/providers/:id/menu", r.page(d.ProviderMenu, access.ChangeProviders)...)
	app.Post("/providers/:id/models", r.page(d.FetchModels, access.ChangeProviders)...)
	app.Post("/providers/:id/test", r.page(d.TestProvider, access.ChangeProviders)...)
	app.Post("/providers/:id/enable", r.page(d.EnableProvider, access.ChangeProviders)...)
	app.Post("/providers/:id/disable", r.page(d.DisableProvider, access.ChangeProviders)...)
	app.Post("/providers/:id/resume", r.page(d.ResumeProvider, access.ChangeProviders)...)
	app.Get("/providers/:id/delete", r.page(d.AskDeleteProvider, access.ChangeProviders)...)
	app.Post("/providers/:id/delete", r.page(d.DeleteProvider, access.ChangeProviders)...)
	app.Get("/bots", r.page(d.Bots, access.SeeLists)...)
	app.Post("/bots", r.page(d.CreateBot, access.ChangeAccess)...)
	app.Get("/bots/new", r.page(d.NewBot, access.ChangeAccess)...)
	app.Get("/bots/:id", r.page(d.Bot, access.SeeLists)...)
	app.Post("/bots/:id", r.page(d.EditBot, access.ChangeAccess)...)
	app.Get("/bots/:id/links", r.page(d.BotLinks, access.SeeLists)...)
	app.Get("/bots/:id/tokens", r.page(d.BotTokens, access.SeeLists)...)
	app.Get("/bots/:id/face", r.page(d.BotFace, access.SeeLists)...)
	app.Post("/bots/:id/face", r.page(d.SetBotFace, access.ChangeAccess)...)
	app.Post("/bots/:id/face/remove", r.page(d.RemoveBotFace, access.ChangeAccess)...)
	app.Get("/bots/:id/embed", r.page(d.BotEmbed, access.SeeLists)...)
	app.Post("/bots/:id/embed", r.page(d.EditEmbed, access.ChangeAccess)...)
	app.Post("/bots/:id/embed/code", r.page(d.EmbedCode, access.ChangeAccess)...)
	app.Get("/bots/:id/identity", r.page(d.AskIdentityKey, access.ChangeAccess)...)
	app.Post("/bots/:id/identity", r.page(d.MakeIdentityKey, access.ChangeAccess)...)
	app.Get("/bots/:id/identity/off", r.page(d.AskDropIdentityKey, access.ChangeAccess)...)
	app.Post("/bots/:id/identity/off", r.page(d.DropIdentityKey, access.ChangeAccess)...)
	app.Post("/bots/:id/identity/try", r.page(d.TryIdentity, access.ChangeAccess)...)
	app.Get("/bots/:id/menu", r.page(d.BotMenu, access.ChangeAccess)...)
	app.Get("/bots/:id/try", r.page(d.TryPanel, access.AskBots)...)
	app.Get("/bots/:id/try/stop", r.page(d.StopTry, access.AskBots)...)
	app.Post("/bots/:id/try", r.page(d.TryBot, access.AskBots)...)
	app.Post("/bots/:id/enable", r.page(d.EnableBot, access.ChangeAccess)...)
	app.Get("/bots/:id/disable", r.page(d.AskDisableBot, access.ChangeAccess)...)
	app.Post("/bots/:id/disable", r.page(d.DisableBot, access.ChangeAccess)...)
	app.Get("/bots/:id/delete", r.page(d.AskDeleteBot, access.ChangeAccess)...)
	app.Post("/bots/:id/delete", r.page(d.DeleteBot, access.ChangeAccess)...)

	// API tokens, share links, customers, and long work on them.
	app.Get("/jobs/:id", r.page(d.Job, access.SeeLists)...)
	app.Post("/jobs/:id/result", r.page(d.JobResult, access.ChangeAccess)...)
	app.Get("/tokens", r.page(d.Tokens, access.SeeLists)...)
	app.Get("/tokens.csv", r.page(d.TokensCSV, access.SeeLists)...)
	app.Post("/tokens", r.page(d.CreateToken, access.ChangeAccess)...)
	app.Get("/tokens/new", r.page(d.NewToken, access.ChangeAccess)...)
	app.Post("/tokens/bulk/:verb", r.page(d.BulkTokens, access.ChangeAccess)...)
	app.Get("/tokens/:id", r.page(d.Token, access.SeeLists)...)
	app.Post("/tokens/addresses", r.page(d.TestAddresses, access.ChangeAccess)...)
	app.Post("/tokens/:id/addresses", r.page(d.TestAddresses, access.ChangeAccess)...)
	app.Get("/tokens/:id/menu", r.page(d.TokenMenu, access.ChangeAccess)...)
	app.Get("/tokens/:id/snippet", r.page(d.TokenSnippet, access.SeeLists)...)
	app.Get("/tokens/:id/first-call", r.page(d.FirstCall, access.SeeLists)...)
	app.Post("/tokens/:id/reveal", r.page(d.RevealToken, access.ChangeAccess)...)
	app.Get("/tokens/:id/edit", r.page(d.AskEditToken, access.ChangeAccess)...)
	app.Post("/tokens/:id/edit", r.page(d.EditToken, access.ChangeAccess)...)
	app.Get("/tokens/:id/hand-over", r.page(d.AskHandOver, access.ChangeAccess)...)
	app.Post("/tokens/:id/hand-over", r.page(d.HandOver, access.ChangeAccess)...)
	app.Post("/tokens/:id/hand-over/text", r.page(d.HandOverText, access.ChangeAccess)...)
	app.Post("/tokens/:id/hand-over/:handover/delete", r.page(d.DeleteHandover, access.ChangeAccess)...)
	app.Get("/tokens/:id/rotate", r.page(d.AskRotateToken, access.ChangeAccess)...)
	app.Post("/tokens/:id/rotate", r.page(d.RotateToken, access.ChangeAccess)...)
	app.Post("/tokens/:id/enable", r.page(d.EnableToken, access.ChangeAccess)...)
	app.Get("/tokens/:id/disable", r.page(d.AskDisableToken, access.ChangeAccess)...)
	app.Post("/tokens/:id/disable", r.page(d.DisableToken, access.ChangeAccess)...)
	app.Get("/tokens/:id/revoke", r.page(d.AskRevokeToken, access.ChangeAccess)...)
	app.Post("/tokens/:id/revoke", r.page(d.RevokeToken, access.ChangeAccess)...)
	app.Post("/tokens/:id/undo-revoke", r.page(d.UndoRevokeToken, access.ChangeAccess)...)
	app.Get("/tokens/:id/delete", r.page(d.AskDeleteToken, access.ChangeAccess)...)
	app.Post("/tokens/:id/delete", r.page(d.DeleteToken, access.ChangeAccess)...)
	app.Get("/shares", r.page(d.Shares, access.SeeLists)...)
	app.Get("/shares.csv", r.page(d.SharesCSV, access.SeeLists)...)
	app.Post("/shares", r.page(d.CreateShare, access.ChangeAccess)...)
	app.Post("/shares/bulk/:verb", r.page(d.BulkShares, access.ChangeAccess)...)
	app.Get("/shares/new", r.page(d.NewShare, access.ChangeAccess)...)
	app.Get("/shares/:id", r.page(d.Share, access.SeeLists)...)
	app.Get("/shares/:id/menu", r.page(d.ShareMenu, access.ChangeAccess)...)
	app.Get("/shares/:id/show", r.page(d.AskShowShare, access.ChangeAccess)...)
	app.Post("/shares/:id/show", r.page(d.ShowShare, access.ChangeAccess)...)
	app.Post("/shares/:id/copy", r.page(d.CopyShare, access.ChangeAccess)...)
	app.Post("/shares/:id/qr", r.page(d.ShareQR, access.ChangeAccess)...)
	app.Get("/shares/:id/edit", r.page(d.AskEditShare, access.ChangeAccess)...)
	app.Post("/shares/:id/edit", r.page(d.EditShare, access.ChangeAccess)...)
	app.Post("/shares/:id/pause", r.page(d.PauseShare, access.ChangeAccess)...)
	app.Post("/shares/:id/resume", r.page(d.ResumeShare, access.ChangeAccess)...)
	app.Get("/shares/:id/revoke", r.page(d.AskRevokeShare, access.ChangeAccess)...)
	app.Post("/shares/:id/revoke", r.page(d.RevokeShare, access.ChangeAccess)...)
	app.Post("/shares/:id/undo-revoke", r.page(d.UndoRevokeShare, access.ChangeAccess)...)
	app.Get("/shares/:id/delete", r.page(d.AskDeleteShare, access.ChangeAccess)...)
	app.Post("/shares/:id/delete", r.page(d.DeleteShare, access.ChangeAccess)...)
	app.Get("/customers/:id/conversations", r.page(d.Conversations, access.ReadConversations)...)
	app.Get("/conversations/:id", r.page(d.Conversation, access.ReadConversations)...)
	app.Get("/customers", r.page(d.Customers, access.SeeLists)...)
	app.Get("/customers.csv", r.page(d.CustomersCSV, access.SeeLists)...)
	app.Post("/customers", r.page(d.CreateCustomer, access.ChangeAccess)...)
	app.Post("/customers/bulk/:verb", r.page(d.BulkCustomers, access.ChangeAccess)...)
	app.Get("/customers/new", r.page(d.NewCustomer, access.ChangeAccess)...)
	app.Get("/customers/import", r.page(d.ImportPage, access.ChangeAccess)...)
	app.Post("/customers/import", r.page(d.ImportCustomers, access.ChangeAccess)...)
	app.Get("/customers/:id", r.page(d.Customer, access.SeeLists)...)
	app.Get("/customers/:id/menu", r.page(d.CustomerMenu, access.ChangeAccess)...)
	app.Post("/customers/:id/sign-in-text", r.page(d.SignInText, access.ChangeAccess)...)
	app.Get("/customers/:id/edit", r.page(d.AskEditCustomer, access.ChangeAccess)...)
	app.Post("/customers/:id/edit", r.page(d.EditCustomer, access.ChangeAccess)...)
	app.Get("/customers/:id/reset", r.page(d.AskResetCustomer, access.ChangeAccess)...)
	app.Post("/customers/:id/reset", r.page(d.ResetCustomerPassword, access.ChangeAccess)...)
	app.Get("/customers/:id/end-sessions", r.page(d.AskEndSessions, access.ChangeAccess)...)
	app.Post("/customers/:id/end-sessions", r.page(d.EndCustomerSessions, access.ChangeAccess)...)
	app.Post("/customers/:id/sessions/:session/end", r.page(d.EndCustomerSession, access.ChangeAccess)...)
	app.Post("/customers/:id/enable", r.page(d.EnableCustomer, access.ChangeAccess)...)
	app.Get("/customers/:id/disable", r.page(d.AskDisableCustomer, access.ChangeAccess)...)
	app.Post("/customers/:id/disable", r.page(d.DisableCustomer, access.ChangeAccess)...)
	app.Get("/customers/:id/give", r.page(d.AskGiveLink, access.ChangeAccess)...)
	app.Post("/customers/:id/give", r.page(d.GiveLink, access.ChangeAccess)...)
	app.Post("/customers/:id/links/:share/take", r.page(d.TakeLink, access.ChangeAccess)...)
	app.Get("/customers/:id/delete", r.page(d.AskDeleteCustomer, access.ChangeAccess)...)
	app.Post("/customers/:id/delete", r.page(d.DeleteCustomer, access.ChangeAccess)...)

	// The instance: users, settings, prices, groups.
	app.Get("/settings/users", r.page(d.Users, access.RunInstance)...)
	app.Post("/settings/users", r.page(d.CreateUser, access.RunInstance)...)
	app.Get("/settings/users/new", r.page(d.NewUser, access.RunInstance)...)
	app.Get("/settings/users/:id", r.page(d.User, access.RunInstance)...)
	app.Post("/settings/users/:id", r.page(d.EditUser, access.RunInstance)...)
	app.Get("/settings/users/:id/reset", r.page(d.AskUser("reset"), access.RunInstance)...)
	app.Post("/settings/users/:id/reset", r.page(d.ResetUser, access.RunInstance)...)
	app.Get("/settings/users/:id/two-factor", r.page(d.AskUser("two-factor"), access.RunInstance)...)
	app.Post("/settings/users/:id/two-factor", r.page(d.ResetTwoFactor, access.RunInstance)...)
	app.Post("/settings/users/:id/enable", r.page(d.EnableUser, access.RunInstance)...)
	app.Get("/settings/users/:id/disable", r.page(d.AskUser("disable"), access.RunInstance)...)
	app.Post("/settings/users/:id/disable", r.page(d.DisableUser, access.RunInstance)...)
	app.Get("/settings/users/:id/delete", r.page(d.AskUser("delete"), access.RunInstance)...)
	app.Post("/settings/users/:id/delete", r.page(d.DeleteUser, access.RunInstance)...)
	app.Get("/settings/instance", r.page(d.Instance, access.RunInstance)...)
	app.Post("/settings/instance", r.page(d.EditInstance, access.RunInstance)...)
	app.Post("/settings/instance/hosts", r.page(d.EditHosts, access.RunInstance)...)
	app.Get("/settings/backups", r.page(d.Backups, access.RunInstance)...)
	app.Post("/settings/backups", r.page(d.MakeBackup, access.RunInstance)...)
	app.Post("/settings/backups/:name/verify", r.page(d.VerifyBackup, access.RunInstance)...)
	app.Post("/settings/backups/:name/drill", r.page(d.DrillBackup, access.RunInstance)...)
	app.Post("/settings/backups/:name/download", r.page(d.DownloadBackup, access.RunInstance)...)
	app.Get("/settings/backups/:name/delete", r.page(d.AskDeleteBackup, access.RunInstance)...)
	app.Post("/settings/backups/:name/delete", r.page(d.DeleteBackup, access.RunInstance)...)
	app.Get("/settings/health", r.page(d.Health, access.RunInstance)...)
	app.Post("/settings/health", r.page(d.CheckHealth, access.RunInstance)...)
	app.Get("/settings/prices", r.page(d.Prices, access.RunInstance)...)
	app.Post("/settings/prices", r.page(d.CreatePrice, access.RunInstance)...)
	app.Get("/settings/prices/new", r.page(d.NewPrice, access.RunInstance)...)
	app.Post("/settings/prices/default", r.page(d.SetDefaultPrice, access.RunInstance)...)
	app.Get("/settings/prices/:id/edit", r.page(d.AskEditPrice, access.RunInstance)...)
	app.Post("/settings/prices/:id", r.page(d.EditPrice, access.RunInstance)...)
	app.Get("/settings/prices/:id/delete", r.page(d.AskDeletePrice, access.RunInstance)...)
	app.Post("/settings/prices/:id/delete", r.page(d.DeletePrice, access.RunInstance)...)
	app.Get("/settings/groups", r.page(d.Groups, access.RunInstance)...)
	app.Post("/settings/groups", r.page(d.CreateGroup, access.RunInstance)...)
	app.Get("/settings/groups/new", r.page(d.NewGroup, access.RunInstance)...)
	app.Get("/settings/groups/:id/edit", r.page(d.AskEditGroup, access.RunInstance)...)
	app.Post("/settings/groups/:id", r.page(d.EditGroup, access.RunInstance)...)
	app.Get("/settings/groups/:id/delete", r.page(d.AskDeleteGroup, access.RunInstance)...)
	app.Post("/settings/groups/:id/delete", r.page(d.DeleteGroup, access.RunInstance)...)
}

// ragflow is RAGFlow's part of the list, each address with and without a slash at
// its end. What else stands below its part of /v1 is its own to refuse.
func (r Rooms) ragflow(app *fiber.App) {
	f := r.RAGFlow
	var shared []string // below /v1, where the gateway would answer what is left
	both := func(method, path string, h fiber.Handler) {
		app.Add(method, path, h)
		app.Add(method, path+"/", h)
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

// open is what stands before a page that needs nobody signed in: the request is
// no other site's, and a form is one of ours.
func (r Rooms) open(h fiber.Handler) []fiber.Handler {
	return []fiber.Handler{session.SameOrigin(r.Config.PublicURL.String()), r.Dashboard.Form, h}
}

// setup is what stands before a step of the set-up.
func (r Rooms) setup(h fiber.Handler) []fiber.Handler {
	return append(r.page(r.Dashboard.SettingUp), h)
}

// page is what stands before a page of the dashboard: open, somebody signed in,
// and a role that allows each of acts.
func (r Rooms) page(h fiber.Handler, acts ...access.Act) []fiber.Handler {
	all := []fiber.Handler{session.SameOrigin(r.Config.PublicURL.String()), r.Dashboard.Form, r.Dashboard.SignedIn}
	for _, act := range acts {
		all = append(all, r.Dashboard.Require(act))
	}
	return append(all, h)
}

// Sessions are kept by keeper, in cookies that the keys sign.
func (r Rooms) Sessions(keeper session.Keeper, keys [][]byte) *session.Sessions {
	return session.New(session.Options{Keeper: keeper, Keys: keys, Secure: r.secure(), Address: func(c *fiber.Ctx) string {
		if a := wire.Address(c); a.IsValid() {
			return a.String()
		}
		return ""
	}})
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

// asset serves the files inside the binary.
func asset(c *fiber.Ctx) error {
	name := c.Params("*")
	if name == "" {
		name = path.Base(static.URL("favicon.svg"))
	}
	return sendAsset(c, name, static.CacheControl)
}

// embedScript is the one file that other sites' pages name: its address stays, so
// it is asked for again.
func embedScript(c *fiber.Ctx) error {
	c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return sendAsset(c, path.Base(static.URL("embed.js")), "public, max-age=600")
}

func sendAsset(c *fiber.Ctx, name, cacheControl string) error {
	body, kind, encoding, ok := static.Open(name, c.Get(fiber.HeaderAcceptEncoding))
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderCacheControl, cacheControl)
	if encoding != "" {
		c.Set(fiber.HeaderContentEncoding, encoding)
	}
	return c.Send(body)
}
