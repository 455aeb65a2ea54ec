package ragflow

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// Door serves RAGFlow's API.
type Door struct {
	Control  *control.Control
	Gateway  *gateway.Gateway
	Ping     func(context.Context) error // says whether the database answers
	Now      func() time.Time
	Version  string
	Log      *slog.Logger
	Language lang.Lang // of messages that the contract does not have, to clients that name none
}

// workspaceHeader names the workspace that the master key acts in.
const workspaceHeader = "X-Latchkey-Workspace"

// Open serves an address for whoever calls.
func (d *Door) Open(serve fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := serve(c); err != nil {
			return d.Error(c, err)
		}
		return nil
	}
}

// As serves an address for the user who calls.
func (d *Door) As(serve func(*fiber.Ctx, access.Actor) error) fiber.Handler {
	return d.as(serve, false)
}

// AsManager serves an address for the user who calls, or for an API token that may
// manage.
func (d *Door) AsManager(serve func(*fiber.Ctx, access.Actor) error) fiber.Handler {
	return d.as(serve, true)
}

func (d *Door) as(serve func(*fiber.Ctx, access.Actor) error, tokens bool) fiber.Handler {
	return d.Open(func(c *fiber.Ctx) error {
		by, err := d.caller(c, tokens)
		if err != nil {
			return err
		}
		return serve(c, by)
	})
}

// caller says which user calls, or the master key; where tokens may call too, also
// which of them.
func (d *Door) caller(c *fiber.Ctx, tokens bool) (access.Actor, error) {
	by, err := d.bearer(c, "")
	if name := c.Get(workspaceHeader); err == nil && by.Kind == access.ActorMaster && name != "" {
		by, err = d.bearer(c, name)
	}
	switch kind := access.KindOf(err); {
	case err != nil && (kind == 0 || kind == access.Busy):
		return access.Actor{}, err
	case kind == access.NotFound:
		return access.Actor{}, tenantUnknown
	case err != nil:
		return access.Actor{}, unauthorized
	}
	switch by.Kind {
	case access.ActorUser, access.ActorMaster:
		return by, nil
	case access.ActorToken:
		if tokens && by.May(access.ChangeAccess) {
			return by, nil
		}
	}
	return access.Actor{}, unauthorized
}

func (d *Door) bearer(c *fiber.Ctx, workspace string) (access.Actor, error) {
	by, err := d.Control.ActorOfBearer(c.UserContext(), wire.Bearer(c), wire.Address(c).String(), access.DoorRAGFlow, workspace)
	wire.Known(c, err)
	return by, err
}

// tenant is the public id of the workspace that the caller acts in.
func (d *Door) tenant(c *fiber.Ctx, by access.Actor) (string, error) {
	if by.WorkspaceID == 0 {
		return "", tenantUnknown
	}
	w, err := d.Control.Workspace(c.UserContext(), by)
	if access.KindOf(err) == access.NotFound {
		err = tenantUnknown
	}
	return w.PublicID, err
}

// strictBearer is the credential of a header that consists of the word Bearer and
// one more.
func strictBearer(c *fiber.Ctx) (text string, ok bool) {
	words := strings.Fields(c.Get(fiber.HeaderAuthorization))
	if len(words) != 2 || !strings.EqualFold(words[0], "bearer") {
		return "", false
	}
	return words[1], true
}
