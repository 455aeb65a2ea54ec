package dashboard_test

import (
	"regexp"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

var madePassword = regexp.MustCompile(`id="made-password"[^>]* value="([^"]+)"`)

func TestUsersAreManaged(t *testing.T) {
	s := newSite(t)
	r := s.reader(access.Owner)
	list := r.get("/settings/users")
	list.want(t, 200, "Lin Wei", "you", "Admin", "1 user", `href="/settings/users/new"`)
	ws := r.get("/settings/profile").value(t, "workspace")
	form := r.get("/settings/users/new")
	bad := r.post("/settings/users", "workspace", ws, "once", form.value(t, "once"), "username", "", "email", "nowhere")
	bad.want(t, 422, `value="nowhere"`, "aria-invalid")
	sent := []string{"workspace", ws, "once", bad.value(t, "once"), "username", "jun<b>", "email", "jun@acme.example", "home", "Northwind"}
	made := r.post("/settings/users", sent...)
	made.want(t, 200, "jun&lt;b&gt;", "made-password")
	password := madePassword.FindStringSubmatch(made.body)
	if password == nil {
		t.Fatal("no password is shown")
	}
	if again := r.post("/settings/users", sent...); madePassword.FindStringSubmatch(again.body) == nil || madePassword.FindStringSubmatch(again.body)[1] != password[1] {
		t.Error("a second copy of the form does not answer as the first")
	}
	r.get("/settings/users?q=jun").want(t, 200, "jun&lt;b&gt;", "New password due", "1 user", "!Lin Wei\"")
	r.get("/settings/users?q=nobody").want(t, 200, "Nobody fits")

	u, err := s.DB.UserByName(t.Context(), "jun<b>")
	s.must(err)
	path := "/settings/users/" + u.PublicID
	page := r.get(path)
	page.want(t, 200, "a role in 1", "jun@acme.example", "Delete the account")
	r.post(path, "workspace", ws, "version", page.value(t, "version"), "username", "jun", "email", "jun@acme.example", "nickname", "Jun Ito").want(t, 200, "“Jun Ito” is saved.")
	r.post(path, "workspace", ws, "version", page.value(t, "version"), "username", "june").want(t, 409, `value="june"`)

	theirs := s.stranger()
	theirs.post("/login", "username", "jun", "password", password[1], "next", "/settings/profile").want(t, 200, "Choose a password of your own.")
	r.get(path+"/disable").want(t, 200, "Disable Jun Ito?", "1 sign-in ends.")
	r.post(path+"/disable", "workspace", ws).want(t, 200, "“Jun Ito” is disabled.", "Enable the account")
	if a := theirs.get("/settings/profile"); a.path != "/login" {
		t.Errorf("a disabled user is at %s", a.path)
	}
	r.post(path+"/enable", "workspace", ws).want(t, 200, "“Jun Ito” is enabled.")
	reset := r.post(path+"/reset", "workspace", ws, "once", r.get(path+"/reset").value(t, "once"))
	fresh := madePassword.FindStringSubmatch(reset.body)
	if fresh == nil || fresh[1] == password[1] {
		t.Fatal("no new password")
	}
	theirs.post("/login", "username", "jun", "password", password[1]).want(t, 401)
	theirs.post("/login", "username", "jun", "password", fresh[1]).want(t, 200)
	r.get(path+"/delete").want(t, 200, "1 workspace goes with them")
	r.post(path+"/delete", "workspace", ws).want(t, 200, "“Jun Ito” is deleted.")
	r.get(path).want(t, 404)
}

func TestAdminsAreMadeWithAFreshPassword(t *testing.T) {
	s := newSite(t)
	r := s.reader(access.Owner)
	ws := r.get("/settings/profile").value(t, "workspace")
	made, err := s.Control.CreateUser(t.Context(), access.Actor{Kind: access.ActorShell}, control.UserForm{Username: new("jun")})
	s.must(err)
	path := "/settings/users/" + made.User.PublicID
	s.Wait(11 * time.Minute)
	sent := []string{"workspace", ws, "version", "1", "username", "jun", "is_admin", "1"}
	if a := r.post(path, sent...); a.path != "/confirm" {
		t.Fatalf("made an admin without a fresh password, at %s", a.path)
	}
	r.post("/confirm", "workspace", ws, "password", testbed.Password, "next", path)
	r.post(path, sent...).want(t, 200, "is saved")
	own := "/settings/users/" + s.User.PublicID
	r.get(own).want(t, 200, "This is you.", "!Delete the account")
	r.post(own, "workspace", ws, "username", "lin").want(t, 200)
	if u, err := s.DB.FindUser(t.Context(), s.User.ID); err != nil || !u.IsAdmin {
		t.Errorf("the admin lost their powers: %v", err)
	}
}

func TestTheLastAdminStays(t *testing.T) {
	s := newSite(t)
	r := s.reader(access.Owner)
	ws := r.get("/settings/profile").value(t, "workspace")
	own := "/settings/users/" + s.User.PublicID
	for _, verb := range []string{"/disable", "/delete"} {
		if a := r.post(own+verb, "workspace", ws); a.path != own {
			t.Errorf("%s led to %s", verb, a.path)
		} else {
			a.want(t, 200, "This is the last admin who can sign in.")
		}
	}
}

func TestInstancePagesAreAnAdmins(t *testing.T) {
	s := newSite(t)
	editor := s.reader(access.Editor)
	editor.get("/").want(t, 200, "!/settings/users")
	for _, path := range []string{"/settings/users", "/settings/users/new", "/settings/users/" + s.User.PublicID, "/settings/instance"} {
		editor.get(path).want(t, 403, "!Lin Wei\"")
	}
	editor.post("/settings/users", "username", "x").want(t, 403)
	editor.post("/settings/instance", "registration", "open").want(t, 403)
	s.reader(access.Owner).get("/").want(t, 200, "/settings/users")
}

func TestInstanceSettings(t *testing.T) {
	s := newSite(t)
	r := s.reader(access.Owner)
	at := "/settings/instance"
	ws := r.get(at).value(t, "workspace")
	s.stranger().get("/register").want(t, 404)
	r.post(at, "workspace", ws, "registration", "open", "language", "zh", "request_retention_days", "30").want(t, 200, "Saved.", `value="30"`)
	s.stranger().get("/register").want(t, 200, "Make an account")
	r.post(at, "workspace", ws, "registration", "perhaps", "language", "fr", "request_retention_days", "-1").want(t, 422, `value="-1"`, "aria-invalid")
	r.post(at, "workspace", ws, "registration", "open", "language", "xx", "request_retention_days", "99999").want(t, 422, "Choose English or Chinese.", "or for ever")
	r.post(at, "workspace", ws, "registration", "closed", "language", "en", "request_retention_days", "").want(t, 200, "Saved.")
	s.stranger().get("/register").want(t, 404)

	hosts := at + "/hosts"
	r.post(hosts, "workspace", ws, "private_hosts", "models.internal:8000\n10.20.0.0/24\r\n").want(t, 200, "Saved.", "models.internal:8000", "10.20.0.0/24")
	r.post(hosts, "workspace", ws, "private_hosts", "10.0.0.1:80 <b>x").want(t, 422, "neither host:port nor a network", "10.0.0.1:80 &lt;b&gt;x")
	r.post(hosts, "workspace", ws, "private_hosts", "169.254.169.254:80").want(t, 422, "metadata")
	if all, err := s.Control.PrivateHosts(t.Context()); err != nil || len(all) < 2 || all[0] != "models.internal:8000" {
		t.Errorf("the list is %v, %v", all, err)
	}
}
