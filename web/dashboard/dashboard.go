// Package dashboard is the owner's and the operator's pages. A handler decodes a
// form, calls one method of control, and shows what came back in the reader's
// language; it knows no rule.
//
// It promises that a page is drawn only for somebody who is signed in and whose
// role allows it, that a form which was drawn for another workspace than the one
// in view changes nothing, and that every page also works without script.
//
// Start with SignedIn and Require here, which stand before every page; shell.go is
// the frame that each page is drawn in, forms.go how a form is read. Each noun has
// a file of its own name.
package dashboard

import (
	"encoding/json"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
	"latchkey/web/session"
	"latchkey/web/wire"
)

// Dashboard is the room. Its fields are set once and not changed.
type Dashboard struct {
	Control  *control.Control
	Gateway  *gateway.Gateway
	Sessions *session.Sessions
	Origin   func(*fiber.Ctx) string // scheme and host that links begin with
	Now      func() time.Time
	Log      *slog.Logger
}

type visitKey struct{}

// here is who asks, and where.
type here struct {
	access.Visit
	workspace access.Workspace // zero: a user without any
}

// SignedIn lets only users who are signed in pass. It stands before every page
// but those of signing in, and puts language and workspace into the answer.
func (d *Dashboard) SignedIn(c *fiber.Ctx) error {
	h, err := d.arrive(c)
	wire.Known(c, err)
	if access.KindOf(err) == access.SignedOut && c.Method() == fiber.MethodGet && c.Get("HX-Request") == "" {
		return page.Redirect(c, "/login?next="+url.QueryEscape(page.Back(c)))
	}
	if err != nil {
		return err
	}
	if drawnFor := field(c, "workspace"); drawnFor != "" && drawnFor != h.workspace.PublicID {
		return access.Fail(access.Conflict, "workspace_moved",
			"This form was drawn for another workspace than the one that is open now. Nothing was changed. Open the page again.")
	}
	if h.User.MustChange && !allowedUnchanged(c.Path()) {
		return page.Redirect(c, "/settings/password")
	}
	return c.Next()
}

// arrive finds who asks, and where, and remembers it for this request.
func (d *Dashboard) arrive(c *fiber.Ctx) (*here, error) {
	v, err := d.Sessions.Visit(c)
	if err != nil {
		return nil, err
	}
	h := &here{Visit: v}
	if v.Actor.WorkspaceID != 0 {
		if h.workspace, err = d.Control.DB.FindWorkspace(c.UserContext(), v.Actor.WorkspaceID); err != nil {
			return nil, err
		}
		page.SetWorkspace(c, h.workspace.PublicID)
	}
	if l, ok := lang.Parse(v.User.Language); ok && v.User.Language != "" {
		page.SetLang(c, l)
	}
	c.Locals(visitKey{}, h)
	return h, nil
}

// allowedUnchanged lists what somebody with a password that was made for them can
// reach before they have chosen one.
func allowedUnchanged(path string) bool {
	return path == "/settings/password" || path == "/logout" || path == "/language"
}

// Require lets only users pass whose role in the workspace allows the act.
func (d *Dashboard) Require(act access.Act) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := d.actor(c).Must(act); err != nil {
			return err
		}
		return c.Next()
	}
}

func at(c *fiber.Ctx) here {
	if h, ok := c.Locals(visitKey{}).(*here); ok {
		return *h
	}
	return here{}
}

// actor is who asks, after SignedIn.
func (d *Dashboard) actor(c *fiber.Ctx) access.Actor { return at(c).Actor }

// workspace is the one in view, after SignedIn.
func (d *Dashboard) workspace(c *fiber.Ctx) access.Workspace { return at(c).workspace }

// zone is the reader's own time zone, else the workspace's.
func (d *Dashboard) zone(c *fiber.Ctx) *time.Location {
	h := at(c)
	if name := h.User.TimeZone; name != "" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return h.workspace.Location()
}

// Put remembers a toast for the reader's next page; with Take it makes the
// dashboard its own page.Notices.
func (d *Dashboard) Put(c *fiber.Ctx, toast views.ToastView) error {
	text, err := json.Marshal(toast)
	if err != nil {
		return err
	}
	return d.Sessions.AddNotice(c, string(text))
}

// Take returns the toasts that were remembered and forgets them.
func (d *Dashboard) Take(c *fiber.Ctx) []views.ToastView {
	if page.IsPart(c) {
		return nil
	}
	var all []views.ToastView
	for _, text := range d.Sessions.TakeNotices(c) {
		var toast views.ToastView
		if json.Unmarshal([]byte(text), &toast) == nil {
			all = append(all, toast)
		}
	}
	return all
}

// say leads on with a passing word about what was done.
func (d *Dashboard) say(c *fiber.Ctx, path, key string, args ...any) error {
	return page.RedirectSaying(c, d, path, views.ToastView{Tone: views.Ok, Text: page.Lang(c).T(key, args...)})
}

// address is where a call comes from, "" when it cannot be told.
func address(c *fiber.Ctx) string {
	if a := wire.Address(c); a.IsValid() {
		return a.String()
	}
	return ""
}

// version spells a row's version for the hidden field of its form.
func version(n int64) string { return strconv.FormatInt(n, 10) }
