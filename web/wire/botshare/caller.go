package botshare

import (
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// Door serves the bot-share API.
type Door struct {
	Control  *control.Control
	Gateway  *gateway.Gateway
	Origin   func(c *fiber.Ctx) string // scheme and host that people reach this server by
	Now      func() time.Time
	Log      *slog.Logger
	Language lang.Lang // of messages that the contract does not have, to clients that name none
}

// workspaceHeader names the workspace in which something is made.
const workspaceHeader = "X-Latchkey-Workspace"

// Serve serves an address.
func (d *Door) Serve(serve fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := serve(c); err != nil {
			return d.Error(c, err)
		}
		return nil
	}
}

// find says who calls, in the words of the house.
func (d *Door) find(c *fiber.Ctx) (access.Actor, error) {
	by, err := d.Control.ActorOfBearer(c.UserContext(), wire.Bearer(c), wire.Address(c).String(), access.DoorBotShare, c.Get(workspaceHeader))
	wire.Known(c, err)
	return by, err
}

// caller says who calls, or that it is nobody.
func (d *Door) caller(c *fiber.Ctx) (access.Actor, error) {
	by, err := d.find(c)
	return by, sayCaller(err)
}

// sayCaller answers in the contract's words why a caller is nobody.
func sayCaller(err error) error {
	switch access.KindOf(err) {
	case access.SignedOut, access.Revoked, access.Expired:
		return nobody
	case access.NotFound:
		return noSuchWorkspace
	}
	return err
}

// admin lets in whoever may change who gets in somewhere.
func (d *Door) admin(c *fiber.Ctx) (access.Actor, error) {
	by, err := d.caller(c)
	if err != nil {
		return access.Actor{}, err
	}
	manages, err := d.Control.IsManager(c.UserContext(), by)
	if err == nil && !manages {
		err = notAdmin
	}
	return by, err
}

// customer lets in customers alone. Whoever holds the master key is nobody there.
func (d *Door) customer(c *fiber.Ctx) (access.Actor, error) {
	by, err := d.caller(c)
	switch {
	case err != nil:
		return access.Actor{}, err
	case by.Kind == access.ActorMaster:
		return access.Actor{}, nobody
	case by.Kind != access.ActorCustomer:
		return access.Actor{}, onlyCustomers
	}
	return by, nil
}
