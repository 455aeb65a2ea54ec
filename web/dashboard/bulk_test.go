package dashboard_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// What was ticked is changed; what one of them refuses is named, row by row.
func TestBulkOnTheThreeLists(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Editor)
	end := s.Now().Add(48 * time.Hour)
	one := s.Token(t, control.TokenForm{Name: ptr("One"), ExpiresAt: &end}).Row
	two := s.Token(t, control.TokenForm{Name: ptr("Two <b>")}).Row
	r.get("/tokens").want(t, 200, `formaction="/tokens/bulk/delete"`, "!all 2 tokens")
	r.post("/tokens/bulk/disable", "id", one.PublicID, "id", two.PublicID).want(t, 200, "2 tokens disabled.", "Disabled")
	s.must(s.Control.RevokeToken(t.Context(), s.Owner, two.PublicID))
	r.post("/tokens/bulk/enable", "id", one.PublicID, "id", two.PublicID, "id", strings.Repeat("0", 32)).
		want(t, 200, "1 token enabled. 2 were left as they are.", "Two &lt;b&gt;", "It was revoked and stays so.", "gone meanwhile", "There is no such API token here.")
	r.lang = "zh"
	r.post("/tokens/bulk/extend", "id", two.PublicID).want(t, 200, "0 个令牌 已延长 30 天。", "已被吊销，保持不变。")
	r.lang = "en"
	r.post("/tokens/bulk/extend", "id", one.PublicID).want(t, 200, "1 token extended by 30 days.")
	r.post("/tokens/bulk/revoke", "id", one.PublicID).want(t, 200, "Revoke 1 token?", "No calls in the last 24 hours.", `name="confirmed"`, "!revoked.")
	r.post("/tokens/bulk/revoke", "id", one.PublicID, "confirmed", "1").want(t, 200, "1 token revoked.")
	rows := readCSV(t, r.post("/tokens/bulk/export", "id", one.PublicID))
	if len(rows) != 2 || rows[1][2] != "One" {
		t.Errorf("the export of one is %v", rows)
	}
	r.post("/tokens/bulk/disable").want(t, 200, "Nothing was chosen.")
	r.post("/tokens/bulk/explode", "id", one.PublicID).want(t, 404)

	link, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Bot: &s.Bot.PublicID, Name: ptr("Desk"), ExpiresAt: &end})
	s.must(err)
	id := link.Row.PublicID
	r.get("/shares").want(t, 200, `formaction="/shares/bulk/pause"`, `name="id" value="`+id+`"`)
	r.post("/shares/bulk/pause", "id", id).want(t, 200, "1 share link paused.", "Paused")
	r.post("/shares/bulk/resume", "id", id).want(t, 200, "1 share link resumed.", "!Paused</span>")
	r.post("/shares/bulk/extend", "id", id).want(t, 200, "1 share link extended by 30 days.")
	if row, err := s.Control.Share(t.Context(), s.Owner, id); err != nil || !row.ExpiresAt.Equal(end.Add(control.Extension).Truncate(time.Millisecond)) {
		t.Errorf("the link ends %s, %v", row.ExpiresAt, err)
	}
	r.post("/shares/bulk/revoke", "id", id).want(t, 200, "Revoke 1 share link?", "No customers, no questions today.")
	r.post("/shares/bulk/revoke", "id", id, "confirmed", "1").want(t, 200, "1 share link revoked.")
	r.post("/shares/bulk/pause", "id", id).want(t, 200, "0 share links paused.", "Desk", "It was revoked and stays so.")
	if rows := readCSV(t, r.post("/shares/bulk/export", "id", id)); len(rows) != 2 {
		t.Errorf("the export of a link is %v", rows)
	}
	r.post("/shares/bulk/delete", "id", id, "confirmed", "1").want(t, 200, "1 share link deleted.", "No share link yet")

	mei, err := s.Control.CreateCustomer(t.Context(), s.Owner, control.CustomerForm{Username: ptr("mei")})
	s.must(err)
	id = mei.Row.PublicID
	r.post("/customers/bulk/disable", "id", id).want(t, 200, "1 customer disabled.", "Disabled")
	r.post("/customers/bulk/enable", "id", id).want(t, 200, "1 customer enabled.")
	r.post("/customers/bulk/end-sessions", "id", id, "confirmed", "1").want(t, 200, "1 customer signed out everywhere.")
	if rows := readCSV(t, r.post("/customers/bulk/export", "id", id)); len(rows) != 2 || rows[1][1] != "mei" {
		t.Errorf("the export of a customer is %v", rows)
	}
	r.post("/customers/bulk/delete", "id", id).want(t, 200, "Delete 1 customer?")
	r.post("/customers/bulk/delete", "id", id, "confirmed", "1").want(t, 200, "1 customer deleted.", "No customer yet")

	v := s.signIn(access.Viewer)
	v.get("/shares").want(t, 200, "!/bulk/")
	for _, path := range []string{"/tokens/bulk/disable", "/shares/bulk/pause", "/customers/bulk/disable"} {
		v.post(path, "id", id).want(t, 403)
	}
}

