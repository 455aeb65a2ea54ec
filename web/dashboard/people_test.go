package dashboard_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// stranger is a browser that is signed in nowhere.
func (s *site) stranger() *reader {
	s.t.Helper()
	return &reader{site: s, client: testbed.Browser(), lang: "en"}
}

func TestSignInLeadsBack(t *testing.T) {
	s := newSite(t)
	r := s.stranger()
	asked := r.get("/settings/profile")
	asked.want(t, 200, "Sign in to Latchkey", `name="next" value="/settings/profile"`)
	if asked.path != "/login" || asked.header.Get("Cache-Control") != "no-store" {
		t.Errorf("at %s, %v", asked.path, asked.header)
	}
	wrong := r.post("/login", "username", "lin", "password", "wrong", "next", "/settings/profile")
	wrong.want(t, 401, "That name and password do not fit", `value="lin"`, `value="/settings/profile"`, "!wrong\"")
	unknown := r.post("/login", "username", "nobody", "password", "wrong", "next", "/settings/profile")
	if strip(unknown.body, "nobody") != strip(wrong.body, "lin") {
		t.Error("an unknown name and a wrong password look different")
	}
	in := r.post("/login", "username", " LIN@acme.example ", "password", testbed.Password, "next", "/settings/profile")
	if in.path != "/settings/profile" {
		t.Errorf("led to %s", in.path)
	}
	if again := r.get("/login?next=/settings/sessions"); again.path != "/settings/sessions" {
		t.Errorf("somebody who is signed in is asked again, at %s", again.path)
	}
	for _, elsewhere := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "javascript:alert(1)"} {
		r := s.stranger()
		if in := r.post("/login", "username", "lin", "password", testbed.Password, "next", elsewhere); in.path != "/" {
			t.Errorf("%q led to %s", elsewhere, in.path)
		}
	}
}

// strip leaves out what differs between two answers for other reasons.
func strip(body, name string) string {
	body = regexp.MustCompile(`nonce="[^"]*"`).ReplaceAllString(body, "")
	return strings.ReplaceAll(body, `value="`+name+`"`, "")
}

func TestOtherSitesChangeNothing(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/settings/profile", strings.NewReader("nickname=Mallory"))
		s.must(err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set(header[0], header[1])
		response, err := r.client.Do(request)
		s.must(err)
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %d", header, response.StatusCode)
		}
	}
	r.get("/settings/profile").want(t, 200, "Lin Wei", "!Mallory")
}

func TestFormsOfAnotherKindAreRefused(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	for _, one := range []struct {
		kind, encoding, body string
		want                 int
	}{
		{"application/json", "", `{"nickname":"x"}`, http.StatusUnsupportedMediaType},
		{"text/plain", "", "nickname=x", http.StatusUnsupportedMediaType},
		{"application/x-www-form-urlencoded", "gzip", "nickname=x", http.StatusUnsupportedMediaType},
		{"application/x-www-form-urlencoded", "", "nickname=" + strings.Repeat("x", 1<<20), http.StatusRequestEntityTooLarge},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/settings/profile", strings.NewReader(one.body))
		s.must(err)
		request.Header.Set("Content-Type", one.kind)
		request.Header.Set("Origin", s.url)
		if one.encoding != "" {
			request.Header.Set("Content-Encoding", one.encoding)
		}
		response, err := r.client.Do(request)
		s.must(err)
		response.Body.Close()
		if response.StatusCode != one.want {
			t.Errorf("%s %s: %d, want %d", one.kind, one.encoding, response.StatusCode, one.want)
		}
	}
}

func TestSignOutEndsTheSession(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	at, err := url.Parse(s.url)
	s.must(err)
	copied := r.client.Jar.Cookies(at)
	out := r.post("/logout")
	if out.path != "/login" {
		t.Errorf("led to %s", out.path)
	}
	thief := s.stranger()
	thief.client.Jar.SetCookies(at, copied)
	if a := thief.get("/settings/profile"); a.path != "/login" {
		t.Errorf("a copied cookie opens %s", a.path)
	}
	thief.part = true
	gone := thief.get("/settings/profile")
	gone.want(t, 401, "toast", "!<main")
	if gone.header.Get("HX-Redirect") == "" {
		t.Error("a part does not lead to the sign-in")
	}
}

