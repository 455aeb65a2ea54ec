package dashboard_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// call writes a call of a token as the gateway would have.
func (s *site) call(k control.Issued, at time.Time, units int64, change func(*access.Request)) access.Request {
	s.t.Helper()
	r := access.Request{
		RequestID: s.Gateway.NewRequestID(), At: at, WorkspaceID: s.Workspace.ID, TokenID: k.Row.ID, BotID: s.Bot.ID, ProviderID: s.Provider.ID,
		Model: "gpt-4o-mini", Door: access.DoorGateway, Outcome: access.Answered, Status: 200, Units: units, Address: "203.0.113.24",
		Usage: access.Usage{Prompt: 700, Completion: 300}, FirstByte: 240 * time.Millisecond, Total: 1900 * time.Millisecond,
	}
	if change != nil {
		change(&r)
	}
	s.must(s.DB.Ledger.MakeHistory(s.t.Context(), time.UTC, []db.PastCall{{Request: r, Purses: db.Purses{Token: k.Row.PurseID, Workspace: s.Workspace.PurseID}}}))
	return r
}

func refuse(rule string, status int, trace ...access.Check) func(*access.Request) {
	return func(r *access.Request) {
		r.Outcome, r.Rule, r.Status, r.Trace, r.Units, r.Usage = access.Refused, rule, status, trace, 0, access.Usage{}
	}
}

// A workspace without a call says the one next step, and each reader is offered
// what they may do.
func TestOverviewOfAFreshWorkspace(t *testing.T) {
	s := newSite(t)
	s.reader(access.Owner).get("/").want(t, 200, "Hand out the first link", `href="/shares/new"`, "!Requests today", "Recent events", "made bot")
	s.reader(access.Viewer).get("/").want(t, 200, "Hand out the first link", `!href="/shares/new"`, "!Recent events")
	s.Token(t, control.TokenForm{})
	s.reader(access.Owner).get("/").want(t, 200, "Nothing has been asked yet")
}

// The numbers of today stand against the same time yesterday, never against the
// whole of it; in dollars, and as the ledger has them.
func TestOverviewComparesTheSameTime(t *testing.T) {
	s := newSite(t)
	// The house's clock runs; noon keeps both days on their side of midnight.
	now := s.Now().UTC()
	noon := time.Date(now.Year(), now.Month(), now.Day()+1, 12, 0, 0, 0, time.UTC)
	s.Wait(noon.Sub(now))
	k := s.Token(t, control.TokenForm{})
	yesterday := noon.AddDate(0, 0, -1)
	for i := range 4 {
		s.call(k, yesterday.Add(-time.Duration(i+1)*time.Hour), 500_000, nil) // before noon
		s.call(k, yesterday.Add(time.Duration(i+1)*time.Hour), 500_000, nil)  // and after
	}
	for i := range 6 {
		s.call(k, noon.Add(-time.Duration(i+1)*time.Hour), 250_000, nil)
	}
	s.call(k, noon.Add(-time.Hour), 0, refuse("rate_limit_exceeded", 429))
	got := s.reader(access.Owner).get("/")
	got.want(t, 200, `<div class="value">6</div>`, "+50%", "4 by now yesterday", `<div class="value">$3.00</div>`, "−25%", "$4.00 by now yesterday",
		"14 requests · $11.00", "!3000000")
	s.reader(access.Owner).get("/?by=spend").want(t, 200, "Spend, last 30 days", `aria-current="true">Spend`)
	sum, err := s.DB.UsageTotal(t.Context(), s.Workspace.ID, "0000-00-00", "9999-99-99")
	s.must(err)
	if sum.Requests != 14 || sum.Units != 8*500_000+6*250_000 || sum.Refused != 1 {
		t.Errorf("the ledger has %+v", sum)
	}
}

// What needs attention is listed, the most urgent first, with the button that
// mends it for whoever may.
func TestOverviewAttention(t *testing.T) {
	s := newSite(t)
	spent := s.Token(t, control.TokenForm{Name: new("Nightly eval"), Quota: db.QuotaChange{Quota: new(int64(1_000_000))}})
	s.Token(t, control.TokenForm{Name: new("Data pipeline"), ExpiresAt: new(s.Now().Add(5 * 24 * time.Hour))})
	s.call(spent, s.Now(), 1_000_000, nil)
	s.call(spent, s.Now(), 0, refuse("insufficient_quota", 401))
	s.must(s.DB.SetProviderPaused(t.Context(), access.Actor{Kind: access.ActorUpkeep, Name: "gateway", Door: access.DoorGateway}, s.Provider, "provider_key_refused"))
	body := bodyOf(s.reader(access.Owner).get("/").body)
	order := []string{"“Acme models” is paused", "1 bot cannot answer: Support Bot.", "“Nightly eval” has nothing left", "$2.00 of $2 spent. 1 call refused today.", "“Data pipeline” expires in 5 days"}
	last := 0
	for _, piece := range order {
		at := strings.Index(body, piece)
		if at < last {
			t.Errorf("%q is missing or too early in:\n%s", piece, body)
		}
		last = max(at, last)
	}
	s.reader(access.Owner).get("/").want(t, 200, "/providers/"+s.Provider.PublicID, tokenEdit(spent))
	s.reader(access.Viewer).get("/").want(t, 200, "is paused", "!"+tokenEdit(spent))
	_, err := s.Control.EditToken(t.Context(), s.Owner, spent.Row.PublicID, control.TokenForm{Quota: db.QuotaChange{Quota: new(int64(2_000_000))}})
	s.must(err)
	s.reader(access.Owner).get("/").want(t, 200, "!has nothing left")
}

