package dashboard_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

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
