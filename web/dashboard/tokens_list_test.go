package dashboard_test

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

func TestTokenListInParts(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	one := s.Token(t, control.TokenForm{Name: ptr("Support widget"), Bot: &s.Bot.PublicID}).Row
	two := s.Token(t, control.TokenForm{Name: ptr("客服小程序")}).Row
	s.must(s.Control.DisableToken(t.Context(), s.Owner, two.PublicID))
	r.part, r.at = true, "/tokens"
	r.get("/tokens?q=WIDGET").want(t, 200, "Support widget", "1 token", `href="/tokens.csv?q=WIDGET"`, "!客服小程序", "!<main")
	r.get("/tokens?q=小程序").want(t, 200, "客服小程序", "!Support widget")
	r.get("/tokens?status=disabled").want(t, 200, "客服小程序", "!Support widget")
	r.get("/tokens?bot="+s.Bot.PublicID).want(t, 200, "Support widget", "!客服小程序")
	r.get("/tokens?q=nothing").want(t, 200, "Nothing fits", "Show all")
	r.get("/tokens?status=nonsense").want(t, 200, "Support widget", "客服小程序")
	r.get("/tokens?from=forged").want(t, 422, "does not belong to this list")

	path := "/tokens/" + two.PublicID
	r.get(path+"/menu").want(t, 200, "Enable", "Revoke", "!Disable")
	r.post(path+"/enable").want(t, 200, `<tr id="k2"`, "Active", "is enabled.", "!<main")
	done := r.post("/tokens/" + one.PublicID + "/revoke")
	done.want(t, 200, "Revoked", `/undo-revoke"`, `hx-target="#dialog"`)
	// From its own page the whole page comes again.
	r.at = path
	if away := r.post(path + "/disable"); away.header.Get("HX-Redirect") != path {
		t.Errorf("an act on the token's page led to %q", away.header.Get("HX-Redirect"))
	}
	r.at = "/tokens"
	r.post(path+"/delete").want(t, 200, `hx-target="#k2" hx-swap="delete"`)
}

func TestTokenPaging(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	const all = 120
	for i := range all {
		s.Token(t, control.TokenForm{
			Name: ptr(fmt.Sprintf("Support widget, token-%03d", i)), Bot: &s.Bot.PublicID, Models: &[]string{"gpt-4o-mini", "qwen-max"}, ModelsLimited: ptr(true),
			Quota: db.QuotaChange{Quota: ptr(int64(50_000_000))}, ExpiresAt: ptr(s.Now().Add(90 * 24 * time.Hour)),
		})
	}
	names := regexp.MustCompile(`, token-\d{3}<`)
	seen := map[string]bool{}
	page := r.get("/tokens")
	page.want(t, 200, "120 tokens", "Showing 50 of 120", ", token-119<", "!, token-069<")
	if size := len(page.body); size > 60_000 {
		t.Errorf("a page of the list is %d bytes", size)
	}
	next := regexp.MustCompile(`href="(/tokens\?from=[^"]+)"`)
	previous := regexp.MustCompile(`href="(/tokens\?until=[^"]+)"`)
	if previous.MatchString(page.body) {
		t.Error("the first page leads to one before it")
	}
	var last answer
	for pages := 0; pages < 3; pages++ {
		for _, name := range names.FindAllString(bodyOf(page.body), -1) {
			seen[name] = true
		}
		last = page
		link := next.FindStringSubmatch(page.body)
		if link == nil {
			break
		}
		page = r.get(link[1])
	}
	if len(seen) != all || next.MatchString(last.body) {
		t.Fatalf("three pages show %d of %d tokens", len(seen), all)
	}
	back := previous.FindStringSubmatch(last.body)
	if back == nil {
		t.Fatal("the last page leads to none before it")
	}
	r.get(back[1]).want(t, 200, ", token-069<", ", token-020<", "!, token-070<", "!, token-019<")
}

// The order is in the address, holds over pages, and goes along with search,
// filters and the CSV.
func TestListsAreSorted(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	const all = 60
	for i := range all {
		s.Token(t, control.TokenForm{Name: ptr(fmt.Sprintf("token-%03d", (i*7)%all)), ExpiresAt: ptr(s.Now().Add(time.Duration(1+(i*11)%all) * 24 * time.Hour))})
	}
	names := regexp.MustCompile(`>(token-\d{3})<`)
	listed := func(a answer) (out []string) {
		for _, m := range names.FindAllStringSubmatch(a.body, -1) {
			out = append(out, m[1])
		}
		return out
	}
	page := r.get("/tokens?sort=name&q=token")
	page.want(t, 200, `aria-sort="ascending"`, `href="/tokens?q=token&amp;sort=-name"`, `href="/tokens.csv?q=token&amp;sort=name"`, `name="sort" value="name"`, "60 tokens")
	if got := listed(page); len(got) != 50 || !slices.IsSorted(got) || got[0] != "token-000" {
		t.Errorf("by name the first page lists %v", got)
	}
	link := regexp.MustCompile(`href="(/tokens\?[^"]*from=[^"]+)"`).FindStringSubmatch(page.body)
	if link == nil {
		t.Fatal("no second page")
	}
	second := r.get(html.UnescapeString(link[1]))
	if got := listed(second); len(got) != 10 || got[0] != "token-050" || !slices.IsSorted(got) {
		t.Errorf("by name the second page lists %v", got)
	}
	back := regexp.MustCompile(`href="(/tokens\?[^"]*until=[^"]+)"`).FindStringSubmatch(second.body)
	if got := listed(r.get(html.UnescapeString(back[1]))); len(got) != 50 || got[0] != "token-000" {
		t.Errorf("going back lists %v", got)
	}
	// A cursor belongs to its order.
	r.get(strings.Replace(html.UnescapeString(link[1]), "sort=name", "sort=ends", 1)).want(t, 422, "does not belong to this list")
	down := listed(r.get("/tokens?sort=-name"))
	if down[0] != "token-059" {
		t.Errorf("downwards by name it begins with %s", down[0])
	}
	rows := readCSV(t, r.get("/tokens.csv?sort=ends"))
	if len(rows) != all+1 {
		t.Fatalf("the CSV has %d rows", len(rows))
	}
	for i := 2; i < len(rows); i++ {
		if rows[i-1][16] > rows[i][16] {
			t.Fatalf("the CSV is out of order at row %d: %s, %s", i, rows[i-1][16], rows[i][16])
		}
	}
	r.get("/tokens?sort=made").want(t, 200, "token-000", "!aria-sort")
	r.get("/tokens?sort=nonsense").want(t, 200, "!aria-sort", "token-053")
	for _, path := range []string{"/shares?sort=-opens", "/shares?sort=name", "/customers?sort=-used", "/customers?sort=name", "/requests?sort=made"} {
		r.get(path).want(t, 200)
	}
}
