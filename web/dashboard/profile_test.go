package dashboard_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

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
