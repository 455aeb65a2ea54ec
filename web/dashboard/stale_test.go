package dashboard_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// formOf collects what a browser would send of the form of a page with an action.
func (a answer) formOf(t *testing.T, action string) (fields []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" || attribute(n, "action") != action || found {
			continue
		}
		found = true
		for field := range n.Descendants() {
			fields = append(fields, sentBy(field)...)
		}
	}
	if !found {
		t.Fatalf("no form %s in:\n%s", action, bodyOf(a.body))
	}
	return fields
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// sentBy is what one element of a form sends.
func sentBy(n *html.Node) []string {
	name := attribute(n, "name")
	if n.Type != html.ElementNode || name == "" || has(n, "disabled") {
		return nil
	}
	switch n.Data {
	case "input":
		if kind := attribute(n, "type"); (kind == "checkbox" || kind == "radio") && !has(n, "checked") {
			return nil
		}
		return []string{name, attribute(n, "value")}
	case "textarea":
		if n.FirstChild != nil {
			return []string{name, n.FirstChild.Data}
		}
		return []string{name, ""}
	case "select":
		for option := range n.Descendants() {
			if option.Data == "option" && has(option, "selected") {
				return []string{name, attribute(option, "value")}
			}
		}
	}
	return nil
}

// with sets one field.
func with(fields []string, name, value string) []string {
	out := append([]string(nil), fields...)
	for i := 0; i < len(out); i += 2 {
		if out[i] == name {
			out[i+1] = value
			return out
		}
	}
	return append(out, name, value)
}

// value is what a form would send of a field.
func value(form []string, name string) string {
	for i := 0; i+1 < len(form); i += 2 {
		if form[i] == name {
			return form[i+1]
		}
	}
	return ""
}

// staleForm is a form that two tabs hold. gone is where what it is about is deleted,
// "" where it cannot be; as makes a value of the field from a word.
type staleForm struct {
	what, page, action, field, gone string
	as                              func(word string) string
}

// A page that is behind the times changes nothing and says so: where another tab has
// saved first, where the workspace is another one by now, where the row is gone.
func TestStaleForms(t *testing.T) {
	s := newSite(t)
	other, err := s.Control.CreateWorkspace(t.Context(), s.Owner, control.WorkspaceForm{Name: new("Northwind")}, "")
	s.must(err)
	r := s.signIn(access.Owner)
	for _, f := range s.staleForms() {
		t.Run(f.what, func(t *testing.T) {
			r := &reader{site: s, client: r.client, lang: r.lang}
			if f.as == nil {
				f.as = func(word string) string { return word }
			}
			f.twoTabs(t, r)
			f.movedOn(t, r, s.Workspace.PublicID, other.PublicID)
			if f.gone != "" {
				f.deleted(t, r)
			}
		})
	}
}

func (s *site) staleForms() []staleForm {
	ctx := s.t.Context()
	token := "/tokens/" + s.Token(s.t, control.TokenForm{Name: new("Old token")}).Row.PublicID
	link, err := s.Control.CreateShare(ctx, s.Owner, control.ShareForm{Name: new("Old link"), Bot: &s.Bot.PublicID})
	s.must(err)
	m, err := s.Control.CreateCustomer(ctx, s.Owner, control.CustomerForm{Username: new("old.customer")})
	s.must(err)
	g, err := s.Control.CreateGroup(ctx, s.Owner, control.GroupForm{Name: new("old-group"), Ratio: new("1")})
	s.must(err)
	p, err := s.Control.CreatePrice(ctx, s.Owner, control.PriceForm{Model: new("old-model"), Prompt: new("1"), Completion: new("1")})
	s.must(err)
	u, err := s.Control.CreateUser(ctx, s.Owner, control.UserForm{Username: new("old.user"), Password: new(testbed.Password)})
	s.must(err)
	share, customer, bot, provider := "/shares/"+link.Row.PublicID, "/customers/"+m.Row.PublicID, "/bots/"+s.Bot.PublicID, "/providers/"+s.Provider.PublicID
	group, price, user := "/settings/groups/"+g.PublicID, "/settings/prices/"+p.PublicID, "/settings/users/"+u.User.PublicID
	// Each word is a number of its own, for fields that take only such.
	digits := func(word string) string { return strconv.Itoa(10 + len(word)) }
	return []staleForm{
		{what: "a token", page: token + "/edit", action: token + "/edit", field: "name", gone: token + "/delete"},
		{what: "a link", page: share + "/edit", action: share + "/edit", field: "name", gone: share + "/delete"},
		{what: "a customer", page: customer + "/edit", action: customer + "/edit", field: "username", gone: customer + "/delete"},
		{what: "where a bot is embedded", page: bot + "/embed", action: bot + "/embed", field: "allowed_origins", as: func(word string) string { return "https://" + word }},
		{what: "a bot", page: bot, action: bot, field: "name", gone: bot + "/delete"},
		{what: "a provider", page: provider, action: provider, field: "name", gone: provider + "/delete"},
		{what: "a group", page: group + "/edit", action: group, field: "name", gone: group + "/delete"},
		{what: "a price", page: price + "/edit", action: price, field: "prompt", gone: price + "/delete", as: digits},
		{what: "the default price", page: "/settings/prices", action: "/settings/prices/default", field: "completion", as: digits},
		{what: "a user", page: user, action: user, field: "username", gone: user + "/delete"},
		{what: "the instance", page: "/settings/instance", action: "/settings/instance", field: "request_retention_days", as: digits},
		{what: "private hosts", page: "/settings/instance", action: "/settings/instance/hosts", field: "private_hosts", as: func(word string) string { return word + ":80" }},
		{what: "a workspace", page: "/settings/workspace", action: "/settings/workspace", field: "name"},
		{what: "the own account", page: "/settings/profile", action: "/settings/profile", field: "nickname"},
	}
}

