package dashboard_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

var passwordText = regexp.MustCompile(`[a-z2-9]{4}(?:-[a-z2-9]{4}){3}`)

// fits reports whether a password is a customer's.
func (s *site) fits(name, password string) bool {
	s.t.Helper()
	_, err := s.Control.SignInCustomer(s.t.Context(), s.Workspace.ID, control.Attempt{Name: name, Password: password, Door: access.DoorChat})
	return err == nil
}

func TestCustomerIsEnrolledResetAndDeleted(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Editor)
	r.get("/customers").want(t, 200, "No customer yet")
	form := r.get("/customers/new")
	fields := []string{"once", form.value(t, "once"), "username", "Mei.Tanaka", "email", "mei@example.com", "note", "calls on Mondays", "password_by", "made"}
	made := r.post("/customers", fields...)
	made.want(t, 200, "can sign in", "Name: Mei.Tanaka", "This is the only time it is shown.")
	password := passwordText.FindString(made.body)
	if password == "" || !s.fits("mei.tanaka", password) {
		t.Fatalf("the password that is shown, %q, does not fit", password)
	}
	if again := r.post("/customers", fields...); passwordText.FindString(again.body) != password {
		t.Error("the same form sent twice showed another password")
	}
	rows := regexp.MustCompile(`href="(/customers/[0-9a-f]{32})"`).FindStringSubmatch(r.get("/customers").body)
	if rows == nil {
		t.Fatal("the list leads to no customer")
	}
	path := rows[1]
	for _, page := range []string{"/customers", path, path + "/edit", "/customers.csv"} {
		if passwordText.MatchString(bodyOf(r.get(page).body)) {
			t.Errorf("%s holds a password", page)
		}
	}
	r.get(path).want(t, 200, "mei@example.com", "calls on Mondays", "Signed in", "1 sign-in", "Questions today")

	r.post("/customers", "username", "MEI.TANAKA").want(t, 409, "This name is taken already.")
	r.post("/customers", "username", "").want(t, 422, "Give it a name.")
	r.post("/customers", "username", "x y", "email", "nowhere", "password_by", "chosen", "password", "short").
		want(t, 422, "not an e-mail address", "needs at least 8 characters", `value="x y"`, "!short\"")

	reset := r.post(path+"/reset", "password_by", "made")
	reset.want(t, 200, "can sign in")
	if fresh := passwordText.FindString(reset.body); fresh == password || !s.fits("mei.tanaka", fresh) || s.fits("mei.tanaka", password) {
		t.Error("after the reset the old password fits, or the new one does not")
	}
	r.post(path+"/reset", "password_by", "chosen", "password", "another good one").want(t, 200, "the password on another way")
	if !s.fits("mei.tanaka", "another good one") {
		t.Error("the chosen password does not fit")
	}

	r.get(path+"/disable").want(t, 200, "Disable “Mei.Tanaka”?", "No links, 1 sign-in, no questions today.")
	r.post(path+"/disable").want(t, 200, "is disabled and signed out.", "cannot sign in", "Not signed in anywhere.")
	if s.fits("mei.tanaka", "another good one") {
		t.Error("a disabled customer signs in")
	}
	r.post(path+"/enable").want(t, 200, "is enabled.")
	r.post(path+"/edit", "version", r.get(path+"/edit").value(t, "version"), "username", "mei", "email", "", "note", "").want(t, 200, "is saved.", "mei")
	r.post(path+"/delete").want(t, 200, "is deleted.", "No customer yet")
	r.get(path).want(t, 404)
}

