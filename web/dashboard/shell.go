package dashboard

import (
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// shell is the frame of a page: active is the entry of the menu that is lit.
func (d *Dashboard) shell(c *fiber.Ctx, active, title string) views.ShellView {
	v := d.frame(c, active, title)
	v.Toasts = d.Take(c)
	return v
}

// frame is shell without what waits to be said.
func (d *Dashboard) frame(c *fiber.Ctx, active, title string) views.ShellView {
	h, l := at(c), page.Lang(c)
	v := views.ShellView{
		Title: title, Active: active, Workspace: h.workspace.Name, Path: page.ReturnTo(page.Back(c)),
		User:        views.UserView{Name: h.User.Shown(), Initials: initials(h.User.Shown()), Role: roleName(l, h.Actor)},
		ReadOnly:    !h.Actor.May(access.ChangeAccess),
		HasProvider: h.Actor.May(access.ChangeProviders),
		RunsAll:     h.Actor.May(access.RunInstance),
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

// FailureShell is the frame of a page that says what went wrong: nobody loses the
// menu over it. It is a page.Shell. What waits to be said stays for the page that it
// was meant for, so that a failure writes nothing.
func (d *Dashboard) FailureShell(c *fiber.Ctx) (frame views.ShellView, list views.LinkView, ok bool) {
	defer func() {
		if p := recover(); p != nil { // this runs where nothing else would catch it
			d.Log.Error("panic in the frame of a failure", "panic", p, "stack", string(debug.Stack()))
			ok = false
		}
	}()
	if at(c).User.ID == 0 {
		if _, err := d.arrive(c); err != nil {
			return frame, list, false
		}
	}
	active, href := menuOf(c.Path())
	if active != "" {
		list = views.LinkView{Text: page.Lang(c).T("nav." + active), Href: href}
	}
	return d.frame(c, active, ""), list, true
}

// menuOf is the entry of the menu that an address stands below, and where it leads.
func menuOf(path string) (active, href string) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	second, _, _ := strings.Cut(rest, "/")
	switch first {
	case "bots", "tokens", "shares", "customers", "usage", "requests", "providers", "audit":
		return first, "/" + first
	case "conversations":
		return "customers", "/customers"
	case "settings":
		switch second {
		case "users", "instance", "backups", "health", "prices", "groups":
			return "instance", "/settings/users"
		}
		return first, "/settings"
	}
	return "", ""
}
