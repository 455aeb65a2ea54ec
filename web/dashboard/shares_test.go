package dashboard_test

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
)

// neighbour signs the owner of another workspace in.
func (s *site) neighbour(name string) *reader {
	s.t.Helper()
	hash, err := s.Control.Passwords.Hash(s.t.Context(), testbed.Password)
	s.must(err)
	_, _, err = s.DB.MakeUser(s.t.Context(), access.Actor{Kind: access.ActorShell, Door: access.DoorShell}, db.NewUser{
		User:      access.User{PublicID: secret.NewPublicID(rand.Reader), Username: name, UsernameKey: name, PasswordHash: hash, Enabled: true},
		Workspace: name, TimeZone: "UTC",
	})
	s.must(err)
	r := &reader{site: s, client: testbed.Browser(), lang: "en"}
	r.post("/login", "username", name, "password", testbed.Password, "next", "/settings/profile").want(s.t, 200)
	return r
}

func (s *site) shares() []db.ShareRow {
	s.t.Helper()
	rows, _, err := s.Control.Shares(s.t.Context(), s.Owner, db.Page{Limit: 200})
	s.must(err)
	return rows
}

func (s *site) customer(name string) db.CustomerRow {
	s.t.Helper()
	made, err := s.Control.CreateCustomer(s.t.Context(), s.Owner, control.CustomerForm{Username: &name})
	s.must(err)
	return made.Row
}

func TestShareIsMadeShownAndRevoked(t *testing.T) {
	s := newSite(t)
	s.StopClock() // a revocation is undone in seconds
	mei := s.customer("mei.tanaka")
	r := s.signIn(access.Editor)
	r.get("/shares").want(t, 200, "No share link yet")
	form := r.get("/shares/new")
	form.want(t, 200, "Support Bot", "mei.tanaka", "Each customer may ask")
	fields := []string{
		"once", form.value(t, "once"), "name", "Acme help desk", "bot", s.Bot.PublicID, "expires", "30d", "allowance_unit", "messages", "allowance", "30",
		"refill", "daily", "cap", "5", "max_customers", "10", "who", "named", "customers", mei.PublicID,
	}
	made := r.post("/shares", fields...)
	made.want(t, 200, "is open", "<path d=", "Text to send", "each up to 30 questions a day")
	link := shareText.FindString(made.body)
	if link == "" || made.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the answer holds the link %q under %q", link, made.header.Get("Cache-Control"))
	}
	if again := r.post("/shares", fields...); shareText.FindString(again.body) != link {
		t.Error("the same form sent twice showed another link")
	}
	rows := s.shares()
	if len(rows) != 1 {
		t.Fatalf("%d links were made", len(rows))
	}
	row := rows[0]
	if *row.Allowance != 30 || row.Refill != access.RefillDaily || row.Purse.Quota != 2_500_000 || *row.MaxCustomers != 10 || !row.Restricted || row.Named != 1 {
		t.Errorf("the link is %+v, its purse %+v", row.Share, row.Purse)
	}

	path := "/shares/" + row.PublicID
	for _, page := range []string{"/shares", path, path + "/edit", path + "/menu", path + "/show", "/shares.csv"} {
		if a := r.get(page); shareText.MatchString(a.body) || a.status != 200 {
			t.Errorf("GET %s (%d) holds a link", page, a.status)
		}
	}
	if s.lastAudit() == "share.reveal" {
		t.Error("looking at pages told the audit log that a link was shown")
	}
	r.accept = "text/plain"
	if copied := r.post(path + "/copy"); copied.body != s.url+link || s.lastAudit() != "share.reveal" {
		t.Errorf("copying answered %q, the audit log tells %s", copied.body, s.lastAudit())
	}
	r.accept = ""
	r.post(path+"/copy").want(t, 200, s.url+link, "<path d=") // without script: a page
	shown := r.post(path + "/show")
	shown.want(t, 200, s.url+link, "logged")
	r.part = true
	r.post(path+"/show").want(t, 200, s.url+link, "!<main", `id="share-link"`)
	r.part = false
	if file := r.post(path + "/qr"); !strings.HasPrefix(file.body, "<svg") || file.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(file.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the QR code as a file: %s %.80s", file.header.Get("Content-Type"), file.body)
	}

	r.post(path+"/pause").want(t, 200, "is paused.", "Paused since", "Resume")
	r.post(path+"/resume").want(t, 200, "is open again.")
	r.get(path+"/revoke").want(t, 200, "Revoke this link?", "No customers, no questions today.", "Pause instead")
	r.post(path+"/revoke").want(t, 200, "is revoked.", "/undo-revoke", "it stays closed", "!Copy link")
	r.post(path+"/undo-revoke").want(t, 200, "is open again", "Copy link")
	r.post(path+"/delete").want(t, 200, "is deleted.", "No share link yet")
	r.get(path).want(t, 404)
}

