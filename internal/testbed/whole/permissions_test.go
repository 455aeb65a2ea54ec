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

	"github.com/gofiber/fiber/v2"
	"github.com/google/go-cmp/cmp"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// Who may call what: every route of the app × every sort of caller × whose the
// object is. testdata/permissions.txt has a line for each route and names its rule;
// rules says what each caller gets under a rule. A route without a line fails.

// The classes of an answer.
const (
	in      = "in"      // served, or refused for what it says
	own     = "own"     // served, in a workspace of the caller's own: another's object is a missing one
	out     = "out"     // nobody: sign in
	barred  = "barred"  // somebody, who may not
	missing = "missing" // there is nothing
	known   = "known"   // somebody who may know of the object, and may not
	held    = "held"    // served for one object, which the credential is of
	without = "without" // somebody without a workspace at this door: served nothing
)

// powers says what each caller gets under a rule; who is not named gets what
// stands under "".
type powers map[string]string

// named gives several callers the same.
func named(class string, callers ...string) powers {
	p := powers{}
	for _, c := range callers {
		p[c] = class
	}
	return p
}

func join(all ...powers) powers {
	p := powers{}
	for _, one := range all {
		for caller, class := range one {
			p[caller] = class
		}
	}
	return p
}

var (
	pageOthers   = join(named(own, "stranger", "admin"), powers{"": out})
	nativeOthers = join(named(own, "stranger", "admin"), named(barred, "customer"), powers{"": out})
)