func tokenEdit(k control.Issued) string { return "/tokens/" + k.Row.PublicID + "/edit" }

// Table, chart, totals and CSV say the same in every dimension, and add up to the
// ledger.
func TestUsageAddsUp(t *testing.T) {
	s := newSite(t)
	a, b := s.Token(t, control.TokenForm{Name: new("=SUM(A1:A9)")}), s.Token(t, control.TokenForm{Name: new("Docs search")})
	for i := range 5 {
		s.call(a, s.Now().AddDate(0, 0, -i), 1_500_000, nil)
		s.call(b, s.Now().AddDate(0, 0, -i), 500_000, func(r *access.Request) { r.Model = "qwen-max" })
	}
	s.call(b, s.Now().AddDate(0, 0, -40), 9_000_000, nil) // outside the thirty days
	s.Price(t, "qwen-max", 1_000_000, 1_000_000)
	r := s.reader(access.Viewer)
	for _, by := range []string{"day", "token", "share", "customer", "bot", "model"} {
		r.get("/usage?by="+by).want(t, 200, "$20.00", `aria-current="page"`, "!10000000")
		rows := csvOf(t, r.get("/usage.csv?by="+by))
		var dollars, requests float64
		for _, row := range rows[1:] {
			dollars, requests = dollars+number(t, row[6]), requests+number(t, row[2])
		}
		if dollars != 20 || requests != 10 {
			t.Errorf("by %s: $%v and %v requests, want $20 and 10 in %v", by, dollars, requests, rows)
		}
	}
	// The model without a price is marked, the other is not.
	body := bodyOf(r.get("/usage?by=model").body)
	if strings.Count(body, "default price</small>") != 1 {
		t.Errorf("marks in:\n%s", body)
	}
	r.get("/usage?by=token&from=2020-01-01&to=2099-01-01").want(t, 422, "At most 3660 days")
	r.get("/usage?from=2026-99-01").want(t, 422, "A day is written like")
	// C67: no cell begins as a formula does.
	if got := r.get("/usage.csv?by=token").body; !strings.Contains(got, "'=SUM(A1:A9)") {
		t.Errorf("a formula in:\n%s", got)
	}
}

func csvOf(t *testing.T, a answer) [][]string {
	t.Helper()
	a.want(t, http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%v in:\n%s", err, a.body)
	}
	return rows
}

func number(t *testing.T, text string) (n float64) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The log pages by keyset both ways, filters, and its CSV has the list's query.
func TestRequestsPageAndFilter(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{Name: new("Docs search")})
	for i := range 60 {
		s.call(k, s.Now().Add(-time.Duration(i)*time.Minute), 5_000, nil)
	}
	refused := s.call(k, s.Now().Add(-2*time.Hour), 0, refuse("ip_not_allowed", 403))
	r := s.reader(access.Viewer)
	first := r.get("/requests")
	first.want(t, 200, "61 requests", "Docs search", "$0.01", "!"+refused.RequestID)
	next := strings.ReplaceAll(linkOf(t, first, "next"), "&amp;", "&")
	second := r.get(next)
	second.want(t, 200, refused.RequestID, "address not allowed")
	back := strings.ReplaceAll(linkOf(t, second, "prev"), "&amp;", "&")
	if got := r.get(back); firstRow(got) != firstRow(first) {
		t.Errorf("back leads to %q, not %q", firstRow(got), firstRow(first))
	}
	r.get("/requests?outcome=refused").want(t, 200, "1 request", refused.RequestID)
	r.get("/requests?token="+k.Row.PublicID+"&outcome=refused").want(t, 200, "One API token: Docs search", "outcome=refused")
	if rows := csvOf(t, r.get("/requests.csv?outcome=refused")); len(rows) != 2 || rows[1][1] != refused.RequestID || rows[1][10] != "ip_not_allowed" {
		t.Errorf("the CSV has %v", rows)
	}
	if rows := csvOf(t, r.get("/requests.csv")); len(rows) != 62 {
		t.Errorf("%d lines of CSV, want 62", len(rows))
	}
}

