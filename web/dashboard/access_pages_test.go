package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// Who may not, cannot: nothing is drawn for it, and nothing is done.
func TestAccessPagesByRole(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{}).Row.PublicID
	link, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Bot: &s.Bot.PublicID, Name: ptr("Help desk")})
	s.must(err)
	mei, err := s.Control.CreateCustomer(t.Context(), s.Owner, control.CustomerForm{Username: ptr("mei.tanaka")})
	s.must(err)
	viewer := s.signIn(access.Viewer)
	viewer.get("/tokens").want(t, 200, "Data pipeline", "!New token", "!data-reveal", "!/menu")
	viewer.get("/tokens/"+k).want(t, 200, "Data pipeline", "!Copy key", "!Revoke")
	viewer.get("/shares").want(t, 200, "Help desk", "!New link", "!data-reveal")
	viewer.get("/shares/"+link.Row.PublicID).want(t, 200, "Help desk", "!Copy link", "!Revoke…")
	viewer.get("/customers").want(t, 200, "mei.tanaka", "!New customer")
	viewer.get("/customers/"+mei.Row.PublicID).want(t, 200, "mei.tanaka", "!Copy sign-in text", "!Last conversations")
	for _, path := range []string{
		"/tokens", "/tokens/" + k + "/reveal", "/tokens/" + k + "/edit", "/tokens/" + k + "/rotate", "/tokens/" + k + "/enable", "/tokens/" + k + "/disable",
		"/tokens/" + k + "/revoke", "/tokens/" + k + "/undo-revoke", "/tokens/" + k + "/delete", "/tokens/bulk/revoke",
		"/shares", "/shares/" + link.Row.PublicID + "/show", "/shares/" + link.Row.PublicID + "/copy", "/shares/" + link.Row.PublicID + "/qr",
		"/shares/" + link.Row.PublicID + "/edit", "/shares/" + link.Row.PublicID + "/pause", "/shares/" + link.Row.PublicID + "/resume",
		"/shares/" + link.Row.PublicID + "/revoke", "/shares/" + link.Row.PublicID + "/undo-revoke", "/shares/" + link.Row.PublicID + "/delete",
		"/customers", "/customers/" + mei.Row.PublicID + "/sign-in-text", "/customers/" + mei.Row.PublicID + "/edit", "/customers/" + mei.Row.PublicID + "/reset",
		"/customers/" + mei.Row.PublicID + "/end-sessions", "/customers/" + mei.Row.PublicID + "/enable", "/customers/" + mei.Row.PublicID + "/disable",
		"/customers/" + mei.Row.PublicID + "/give", "/customers/" + mei.Row.PublicID + "/delete",
	} {
		if a := viewer.post(path, "name", "x", "username", "x", "bot", s.Bot.PublicID); a.status != http.StatusForbidden {
			t.Errorf("POST %s by a viewer: %d", path, a.status)
		}
	}
	nobody := &reader{site: s, client: testbed.Browser(), lang: "en"}
	for _, path := range []string{"/tokens", "/shares", "/customers", "/tokens.csv", "/shares.csv", "/customers.csv", "/tokens/" + k} {
		if a := nobody.get(path); strings.Contains(a.body, "Data pipeline") || strings.Contains(a.body, "mei.tanaka") || strings.Contains(a.body, "Help desk") {
			t.Errorf("%s tells somebody who is not signed in (%d)", path, a.status)
		}
	}
}

// A neighbour's ids answer as if there were none.
func TestAccessPagesOfNeighbours(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{}).Row.PublicID
	link, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Bot: &s.Bot.PublicID})
	s.must(err)
	mei, err := s.Control.CreateCustomer(t.Context(), s.Owner, control.CustomerForm{Username: ptr("mei.tanaka")})
	s.must(err)
	other := s.neighbour("northwind")
	for _, path := range []string{"/tokens/" + k, "/shares/" + link.Row.PublicID, "/customers/" + mei.Row.PublicID} {
		other.get(path).want(t, 404)
		for _, verb := range []string{"/edit", "/delete"} {
			other.post(path+verb, "name", "mine", "username", "mine").want(t, 404)
		}
	}
	other.post("/tokens/"+k+"/reveal").want(t, 404)
	other.post("/shares/"+link.Row.PublicID+"/copy").want(t, 404)
	other.post("/customers/"+mei.Row.PublicID+"/sign-in-text").want(t, 404)
	other.post("/tokens", "name", "x", "bot", s.Bot.PublicID).want(t, 422, "There is no such bot here.")
	other.get("/tokens").want(t, 200, "No API token yet")
}
