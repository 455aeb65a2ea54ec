package native

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

// Base is what every address of the native API begins with.
const Base = "/api/latchkey/v1"

// Handler serves one route for whoever calls.
type Handler func(c *fiber.Ctx, by access.Actor) error

// Where says which workspace a call is about.
type Where uint8

const (
	InWorkspace Where = iota // the caller's, or the one that X-Latchkey-Workspace names; there must be one
	OfInstance               // none: the instance as a whole
	Named                    // the one in the path
)

// Route is one address and who may call it. Need is the act that the caller must
// be allowed; 0 leaves it to control, where the answer depends on who asks.
type Route struct {
	Method, Path string
	Where        Where
	Need         access.Act
	Serve        Handler
}

// Routes lists the native API. control asks again for every act.
func (d *Door) Routes() []Route {
	k := d.Control
	return []Route{
		{"GET", "/workspaces", OfInstance, 0, d.Workspaces},
		{"POST", "/workspaces", OfInstance, access.RunInstance, d.CreateWorkspace},
		{"GET", "/workspaces/:id", Named, 0, d.Workspace},
		{"PATCH", "/workspaces/:id", Named, 0, d.EditWorkspace},
		{"DELETE", "/workspaces/:id", Named, 0, d.DeleteWorkspace},

		{"GET", "/members", InWorkspace, access.ChangeWorkspace, d.Members},
		{"POST", "/members", InWorkspace, access.ChangeWorkspace, d.CreateMember},
		{"GET", "/members/:id", InWorkspace, access.ChangeWorkspace, d.Member},
		{"PATCH", "/members/:id", InWorkspace, access.ChangeWorkspace, d.EditMember},
		{"DELETE", "/members/:id", InWorkspace, access.ChangeWorkspace, d.DeleteMember},

		{"GET", "/users", OfInstance, access.RunInstance, d.Users},
		{"POST", "/users", OfInstance, access.RunInstance, d.CreateUser},
		{"GET", "/users/:id", OfInstance, access.RunInstance, d.User},
		{"PATCH", "/users/:id", OfInstance, access.RunInstance, d.EditUser},
		{"DELETE", "/users/:id", OfInstance, access.RunInstance, d.DeleteUser},

		{"GET", "/providers", InWorkspace, access.SeeLists, d.Providers},
		{"POST", "/providers", InWorkspace, access.ChangeProviders, d.CreateProvider},
		{"GET", "/providers/:id", InWorkspace, access.SeeLists, d.Provider},
		{"PATCH", "/providers/:id", InWorkspace, access.ChangeProviders, d.EditProvider},
		{"DELETE", "/providers/:id", InWorkspace, access.ChangeProviders, d.DeleteProvider},
		{"POST", "/providers/:id/test", InWorkspace, access.ChangeProviders, d.TestProvider},
		{"GET", "/providers/:id/models", InWorkspace, access.ChangeProviders, d.ProviderModels},

		{"GET", "/bots", InWorkspace, access.SeeLists, d.Bots},
		{"POST", "/bots", InWorkspace, access.ChangeAccess, d.CreateBot},
		{"GET", "/bots/:id", InWorkspace, access.SeeLists, d.Bot},
		{"PATCH", "/bots/:id", InWorkspace, access.ChangeAccess, d.EditBot},
		{"DELETE", "/bots/:id", InWorkspace, access.ChangeAccess, d.DeleteBot},

		{"GET", "/tokens", InWorkspace, access.SeeLists, d.Tokens},
		{"POST", "/tokens", InWorkspace, access.ChangeAccess, d.CreateToken},
		{"GET", "/tokens/:id", InWorkspace, access.SeeLists, d.Token},
		{"PATCH", "/tokens/:id", InWorkspace, access.ChangeAccess, d.EditToken},
		{"DELETE", "/tokens/:id", InWorkspace, access.ChangeAccess, d.DeleteToken},
		{"POST", "/tokens/:id/reveal", InWorkspace, access.ChangeAccess, d.RevealToken},
		{"POST", "/tokens/:id/rotate", InWorkspace, access.ChangeAccess, d.RotateToken},
		{"POST", "/tokens/:id/disable", InWorkspace, access.ChangeAccess, d.tokenVerb(k.DisableToken)},
		{"POST", "/tokens/:id/enable", InWorkspace, access.ChangeAccess, d.tokenVerb(k.EnableToken)},
		{"POST", "/tokens/:id/revoke", InWorkspace, access.ChangeAccess, d.tokenVerb(k.RevokeToken)},
		{"POST", "/tokens/:id/undo-revoke", InWorkspace, access.ChangeAccess, d.tokenVerb(k.UndoRevokeToken)},

		{"GET", "/shares", InWorkspace, access.SeeLists, d.Shares},
		{"POST", "/shares", InWorkspace, access.ChangeAccess, d.CreateShare},
		{"GET", "/shares/:id", InWorkspace, access.SeeLists, d.Share},
		{"PATCH", "/shares/:id", InWorkspace, access.ChangeAccess, d.EditShare},
		{"DELETE", "/shares/:id", InWorkspace, access.ChangeAccess, d.DeleteShare},
		{"POST", "/shares/:id/reveal", InWorkspace, access.ChangeAccess, d.RevealShare},
		{"POST", "/shares/:id/pause", InWorkspace, access.ChangeAccess, d.shareVerb(k.PauseShare)},
		{"POST", "/shares/:id/resume", InWorkspace, access.ChangeAccess, d.shareVerb(k.ResumeShare)},
		{"POST", "/shares/:id/revoke", InWorkspace, access.ChangeAccess, d.shareVerb(k.RevokeShare)},
		{"POST", "/shares/:id/undo-revoke", InWorkspace, access.ChangeAccess, d.shareVerb(k.UndoRevokeShare)},

		{"GET", "/customers", InWorkspace, access.SeeLists, d.Customers},
		{"POST", "/customers", InWorkspace, access.ChangeAccess, d.CreateCustomer},
		{"POST", "/customers/import", InWorkspace, access.ChangeAccess, d.ImportCustomers},
		{"GET", "/customers/:id", InWorkspace, access.SeeLists, d.Customer},
		{"PATCH", "/customers/:id", InWorkspace, access.ChangeAccess, d.EditCustomer},
		{"DELETE", "/customers/:id", InWorkspace, access.ChangeAccess, d.DeleteCustomer},
		{"POST", "/customers/:id/reset-password", InWorkspace, access.ChangeAccess, d.ResetCustomerPassword},
		{"POST", "/customers/:id/disable", InWorkspace, access.ChangeAccess, d.customerVerb(k.DisableCustomer)},
		{"POST", "/customers/:id/enable", InWorkspace, access.ChangeAccess, d.customerVerb(k.EnableCustomer)},
		{"POST", "/customers/:id/end-sessions", InWorkspace, access.ChangeAccess, d.customerVerb(k.EndCustomerSessions)},

		{"GET", "/groups", OfInstance, access.RunInstance, d.Groups},
		{"POST", "/groups", OfInstance, access.RunInstance, d.CreateGroup},
		{"GET", "/groups/:id", OfInstance, access.RunInstance, d.Group},
		{"PATCH", "/groups/:id", OfInstance, access.RunInstance, d.EditGroup},
		{"DELETE", "/groups/:id", OfInstance, access.RunInstance, d.DeleteGroup},

		{"GET", "/prices", OfInstance, access.RunInstance, d.Prices},
		{"POST", "/prices", OfInstance, access.RunInstance, d.CreatePrice},
		{"GET", "/prices/:id", OfInstance, access.RunInstance, d.Price},
		{"PATCH", "/prices/:id", OfInstance, access.RunInstance, d.EditPrice},
		{"DELETE", "/prices/:id", OfInstance, access.RunInstance, d.DeletePrice},

		{"GET", "/settings", OfInstance, access.RunInstance, d.Settings},
		{"PATCH", "/settings", OfInstance, access.RunInstance, d.EditSettings},

		{"GET", "/usage", InWorkspace, access.SeeLists, d.Usage},
		{"GET", "/requests", InWorkspace, access.SeeLists, d.Requests},
		{"GET", "/requests/:id/trace", InWorkspace, access.SeeLists, d.Trace},
		{"POST", "/why", InWorkspace, access.SeeLists, d.Why},
		{"GET", "/audit", InWorkspace, access.ReadAudit, d.Audit},
	}
}

// Mount puts the routes below Base. Every one finds out first who calls and
// whether they may.
func (d *Door) Mount(app fiber.Router) {
	for _, r := range d.Routes() {
		serve := func(c *fiber.Ctx) error {
			by, err := d.actor(c, r)
			if err != nil {
				return err
			}
			return r.Serve(c, by)
		}
		if r.Method == fiber.MethodGet {
			app.Get(Base+r.Path, serve) // HEAD with it
		} else {
			app.Add(r.Method, Base+r.Path, serve)
		}
	}
}
