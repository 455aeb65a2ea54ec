package dashboard_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

var (
	keyText   = regexp.MustCompile(`sk-lk[0-9A-Za-z]{46}`)
	shareText = regexp.MustCompile(`/s/[0-9A-Za-z]{32}`)
)

func (s *site) tokens() []db.TokenRow {
	s.t.Helper()
	rows, _, err := s.Control.Tokens(s.t.Context(), s.Owner, db.Page{Limit: 200})
	s.must(err)
	return rows
}

func (s *site) lastAudit() string {
	s.t.Helper()
	rows, err := s.DB.Audit(s.t.Context(), s.Workspace.ID, 0, 1)
	s.must(err)
	return rows[0].Action
}

func TestTokenIsMadeCopiedAndRevoked(t *testing.T) {
	s := newSite(t)
	s.StopClock() // a revocation is undone in seconds
	r := s.signIn(access.Editor)
	r.get("/tokens").want(t, 200, "No API token yet", "New token")
	form := r.get("/tokens/new")
	form.want(t, 200, "Support Bot", "gpt-4o-mini", "After 90 days", "More limits")

	fields := []string{
		"once", form.value(t, "once"), "name", "Billing <export>", "bot", s.Bot.PublicID, "models", "gpt-4o-mini", "limit", "some", "budget", "12.50",
		"refill", "monthly", "expires", "90d", "addresses", "203.0.113.7\r\n10.0.0.0/8", "rpm", "60", "permissions", "chat",
	}
	made := r.post("/tokens", fields...)
	made.want(t, 200, "is ready", "Billing &lt;export&gt;", "Copy", "$LATCHKEY_KEY", "Waiting for the first call.")
	key := keyText.FindString(made.body)
	if key == "" || made.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the answer holds the key %q under %q", key, made.header.Get("Cache-Control"))
	}
	if again := r.post("/tokens", fields...); keyText.FindString(again.body) != key {
		t.Error("the same form sent twice showed another key")
	}
	rows := s.tokens()
	if len(rows) != 1 {
		t.Fatalf("%d tokens were made", len(rows))
	}
	row := rows[0]
	if row.Purse.Quota != 6_250_000 || row.Purse.Refill != access.RefillMonthly || !row.ModelsLimited || len(row.Addresses) != 2 || row.RPM != 60 || row.BotID != s.Bot.ID {
		t.Errorf("the token is %+v, its purse %+v", row.Token, row.Purse)
	}

	// No page holds the key; a POST does, and the audit log knows.
	path := "/tokens/" + row.PublicID
	for _, page := range []string{"/tokens", path, path + "/edit", path + "/menu", "/tokens.csv"} {
		if text := keyText.FindString(r.get(page).body); text != "" {
			t.Errorf("%s holds a key", page)
		}
	}
	r.accept = "text/plain"
	copied := r.post(path + "/reveal")
	r.accept = ""
	if copied.body != key || copied.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(copied.header.Get("Content-Type"), "text/plain") {
		t.Errorf("copying answered %q as %s", copied.body, copied.header.Get("Content-Type"))
	}
	if s.lastAudit() != "token.reveal" {
		t.Errorf("the audit log tells %s", s.lastAudit())
	}
	r.post(path+"/reveal").want(t, 200, key, "audit log") // without script: a page

	r.get(path+"/revoke").want(t, 200, "Revoke “Billing", "No calls in the last 24 hours.", "Disable instead")
	r.post(path+"/revoke").want(t, 200, "is revoked.", "Revoked", "/undo-revoke", "!Copy key")
	r.post(path+"/undo-revoke").want(t, 200, "works again", "Copy key")
	r.post(path + "/revoke")
	s.Wait(control.UndoWindow + time.Second)
	r.post(path+"/undo-revoke").want(t, http.StatusConflict, "within 10 seconds")
	r.post(path+"/delete").want(t, 200, "is deleted.", "No API token yet")
	r.get(path).want(t, 404)
}

