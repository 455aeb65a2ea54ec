package whole

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/google/go-cmp/cmp"

	"latchkey/internal/access"
)

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