// rules is the table "Who may do what" of the data model and the contracts' words
// on callers, spelled a second time on purpose.
var rules = map[string]powers{
	"open":         {"": in},
	"program open": {"": in},
	"door":         {"": held}, // says no to whoever is nobody
	"setup":        join(named(in, "lin", "owner", "editor", "viewer", "stranger", "admin"), powers{"": out}),
	"signed":       join(named(in, "lin", "owner", "editor", "viewer"), pageOthers),

	// Pages: roles.
	"lists":         join(named(in, "lin", "owner", "editor", "viewer"), pageOthers),
	"change":        join(named(in, "lin", "owner", "editor"), named(barred, "viewer"), pageOthers),
	"ask":           join(named(in, "lin", "owner", "editor"), named(barred, "viewer"), pageOthers),
	"providers":     join(named(in, "lin", "owner"), named(barred, "editor", "viewer"), pageOthers),
	"workspace":     join(named(in, "lin", "owner"), named(barred, "editor", "viewer"), pageOthers),
	"audit":         join(named(in, "lin", "owner"), named(barred, "editor", "viewer"), pageOthers),
	"conversations": join(named(in, "lin", "owner"), named(barred, "editor", "viewer"), pageOthers),
	"instance":      join(named(in, "lin", "admin"), named(barred, "owner", "editor", "viewer", "stranger"), powers{"": out}),

	// The native API: roles and permissions.
	"native lists": join(named(in, "lin", "owner", "editor", "viewer", "master", "token read", "token manage", "token admin"), named(barred, "token chat"), nativeOthers),
	"native change": join(named(in, "lin", "owner", "editor", "master", "token manage", "token admin"),
		named(barred, "viewer", "token chat", "token read"), nativeOthers),
	"native providers": join(named(in, "lin", "owner", "master", "token admin"),
		named(barred, "editor", "viewer", "token chat", "token read", "token manage"), nativeOthers),
	"native audit": join(named(in, "lin", "owner", "master", "token admin"),
		named(barred, "editor", "viewer", "token chat", "token read", "token manage"), nativeOthers),
	"native workspace": join(named(in, "lin", "owner", "master"),
		named(barred, "editor", "viewer", "token chat", "token read", "token manage", "token admin"), nativeOthers),
	"native instance": join(named(in, "lin", "admin", "master"), named(out, "", "share", "beta", "newapi", "nobody"),
		named(barred, "owner", "editor", "viewer", "stranger", "customer", "token chat", "token read", "token manage", "token admin")),
	"native workspaces": join(named(in, "lin", "owner", "editor", "viewer", "master", "token read", "token manage", "token admin"),
		named(barred, "token chat"), nativeOthers),
	"native workspace show": join(named(in, "lin", "owner", "editor", "viewer", "admin", "master", "token read", "token manage", "token admin"),
		named(known, "token chat"), named(own, "stranger", "customer"), powers{"": out}),
	"native workspace change": join(named(in, "lin", "owner", "admin", "master"), named(known, "editor", "viewer", "token chat", "token read", "token manage", "token admin"),
		named(own, "stranger", "customer"), powers{"": out}),

	// The gateway: API tokens that may chat.
	"gateway":       join(named(in, "token chat"), named(barred, "token read", "token manage", "token admin"), powers{"": out}),
	"gateway model": join(named(held, "token chat"), named(known, "token read", "token manage", "token admin"), powers{"": out}), // no such model, first
	"holder":        join(named(in, "token chat", "token read", "token manage", "token admin"), powers{"": out}),

	// The dialects.
	"newapi":         join(named(in, "lin", "newapi"), named(own, "stranger", "admin"), named(without, "owner", "editor", "viewer"), powers{"": out}),
	"newapi user":    join(named(in, "lin", "newapi"), named(own, "stranger", "admin"), named(without, "owner", "editor", "viewer"), powers{"": out}),
	"ragflow":        join(named(in, "lin", "master"), named(own, "stranger", "admin"), named(without, "owner", "editor", "viewer"), powers{"": out}),
	"ragflow user":   join(named(in, "lin"), named(own, "stranger", "admin"), named(without, "owner", "editor", "viewer"), named(barred, "master"), powers{"": out}),
	"ragflow logout": join(named(in, "lin", "owner", "editor", "viewer", "stranger", "admin"), powers{"": out}),
	"ragflow manage": join(named(in, "lin", "master", "token manage", "token admin"), named(own, "stranger", "admin"),
		named(without, "owner", "editor", "viewer"), powers{"": out}),
	"ragflow admin": join(named(in, "lin", "master"), named(known, "admin"), named(barred, "owner", "editor", "viewer", "stranger"), powers{"": out}),
	"fess":          join(named(in, "lin", "token admin", "master"), named(own, "stranger", "admin"), named(barred, "owner", "editor", "viewer", "customer", "token chat", "token read", "token manage"), powers{"": out}),
	"botshare": join(named(in, "lin", "owner", "editor", "master", "token manage", "token admin"), named(own, "stranger", "admin"),
		named(barred, "viewer", "customer", "token chat", "token read"), powers{"": out}),
	"botshare bot": join(named(held, "lin", "owner", "editor", "master", "token manage", "token admin"),
		named(barred, "stranger", "admin", "viewer", "customer", "token chat", "token read"), powers{"": out}),
	"botshare share": join(named(in, "lin", "owner", "editor", "master", "token manage", "token admin"), named(known, "stranger", "admin"),
		named(barred, "viewer", "customer", "token chat", "token read"), powers{"": out}),
	"botshare customer": join(named(in, "customer"), named(barred, "lin", "owner", "editor", "viewer", "stranger", "admin", "token chat", "token read", "token manage", "token admin"), powers{"": out}),
	"botshare chat": join(named(in, "lin", "owner", "editor", "master", "token chat"),
		named(barred, "stranger", "admin", "viewer", "customer", "token read", "token manage", "token admin"), powers{"": out}),
	"botshare verify": join(named(in, "lin", "owner", "editor", "viewer", "stranger", "admin", "customer", "master", "token chat", "token read", "token manage", "token admin"), powers{"": out}),
	"logout":          join(named(in, "lin", "owner", "editor", "viewer", "stranger", "admin", "customer"), powers{"": out}),
	"beta":            join(named(held, "beta"), powers{"": out}),
	"ragflow ask":     join(named(in, "token chat", "beta"), named(barred, "token read", "token manage", "token admin"), powers{"": out}),
	"ragflow openai":  join(named(held, "token chat"), named(known, "token read", "token manage", "token admin"), powers{"": out}),

	// Links and frames: whoever holds the address sees who it is from.
	"link":  {"": held},
	"frame": {"": held},
}

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
		"bot-share-tokens": uuid(s.Row.PublicID), "bot-share": s.Secret, "s": s.Secret, "links": s.Row.PublicID, "customers": g.customer.PublicID,
		"end-users": uuid(g.customer.PublicID), "bots": g.Bot.PublicID, "providers": g.Provider.PublicID, "members": g.people["viewer"].PublicID,
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