func TestTokenFormComesBack(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	bad := r.post("/tokens", "name", " ", "limit", "some", "budget", "a lot", "rpm", "many", "expires", "on", "expires_on", "soon")
	bad.want(t, 422, "Give it a name.", "Write an amount such as", "This must be a whole number.", "Choose a date and a time.", `value="a lot"`)
	r.post("/tokens", "name", "x", "limit", "some", "budget", "").want(t, 422, "Say how much, or choose no limit.")
	r.post("/tokens", "name", "x", "addresses", "10.0.0.0/8\n500.1.1.1").want(t, 422, "500.1.1.1", "is not an IP address", "<details", " open")
	r.post("/tokens", "name", "x", "expires", "on", "expires_on", "2020-01-01T00:00").want(t, 422, "This moment has passed.")
	r.lang = "zh"
	r.post("/tokens", "name", "", "limit", "some", "budget", "x").want(t, 422, "请输入金额，例如 50 或 12.50。")
	if n := len(s.tokens()); n != 0 {
		t.Errorf("%d tokens were made", n)
	}
}

// An edit names only what was touched: amounts finer than a cent, lists that the
// page cannot tell apart and unknown permissions stay.
func TestTokenEditKeepsTheRest(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	made := s.Token(t, control.TokenForm{
		Name: ptr("Script"), Permissions: &[]string{"chat", "{role}guest"}, Models: &[]string{}, ModelsLimited: ptr(true),
		Quota: db.QuotaChange{Quota: ptr(int64(1_234_567))}, ExpiresAt: ptr(s.Now().Add(48 * time.Hour)),
	}).Row
	path := "/tokens/" + made.PublicID
	form := r.get(path + "/edit")
	form.want(t, 200, "Edit “Script”", `value="2.469134"`, "{role}guest", "As it is: ")
	send := func(more ...string) answer {
		return r.post(path+"/edit", append([]string{
			"version", r.get(path+"/edit").value(t, "version"), "name", "Script 2", "limit", "some", "budget", "2.469134", "refill", "none",
			"expires", "keep", "permissions", "chat", "permissions", "{role}guest",
		}, more...)...)
	}
	send().want(t, 200, "is saved.", "Script 2")
	row := s.tokens()[0]
	if row.Purse.Quota != 1_234_567 || !row.ModelsLimited || len(row.Permissions) != 2 || !row.ExpiresAt.Equal(made.ExpiresAt) || row.Version != 2 {
		t.Errorf("the token became %+v with %+v", row.Token, row.Purse)
	}
	send("models", "qwen-max").want(t, 200, "is saved.")
	if row = s.tokens()[0]; len(row.Models) != 1 || !row.ModelsLimited {
		t.Errorf("the models became %v", row.Models)
	}
	send().want(t, 200, "is saved.")
	if row = s.tokens()[0]; row.ModelsLimited {
		t.Error("unticking every model still limits them")
	}
	r.post(path+"/edit", "version", "1", "name", "late").want(t, http.StatusConflict, "Someone changed this meanwhile", `value="late"`)
	r.post(path+"/edit", "version", "4", "name", "x", "limit", "none").want(t, 200, "is saved.")
	if row = s.tokens()[0]; !row.Purse.Unlimited {
		t.Error("no limit still limits")
	}
}

func TestTokenGetsANewKey(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	old := s.Token(t, control.TokenForm{})
	path := "/tokens/" + old.Row.PublicID
	r.get(path+"/rotate").want(t, 200, "A new key for", "for 24 hours", "not any more")
	made := r.post(path+"/rotate", "keep_old", "0s")
	made.want(t, 200, "has a new key", "The old key has stopped.")
	if key := keyText.FindString(made.body); key == "" || key == old.Secret {
		t.Errorf("the new key is %q", key)
	}
	r.post(path+"/rotate", "keep_old", "forever").want(t, 422, "may live on for 0 to 90 days")
	r.get(path+"/snippet?for=python").want(t, 200, "OpenAI(base_url=", `os.environ`)
	r.get(path+"/first-call").want(t, 200, "Waiting for the first call.", "every 2s")
}