// Every row that fits is a job: it asks first, tells how far it is, and a reload
// shows the same.
func TestBulkOnAllThatFit(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	for i := range 60 {
		s.Token(t, control.TokenForm{Name: ptr(fmt.Sprintf("desk-%02d", i))})
	}
	spared := s.Token(t, control.TokenForm{Name: ptr("other")}).Row
	list := r.get("/tokens?q=desk")
	list.want(t, 200, `<input type="checkbox" name="all" value="1">`, "all 60 tokens", `name="q" value="desk"`)
	ask := r.post("/tokens/bulk/disable", "all", "1", "q", "desk")
	ask.want(t, 200, "Disable 60 tokens?", `name="q" value="desk"`, `name="all"`, "Disable 60 tokens")
	begun := r.post("/tokens/bulk/disable", "all", "1", "q", "desk", "confirmed", "1")
	begun.want(t, 200, "Disable tokens", "0 of 60 tokens.", "<progress")
	s.must(s.Control.WorkOff(t.Context()))
	r.get(begun.path).want(t, 200, "60 tokens disabled.", "!<progress", "Back to the list")
	if row, err := s.Control.Token(t.Context(), s.Owner, spared.PublicID); err != nil || !row.Enabled {
		t.Errorf("what did not fit is %+v, %v", row, err)
	}
	if _, n, err := s.Control.Tokens(t.Context(), s.Owner, db.Page{Status: access.StatusDisabled, Limit: 1}); err != nil || n != 60 {
		t.Errorf("%d are disabled, %v", n, err)
	}
	if a := r.post("/tokens/bulk/export", "all", "1", "q", "desk"); !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") || strings.Count(a.body, "\n") != 61 {
		t.Errorf("exporting all answered %s", a.header.Get("Content-Type"))
	}
	r.get("/jobs/"+strings.Repeat("0", 32)).want(t, 404)
	if !regexp.MustCompile(`^/jobs/[0-9a-f]{32}$`).MatchString(begun.path) {
		t.Errorf("the job is at %s", begun.path)
	}
}

// What a bulk form or an address says that the list does not know is named, and
// nothing is changed by it.
func TestListsNameWhatTheyDoNotKnow(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	row := s.Token(t, control.TokenForm{Name: ptr("desk")}).Row
	for _, path := range []string{"/tokens?status=paused", "/shares?status=exhausted", "/customers?sort=opens", "/requests?outcome=lost", "/requests?day=yesterday", "/tokens?bot=gone"} {
		_, odd, _ := strings.Cut(path, "?")
		r.get(path).want(t, 200, odd+" in the address means nothing to this list and was left out.")
	}
	r.get("/tokens?status=enabled&sort=-made").want(t, 200, "desk", "!means nothing")
	r.post("/tokens/bulk/disable", "all", "1", "status", "paused", "confirmed", "1").want(t, 422, "no such filter")
	r.post("/tokens/bulk/disable", "all", "1", "bot", "gone", "confirmed", "1").want(t, 404)
	many := []string{}
	for range control.BulkMax + 1 {
		many = append(many, "id", row.PublicID)
	}
	r.post("/tokens/bulk/disable", many...).want(t, 422, "the most is 200")
	if k, err := s.Control.Token(t.Context(), s.Owner, row.PublicID); err != nil || !k.Enabled {
		t.Errorf("something was changed: %+v, %v", k, err)
	}
	// What was deleted meanwhile is named row by row; the rest is done.
	other := s.Token(t, control.TokenForm{Name: ptr("other")}).Row
	_, err := s.Control.DeleteTokens(t.Context(), s.Owner, []int64{other.ID})
	s.must(err)
	r.post("/tokens/bulk/disable", "id", row.PublicID, "id", other.PublicID).want(t, 200, "1 token disabled.", "1 was left as it is")
	// On a phone the boxes come with an address that keeps the rest of it.
	r.get("/tokens?q=desk&sort=name").want(t, 200, `href="/tokens?q=desk&amp;select=1&amp;sort=name"`)
	r.get("/tokens?q=desk&sort=name&select=1").want(t, 200, `class="card selecting"`, `href="/tokens?q=desk&amp;sort=name"`, `name="select" value="1"`)
	s.signIn(access.Viewer).get("/tokens?select=1").want(t, 200, "!selecting", `!name="select"`)
}
