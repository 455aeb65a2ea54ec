package ragflow

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/web/wire"
)

// What clients and test suites look at beside the tokens.

// Pong serves GET /v1/system/ping.
func (d *Door) Pong(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.SendString("pong")
}

// Config serves GET /v1/system/config.
func (d *Door) Config(c *fiber.Ctx) error {
	open, err := d.Control.RegistrationOpen(c.UserContext())
	if err != nil {
		return err
	}
	enabled := 0
	if open {
		enabled = 1
	}
	return sendData(c, success, map[string]any{"registerEnabled": enabled, "disablePasswordLogin": false})
}

// OpenVersion serves GET /api/v1/system/version.
func (d *Door) OpenVersion(c *fiber.Ctx) error { return sendData(c, success, d.Version) }

// UsersVersion serves GET /v1/system/version, which older servers answer only to users.
func (d *Door) UsersVersion(c *fiber.Ctx, _ access.Actor) error { return d.OpenVersion(c) }

// PublicKey serves GET /v1/system/public_key: the key under which clients may
// encrypt passwords, as a PEM file.
func (d *Door) PublicKey(c *fiber.Ctx) error {
	text, err := d.Control.PasswordPublicKey(c.UserContext())
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.SendString(text)
}

// Status serves GET /v1/system/status. There is a database and nothing else.
func (d *Door) Status(c *fiber.Ctx, _ access.Actor) error {
	began := d.Now()
	state := map[string]string{"database": "sqlite", "status": "green"}
	if err := d.Ping(c.UserContext()); err != nil {
		d.Log.Error("the database does not answer", "error", err)
		state["status"], state["error"] = "red", "The database does not answer."
	}
	state["elapsed"] = strconv.FormatFloat(float64(d.Now().Sub(began).Microseconds())/1000, 'f', 1, 64)
	none := map[string]string{"status": "unused"}
	return sendData(c, success, map[string]any{"database": state, "doc_engine": none, "storage": none, "redis": none})
}

// MyLLMs serves GET /v1/llm/my_llms: the workspace's providers and their models.
func (d *Door) MyLLMs(c *fiber.Ctx, by access.Actor) error {
	factories := map[string]any{}
	if !by.May(access.SeeLists) || by.WorkspaceID == 0 {
		return sendData(c, success, factories)
	}
	providers, err := d.Control.Providers(c.UserContext(), by)
	if err != nil {
		return err
	}
	for _, p := range providers {
		models := []map[string]any{}
		for _, m := range p.Models {
			models = append(models, map[string]any{"type": string(m.Kind), "name": m.Name, "used_token": 0})
		}
		factories[p.Name] = map[string]any{"tags": "LLM", "llm": models}
	}
	return sendData(c, success, factories)
}

// SetAPIKey serves POST /v1/llm/set_api_key: taken, and without effect. The keys of
// providers are set where their addresses are.
func (d *Door) SetAPIKey(c *fiber.Ctx, _ access.Actor) error {
	o, err := body(c, wire.BodyMax, false)
	if err == nil {
		err = required(o, "llm_factory", "api_key")
	}
	if err != nil {
		return err
	}
	return sendDone(c)
}