func TestTokensInBulk(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	end := s.Now().Add(24 * time.Hour)
	one := s.Token(t, control.TokenForm{Name: ptr("one"), ExpiresAt: &end}).Row.PublicID
	two := s.Token(t, control.TokenForm{Name: ptr("two")}).Row.PublicID
	s.Token(t, control.TokenForm{Name: ptr("three")})
	states := func() string {
		var out []string
		for _, row := range s.tokens() {
			out = append(out, row.Name+":"+string(row.Status(row.Purse, s.Now())))
		}
		return strings.Join(out, " ")
	}
	r.post("/tokens/bulk/disable").want(t, 200, "Nothing was chosen.")
	r.post("/tokens/bulk/disable", "id", one, "id", two).want(t, 200, "2 tokens disabled.")
	if got := states(); got != "three:enabled two:disabled one:disabled" {
		t.Errorf("after disabling: %s", got)
	}
	// One of them is nobody's: the other is changed all the same.
	r.post("/tokens/bulk/enable", "id", one, "id", strings.Repeat("0", 32)).want(t, 200, "1 token enabled. 1 was left as it is.")
	r.post("/tokens/bulk/extend", "id", one, "id", two).want(t, 200, "2 tokens extended by 30 days.")
	for _, row := range s.tokens() {
		if row.Name == "one" && !row.ExpiresAt.Equal(end.Truncate(time.Millisecond).Add(30*24*time.Hour)) || row.Name == "two" && !row.ExpiresAt.IsZero() {
			t.Errorf("%s now ends %s", row.Name, row.ExpiresAt)
		}
	}
	ask := r.post("/tokens/bulk/revoke", "id", one, "id", two)
	ask.want(t, 200, "Revoke 2 tokens?", "No calls in the last 24 hours.", `value="`+one+`"`, `value="`+two+`"`)
	if got := states(); strings.Contains(got, "revoked") {
		t.Fatalf("asking revoked already: %s", got)
	}
	r.post("/tokens/bulk/revoke", "id", one, "id", two, "confirmed", "1").want(t, 200, "2 tokens revoked.")
	if got := states(); got != "three:enabled two:revoked one:revoked" {
		t.Errorf("after revoking: %s", got)
	}
	if rows := readCSV(t, r.post("/tokens/bulk/export", "id", two)); len(rows) != 2 || rows[1][2] != "two" {
		t.Errorf("the export holds %v", rows)
	}
	r.post("/tokens/bulk/paint", "id", one).want(t, 404)
}

func readCSV(t *testing.T, a answer) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff"))).ReadAll()
	if err != nil || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		t.Fatalf("%v in a %s:\n%s", err, a.header.Get("Content-Type"), a.body)
	}
	return rows
}

func TestTokensCSV(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	for i := range 230 {
		s.Token(t, control.TokenForm{Name: ptr(fmt.Sprintf("bulk %03d", i))})
	}
	s.Token(t, control.TokenForm{Name: ptr(`=HYPERLINK("http://evil.example"),"x"`), Note: ptr("two\nlines")})
	rows := readCSV(t, r.get("/tokens.csv"))
	if len(rows) != 232 || rows[0][0] != "id" || rows[1][2] != `'=HYPERLINK("http://evil.example"),"x"` || rows[1][3] != "two\nlines" {
		t.Fatalf("%d rows, the first %q", len(rows), rows[1])
	}
	if rows = readCSV(t, r.get("/tokens.csv?q=bulk%2022")); len(rows) != 11 {
		t.Errorf("the list's own query finds %d rows", len(rows)-1)
	}
	if keyText.MatchString(r.get("/tokens.csv").body) {
		t.Error("the CSV holds a key")
	}
	r.lang = "zh"
	if !strings.HasPrefix(r.get("/tokens.csv").body, "\ufeff") {
		t.Error("a Chinese reader's CSV has no mark for Excel")
	}
}
