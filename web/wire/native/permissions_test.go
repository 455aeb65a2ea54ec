package native

import (
	"slices"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// powers is the table "Who may do what" of the data model, for the callers of the
// world. "owner" is the first admin, who owns the workspace; nobody else is an
// admin but the master key.
var powers = map[access.Act][]string{
	access.SeeLists:        {"owner", "plain owner", "plain editor", "plain viewer", "token read", "token manage", "token admin", "master"},
	access.ChangeAccess:    {"owner", "plain owner", "plain editor", "token manage", "token admin", "master"},
	access.ChangeProviders: {"owner", "plain owner", "token admin", "master"},
	access.ChangeWorkspace: {"owner", "plain owner", "master"},
	access.ReadAudit:       {"owner", "plain owner", "token admin", "master"},
	access.RunInstance:     {"owner", "master", "master without workspace"},
}

const nobodysID = "00000000000000000000000000000000"

// Every route asks every caller: who may not is refused with 401, 403 or 400
// before anything else is looked at, and who may gets past.
func TestPermissions(t *testing.T) {
	w := newWorld(t)
	for _, r := range w.door.Routes() {
		if r.Need == 0 {
			continue
		}
		for who := range w.callers {
			if who == "foreigner" {
				continue
			}
			body := ""
			if r.Method == "POST" || r.Method == "PATCH" {
				body = "{}"
			}
			a := w.call(who, r.Method, strings.ReplaceAll(r.Path, ":id", nobodysID), body)
			switch may := slices.Contains(powers[r.Need], who); {
			case who == "none":
				a.refused(401, "signed_out")
			case who == "master without workspace" && r.Where == InWorkspace:
				a.refused(400, "workspace_missing")
			case may && (a.status == 401 || a.status == 403):
				t.Errorf("%s: %d although it may: %s", a.call, a.status, a.text)
			case !may && a.status != 403:
				t.Errorf("%s: %d although it may not: %s", a.call, a.status, a.text)
			}
		}
	}
}

// Each route needs what the manual says, spelled here a second time on purpose.
func TestRoutesNeedWhatTheManualSays(t *testing.T) {
	needs := map[string]access.Act{
		"members": access.ChangeWorkspace, "users": access.RunInstance, "groups": access.RunInstance, "prices": access.RunInstance,
		"settings": access.RunInstance, "usage": access.SeeLists, "requests": access.SeeLists, "why": access.SeeLists, "audit": access.ReadAudit,
	}
	changes := map[string]access.Act{
		"providers": access.ChangeProviders, "bots": access.ChangeAccess, "tokens": access.ChangeAccess, "shares": access.ChangeAccess,
		"customers": access.ChangeAccess,
	}
	w := newWorld(t)
	for _, r := range w.door.Routes() {
		noun, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
		want, one := needs[noun]
		if act, changing := changes[noun]; changing {
			want, one = access.SeeLists, true
			if r.Method != "GET" || strings.HasSuffix(r.Path, "/models") {
				want = act
			}
		}
		if noun == "workspaces" {
			if r.Method == "POST" {
				want, one = access.RunInstance, true
			} else {
				want, one = 0, true
			}
		}
		if !one || r.Need != want {
			t.Errorf("%s %s needs %d, want %d", r.Method, r.Path, r.Need, want)
		}
	}
}

// Objects of another workspace and objects that are nowhere look the same, to the
// byte, and stay as they are.
func TestForeignObjects(t *testing.T) {
	w := newWorld(t)
	k := w.Token(w.T, control.TokenForm{})
	s := w.owner(201, "POST", "/shares", `{"bot_id":"`+w.Bot.PublicID+`"}`)
	m := w.owner(201, "POST", "/customers", `{"username":"chen"}`)
	for noun, id := range map[string]string{
		"tokens": k.Row.PublicID, "shares": s.id(), "customers": m.id(), "bots": w.Bot.PublicID, "providers": w.Provider.PublicID, "members": w.User.PublicID,
	} {
		for _, r := range w.door.Routes() {
			if !strings.HasPrefix(r.Path, "/"+noun+"/:id") {
				continue
			}
			body := ""
			switch {
			case strings.HasSuffix(r.Path, "/rotate") || r.Method == "POST":
				body = "{}"
			case noun == "members" && r.Method == "PATCH":
				body = `{"role":"viewer"}`
			case r.Method == "PATCH":
				body = `{"name":"taken over"}`
				if noun == "customers" {
					body = `{"note":"taken over"}`
				}
			}
			foreign := w.call("foreigner", r.Method, strings.ReplaceAll(r.Path, ":id", id), body)
			missing := w.call("foreigner", r.Method, strings.ReplaceAll(r.Path, ":id", nobodysID), body)
			foreign.refused(404, "not_found")
			if foreign.text != missing.text {
				t.Errorf("%s: %s, but a missing one says %s", foreign.call, foreign.text, missing.text)
			}
		}
	}
	for _, list := range []string{"tokens", "shares", "customers", "bots", "providers"} {
		w.call("foreigner", "GET", "/"+list, "").is(200).has("total", 0)
		w.owner(200, "GET", "/"+list, "")
	}
	w.owner(200, "GET", "/tokens/"+k.Row.PublicID, "").has("name", "Data pipeline", "version", 1)
	w.call("foreigner", "POST", "/shares", `{"bot_id":"`+w.Bot.PublicID+`"}`).refused(400, "bot_unknown")
	w.call("foreigner", "POST", "/tokens", `{"name":"x","bot_id":"`+w.Bot.PublicID+`"}`).refused(400, "bot_unknown")
	w.call("foreigner", "POST", "/bots", `{"name":"x","provider_id":"`+w.Provider.PublicID+`","model":"qwen-max"}`).refused(400, "bot_provider_unknown")
	w.owner(200, "GET", "/requests?token_id="+nobodysID, "").has("total", 0)
}

// A workspace is named by header or path, and stays hidden from whoever has no
// role in it.
func TestWorkspaceOfTheCall(t *testing.T) {
	w := newWorld(t)
	own := w.Workspace.PublicID
	w.call("foreigner", "GET", "/tokens", "", workspaceHeader, own).refused(404, "workspace_unknown")
	w.call("foreigner", "GET", "/workspaces/"+own, "").refused(404, "workspace_unknown")
	w.call("foreigner", "PATCH", "/workspaces/"+own, `{"name":"x"}`).refused(404, "workspace_unknown")
	w.call("foreigner", "DELETE", "/workspaces/"+own, "").refused(404, "workspace_unknown")
	w.call("token read", "GET", "/tokens", "", workspaceHeader, nobodysID).refused(404, "workspace_unknown")
	w.call("plain viewer", "GET", "/workspaces/"+own, "").is(200).has("role", "viewer")
	w.call("plain viewer", "PATCH", "/workspaces/"+own, `{"name":"x"}`).refused(403, "forbidden")
	w.call("plain owner", "PATCH", "/workspaces/"+own, `{"quota":5}`).refused(403, "forbidden")
	w.call("customer", "GET", "/workspaces", "").refused(403, "forbidden")
	w.call("customer", "GET", "/workspaces/"+own, "").refused(404, "workspace_unknown")
	w.call("master", "GET", "/workspaces/"+own, "").is(200)
	w.call("master", "GET", "/tokens", "", workspaceHeader, strings.ToUpper(own)).is(200)

	w.call("master without workspace", "POST", "/users", `{"username":"ada","role":"viewer"}`).refused(400, "workspace_missing")
	w.call("master without workspace", "POST", "/users", `{"username":"ada"}`).is(201)
	w.call("master without workspace", "POST", "/workspaces", `{"name":"x"}`).refused(400, "owner_missing")
	w.call("master without workspace", "POST", "/workspaces", `{"name":"x","owner_id":"`+w.User.PublicID+`"}`).is(201).has("role", "owner")

	// An instance admin knows that a workspace exists and may cap it; what is in it
	// is its members'.
	theirs := w.callers["foreigner"]
	list := w.owner(200, "GET", "/workspaces?q=Northwind", "").has("total", 1)
	id := list.at("items", 0, "id").(string)
	w.owner(200, "PATCH", "/workspaces/"+id, `{"quota":100,"unlimited":false}`).has("quota", 100, "role", nil)
	w.call("owner", "PATCH", "/workspaces/"+id, `{"name":"x"}`).refused(403, "forbidden")
	w.call("owner", "GET", "/tokens", "", workspaceHeader, id).refused(404, "workspace_unknown")
	if theirs.bearer == "" {
		t.Fatal("no foreigner")
	}
}

// A token gives no more than it has.
func TestTokensDoNotGrow(t *testing.T) {
	w := newWorld(t)
	w.call("token manage", "POST", "/tokens", `{"name":"x","permissions":["admin"]}`).refused(403, "grant_more")
	w.call("token manage", "POST", "/tokens", `{"name":"x","permissions":["read","chat"]}`).is(201)
	w.call("token admin", "POST", "/tokens", `{"name":"x","permissions":["admin-api"]}`).is(201)
	w.call("token read", "POST", "/tokens", `{"name":"x"}`).refused(403, "forbidden")

	// Nor does it get hold of a secret that may do more.
	above := w.owner(201, "POST", "/tokens", `{"name":"above","permissions":["admin"]}`).id()
	beside := w.owner(201, "POST", "/tokens", `{"name":"beside","permissions":["manage"]}`).id()
	for _, verb := range []string{"/reveal", "/rotate"} {
		w.call("token manage", "POST", "/tokens/"+above+verb, "").refused(403, "grant_more")
		w.call("token manage", "POST", "/tokens/"+beside+verb, "").is(200)
		w.call("token admin", "POST", "/tokens/"+above+verb, "").is(200)
		w.call("plain editor", "POST", "/tokens/"+above+verb, "").refused(403, "grant_more")
	}
}

// What is wrong with a token is told to its holder, with the rule.
func TestDeadTokens(t *testing.T) {
	w := newWorld(t)
	k := w.Token(w.T, control.TokenForm{Permissions: &[]string{"read"}})
	w.callers["k"] = caller{bearer: k.Secret}
	path := "/tokens/" + k.Row.PublicID
	w.call("k", "GET", path, "").is(200)
	w.owner(200, "PATCH", path, `{"addresses":["192.0.2.0/24"]}`)
	w.call("k", "GET", path, "").refused(403, "ip_not_allowed").has("error.rule", "ip_not_allowed")
	w.owner(200, "PATCH", path, `{"addresses":[]}`)
	w.owner(200, "POST", path+"/disable", "")
	w.call("k", "GET", path, "").refused(403, "token_disabled").has("error.rule", "token_disabled")
	w.owner(204, "DELETE", path, "")
	w.call("k", "GET", path, "").refused(401, "signed_out")
	w.callers["k"] = caller{bearer: k.Beta}
	w.call("k", "GET", path, "").refused(401, "signed_out")
	w.callers["k"] = caller{bearer: "not a credential"}
	if a := w.call("k", "GET", path, "").refused(401, "signed_out"); a.headers["Www-Authenticate"] == nil {
		t.Errorf("401 without WWW-Authenticate: %v", a.headers)
	}
}