// twoTabs saves in one tab and then in the other, which is told, keeps what was typed,
// and decides by saving again.
func (f staleForm) twoTabs(t *testing.T, r *reader) {
	form := r.get(f.page).formOf(t, f.action)
	if first := r.post(f.action, with(form, f.field, f.as("saved.first"))...); first.status != http.StatusOK {
		t.Fatalf("the first tab gets %d:\n%s", first.status, bodyOf(first.body))
	}
	late := r.post(f.action, with(form, f.field, f.as("came.late"))...)
	late.want(t, http.StatusConflict, "Someone changed this meanwhile")
	again := late.formOf(t, f.action)
	if got := value(again, f.field); len(again) != len(form) || got != f.as("came.late") {
		t.Errorf("the form comes back with %d fields, had %d; %s is %q", len(again)/2, len(form)/2, f.field, got)
	}
	now := r.get(f.page).formOf(t, f.action)
	if got := value(now, f.field); got != f.as("saved.first") {
		t.Errorf("%s is %q by now", f.field, got)
	}
	if value(again, "version") != value(now, "version") {
		t.Errorf("the form that comes back is based on %q, the row is at %q", value(again, "version"), value(now, "version"))
	}
}

// movedOn sends a form that was drawn for a workspace which is not in view any more.
func (f staleForm) movedOn(t *testing.T, r *reader, home, other string) {
	form := r.get(f.page).formOf(t, f.action)
	r.post("/workspace", "to", other).want(t, 200)
	r.post(f.action, with(form, f.field, f.as("moved"))...).want(t, http.StatusConflict, "drawn for another workspace")
	r.post("/workspace", "to", home).want(t, 200)
	if got := value(r.get(f.page).formOf(t, f.action), f.field); got != f.as("saved.first") {
		t.Errorf("%s is %q by now", f.field, got)
	}
}

// deleted sends the form of what is gone, and deletes it once more.
func (f staleForm) deleted(t *testing.T, r *reader) {
	form, sure := r.get(f.page).formOf(t, f.action), r.get(f.gone).formOf(t, f.gone)
	r.post(f.gone, sure...).want(t, 200)
	r.post(f.action, with(form, f.field, f.as("risen"))...).want(t, http.StatusNotFound, "There is no such")
	r.post(f.gone, sure...).want(t, http.StatusNotFound, "There is no such")
}

// What was wrong in a form does not make it new: it is still based on what its page
// showed, and what another tab saved meanwhile is not written over.
func TestAWrongFormStaysStale(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	for _, f := range s.staleForms() {
		t.Run(f.what, func(t *testing.T) {
			if f.as == nil {
				f.as = func(word string) string { return word }
			}
			form := r.get(f.page).formOf(t, f.action)
			r.post(f.action, with(form, f.field, f.as("saved.first"))...).want(t, 200)
			wrong := r.post(f.action, with(form, f.field, strings.Repeat("x ", 200))...)
			wrong.want(t, http.StatusUnprocessableEntity)
			mended := r.post(f.action, with(wrong.formOf(t, f.action), f.field, f.as("came.late"))...)
			mended.want(t, http.StatusConflict, "Someone changed this meanwhile")
		})
	}
}

// A role and a key that another tab has changed are told as such, and stay.
func TestStaleRolesAndKeys(t *testing.T) {
	s := newSite(t)
	r := s.reader(access.Owner)
	made, err := s.Control.CreateMember(t.Context(), s.Owner, control.MemberForm{Username: "ana.souza", Role: access.Viewer})
	s.must(err)
	member := "/settings/members/" + made.Row.User.PublicID
	form := r.get("/settings/members").formOf(t, member)
	r.post(member, with(form, "role", "editor")...).want(t, 200)
	r.post(member, with(form, "role", "owner")...).want(t, 200, "Someone changed this meanwhile")
	if got := value(r.get("/settings/members").formOf(t, member), "role"); got != "editor" {
		t.Errorf("the role is %q", got)
	}
	gone := member + "/remove"
	sure := r.get(gone).formOf(t, gone)
	r.post(gone, sure...).want(t, 200)
	r.post(member, with(form, "role", "owner")...).want(t, 404, "There is no such")
	r.post(gone, sure...).want(t, 404, "There is no such")

	key := "/bots/" + s.Bot.PublicID + "/identity"
	make := r.get("/bots/"+s.Bot.PublicID+"/embed").formOf(t, key)
	r.post(key, make...).want(t, 200, `id="identity-key"`)
	drop := r.get(key+"/off").formOf(t, key+"/off")
	r.post(key, make...).want(t, 409, "Someone changed this meanwhile", `!id="identity-key"`)
	r.post(key, r.get(key).formOf(t, key)...).want(t, 200, `id="identity-key"`)
	r.post(key+"/off", drop...).want(t, 409, "Someone changed this meanwhile")
	r.post(key+"/off", r.get(key+"/off").formOf(t, key+"/off")...).want(t, 200)
	if row := s.bot(s.Bot.PublicID); len(row.IdentityKeySealed) > 0 {
		t.Error("the key is still there")
	}
}
