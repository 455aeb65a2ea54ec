package dashboard_test

import (
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// app is somebody's authenticator app: its text as the page spelled it.
type app struct {
	*site
	text string
}

var (
	totpText      = regexp.MustCompile(`id="totp-text">([A-Z2-7 ]+)<`)
	recoveryCode  = regexp.MustCompile(`[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}`)
	ticketPattern = regexp.MustCompile(`name="ticket" value="([^"]+)"`)
)

func (a app) code() string {
	a.t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(a.text, " ", ""), a.Now())
	a.must(err)
	return code
}

// wrong is a code that the app shows neither now nor before nor next.
func (a app) wrong() string {
	a.t.Helper()
	for n := 0; ; n++ {
		code, fits := fmt.Sprintf("%06d", n), false
		for _, off := range []time.Duration{-30 * time.Second, 0, 30 * time.Second} {
			shown, err := totp.GenerateCode(strings.ReplaceAll(a.text, " ", ""), a.Now().Add(off))
			a.must(err)
			fits = fits || shown == code
		}
		if !fits {
			return code
		}
	}
}

// twoFactor switches two-factor sign-in on for the reader. A code is good for half a
// minute, which does not end by itself from now on.
func (r *reader) twoFactor() (app, []string) {
	r.t.Helper()
	r.StopClock()
	ws := r.get("/settings/profile").value(r.t, "workspace")
	page := r.post("/settings/two-factor/new", "workspace", ws)
	found := totpText.FindStringSubmatch(page.body)
	if found == nil {
		r.t.Fatalf("no text for the app:\n%s", bodyOf(page.body))
	}
	a := app{r.site, found[1]}
	wrong := r.post("/settings/two-factor", "workspace", ws, "app", page.value(r.t, "app"), "code", a.wrong())
	wrong.want(r.t, 422, "This code does not fit", a.text)
	on := r.post("/settings/two-factor", "workspace", ws, "app", wrong.value(r.t, "app"), "code", a.code())
	on.want(r.t, 200, "Recovery codes", "shown this once")
	codes := recoveryCode.FindAllString(on.body, -1)
	if len(codes) != 10 {
		r.t.Fatalf("%d recovery codes", len(codes))
	}
	return a, codes
}

func TestTwoFactorSignIn(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	r.get("/settings/two-factor").want(t, 200, "Off", "API token", "!otpauth", "!totp-text")
	phone, codes := r.twoFactor()
	r.get("/settings/two-factor").want(t, 200, "On", "10 recovery codes are left.", "!"+codes[0])
	if sealed, _, err := s.DB.Totp(t.Context(), s.User.ID); err != nil {
		t.Error(err)
	} else if seed, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(phone.text, " ", "")); strings.Contains(string(sealed), string(seed)) {
		t.Error("the seed is kept in clear")
	}

	in := s.stranger()
	in.post("/login", "username", "lin", "password", "wrong").want(t, 401, "do not fit", "!Enter your code")
	asked := in.post("/login", "username", "lin", "password", testbed.Password, "next", "/settings/profile")
	asked.want(t, 200, "Enter your code", `value="/settings/profile"`, "!"+testbed.Password)
	if a := in.get("/settings/profile"); a.path != "/login" {
		t.Fatalf("the password alone opens %s", a.path)
	}
	ticket := ticketPattern.FindStringSubmatch(asked.body)[1]
	in.post("/login/code", "ticket", ticket, "code", phone.wrong(), "next", "/settings/profile").want(t, 422, "This code does not fit", ticket)
	used := phone.code() // it proved the app a moment ago
	in.post("/login/code", "ticket", ticket, "code", used).want(t, 422, "was used already")
	s.Wait(30 * time.Second)
	done := in.post("/login/code", "ticket", ticket, "code", " "+phone.code()[:3]+" "+phone.code()[3:], "next", "/settings/profile")
	if done.status != 200 || done.path != "/settings/profile" {
		t.Errorf("with the code: %d at %s", done.status, done.path)
	}
	thief := s.stranger()
	thief.post("/login/code", "ticket", ticket, "code", phone.code()).want(t, 422, "was used already")

	// A recovery code stands in, once.
	spare := s.stranger()
	ticket = ticketPattern.FindStringSubmatch(spare.post("/login", "username", "lin", "password", testbed.Password).body)[1]
	if a := spare.post("/login/code", "ticket", ticket, "code", strings.ToUpper(codes[3]), "next", "/settings/two-factor"); a.path != "/settings/two-factor" {
		t.Errorf("a recovery code leads to %s", a.path)
	} else {
		a.want(t, 200, "9 recovery codes are left.")
	}
	s.stranger().post("/login/code", "ticket", ticket, "code", codes[3]).want(t, 422, "was used already")
	if n := len(s.auditOf(t, "user.recovery-code")); n != 1 {
		t.Errorf("%d recovery codes in the audit log", n)
	}
	for _, broken := range []string{"", "x", ticket[:len(ticket)-2], strings.Repeat("A", 80)} {
		s.stranger().post("/login/code", "ticket", broken, "code", codes[4]).want(t, 401, "took too long")
	}
	s.Wait(6 * time.Minute)
	s.stranger().post("/login/code", "ticket", ticket, "code", codes[4]).want(t, 401, "took too long")
}