func TestProfileIsEdited(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	page := r.get("/settings/profile")
	page.want(t, 200, `value="lin"`, "Lin Wei", "lin@acme.example", "As the browser asks")
	fields := []string{
		"workspace", page.value(t, "workspace"), "version", page.value(t, "version"), "username", "lin", "email", "lin@acme.example",
		"nickname", `Lin <b>"W"</b>`, "language", "zh", "time_zone", "Asia/Shanghai",
	}
	r.post("/settings/profile", fields...).want(t, 200, "已保存。", "Lin &lt;b&gt;&#34;W&#34;&lt;/b&gt;", `value="Asia/Shanghai"`, "!<b>\"")
	r.get("/settings/profile").want(t, 200, "个人资料", "!已保存。")

	stale := r.post("/settings/profile", fields...)
	stale.want(t, http.StatusConflict, `value="Asia/Shanghai"`)
	fields[3] = stale.value(t, "version")
	fresh := r.get("/settings/profile").value(t, "version")
	fields[3], fields[5], fields[7], fields[13] = fresh, "", "nowhere", "Mars/Base"
	r.lang = "en"
	bad := r.post("/settings/profile", fields...)
	bad.want(t, 422, "请填写", `value="nowhere"`, `value="Mars/Base"`)
	if n := strings.Count(bad.body, "aria-invalid"); n != 3 {
		t.Errorf("%d fields are marked", n)
	}
}

func TestLanguageIsRemembered(t *testing.T) {
	s := newSite(t)
	r := s.stranger()
	if a := r.post("/language", "lang", "zh", "next", "/login?next=/bots"); a.path != "/login" || !strings.Contains(a.body, `lang="zh-Hans"`) {
		t.Errorf("at %s", a.path)
	}
	r.get("/login").want(t, 200, "登录 Latchkey")
	r.post("/language", "lang", "fr").want(t, 422)
	in := s.signIn(access.Owner)
	in.post("/language", "lang", "zh", "next", "/settings/profile").want(t, 200, "个人资料")
	u, err := s.DB.FindUser(t.Context(), s.User.ID)
	s.must(err)
	if u.Language != "zh" {
		t.Errorf("the account speaks %q", u.Language)
	}
}

func TestPasswordIsChanged(t *testing.T) {
	s := newSite(t)
	here, there := s.signIn(access.Owner), s.signIn(access.Owner)
	const better = "another four calm words"
	here.post("/settings/password", "current", "wrong", "password", better).want(t, 422, "This is not your present password", "!"+better)
	here.post("/settings/password", "current", testbed.Password, "password", "short").want(t, 422, "at least 10 characters", "!"+testbed.Password)
	here.post("/settings/password", "current", testbed.Password, "password", better).want(t, 200, "Your password is changed.")
	here.get("/settings/profile").want(t, 200, "Lin Wei")
	if a := there.get("/settings/profile"); a.path != "/login" {
		t.Errorf("signed in elsewhere still, at %s", a.path)
	}
}

func TestPasswordThatWasMadeMustBeChanged(t *testing.T) {
	s := newSite(t)
	made, err := s.Control.CreateMember(t.Context(), s.Owner, control.MemberForm{Username: "jun", Role: access.Viewer})
	s.must(err)
	r := s.stranger()
	r.post("/login", "username", "jun", "password", made.Password, "next", "/settings/profile").want(t, 200, "Choose a password of your own.")
	for _, path := range []string{"/", "/bots", "/settings/profile"} {
		if a := r.get(path); a.path != "/settings/password" {
			t.Errorf("%s led to %s", path, a.path)
		}
	}
	r.post("/settings/password", "current", made.Password, "password", "another four calm words").want(t, 200, "Your password is changed.", "!Choose a password of your own.")
	r.get("/settings/profile").want(t, 200, "jun")
}

