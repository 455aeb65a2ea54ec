// Package ops is what an operator's tools ask: is it alive, can it answer.
//
// It promises answers without a credential that hold nothing of the instance, and
// refuses metrics to anyone who is neither on this machine nor has the token.
package ops

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
)

// readyWait bounds the check behind /readyz.
const readyWait = 2 * time.Second

// Ops answers the operator's tools.
type Ops struct {
	Ping     func(context.Context) error // can the database answer?
	Draining atomic.Bool
}

// Healthy serves GET /healthz: the process runs.
func (o *Ops) Healthy(c *fiber.Ctx) error { return c.SendString("ok\n") }

// Ready serves GET /readyz: 200 when calls can be answered, 503 while shutting
// down or when the database does not answer.
func (o *Ops) Ready(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), readyWait)
	defer cancel()
	if o.Draining.Load() {
		return c.Status(fiber.StatusServiceUnavailable).SendString("draining\n")
	}
	if err := o.Ping(ctx); err != nil {
		return c.Status(fiber.StatusServiceUnavailable).SendString("the database does not answer\n")
	}
	return c.SendString("ready\n")
}