func TestShareBesideItsList(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	mei, jonas := s.customer("mei.tanaka"), s.customer("jonas.weber")
	made, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{
		Bot: &s.Bot.PublicID, Name: ptr("Help desk"), Allowance: ptr(ptr(int64(30))), Refill: ptr(access.RefillDaily),
	})
	s.must(err)
	for _, m := range []db.CustomerRow{mei, jonas} {
		_, err := s.DB.OpenShare(t.Context(), made.Row.ID, m.ID, time.UTC)
		s.must(err)
	}
	path := "/shares/" + made.Row.PublicID
	whole := r.get(path + "?q=help")
	whole.want(t, 200, `class="chosen"`, "mei.tanaka", "0 of 30", "each up to 30 questions a day", "opened 2 times", `href="/shares?q=help"`, `value="help"`)
	r.part = true
	r.get(path).want(t, 200, `id="aside-`, "jonas.weber", "!<main", `hx-target="#share-`)
	r.get(path+"/revoke?in=place").want(t, 200, "2 customers, no questions today.", "!class=\"panel")
	r.get(path+"/revoke").want(t, 200, "2 customers", `class="panel`)
	r.at = "/shares"
	r.post(path+"/pause").want(t, 200, `hx-target="#s1"`, "Paused", "!<main")
	r.at = path + "?q=help"
	if away := r.post(path + "/resume"); away.header.Get("HX-Redirect") != path+"?q=help" {
		t.Errorf("an act beside the list led to %q", away.header.Get("HX-Redirect"))
	}
}

func TestShareEdit(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	mei := s.customer("mei.tanaka")
	made, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{
		Bot: &s.Bot.PublicID, Name: ptr("Help desk"), Cap: ptr(ptr(int64(1_234_567))), Allowance: ptr(ptr(int64(30))), Customers: ptr(&[]string{mei.PublicID}),
	})
	s.must(err)
	path := "/shares/" + made.Row.PublicID
	form := r.get(path + "/edit")
	form.want(t, 200, "Edit “Help desk”", `value="30"`, `value="2.469134"`, "A link keeps its bot.")
	send := func(more ...string) answer {
		fields := map[string]string{
			"version": r.get(path+"/edit").value(t, "version"), "name": "Help desk", "expires": "never", "allowance_unit": "messages", "allowance": "30",
			"refill": "none", "cap": "2.469134", "who": "named", "customers": mei.PublicID, "max_customers": "", "rpm": "",
		}
		for i := 0; i < len(more); i += 2 {
			fields[more[i]] = more[i+1]
		}
		var pairs []string
		for name, value := range fields {
			pairs = append(pairs, name, value)
		}
		return r.post(path+"/edit", pairs...)
	}
	send("name", "Beta pilot").want(t, 200, "is saved.", "Beta pilot")
	row := s.shares()[0]
	if row.Purse.Quota != 1_234_567 || *row.Allowance != 30 || row.Named != 1 {
		t.Errorf("what was not touched became %+v %+v", row.Share, row.Purse)
	}
	send("allowance_unit", "none", "cap", "", "who", "all").want(t, 200, "is saved.")
	if row = s.shares()[0]; row.Allowance != nil || !row.Purse.Unlimited || row.Restricted {
		t.Errorf("the limits that were taken away: %+v %+v", row.Share, row.Purse)
	}
	send("allowance_unit", "units", "allowance_money", "0.50", "refill", "weekly", "who", "all", "cap", "", "max_customers", "3", "rpm", "2").want(t, 200, "is saved.")
	if row = s.shares()[0]; *row.Allowance != 250_000 || row.AllowanceUnit != access.Units || row.Refill != access.RefillWeekly || *row.MaxCustomers != 3 || row.RPM != 2 {
		t.Errorf("the new limits: %+v", row.Share)
	}
	send("max_customers", "0", "cap", "much", "allowance", "few").want(t, 422, "Write an amount", "whole number")
	send("max_customers", "0", "cap", "", "allowance_unit", "none").want(t, 422, "This is a whole number from 1 up.")
	r.post(path+"/edit", "version", "1", "name", "late").want(t, http.StatusConflict, "Someone changed this meanwhile", `value="late"`)
	r.post("/shares", "name", "x").want(t, 422, "Choose the bot that this link opens.")
}

func TestSharesCSV(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Viewer)
	for _, name := range []string{"@SUM(A1)", "售后客服"} {
		_, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Bot: &s.Bot.PublicID, Name: &name})
		s.must(err)
	}
	rows := readCSV(t, r.get("/shares.csv"))
	if len(rows) != 3 || rows[1][1] != "售后客服" || rows[2][1] != "'@SUM(A1)" {
		t.Errorf("the CSV holds %q", rows)
	}
}
