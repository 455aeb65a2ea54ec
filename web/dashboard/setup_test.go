package dashboard_test

import (
	"crypto/rand"
	"regexp"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

func TestSetupPages(t *testing.T) {
	s := newEmptySite(t)
	r := s.stranger()
	if a := r.get("/"); a.path != "/setup" {
		t.Fatalf("a new server begins at %s", a.path)
	}
	r.get("/setup").want(t, 200, "Step 1 of 6", "Your account", "Connect a model", `name="code"`)
	account := func(code, password string) answer {
		return r.post("/setup", "code", code, "username", "lin", "email", "lin@acme.example", "password", password)
	}
	account("AAAA-BBBB", testbed.Password).want(t, 403, "This is not the set-up code", `value="lin"`)
	account(s.Control.SetupCode(), "short").want(t, 422, "at least 10 characters", "!short\"")
	if a := account(s.Control.SetupCode(), testbed.Password); a.path != "/setup/workspace" {
		t.Fatalf("led to %s", a.path)
	}
	stranger := s.stranger()
	if a := stranger.get("/setup"); a.path != "/login" {
		t.Errorf("another stranger gets to %s", a.path)
	}
	if a := stranger.post("/setup", "code", "", "username", "x", "password", testbed.Password); a.path != "/login" {
		t.Errorf("another stranger sets up at %s", a.path)
	}

	workspace := r.get("/setup/workspace").value(t, "workspace")
	r.post("/setup/workspace", "workspace", workspace, "name", "", "time_zone", "x").want(t, 422, "aria-invalid")
	r.post("/setup/workspace", "workspace", workspace, "name", "Acme Support", "time_zone", "UTC").want(t, 200, "Step 3 of 6", "Acme Support", "lin@acme.example")
	r.part = true
	r.get("/setup/model/try").want(t, 200, "Connected", "What can you do for our customers?", "!<main")
	r.post("/setup/model/try", "question", "And <b>now</b>?").want(t, 200, "And &lt;b&gt;now&lt;/b&gt;?", "!<b>now")
	r.part = false

	// Bots and links need what was skipped, and say so.
	r.get("/setup/bot").want(t, 200, "A bot needs a model", "/setup/model")
	r.get("/setup/share").want(t, 200, "A share link opens a bot")
	// A private address is asked about before it is reached.
	own := r.post("/setup/model", "provider", "own", "own_url", "http://192.168.7.7:11434/v1", "own_model", "llama")
	own.want(t, 422, "192.168.7.7:11434 is a private address.", `name="allow_private"`)
	hosts, err := s.Control.PrivateHosts(t.Context())
	s.must(err)
	if strings.Contains(strings.Join(hosts, " "), "192.168.7.7") {
		t.Error("allowed without being asked")
	}
	r.post("/setup/model", "provider", "service", "base_url", "ftp://x", "api_key", "secret-key").want(t, 422, `value="ftp://x"`, "!secret-key")
	r.post("/setup/model", "provider", "demo", "once", r.get("/setup/model").value(t, "once")).want(t, 200, "Step 4 of 6", "Demo model")

	form := r.get("/setup/bot")
	model := regexp.MustCompile(`<option value="([0-9a-f]{32} [^"]+)"`).FindStringSubmatch(form.body)[1]
	bot := []string{"once", form.value(t, "once"), "name", "Support Bot", "model", model, "welcome", "Hello", "system_prompt", "Help."}
	r.post("/setup/bot", "name", "", "model", model).want(t, 422, "aria-invalid")
	r.post("/setup/bot", bot...).want(t, 200, "Step 5 of 6", "Support Bot")
	r.post("/setup/bot", bot...).want(t, 200, "Step 5 of 6") // twice makes one

	form = r.get("/setup/share")
	id := regexp.MustCompile(`<option value="([0-9a-f]{32})"`).FindStringSubmatch(form.body)[1]
	r.post("/setup/share", "once", form.value(t, "once"), "name", "First link", "bot", id, "expires", "30").want(t, 200, "Step 6 of 6", "First link")
	r.post("/setup/customer", "username", "").want(t, 422, "aria-invalid")
	done := r.post("/setup/customer", "once", r.get("/setup/customer").value(t, "once"), "username", "mei.tanaka")
	done.want(t, 200, s.url+"/s/", `viewBox="0 0 `, "User name: mei.tanaka", "Password: ")
	password := regexp.MustCompile(`Password: (\S+)`).FindStringSubmatch(done.body)[1]

	// What it shows is true: the customer signs in with it.
	admin, err := s.DB.UserByName(t.Context(), "lin")
	s.must(err)
	_, err = s.Control.SignInCustomer(t.Context(), admin.HomeID, control.Attempt{Name: "mei.tanaka", Password: password, Door: access.DoorChat, Address: "192.0.2.7"})
	s.must(err)
	share := regexp.MustCompile(`/s/([0-9A-Za-z]{32})`).FindStringSubmatch(done.body)[1]
	opened, err := s.Control.ShareOf(t.Context(), share)
	s.must(err)
	if opened.Bot.Name != "Support Bot" || opened.Share.ExpiresAt.IsZero() {
		t.Errorf("%+v", opened)
	}
	bots, _, err := s.Control.Bots(t.Context(), access.Actor{Kind: access.ActorShell, WorkspaceID: admin.HomeID}, db.Page{Limit: 10})
	s.must(err)
	if len(bots) != 1 {
		t.Errorf("%d bots", len(bots))
	}

	// And then it is over.
	for _, path := range []string{"/setup", "/setup/workspace", "/setup/model", "/setup/customer"} {
		if a := r.get(path); a.path != "/" {
			t.Errorf("%s is still there: %s", path, a.path)
		}
	}
	if a := r.post("/setup/done"); a.path != "/" {
		t.Errorf("the link is shown again at %s", a.path)
	}
}

// Every step but the first can be skipped.
func TestSetupSkipped(t *testing.T) {
	s := newEmptySite(t)
	r := s.stranger()
	r.post("/setup", "code", s.Control.SetupCode(), "username", "lin", "password", testbed.Password).want(t, 200, "Step 2 of 6")
	for path, next := range map[string]string{"/setup/workspace": "/setup/model", "/setup/model": "/setup/bot", "/setup/bot": "/setup/share", "/setup/share": "/setup/customer"} {
		r.get(path).want(t, 200, `href="`+next+`"`)
	}
	r.get("/setup/customer").want(t, 200, `formaction="/setup/done"`)
	r.post("/setup/done").want(t, 200, "Ready", "No share link was made.")
}

// Where links are never shown again, the set-up still ends with the link.
func TestSetupWithoutReveal(t *testing.T) {
	s := newEmptySite(t)
	s.Control.Reveal = control.RevealNever
	r := s.stranger()
	r.post("/setup", "code", s.Control.SetupCode(), "username", "lin", "password", testbed.Password).want(t, 200)
	r.post("/setup/model", "provider", "demo").want(t, 200, "Step 4 of 6")
	model := regexp.MustCompile(`<option value="([0-9a-f]{32} [^"]+)"`).FindStringSubmatch(r.get("/setup/bot").body)[1]
	r.post("/setup/bot", "name", "Support Bot", "model", model).want(t, 200, "Step 5 of 6")
	id := regexp.MustCompile(`<option value="([0-9a-f]{32})"`).FindStringSubmatch(r.get("/setup/share").body)[1]
	last := r.post("/setup/share", "name", "First link", "bot", id)
	last.want(t, 200, "Step 6 of 6")
	r.post("/setup/customer", "username", "mei.tanaka", "link", last.value(t, "link")).want(t, 200, s.url+"/s/"+last.value(t, "link"), "User name: mei.tanaka")
}

// newEmptySite is a site on a file that nobody has used, with a set-up code.
func newEmptySite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	fresh, err := db.Open(t.Context(), db.Options{Path: t.TempDir() + "/fresh.db", Now: s.Now, Random: rand.Reader, BootID: "boot"})
	s.must(err)
	fresh.UseAuditKey(int64(s.Keys.Current()), s.Keys.AuditMAC)
	old := s.DB
	t.Cleanup(func() {
		s.must(fresh.Close())
		s.DB = old
	})
	s.Control.DB, s.DB, s.Control.FirstCode = fresh, fresh, control.NewSetupCode(rand.Reader, s.Now())
	return s
}