func TestTwoFactorTicketEndsWithThePassword(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	_, codes := r.twoFactor()
	ticket := ticketPattern.FindStringSubmatch(s.stranger().post("/login", "username", "lin", "password", testbed.Password).body)[1]
	const better = "another four calm words"
	r.post("/settings/password", "current", testbed.Password, "password", better).want(t, 200, "Your password is changed.")
	s.stranger().post("/login/code", "ticket", ticket, "code", codes[0]).want(t, 401, "took too long")
}

func TestTwoFactorGuessingIsThrottled(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	phone, codes := r.twoFactor()
	ticket := ticketPattern.FindStringSubmatch(s.stranger().post("/login", "username", "lin", "password", testbed.Password).body)[1]
	for range 10 {
		s.stranger().post("/login/code", "ticket", ticket, "code", phone.wrong())
	}
	s.stranger().post("/login/code", "ticket", ticket, "code", codes[0]).want(t, 422, "too many tries")
	if n, err := s.DB.CountRecoveryCodes(t.Context(), s.User.ID); err != nil || n != 10 {
		t.Errorf("%d codes are left, %v", n, err)
	}
}

// Of two who send one code at the same moment one is signed in.
func TestTwoFactorCodeIsUsedOnce(t *testing.T) {
	s := newSite(t)
	phone, _ := s.signIn(access.Owner).twoFactor()
	s.Wait(time.Minute)
	ask := func() string {
		in, err := s.Control.SignIn(t.Context(), control.Attempt{Name: "lin", Password: testbed.Password, Door: access.DoorPage})
		if !control.SecondNeeded(err) {
			t.Fatal(err)
		}
		return in.Ticket
	}
	tickets := []string{ask(), ask(), ask(), ask()}
	code := phone.code()
	var wait sync.WaitGroup
	var mu sync.Mutex
	opened := 0
	for _, ticket := range tickets {
		wait.Go(func() {
			_, err := s.Control.SignInSecond(t.Context(), control.Attempt{Door: access.DoorPage}, ticket, code)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				opened++
			} else if access.KindOf(err) != access.Invalid {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if opened != 1 {
		t.Errorf("%d sign-ins by one code", opened)
	}
}

func TestTwoFactorAtOtherDoors(t *testing.T) {
	s := newSite(t)
	s.signIn(access.Owner).twoFactor()
	for _, door := range []access.Door{access.DoorRAGFlow, access.DoorNewAPI, access.DoorBotShare, access.DoorNative} {
		_, err := s.Control.SignIn(t.Context(), control.Attempt{Name: "lin", Password: testbed.Password, Door: door})
		_, wrong := s.Control.SignIn(t.Context(), control.Attempt{Name: "lin", Password: "wrong", Door: door})
		if control.RefusalOf(err) != control.RefusedSecond || access.Problems(err)[0].Text != access.Problems(wrong)[0].Text || errors.Is(err, wrong) {
			t.Errorf("%s: %v and %v", door, err, wrong)
		}
	}
}

func TestTwoFactorIsSwitchedOff(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	phone, codes := r.twoFactor()
	ws := r.get("/settings/profile").value(t, "workspace")
	again := r.post("/settings/two-factor/codes", "workspace", ws)
	fresh := recoveryCode.FindAllString(again.body, -1)
	if len(fresh) != 10 || fresh[0] == codes[0] {
		t.Fatalf("new codes: %v", fresh)
	}
	r.post("/settings/two-factor/off", "workspace", ws, "code", codes[0]).want(t, 422, "This code does not fit")
	r.post("/settings/two-factor/off", "workspace", ws, "code", phone.wrong()).want(t, 422, "This code does not fit", "On")
	s.Wait(30 * time.Second)
	r.post("/settings/two-factor/off", "workspace", ws, "code", phone.code()).want(t, 200, "Two-factor sign-in is off.", "Set it up")
	s.stranger().post("/login", "username", "lin", "password", testbed.Password, "next", "/settings/profile").want(t, 200, "!Enter your code")

	s.Wait(11 * time.Minute)
	if a := r.post("/settings/two-factor/new", "workspace", ws); a.path != "/confirm" {
		t.Errorf("set up without a fresh password, at %s", a.path)
	}
}

func TestAdminSwitchesTwoFactorOff(t *testing.T) {
	s := newSite(t)
	owner := s.reader(access.Owner)
	viewer := s.signIn(access.Viewer)
	viewer.twoFactor()
	u, err := s.DB.UserByName(t.Context(), "viewer")
	s.must(err)
	path := "/settings/users/" + u.PublicID
	owner.get(path).want(t, 200, "Switch two-factor off")
	owner.get(path+"/two-factor").want(t, 200, "Switch two-factor off for viewer?")
	owner.post(path+"/two-factor", "workspace", owner.get("/settings/profile").value(t, "workspace")).want(t, 200, "signs in with the password alone", "!Switch two-factor off")
	s.stranger().post("/login", "username", "viewer", "password", testbed.Password).want(t, 200, "!Enter your code")
	viewer.post(path+"/two-factor").want(t, 403)
}
