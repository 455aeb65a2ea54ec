package whole

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// gate is a site with a caller of each sort and an object of each kind.
type gate struct {
	*store
	secrets  map[string]string // of the callers, as programs send them
	cookies  map[string]string // of those who look at pages
	people   map[string]access.User
	customer db.CustomerRow
	ids      map[string]string // of the house's objects, by the word before them in an address
	none     map[string]string // ids that nobody has
}

const nobodysID = "00000000000000000000000000000000"

func newGate(t *testing.T) *gate {
	g := &gate{store: newStore(t), secrets: map[string]string{}, cookies: map[string]string{}, people: map[string]access.User{"lin": {}}}
	g.Faulty.Say("Hello.")
	g.people["lin"] = g.User
	for _, role := range []access.Role{access.Owner, access.Editor, access.Viewer} {
		g.people[string(role)] = g.Member("plain-"+string(role), role)
	}
	for _, name := range []string{"stranger", "admin"} {
		u := g.NewUser(name)
		u.IsAdmin = name == "admin"
		var err error
		g.people[name], _, err = g.DB.MakeUser(g.Context(), g.Owner, db.NewUser{User: u, Workspace: "Of " + name})
		g.Must(err)
	}
	for _, p := range []string{"chat", "read", "manage", "admin"} {
		g.secrets["token "+p] = g.Token(t, control.TokenForm{Name: &p, Permissions: &[]string{p}, Bot: &g.Bot.PublicID}).Secret
	}
	g.secrets["master"], g.secrets["nobody"] = testbed.MasterKey, ""
	g.furnish(t)
	for name := range g.people {
		g.renew(name)
	}
	g.renew("customer")
	g.renew("newapi")
	return g
}

// furnish makes an object of each kind.
func (g *gate) furnish(t *testing.T) {
	t.Helper()
	k := g.Token(t, control.TokenForm{Bot: &g.Bot.PublicID})
	g.secrets["beta"] = k.Beta
	name, password := "maria", testbed.Password
	enrolled, err := g.Control.CreateCustomer(g.Context(), g.Owner, control.CustomerForm{Username: &name, Password: &password})
	g.Must(err)
	g.customer = enrolled.Row
	s, err := g.Control.CreateShare(g.Context(), g.Owner, control.ShareForm{Bot: &g.Bot.PublicID})
	g.Must(err)
	g.secrets["share"] = s.Secret
	g.call(&key{T: t, secret: k.Secret})
	g.Gateway.Flush()
	row, err := g.DB.Token(g.Context(), g.Workspace.ID, k.Row.PublicID)
	g.Must(err)
	requests, _, err := g.Control.Requests(g.Context(), g.Owner, db.RequestPage{Limit: 1})
	g.Must(err)
	g.ids = map[string]string{
		"tokens": k.Row.PublicID, "token": k.Secret, "api token": fmt.Sprint(row.ID), "setting": k.Row.PublicID, "keys": k.Secret, "shares": s.Row.PublicID,
		"bot-share-tokens": testbed.UUID(s.Row.PublicID), "bot-share": s.Secret, "s": s.Secret, "links": s.Row.PublicID, "customers": g.customer.PublicID,
		"end-users": testbed.UUID(g.customer.PublicID), "bots": g.Bot.PublicID, "providers": g.Provider.PublicID, "members": g.people["viewer"].PublicID,
		"workspaces": g.Workspace.PublicID, "requests": requests[0].RequestID, "audit": "1", "chatbots": g.Bot.PublicID, "agentbots": g.Bot.PublicID,
		"getsse": g.Bot.PublicID, "embed": k.Beta, "chats_openai": g.Bot.PublicID, "agents_openai": g.Bot.PublicID, "openai": g.Bot.PublicID,
		"admin users": "lin@acme.example", "users": g.people["viewer"].PublicID, "models": "gpt-4o-mini",
	}
	g.none = map[string]string{"api token": "987654", "audit": "987654", "admin users": "nobody@acme.example"}
}

// renew makes a caller's login token, and signs them in where pages are.
func (g *gate) renew(name string) {
	g.Helper()
	switch u, user := g.people[name]; {
	case name == "customer":
		g.secrets[name] = g.LoginCustomer(g.TB, g.customer.Customer, access.DoorBotShare)
		a := g.Do("POST", "/s/"+g.secrets["share"]+"/login", url.Values{"username": {"maria"}, "password": {testbed.Password}}.Encode(), "Origin", g.Base)
		g.cookies[name] = cookies(a)
	case name == "newapi":
		g.secrets[name] = g.Login(g.TB, g.User, access.DoorNewAPIAccess)
	case user:
		g.secrets[name] = g.Login(g.TB, u, access.DoorRAGFlow)
		a := g.Do("POST", "/login", url.Values{"username": {u.Username}, "password": {testbed.Password}}.Encode(), "Origin", g.Base)
		if g.cookies[name] = cookies(a); a.Status != http.StatusSeeOther || g.cookies[name] == "" {
			g.Fatalf("%s cannot sign in: %d %s", name, a.Status, a.Text)
		}
	}
}

