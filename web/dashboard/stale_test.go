package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/internal/access"
	"latchkey/internal/control"
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

// A page that is behind the times changes nothing and says so: where another tab has
// saved first, where the workspace is another one by now, where the row is gone.
func TestStaleForms(t *testing.T) {
	s := newSite(t)
	token := s.Token(t, control.TokenForm{Name: new("Old token")})
	share, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Name: new("Old link"), Bot: &s.Bot.PublicID})
	s.must(err)
	customer, err := s.Control.CreateCustomer(t.Context(), s.Owner, control.CustomerForm{Username: new("old.customer")})
	s.must(err)
	other, err := s.Control.CreateWorkspace(t.Context(), s.Owner, control.WorkspaceForm{Name: new("Northwind")}, "")
	s.must(err)
	r := s.signIn(access.Owner)
	for _, c := range []struct{ what, page, action, field, gone string }{
		{"a token", "/tokens/" + token.Row.PublicID + "/edit", "/tokens/" + token.Row.PublicID + "/edit", "name", "/tokens/" + token.Row.PublicID + "/delete"},
		{"a link", "/shares/" + share.Row.PublicID + "/edit", "/shares/" + share.Row.PublicID + "/edit", "name", "/shares/" + share.Row.PublicID + "/delete"},
		{"a customer", "/customers/" + customer.Row.PublicID + "/edit", "/customers/" + customer.Row.PublicID + "/edit", "username", "/customers/" + customer.Row.PublicID + "/delete"},
		{"a bot", "/bots/" + s.Bot.PublicID, "/bots/" + s.Bot.PublicID, "name", "/bots/" + s.Bot.PublicID + "/delete"},
		{"a provider", "/providers/" + s.Provider.PublicID, "/providers/" + s.Provider.PublicID, "name", "/providers/" + s.Provider.PublicID + "/delete"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := &reader{site: s, client: r.client, lang: r.lang}
			form := r.get(c.page).formOf(t, c.action)
			if first := r.post(c.action, with(form, c.field, "saved.first")...); first.status != http.StatusOK {
				t.Fatalf("the first tab gets %d:\n%s", first.status, bodyOf(first.body))
			}
			late := r.post(c.action, with(form, c.field, "came.late")...)
			late.want(t, http.StatusConflict, "Someone changed this meanwhile", `value="came.late"`)
			if decided := late.formOf(t, c.action); len(decided) != len(form) {
				t.Errorf("the form comes back with %d fields, had %d", len(decided)/2, len(form)/2)
			}
			r.get(c.page).want(t, 200, "saved.first", "!came.late")

			form = r.get(c.page).formOf(t, c.action)
			r.post("/workspace", "to", other.PublicID).want(t, 200)
			r.post(c.action, with(form, c.field, "in.another")...).want(t, http.StatusConflict, "drawn for another workspace")
			r.post("/workspace", "to", s.Workspace.PublicID).want(t, 200)
			r.get(c.page).want(t, 200, "saved.first", "!in.another")

			sure := r.get(c.gone).formOf(t, c.gone)
			r.post(c.gone, sure...).want(t, 200)
			r.post(c.action, with(form, c.field, "risen.again")...).want(t, http.StatusNotFound, "There is no such")
			r.post(c.gone, sure...).want(t, http.StatusNotFound, "There is no such")
		})
	}
}