func TestSignInsAreListedAndEnded(t *testing.T) {
	s := newSite(t)
	here, there := s.signIn(access.Owner), s.signIn(access.Owner)
	login, err := s.Control.SignIn(t.Context(), control.Attempt{Name: "lin", Password: testbed.Password, Door: access.DoorNative, Address: "192.0.2.7"})
	s.must(err)
	page := here.get("/settings/sessions")
	page.want(t, 200, "This device", "A program", "192.0.2.7", "Sign out all others", "!"+login.Value)
	ends := regexp.MustCompile(`/settings/sessions/[0-9a-f]{64}/end`).FindAllString(page.body, -1)
	if len(ends) != 2 {
		t.Fatalf("%d can be ended", len(ends))
	}
	here.post(ends[0]).want(t, 200, "Signed out there.")
	here.post(ends[0]).want(t, 404)
	here.post("/settings/sessions/nonsense/end").want(t, 404)
	here.post("/settings/sessions/end").want(t, 200, "You are signed out everywhere else.", "!Sign out all others")
	if a := there.get("/settings/profile"); a.path != "/login" {
		t.Errorf("still signed in at %s", a.path)
	}
	if _, err := s.Control.ActorOfBearer(t.Context(), login.Value, "192.0.2.7", access.DoorNative, ""); access.KindOf(err) != access.SignedOut {
		t.Errorf("the program is still signed in: %v", err)
	}
}

func TestConfirmPassword(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	r.post("/confirm", "password", "wrong", "next", "/settings/members").want(t, 422, "This is not your present password")
	ok := r.post("/confirm", "password", testbed.Password, "next", "/settings/members")
	ok.want(t, 200, "You can go on now.")
	if ok.path != "/settings/members" {
		t.Errorf("led to %s", ok.path)
	}
	s.Wait(control.FreshFor + time.Minute)
	asked := r.post("/settings/members", "username", "viewer2", "role", "owner")
	asked.want(t, 200, "Confirm your password")
	if asked.path != "/confirm" {
		t.Errorf("led to %s", asked.path)
	}
	rows, err := s.Control.Members(t.Context(), s.Owner)
	s.must(err)
	if len(rows) != 1 {
		t.Errorf("%d members", len(rows))
	}
}

func TestMembersPage(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	r.get("/settings/members").want(t, 200, "Lin Wei", "Owner", "Add a member")
	r.get("/settings/members/new").want(t, 200, "<main", `name="username"`)
	r.part = true
	r.get("/settings/members/new").want(t, 200, "!<main", `hx-post="/settings/members"`)
	r.post("/settings/members", "username", "", "role", "editor").want(t, 422, "aria-invalid", "!<main")
	made := r.post("/settings/members", "username", "jun", "role", "editor")
	made.want(t, 200, "shown again", `id="made-password"`, `hx-target="#members"`, "!<main")
	r.part = false
	page := r.get("/settings/members")
	page.want(t, 200, "jun", "!made-password")
	jun, err := s.DB.UserByName(t.Context(), "jun")
	s.must(err)
	member := "/settings/members/" + jun.PublicID
	r.post(member, "role", "viewer").want(t, 200, "jun: Viewer.")
	r.post(member, "role", "king").want(t, 200, "A role is viewer, editor or owner.")
	r.post(member, "role", "editor", "version", "1").want(t, 200, "Someone changed this meanwhile")
	r.post("/settings/members/"+s.User.PublicID, "role", "editor").want(t, 200, "A workspace keeps at least one owner.")
	r.get(member+"/remove").want(t, 200, "Remove jun?", "They lose their role in Acme Support at once.")
	r.post(member+"/remove").want(t, 200, "Removed.", "!>jun<")
	r.post(member+"/remove").want(t, 404)
}