func cookies(a Answer) string {
	var all []string
	for _, c := range a.Cookies {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// line is one route of the table.
type line struct{ method, path, rule string }

func table(t *testing.T) (all []line) {
	t.Helper()
	raw, err := os.ReadFile("testdata/permissions.txt")
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(raw)) {
		words := strings.SplitN(strings.Join(strings.Fields(text), " "), " ", 3)
		if len(words) != 3 || rules[words[2]] == nil {
			t.Fatalf("no rule in %q", text)
		}
		all = append(all, line{words[0], words[1], words[2]})
	}
	return all
}

var parameter = regexp.MustCompile(`:[a-z]+|\*`)

// address fills the parameters of a route: with ids of the house's objects, or with
// such as nobody has.
func (g *gate) address(l line, real bool) string {
	parts := strings.Split(l.path, "/")
	for i, p := range parts {
		if !parameter.MatchString(p) {
			continue
		}
		noun := parts[i-1]
		switch {
		case noun == "token" && strings.HasPrefix(l.path, "/api/token"):
			noun = "api token"
		case noun == "users" && strings.HasPrefix(l.path, "/api/v1/admin"):
			noun = "admin users"
		}
		id := g.ids[noun]
		if missing := nobodysID; !real || id == "" {
			if id = missing; g.none[noun] != "" {
				id = g.none[noun]
			}
		}
		if noun == "models" {
			id = g.ids[noun]
		}
		parts[i] = id
	}
	address := strings.Join(parts, "/")
	if address == "/json" {
		address += "?q=hello"
	}
	return address
}

// bodies are what a route wants to be sent before it looks at who calls.
var bodies = map[string]string{
	"/api/v1/bots/:id/share-tokens": `{"name":"x"}`, "/api/v1/end-users": `{"username":"x","password":""}`,
	"/api/v1/end-users/:id/reset-password": `{"password":""}`, "/api/admin/accesstoken/setting": `{"id":"` + nobodysID + `","name":"x"}`,
	"/api/latchkey/v1/workspaces/:id": `{"name":"Taken over"}`,
}

func (g *gate) body(l line) string {
	switch {
	case l.method == http.MethodGet || l.method == http.MethodDelete:
		return ""
	case bodies[l.path] != "":
		return bodies[l.path]
	case l.path == "/v1/responses":
		return `{"model":"gpt-4o-mini","input":"hello"}`
	case strings.HasSuffix(l.path, "/chat/completions"), strings.HasPrefix(l.path, "/v1/") && l.rule == "gateway":
		return `{"model":"gpt-4o-mini","prompt":"hello","input":"hello","bot_id":"` + g.Bot.PublicID + `",` + hello + `}`
	case strings.Contains(l.path, "/completion"):
		return `{"question":"hello","stream":false,"dialog_id":"` + g.Bot.PublicID + `"}`
	case isPage(l.path):
		return "nothing=1"
	}
	return "{}"
}

// ask calls a route as a caller.
func (g *gate) ask(l line, who string, real bool) Answer {
	headers := []string{"Accept-Language", "en"}
	address := g.address(l, real)
	if isPage(l.path) {
		headers = append(headers, "Origin", g.Base)
		if g.cookies[who] != "" {
			headers = append(headers, "Cookie", g.cookies[who])
		} else if g.secrets[who] != "" {
			headers = append(headers, "Authorization", "Bearer "+g.secrets[who])
		}
	} else if g.secrets[who] != "" {
		headers = append(headers, "Authorization", "Bearer "+g.secrets[who])
	}
	if strings.HasPrefix(l.rule, "native") && slices.Contains([]string{"owner", "editor", "viewer", "master"}, who) {
		headers = append(headers, "X-Latchkey-Workspace", g.Workspace.PublicID)
	}
	return g.Do(l.method, address, g.body(l), headers...)
}

// leaves are routes after which a caller has to sign in again.
var leaves = []string{"/logout", "/sessions/end", "/settings/password", "/api/user/token", "/forget"}

func isEnd(path string) bool {
	return slices.ContainsFunc(leaves, func(e string) bool { return strings.HasSuffix(path, e) })
}

// callers lists those who call a route: programs do not look at pages with more
// than one credential.
func (g *gate) callers(l line) []string {
	if l.rule == "door" {
		return []string{"nobody"} // whoever comes through is signed in or out, or is counted as guessing
	}
	all := []string{"nobody", "lin", "owner", "editor", "viewer", "stranger", "admin", "customer", "newapi", "token admin", "share", "beta"}
	if !isPage(l.path) {
		all = append(all, "token chat", "token read", "token manage", "master")
	}
	return all
}