// The table has every route of the app, and no other.
func TestEveryRouteHasARule(t *testing.T) {
	var told, served []string
	for _, l := range table(t) {
		told = append(told, l.path+" "+l.method)
	}
	for _, r := range New(t).App.GetRoutes(true) {
		if r.Method == fiber.MethodHead || r.Method == fiber.MethodOptions || refuses(r) {
			continue
		}
		path := r.Path
		if len(path) > 1 {
			path = strings.TrimSuffix(path, "/")
		}
		served = append(served, path+" "+r.Method)
	}
	slices.Sort(served)
	slices.Sort(told)
	if d := cmp.Diff(slices.Compact(served), told); d != "" {
		t.Errorf("testdata/permissions.txt (+) is not what the app serves (-): give each new route a rule\n%s", d)
	}
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

// class says what an answer means.
func class(a Answer) string {
	switch {
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusSeeOther && strings.HasPrefix(a.Header.Get("Location"), "/login"):
		return out
	case strings.Contains(a.Text, `API key is invalid!\""`), strings.Contains(a.Text, `Authorization is not valid!`): // of a beta key, with HTTP 200
		return out
	case a.Status == http.StatusForbidden, strings.Contains(a.Text, `{"code":108,`), strings.Contains(a.Text, "权限不足"):
		return barred
	case a.Status == http.StatusNotFound, strings.Contains(a.Text, "Token不存在"), strings.Contains(a.Text, `{"code":102,`), strings.Contains(a.Text, `{"code":404,`):
		return missing
	}
	return in
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

// Every caller gets at every route what its rule says; what is another's looks like
// what is not there; and nothing of the house changed.
func TestPermissions(t *testing.T) {
	g := newGate(t)
	before := g.objects()
	asked := 0
	for _, l := range table(t) {
		for _, who := range g.callers(l) {
			want, ok := rules[l.rule][who]
			if !ok {
				want = rules[l.rule][""]
			}
			asked++
			g.judge(l, who, want)
			if isEnd(l.path) {
				g.renew(who)
				g.renew("newapi")
			}
		}
	}
	g.keys["native"] = g.Login(g.TB, g.User, access.DoorNative)
	if d := cmp.Diff(before, g.objects()); d != "" {
		t.Errorf("callers who may not changed something:\n%s", d)
	}
	if asked < 5000 {
		t.Errorf("only %d calls", asked)
	}
}

// judge asks with ids that nobody has, and with the house's where that changes
// nothing.
func (g *gate) judge(l line, who, want string) {
	g.Helper()
	none := g.ask(l, who, false)
	said := fmt.Sprintf("%s %s as %s", l.method, l.path, who)
	has := parameter.MatchString(l.path) && l.path != "/static/*" && l.path != "/v1/models/*"
	if none.Status >= 500 {
		g.Errorf("%s: %d %s", said, none.Status, none.Text)
	}
	if got := class(none); !g.fit(got, want, has) {
		g.Errorf("%s: %s (%d), want %s: %.300s", said, got, none.Status, want, none.Text)
	}
	if !has || (want == in || want == held) && l.method != http.MethodGet && l.rule != "beta" && l.rule != "ragflow openai" {
		return
	}
	real := g.ask(l, who, true)
	got := class(real)
	switch {
	case real.Status >= 500:
		g.Errorf("%s: %d %s", said, real.Status, real.Text)
	case want == in || want == held:
		if got != in && g.furnished(l) {
			g.Errorf("%s: %s for an object of the house: %.300s", said, got, real.Text)
		}
	case want == known:
		if got != barred && got != missing {
			g.Errorf("%s: %s for an object of the house: %.300s", said, got, real.Text)
		}
	case g.neutral(real, l) != g.neutral(none, l) || real.Status != none.Status:
		g.Errorf("%s: what is another's is told from what is missing: %d %.400s\n%d %.400s", said, real.Status, g.neutral(real, l), none.Status, g.neutral(none, l))
	}
}

// furnished reports whether the house has an object for each name of an address.
func (g *gate) furnished(l line) bool {
	return !strings.Contains(g.address(l, true), nobodysID) && !hasNone[l.path]
}

// hasNone are addresses of what the house's objects do not have: a picture, a page
// of this colour.
var hasNone = map[string]bool{
	"/bots/:id/face": true, "/s/:share/face": true, "/embed/:beta/face": true, "/embed/:beta/bots/:bot/face": true,
	"/embed/:beta/visitor": true, "/embed/:beta/bots/:bot/visitor": true, // of another page, which this is not
}

// fit reports whether an answer about what nobody has is of the class that is
// wanted; has says whether the address names anything.
func (g *gate) fit(got, want string, has bool) bool {
	switch want {
	case out, barred:
		return got == want
	case held, known:
		return true // the other call tells
	case without:
		return got != out
	}
	return got != out && (got != barred || want == own && has)
}

var drawn = regexp.MustCompile(`(nonce="[^"]*"|[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}|data-at="[^"]*")`)

// neutral is an answer without what its own address says, and what is drawn anew
// each time.
func (g *gate) neutral(a Answer, l line) string {
	text := a.Text + a.Header.Get("Location")
	for _, real := range []bool{true, false} {
		address := g.address(l, real)
		text = strings.ReplaceAll(strings.ReplaceAll(text, url.QueryEscape(address), "ADDRESS"), address, "ADDRESS")
	}
	for _, real := range []bool{true, false} {
		parts := strings.Split(g.address(l, real), "/")
		for i, pattern := range strings.Split(l.path, "/") {
			if parameter.MatchString(pattern) && len(parts[i]) > 2 {
				text = strings.ReplaceAll(text, parts[i], "ID")
			}
		}
	}
	return drawn.ReplaceAllString(text, "ID")
}

// objects are the house's, as they stand.
func (g *gate) objects() map[string]any {
	g.Helper()
	all := map[string]any{}
	for _, noun := range []string{"tokens", "shares", "customers", "bots", "providers", "members"} {
		row := g.as("native", "GET", api+"/"+noun+"/"+g.ids[noun], "").Is(200).JSON().(object)
		for _, field := range []string{"used", "used_at", "last_login_at", "sessions", "shares", "opened"} {
			delete(row, field)
		}
		all[noun] = row
	}
	return all
}
