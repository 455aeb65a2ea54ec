package web

import (
	"log/slog"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/gateway"
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

// routes is every address of the product: what tools and browsers fetch here, what
// programs call in routes_api.go, what people see in routes_pages.go.
func (r Rooms) routes(app *fiber.App) {
	app.Get("/healthz", r.Ops.Healthy)
	app.Get("/readyz", r.Ops.Ready)
	app.Get("/metrics", r.counts.Metrics(r.Config.MetricsToken.Reveal()))
	manual := sync.OnceValue(Manual) // made when somebody reads it
	app.Get("/openapi.json", r.Ops.OpenAPI(manual))
	app.Get("/docs", r.Ops.Docs(manual))
	app.Get("/docs/:door", r.Ops.Docs(manual))
	app.Get("/static/*", asset)
	app.Get("/favicon.ico", asset)
	r.gateway(app)
	r.dialects(app)
	r.signingIn(app)
	r.customers(app)
	r.workspace(app)
	r.instance(app)
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
