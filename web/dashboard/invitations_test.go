package dashboard_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

var invitePath = regexp.MustCompile(`http://[^"]+(/invite/[0-9A-Za-z]{32})`)

// invite makes an invitation on the page and returns the address of its link.
func (r *reader) invite(role, life string) string {
	r.t.Helper()
	form := r.get("/settings/members/invitations/new")
	made := r.post("/settings/members/invitations", "workspace", form.value(r.t, "workspace"), "once", form.value(r.t, "once"),
		"role", role, "life", life, "email", "jun@acme.example")
	found := invitePath.FindStringSubmatch(made.body)
	if made.status != 200 || found == nil {
		r.t.Fatalf("no link: %d\n%s", made.status, bodyOf(made.body))
	}
	return found[1]
}

func TestInvitationMakesAnAccountOnce(t *testing.T) {
	s := newSite(t)
	owner := s.reader(access.Owner)
	path := owner.invite("editor", "3")
	owner.get("/settings/members").want(t, 200, "Open invitations", "jun@acme.example", "Take back", "!"+path)
	r := s.stranger()
	for range 2 { // a preview of the link uses nothing up
		a := r.get(path)
		a.want(t, 200, "Lin Wei invites you", "Editor", `value="jun@acme.example"`)
		if a.header.Get("Referrer-Policy") != "strict-origin" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", a.header)
		}
	}
	r.post(path, "how", "new", "username", "lin", "password", "another four calm words").want(t, 409, "This name is taken already", "!another four")
	r.post(path, "how", "new", "username", "jun", "password", "short").want(t, 422, "at least 10 characters", `value="jun"`)
	in := r.post(path, "how", "new", "username", "jun", "email", "jun@acme.example", "password", "another four calm words")
	in.want(t, 200, "Welcome to")
	if in.path != "/" {
		t.Errorf("led to %s", in.path)
	}
	r.get("/bots").want(t, 200)
	r.get("/settings/members").want(t, 403)
	owner.get("/settings/members").want(t, 200, "jun", "!Open invitations")
	s.stranger().get(path).want(t, 410, "was used already")
	s.stranger().post(path, "how", "new", "username", "mei", "password", "another four calm words").want(t, 410, "was used already")
	if _, err := s.DB.UserByName(t.Context(), "mei"); access.KindOf(err) != access.NotFound {
		t.Errorf("a refused invitation made an account: %v", err)
	}
}

func TestInvitationOfSomebodyWithAnAccount(t *testing.T) {
	s := newSite(t)
	owner := s.reader(access.Owner)
	_, err := s.Control.CreateUser(t.Context(), access.Actor{Kind: access.ActorShell}, control.UserForm{Username: new("jun"), Password: new(testbed.Password)})
	s.must(err)
	path := owner.invite("viewer", "1")
	r := s.stranger()
	r.post(path, "how", "known", "username", "jun", "password", "wrong").want(t, 401, "do not fit", `value="jun"`)
	r.post(path, "how", "known", "username", "jun", "password", testbed.Password).want(t, 200, "Welcome to")

	again := owner.invite("viewer", "1")
	r.get(again).want(t, 200, "Join as jun", "sign out")
	r.post(again).want(t, 200, "member already")
	r.get(again).want(t, 200, "Join as jun") // what changed nothing is not used up

	nobody := s.stranger()
	nobody.post(again).want(t, 401)
}

func TestInvitationsThatLeadNowhere(t *testing.T) {
	s := newSite(t)
	owner := s.reader(access.Owner)
	r := s.stranger()
	r.get("/invite/"+strings.Repeat("0", 32)).want(t, 404, "no such invitation")
	r.get("/invite/x<b>").want(t, 404, "!<b>")

	late := owner.invite("viewer", "1")
	back := owner.invite("editor", "1")
	page := owner.get("/settings/members")
	id := regexp.MustCompile(`/settings/members/invitations/([0-9a-f]{32})/delete`).FindStringSubmatch(page.body)
	owner.post("/settings/members/invitations/"+id[1]+"/delete", "workspace", page.value(t, "workspace")).want(t, 200, "taken back")
	gone := 0
	for _, path := range []string{late, back} {
		if r.get(path).status == 404 {
			gone++
		}
	}
	if gone != 1 {
		t.Errorf("%d links are taken back", gone)
	}
	s.Wait(25 * time.Hour)
	for _, path := range []string{late, back} {
		if a := r.get(path); a.status != 410 && a.status != 404 {
			t.Errorf("after a day: %d", a.status)
		}
	}
	owner = s.signIn(access.Owner)
	form := owner.get("/settings/members/invitations/new")
	for _, wrong := range [][]string{{"role", "admin", "life", "3"}, {"role", "editor", "life", "99"}, {"role", "editor", "life", "x"}, {"role", "editor", "life", "3", "email", "nowhere"}} {
		sent := append([]string{"workspace", page.value(t, "workspace"), "once", form.value(t, "once")}, wrong...)
		owner.post("/settings/members/invitations", sent...).want(t, 422, "aria-")
	}
	s.reader(access.Editor).get("/settings/members/invitations/new").want(t, 403)
}

func TestInvitationsEndWithTheInviter(t *testing.T) {
	s := newSite(t)
	second := s.signIn(access.Owner)
	made, err := s.Control.CreateMember(t.Context(), s.Owner, control.MemberForm{Username: "jun", Role: access.Owner})
	s.must(err)
	by := access.Actor{Kind: access.ActorUser, ID: made.Row.UserID, PublicID: made.Row.User.PublicID, WorkspaceID: s.Workspace.ID, Role: access.Owner, Fresh: true}
	invited, err := s.Control.CreateInvitation(t.Context(), by, control.InvitationForm{Role: access.Owner, Life: time.Hour})
	s.must(err)
	second.get("/invite/"+invited.Text).want(t, 200, "jun invites you")
	_, err = s.Control.EditMember(t.Context(), s.Owner, by.PublicID, access.Viewer, 0)
	s.must(err)
	s.stranger().get("/invite/"+invited.Text).want(t, 404)
	s.stranger().post("/invite/"+invited.Text, "how", "new", "username", "mei", "password", "another four calm words").want(t, 404)
}

// Of two who accept at the same moment one becomes a member.
func TestInvitationIsUsedByOne(t *testing.T) {
	s := newSite(t)
	path := s.reader(access.Owner).invite("viewer", "1")
	code := strings.TrimPrefix(path, "/invite/")
	var wait sync.WaitGroup
	var mu sync.Mutex
	joined := 0
	for _, name := range []string{"ana", "ben", "cho", "dee"} {
		wait.Go(func() {
			_, _, err := s.Control.JoinByInvitation(t.Context(), "203.0.113.9", code, control.UserForm{Username: &name, Password: new("another four calm words")})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				joined++
			} else if access.KindOf(err) != access.Revoked {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if joined != 1 {
		t.Errorf("%d joined", joined)
	}
}