func TestCustomerSignsOut(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	mei := s.customer("mei.tanaka")
	_, err := s.Control.ResetCustomerPassword(t.Context(), s.Owner, mei.PublicID, control.CustomerForm{Password: ptr("another good one")})
	s.must(err)
	for _, agent := range []string{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", ""} {
		_, err := s.Control.SignInCustomer(t.Context(), s.Workspace.ID, control.Attempt{
			Name: "mei.tanaka", Password: "another good one", Door: access.DoorChat, Agent: agent, Address: "203.0.113.80",
		})
		s.must(err)
	}
	path := "/customers/" + mei.PublicID
	page := r.get(path)
	page.want(t, 200, "Safari on iPhone", "Unknown device", "203.0.113.80")
	ends := regexp.MustCompile(`/customers/\w+/sessions/[0-9a-f]{64}/end`).FindAllString(page.body, -1)
	if len(ends) != 2 {
		t.Fatalf("%d sign-ins can be ended", len(ends))
	}
	r.post(ends[0]).want(t, 200, "That sign-in has ended.")
	r.post(ends[0]).want(t, 404)
	r.post(path+"/sessions/xyz/end").want(t, 404)
	r.get(path+"/end-sessions").want(t, 200, "everywhere?", "1 sign-in")
	r.post(path+"/end-sessions").want(t, 200, "is signed out everywhere.", "Not signed in anywhere.")
}

func TestCustomerLinks(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	mei := s.customer("mei.tanaka")
	named, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Bot: &s.Bot.PublicID, Name: ptr("Named few"), Customers: ptr(&[]string{})})
	s.must(err)
	path := "/customers/" + mei.PublicID
	r.get(path).want(t, 200, "No link to open", "Give a link")
	r.get(path+"/give").want(t, 200, "Named few · Support Bot")
	r.post(path+"/give", "share", named.Row.PublicID).want(t, 200, "may open “Named few”.", "Take away “Named few”", "!Give a link")

	// The text to send holds the link, and the audit log knows that it was shown.
	r.accept = "text/plain"
	text := r.post(path + "/sign-in-text")
	r.accept = ""
	if !strings.Contains(text.body, "Name: mei.tanaka") || !strings.Contains(text.body, s.url+"/s/"+named.Secret) || s.lastAudit() != "share.reveal" {
		t.Errorf("the text to send is %q, the audit log tells %s", text.body, s.lastAudit())
	}
	_, err = s.DB.OpenShare(t.Context(), named.Row.ID, mei.ID, time.UTC)
	s.must(err)
	r.get(path).want(t, 200, "0 questions")
	r.post(path+"/links/"+named.Row.PublicID+"/take").want(t, 200, "may no longer open")
	r.post(path+"/give", "share", strings.Repeat("0", 32)).want(t, 404)
}

func TestCustomersCSVAndSearch(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Viewer)
	for _, name := range []string{"mei.tanaka", "王芳", "+49 151"} {
		s.customer(name)
	}
	rows := readCSV(t, r.get("/customers.csv"))
	if len(rows) != 4 || rows[1][1] != "'+49 151" {
		t.Errorf("the CSV holds %q", rows)
	}
	r.part = true
	r.get("/customers?q=王芳").want(t, 200, "王芳", "1 customer", "!mei.tanaka")
	r.get("/customers?q=TANAKA").want(t, 200, "mei.tanaka", "!王芳")
	r.get("/customers?status=disabled").want(t, 200, "Nobody fits")
}

// What the operator forbids to show again is not offered, and not answered.
func TestRevealIsConfirmedOrNever(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	k := s.Token(t, control.TokenForm{}).Row.PublicID
	link, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Bot: &s.Bot.PublicID, Name: ptr("Help desk")})
	s.must(err)
	s.Control.Reveal = control.RevealConfirm
	s.Wait(11 * time.Minute)
	r.part, r.at = true, "/tokens"
	if a := r.post("/tokens/" + k + "/reveal"); a.header.Get("HX-Redirect") != "/confirm?next=%2Ftokens" || keyText.MatchString(a.body) {
		t.Errorf("revealing with an old password led to %q", a.header.Get("HX-Redirect"))
	}
	if a := r.post("/shares/" + link.Row.PublicID + "/copy"); !strings.HasPrefix(a.header.Get("HX-Redirect"), "/confirm") {
		t.Errorf("copying a link with an old password led to %q", a.header.Get("HX-Redirect"))
	}
	r.part = false
	s.Control.Reveal = control.RevealNever
	r.get("/tokens").want(t, 200, "!data-reveal")
	r.get("/shares/"+link.Row.PublicID).want(t, 200, "shown only when it is made", "!Copy link")
	r.post("/tokens/"+k+"/reveal").want(t, 403, "shown only when it is made")
}