func linkOf(t *testing.T, a answer, rel string) string {
	t.Helper()
	before, _, ok := strings.Cut(a.body, `rel="`+rel+`"`)
	at := strings.LastIndex(before, `href="`)
	if !ok || at < 0 {
		t.Fatalf("no %s in:\n%s", rel, bodyOf(a.body))
	}
	href, _, _ := strings.Cut(before[at+len(`href="`):], `"`)
	return href
}

func firstRow(a answer) string {
	_, rest, _ := strings.Cut(a.body, `id="r-`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// The audit log is the owner's alone, shows what changed, and says whether its
// chain holds.
func TestAuditShowsChanges(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{Name: new("Docs search"), Quota: db.QuotaChange{Quota: new(int64(40_000_000))}})
	_, err := s.Control.EditToken(t.Context(), s.Owner, k.Row.PublicID, control.TokenForm{Addresses: &[]string{"203.0.113.0/24"}, Quota: db.QuotaChange{Quota: new(int64(50_000_000))}})
	s.must(err)
	owner := s.reader(access.Owner)
	owner.get("/audit").want(t, 200, "Chain holds", "Docs search", "Changed", "Lin Wei", "!203.0.113.0/24")
	rows, err := s.DB.AuditPage(t.Context(), s.Workspace.ID, db.Page{Query: "token.edit", Limit: 1})
	s.must(err)
	entry := fmt.Sprintf("/audit/%d", rows[0].Seq)
	owner.get(entry).want(t, 200, "<html", "203.0.113.0/24", "$80.00", "$100.00", "Before", "After", "!>50000000<")
	owner.part = true
	owner.get(entry).want(t, 200, "!<html", "203.0.113.0/24")
	owner.part = false
	owner.get("/audit/999999").want(t, 404)
	owner.get("/audit?q=token.edit").want(t, 200, "1 entry", "!Support Bot")
	owner.get("/audit?q=nothing-like-it").want(t, 200, "No entries match")
	verified := owner.post("/audit/verify", "workspace", s.Workspace.PublicID)
	verified.want(t, 200, "Chain holds")
	for _, role := range []access.Role{access.Editor, access.Viewer} {
		s.reader(role).get("/audit").want(t, 403, "!Docs search")
		s.reader(role).get("/audit.csv").want(t, 403, "!Docs search")
		s.reader(role).post("/audit/verify").want(t, 403)
	}
	if lines := csvOf(t, owner.get("/audit.csv?q=token.edit")); len(lines) != 2 || lines[1][5] != "token.edit" {
		t.Errorf("the CSV has %v", lines)
	}
}

// Nothing of a neighbour's is on any of these pages.
func TestInsightIsOfOneWorkspace(t *testing.T) {
	s := newSite(t)
	k := s.Token(t, control.TokenForm{Name: new("Ours, of Acme")})
	ours := s.call(k, s.Now(), 500_000, nil)
	_, err := s.Control.CreateUser(t.Context(), s.Owner, control.UserForm{Username: new("northwind"), Password: new("another horse battery staple")})
	s.must(err)
	r := s.reader(access.Owner)
	if in := r.post("/logout"); in.status != 200 {
		t.Fatal(in.status)
	}
	if in := r.post("/login", "username", "northwind", "password", "another horse battery staple", "next", "/"); in.status != 200 || in.path != "/" {
		t.Fatalf("%d at %s", in.status, in.path)
	}
	for _, path := range []string{"/", "/usage?by=token", "/requests", "/audit", "/usage.csv?by=token", "/requests.csv", "/audit.csv"} {
		r.get(path).want(t, 200, "!Ours,", "!"+ours.RequestID, "!"+k.Row.PublicID)
	}
	r.get("/requests/"+ours.RequestID).want(t, 404, "!Ours,")
}

// A ledger that does not add up stands before all else, for who runs the instance.
func TestOverviewTellsALedgerThatIsOff(t *testing.T) {
	s := newSite(t)
	s.Token(t, control.TokenForm{})
	s.DB.Ledger.Found("whole", []string{"ledger I2: purse 7: 3, should be 4"})
	owner := s.reader(access.Owner)
	owner.get("/").want(t, 200, "The ledger does not add up in 1 place", "purse 7: 3, should be 4", "latchkey doctor")
	s.reader(access.Viewer).get("/").want(t, 200, "!ledger")
	chinese := *owner
	chinese.lang = "zh"
	chinese.get("/").want(t, 200, "账本有 1 处不平")
	s.DB.Ledger.Found("whole", nil)
	owner.get("/").want(t, 200, "!does not add up")
}