func TestWorkspacePage(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	page := r.get("/settings/workspace")
	page.want(t, 200, `value="Acme Support"`, s.Workspace.PublicID)
	fields := []string{"version", page.value(t, "version"), "name", "Acme Help", "time_zone", "Europe/Berlin", "brand_name", "Acme", "colour", "#0a7d4b"}
	r.post("/settings/workspace", fields...).want(t, 200, "Saved.", "Acme Help", `value="#0a7d4b"`)
	r.post("/settings/workspace", fields...).want(t, http.StatusConflict)
	r.post("/settings/workspace", "name", " ", "time_zone", "x", "colour", "red").want(t, 422, "aria-invalid", `value="red"`)
	w, err := s.DB.FindWorkspace(t.Context(), s.Workspace.ID)
	s.must(err)
	if w.Name != "Acme Help" || w.TimeZone != "Europe/Berlin" || !strings.Contains(w.Brand, `"no_credit":true`) {
		t.Errorf("%+v", w)
	}
}

// A form that was drawn for one workspace changes nothing in another.
func TestFormsCarryTheirWorkspace(t *testing.T) {
	s := newSite(t)
	name := "Northwind"
	other, err := s.Control.CreateWorkspace(t.Context(), s.Owner, control.WorkspaceForm{Name: &name}, "")
	s.must(err)
	r := s.signIn(access.Owner)
	page := r.get("/settings/workspace")
	r.post("/workspace", "to", other.PublicID).want(t, 200)
	r.get("/settings/workspace").want(t, 200, `value="Northwind"`)
	r.post("/settings/workspace", "workspace", page.value(t, "workspace"), "name", "Mixed up").want(t, http.StatusConflict, "drawn for another workspace")
	for _, id := range []int64{s.Workspace.ID, other.ID} {
		if w, err := s.DB.FindWorkspace(t.Context(), id); err != nil || w.Name == "Mixed up" {
			t.Errorf("%+v %v", w, err)
		}
	}
	r.post("/workspace", "to", strings.Repeat("0", 32)).want(t, 404)
}

// Who sees which page of the settings.
func TestSettingsByRole(t *testing.T) {
	s := newSite(t)
	for _, one := range []struct {
		path    string
		editors int
	}{
		{"/settings/profile", 200},
		{"/settings/password", 200},
		{"/settings/sessions", 200},
		{"/settings/workspace", 403},
		{"/settings/members", 403},
		{"/settings/members/new", 403},
	} {
		s.reader(access.Owner).get(one.path).want(t, 200)
		for _, role := range []access.Role{access.Editor, access.Viewer} {
			s.reader(role).get(one.path).want(t, one.editors)
		}
	}
	s.reader(access.Editor).get("/settings/profile").want(t, 200, "!/settings/members", "!/settings/workspace")
	s.reader(access.Editor).post("/settings/workspace", "name", "Mine").want(t, 403)
	s.reader(access.Viewer).post("/settings/members", "username", "x", "role", "owner").want(t, 403)
}

func TestRegisterPage(t *testing.T) {
	s := newSite(t)
	r := s.stranger()
	r.get("/register").want(t, 404)
	r.post("/register", "username", "new", "password", "four quiet words apart").want(t, 403)
	r.get("/login").want(t, 200, "!/register")
	s.must(s.DB.SetSetting(t.Context(), s.Owner, control.RegistrationSetting, "open"))
	r.get("/login").want(t, 200, "/register")
	r.get("/register").want(t, 200, "Make an account")
	r.post("/register", "username", "lin", "password", "short").want(t, 422, "at least 10 characters", `value="lin"`)
	r.post("/register", "username", "lin", "password", "four quiet words apart").want(t, 409, "This name is taken already.")
	made := r.post("/register", "username", "new", "email", "new@acme.example", "password", "four quiet words apart")
	made.want(t, 200, "Welcome, new.")
	r.get("/settings/members").want(t, 200, "new@acme.example")
	r.get("/settings/prices").want(t, 403)
}

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
