// Package dashboard is the owner's and the operator's pages. A handler decodes a
// form, calls one method of control, and shows what came back in the reader's
// language; it knows no rule.
//
// It promises that a page is drawn only for somebody who is signed in and whose
// role allows it, that a form which was drawn for another workspace than the one
// in view changes nothing, and that every page also works without script.
//
// Start with SignedIn and Require here, which stand before every page; shell is
// the frame that each page is drawn in, forms.go how a form is read. Each noun has
// a file of its own name.
package dashboard

import (
	"encoding/json"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
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
	v, err := d.Sessions.Visit(c)
	wire.Known(c, err)
	if access.KindOf(err) == access.SignedOut && c.Method() == fiber.MethodGet && c.Get("HX-Request") == "" {
		return page.Redirect(c, "/login?next="+url.QueryEscape(page.Back(c)))
	}
	if err != nil {
		return err
	}
	h := &here{Visit: v}
	if v.Actor.WorkspaceID != 0 {
		if h.workspace, err = d.Control.DB.FindWorkspace(c.UserContext(), v.Actor.WorkspaceID); err != nil {
			return err
		}
		page.SetWorkspace(c, h.workspace.PublicID)
	}
	if l, ok := lang.Parse(v.User.Language); ok && v.User.Language != "" {
		page.SetLang(c, l)
	}
	c.Locals(visitKey{}, h)
	if drawnFor := field(c, "workspace"); drawnFor != "" && drawnFor != h.workspace.PublicID {
		return access.Fail(access.Conflict, "workspace_moved",
			"This form was drawn for another workspace than the one that is open now. Nothing was changed. Open the page again.")
	}
	if v.User.MustChange && !allowedUnchanged(c.Path()) {
		return page.Redirect(c, "/settings/password")
	}
	return c.Next()
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

// shell is the frame of a page: active is the entry of the menu that is lit.
func (d *Dashboard) shell(c *fiber.Ctx, active, title string) views.ShellView {
	h, l := at(c), page.Lang(c)
	v := views.ShellView{
		Title: title, Active: active, Workspace: h.workspace.Name, Path: page.ReturnTo(page.Back(c)),
		User:        views.UserView{Name: h.User.Shown(), Initials: initials(h.User.Shown()), Role: roleName(l, h.Actor)},
		ReadOnly:    !h.Actor.May(access.ChangeAccess),
		HasProvider: h.Actor.May(access.ChangeProviders),
		RunsAll:     h.Actor.May(access.RunInstance),
		Toasts:      d.Take(c),
	}
	if page.IsPart(c) {
		return v // a part has no frame to fill
	}
	d.fillShell(c, h, &v)
	return v
}

// fillShell reads what stands beside the menu. A page is drawn without it rather
// than not at all.
func (d *Dashboard) fillShell(c *fiber.Ctx, h here, v *views.ShellView) {
	mine, err := d.Control.Memberships(c.UserContext(), h.Actor)
	if err != nil {
		d.Log.Error("the workspaces of the menu cannot be read", "error", err)
	}
	for _, m := range mine {
		v.Workspaces = append(v.Workspaces, views.WorkspaceChoice{
			ID: m.Workspace.PublicID, Name: m.Workspace.Name, Active: m.Workspace.ID == h.workspace.ID,
		})
	}
	if h.workspace.ID == 0 {
		return
	}
	n, err := d.Control.DB.NavCounts(c.UserContext(), h.workspace.ID)
	if err != nil {
		d.Log.Error("the numbers of the menu cannot be read", "error", err)
		return
	}
	v.Counts = countsView(page.Lang(c), n)
}

func countsView(l lang.Lang, n db.NavCounts) views.CountsView {
	count := func(n int64) string {
		if n == 0 {
			return ""
		}
		return l.Number(n)
	}
	return views.CountsView{
		Bots: count(n.Bots), Tokens: count(n.Tokens), Shares: count(n.Shares), Customers: count(n.Customers), Providers: count(n.Providers),
	}
}

func roleName(l lang.Lang, a access.Actor) string {
	role := ""
	if a.Role != access.NoRole {
		role = l.T("role." + string(a.Role))
	}
	if !a.IsAdmin {
		return role
	}
	if role == "" {
		return l.T("role.admin")
	}
	return role + " · " + l.T("role.admin")
}

// initials are what stands in a person's circle: the first letters of the first
// and the last word, or the first two of one word.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '.' || r == '_' || r == '-' || r == '@' })
	switch len(words) {
	case 0:
		return ""
	case 1:
		r := []rune(words[0])
		return strings.ToUpper(string(r[:min(2, len(r))]))
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	last, _ := utf8.DecodeRuneInString(words[len(words)-1])
	return strings.ToUpper(string([]rune{first, last}))
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
