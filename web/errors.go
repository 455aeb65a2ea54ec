package web

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/web/page"
	"latchkey/web/wire"
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/fess"
	"latchkey/web/wire/native"
	"latchkey/web/wire/newapi"
	"latchkey/web/wire/ragflow"
)

// errorHandler spells an error in the words of the door it came through.
func (r Rooms) errorHandler(c *fiber.Ctx, err error) error {
	if c.GetRespHeader("X-Request-Id") == "" {
		return r.unreadable(c, err)
	}
	status := 0
	if e, ok := errors.AsType[*fiber.Error](err); ok {
		status, err = e.Code, ofFiber(e)
	}
	err = r.spell(c, err)
	if status != 0 {
		c.Status(status)
	}
	return err
}

// unreadable answers what the engine refused before any handler saw it. Of a head
// that it could not read nothing is left, not even the address.
func (r Rooms) unreadable(c *fiber.Ctx, err error) error {
	c.Set("X-Request-Id", r.Gateway.NewRequestID())
	r.setPolicy(c)
	e, ok := errors.AsType[*fiber.Error](err)
	if !ok || c.Path() != "/" {
		return r.errorHandler(c, err)
	}
	if e.Code == fiber.StatusBadRequest {
		e = fiber.NewError(e.Code, "This is no HTTP request that can be read.")
	}
	if err := r.OpenAI.Error(c, ofFiber(e)); err != nil {
		return err
	}
	c.Status(e.Code)
	return nil
}

func (r Rooms) spell(c *fiber.Ctx, err error) error {
	if ragflow.Owns(c.Path()) && r.RAGFlow != nil && (r.BotShare == nil || !botshare.Owns(c.Path())) {
		return r.RAGFlow.Error(c, err)
	}
	if strings.HasPrefix(c.Path(), gatewayPrefix) {
		return r.OpenAI.Error(c, err)
	}
	if strings.HasPrefix(c.Path(), native.Base+"/") && r.Native != nil {
		return r.Native.Error(c, err)
	}
	if botshare.Owns(c.Path()) && r.BotShare != nil {
		return r.BotShare.Error(c, err)
	}
	if newapi.Owns(c.Path()) && r.NewAPI != nil {
		return r.NewAPI.Error(c, err)
	}
	if fess.Owns(c.Path()) && r.Fess != nil {
		return r.Fess.Error(c, err)
	}
	if strings.HasPrefix(c.Path()+"/", "/api/") && r.Native != nil {
		return r.Native.Error(c, err) // below /api nobody expects a page
	}
	if strings.HasPrefix(c.Path()+"/", "/dashboard/billing/") {
		return r.OpenAI.Error(c, err)
	}
	id := c.GetRespHeader("X-Request-Id")
	if access.KindOf(err) == 0 {
		r.Log.Error("fault in a page", "route", c.Route().Path, "request", id, "error", err)
	}
	f := page.Failure{Reference: id, SignIn: "/login"}
	if r.Dashboard != nil && !outside(c.Path()) {
		f.Shell = r.Dashboard.FailureShell
	}
	return page.Error(c, err, f)
}

// outside reports whether an address is no part of the dashboard, whoever is signed
// in: a customer's, a stranger's, a file.
func outside(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "s", "embed", "chat", "accent", "static", "docs",
		"setup", "login", "logout", "register", "language", "hand-over", "invite", "key":
		return true
	}
	return false
}

// ofFiber gives the framework's own errors a kind.
func ofFiber(e *fiber.Error) error {
	switch e.Code {
	case fiber.StatusNotFound:
		return access.Fail(access.NotFound, "page_unknown", "There is nothing at this address.")
	case fiber.StatusMethodNotAllowed:
		return access.Fail(access.Invalid, "method", "This address does not take that method.")
	case fiber.StatusRequestEntityTooLarge:
		return access.Fail(access.Invalid, "body_too_large", "The body is larger than %d KiB.", wire.AskMax>>10)
	}
	return access.Fail(access.Invalid, "request", "%s", e.Message).Because(e)
}
