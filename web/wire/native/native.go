// Package native is Latchkey's own API, /api/latchkey/v1/*: everything that the
// pages do, for programs.
//
// It promises true HTTP statuses, one error envelope, rows that are spelled field
// by field, and that a body's field which nobody knows is refused by its name. It
// holds no rule of its own: each handler decodes, makes one call to control and
// encodes. Secrets stand only in the answers that create, reveal or rotate.
//
// Start with routes.go for the list of addresses and who may call them, tokens.go
// for the shape of a noun, errors.go for how a refusal is spelled.
package native

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// Door serves the native API.
type Door struct {
	Control  *control.Control
	Gateway  *gateway.Gateway          // told to write what waits for the request log
	Origin   func(c *fiber.Ctx) string // scheme and host that links begin with
	Now      func() time.Time
	Log      *slog.Logger
	Language lang.Lang // of messages to clients that name none
}

// Header names of the native API.
const (
	workspaceHeader = "X-Latchkey-Workspace"
	onceHeader      = "Idempotency-Key"
	againHeader     = "Idempotency-Replayed"
)

// actor says who calls, and in which workspace.
func (d *Door) actor(c *fiber.Ctx, r Route) (access.Actor, error) {
	find := d.Control.ActorOfBearer
	if r.Where != InWorkspace {
		find = d.Control.ActorOfInstance
	}
	by, err := find(c.UserContext(), wire.Bearer(c), wire.Address(c).String(), access.DoorNative, c.Get(workspaceHeader))
	wire.Known(c, err)
	if err != nil {
		return access.Actor{}, err
	}
	if r.Where == Named {
		return d.Control.InWorkspace(c.UserContext(), by, c.Params("id"))
	}
	if r.Need == 0 {
		return by, nil
	}
	return by, by.Must(r.Need)
}

// body reads the request's JSON. A call without one has an empty object where
// that is enough.
func body(c *fiber.Ctx, optional bool) ([]byte, error) {
	raw, err := wire.Body(c, wire.BodyMax)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 && optional {
		return []byte("{}"), nil
	}
	if c.Get(fiber.HeaderContentType) != "" && !wire.IsJSON(c) {
		return nil, access.Fail(access.Invalid, "content_type", "Send the body as application/json.")
	}
	return raw, nil
}

// create answers a call that creates something: 201 with the row, and the same
// answer again for the same Idempotency-Key.
func create[F any](d *Door, c *fiber.Ctx, by access.Actor, act func(context.Context, F) (any, error)) error {
	raw, err := body(c, false)
	if err != nil {
		return err
	}
	call := control.Call{Key: c.Get(onceHeader), Method: c.Method(), Path: c.Path(), Body: raw}
	a, err := d.Control.OnceForCall(c.UserContext(), by, call, func() (control.Answer, error) {
		row, err := decodeAnd(c, raw, act)
		if err != nil {
			return control.Answer{}, err
		}
		text, err := json.Marshal(row)
		return control.Answer{Status: fiber.StatusCreated, Body: text}, err
	})
	if err != nil {
		return err
	}
	if a.Again {
		c.Set(againHeader, "true")
	}
	return wire.SendRaw(c, a.Status, a.Body)
}

// change answers a call that changes something with what it is now. Without a
// body it is one without fields.
func change[F any](c *fiber.Ctx, act func(context.Context, F) (any, error)) error {
	raw, err := body(c, c.Method() == fiber.MethodPost)
	if err != nil {
		return err
	}
	row, err := decodeAnd(c, raw, act)
	if err != nil {
		return err
	}
	return send(c, row)
}

func decodeAnd[F any](c *fiber.Ctx, raw []byte, act func(context.Context, F) (any, error)) (any, error) {
	o, err := strict.Parse(raw)
	if err != nil {
		return nil, err
	}
	var f F
	if err := decode(o.Encode(), &f); err != nil {
		return nil, err
	}
	return act(c.UserContext(), f)
}

// nothing is the body of a call that takes no fields.
type nothing struct{}

func send(c *fiber.Ctx, row any) error {
	return wire.SendJSON(c, fiber.StatusOK, row)
}

// show answers with a row, or with why there is none.
func show(c *fiber.Ctx, row any, err error) error {
	if err != nil {
		return err
	}
	return send(c, row)
}

// gone answers a call that deletes.
func gone(c *fiber.Ctx, err error) error {
	if err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// scene is what every row of an answer is spelled with.
type scene struct {
	workspace access.Workspace
	now       time.Time
}

func (d *Door) scene(ctx context.Context, by access.Actor) (scene, error) {
	w, err := d.Control.Workspace(ctx, by)
	return scene{workspace: w, now: d.Now()}, err
}

// spelled is the answer that an act on a row ends with.
func spelled[R, V any](ctx context.Context, d *Door, by access.Actor, row R, err error, spell func(scene, R) V) (any, error) {
	if err != nil {
		return nil, err
	}
	s, err := d.scene(ctx, by)
	return spell(s, row), err
}

// purse is a budget as it stands now.
func (s scene) purse(p access.Purse) access.Purse { return p.At(s.now, s.workspace.Location()) }
