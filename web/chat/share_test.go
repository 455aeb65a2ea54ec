package chat_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/control"
	"latchkey/internal/upstream/faulty"
)

func TestSignedOut(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	end := s.Now().Add(29 * 24 * time.Hour)
	_, err := s.Control.EditShare(t.Context(), s.Owner, s.share.Row.PublicID, control.ShareForm{ExpiresAt: &end})
	s.must(err)
	r := s.reader()
	page := r.get(s.base())
	if page.status != http.StatusOK {
		t.Fatalf("status %d", page.status)
	}
	s.says(page.body, "Acme Support invites you to chat with", "Acme help desk", "It answers questions on orders", `name="username"`, `name="password"`,
		"No account, or forgot the password?", "Acme Support can read what is written here.", "This link works until", "Powered by Latchkey", `action="`+s.base()+`/login"`)
	for name, want := range map[string]string{"Referrer-Policy": "same-origin", "Cache-Control": "no-store"} {
		if got := page.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	s.saysNot(page.body, "Forgot", "Register", "Sign up")
	r.lang = "zh-CN"
	s.says(r.get(s.base()).body, "Acme Support 邀请您与以下助手对话", "登录", "Acme Support 可以查看这里的对话。")
}

func TestSignInAndOut(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	r := s.reader()
	wrong := r.post(s.base()+"/login", "username", "mei.tanaka", "password", "black tea at noon")
	if wrong.status != http.StatusUnauthorized {
		t.Errorf("wrong password: %d", wrong.status)
	}
	s.says(wrong.body, "do not fit", `value="mei.tanaka"`)
	s.saysNot(wrong.body, "black tea")
	unknown := r.post(s.base()+"/login", "username", "nobody", "password", "black tea at noon")
	if unknown.status != wrong.status {
		t.Errorf("an unknown name: %d", unknown.status)
	}
	// A user of the dashboard is no customer.
	if owner := r.post(s.base()+"/login", "username", "lin", "password", "correct horse battery staple"); owner.status != http.StatusUnauthorized {
		t.Errorf("a user: %d", owner.status)
	}
	r = s.customer("mei.tanaka")
	s.says(r.get(s.base()).body, "Hello mei.tanaka, ask away.", "Orders, invoices and the Acme API.", "Where is my invoice for October?", `name="question"`, "from Acme Support")
	out := r.post(s.base() + "/logout")
	if out.path != s.base() {
		t.Errorf("signed out to %s", out.path)
	}
	s.says(out.body, `name="password"`)
	s.says(r.get(s.base()).body, `name="password"`)
}

// Whoever follows a link into a conversation comes back to it.
func TestSignInLeadsBack(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	asked := s.customer("mei.tanaka").post(s.base()+"/ask", "question", "Where is my invoice?")
	r := s.reader()
	s.says(r.get(asked.path).body, `name="next" value="`+asked.path+`"`)
	in := r.post(s.base()+"/login", "username", "mei.tanaka", "password", password, "next", asked.path)
	if in.path != asked.path {
		t.Errorf("led to %s, want %s", in.path, asked.path)
	}
	for _, next := range []string{"https://evil.example", "//evil.example", "/login", s.base() + "x", "/s/other/c/1"} {
		if in := s.reader().post(s.base()+"/login", "username", "mei.tanaka", "password", password, "next", next); in.path != s.base() {
			t.Errorf("next %q led to %s", next, in.path)
		}
	}
}

func TestMustChangePassword(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	name := "bo.larsen"
	made, err := s.Control.CreateCustomer(t.Context(), s.Owner, control.CustomerForm{Username: &name})
	s.must(err)
	r := s.reader()
	in := r.post(s.base()+"/login", "username", name, "password", made.Password)
	if in.path != s.base()+"/password" {
		t.Fatalf("led to %s", in.path)
	}
	s.says(in.body, "Choose your own password", `autocomplete="new-password"`)
	s.saysNot(in.body, `name="current"`)
	if asked := r.post(s.base()+"/ask", "question", "x"); asked.path != s.base()+"/password" {
		t.Errorf("asked with a password that was made: %s", asked.path)
	}
	short := r.post(s.base()+"/password", "password", "short")
	if short.status != http.StatusUnprocessableEntity {
		t.Errorf("short: %d", short.status)
	}
	s.says(short.body, `aria-invalid="true"`)
	done := r.post(s.base()+"/password", "password", "black tea at noon")
	if done.path != s.base() || done.status != 200 {
		t.Fatalf("led to %s", done.path)
	}
	s.says(done.body, `id="composer"`)
	// Now it is one's own: the present one is asked for.
	s.says(r.get(s.base()+"/password").body, `name="current"`)
	wrong := r.post(s.base()+"/password", "current", "nonsense here", "password", "white tea at noon")
	if wrong.status != http.StatusUnprocessableEntity {
		t.Errorf("wrong present password: %d", wrong.status)
	}
}

func TestDeadLinks(t *testing.T) {
	one := int64(1)
	seats, nobody := &one, &[]string{}
	for name, c := range map[string]struct {
		form     control.ShareForm
		do       func(*site) error
		status   int
		signedIn bool
		en, zh   string
	}{
		"revoked": {
			do: func(s *site) error { return s.Control.RevokeShare(t.Context(), s.Owner, s.share.Row.PublicID) }, status: 410,
			en: "This link was switched off by Acme Support.", zh: "此链接已被 Acme Support 停用。",
		},
		"paused": {
			do: func(s *site) error { return s.Control.PauseShare(t.Context(), s.Owner, s.share.Row.PublicID) }, status: 403,
			en: "This link was paused by Acme Support.", zh: "此链接已被 Acme Support 暂停。",
		},
		"deleted": {
			do: func(s *site) error { return s.Control.DeleteShare(t.Context(), s.Owner, s.share.Row.PublicID) }, status: 404,
			en: "This link does not lead anywhere.", zh: "此链接无法打开。",
		},
		"expired": {do: func(s *site) error {
			soon := s.Now().Add(time.Minute)
			_, err := s.Control.EditShare(t.Context(), s.Owner, s.share.Row.PublicID, control.ShareForm{ExpiresAt: &soon})
			s.Wait(2 * time.Minute)
			return err
		}, status: 410, en: "This link from Acme Support has expired.", zh: "Acme Support 的这个链接已过期。"},
		"not for you": {do: func(s *site) error {
			_, err := s.Control.EditShare(t.Context(), s.Owner, s.share.Row.PublicID, control.ShareForm{Customers: &nobody})
			return err
		}, status: 404, signedIn: true, en: "This link from Acme Support is not open to your account.", zh: "Acme Support 的这个链接未对您的账号开放。"},
		"seats taken": {form: control.ShareForm{MaxCustomers: &seats}, do: func(s *site) error {
			s.enrol("bo.larsen")
			s.customer("bo.larsen")
			return nil
		}, status: 409, signedIn: true, en: "All places on this link from Acme Support are taken.", zh: "Acme Support 的这个链接名额已满。"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, faulty.Good, c.form)
			r := s.reader()
			if c.signedIn && name != "seats taken" {
				r = s.customer("mei.tanaka")
			}
			s.must(c.do(s))
			if name == "seats taken" {
				r.post(s.base()+"/login", "username", "mei.tanaka", "password", password)
			}
			page := r.get(s.base())
			if page.status != c.status || page.header.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("status %d, want %d", page.status, c.status)
			}
			s.says(page.body, c.en, "Try again")
			s.saysNot(page.body, `name="question"`, `name="password"`)
			if name != "deleted" {
				s.says(page.body, "Link ending in "+s.share.Row.Hint)
			}
			r.lang = "zh"
			s.says(r.get(s.base()).body, c.zh, "重试")
			for _, path := range []string{"/history", "/c/00000000000000000000000000000000"} {
				if got := r.get(s.base() + path); got.status != c.status {
					t.Errorf("%s: %d", path, got.status)
				}
			}
			if got := r.post(s.base()+"/ask", "question", "x"); got.status != c.status {
				t.Errorf("asking: %d", got.status)
			}
		})
	}
}

func TestUnknownLink(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	for _, text := range []string{"nonsense", strings.Repeat("A", 32), strings.Repeat("A", 4000), "%00", "..%2f..", "a%20b"} {
		page := s.reader().get("/s/" + text)
		if page.status != http.StatusNotFound {
			t.Errorf("%.20s: %d", text, page.status)
		}
		s.says(page.body, "This link does not lead anywhere.")
		s.saysNot(page.body, "Acme Support", "Acme help desk")
	}
	// The text of an API token opens no chat.
	if page := s.reader().get("/s/" + s.Token(t, control.TokenForm{}).Secret); page.status != http.StatusNotFound {
		t.Errorf("an API token: %d", page.status)
	}
}

func TestDisabledCustomer(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	bo := s.enrol("bo.larsen")
	r := s.customer("bo.larsen")
	s.must(s.Control.DisableCustomer(t.Context(), s.Owner, bo.PublicID))
	// The session ended with the account: it is the sign-in page again, and it says
	// no more than to anybody.
	s.says(r.get(s.base()).body, `name="password"`)
	stranger := s.reader()
	for name, one := range map[string]*reader{"a stranger": stranger, "who has forgotten the password": r} {
		guess := password
		if one == r {
			guess = "black coffee at noon"
		}
		in := one.post(s.base()+"/login", "username", "bo.larsen", "password", guess)
		if in.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, in.status)
		}
		s.says(in.body, `name="password"`)
		s.saysNot(in.body, "switched off")
	}
	// Whose browser knows the account, and who knows the password, is told.
	in := r.post(s.base()+"/login", "username", "bo.larsen", "password", password)
	if in.status != http.StatusForbidden {
		t.Errorf("a disabled account: %d", in.status)
	}
	s.says(in.body, "Your account was switched off by Acme Support.")
}

// Who is disabled under way is told on the page that is open: every other is the
// sign-in page again.
func TestDisabledWhileStreaming(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	bo := s.enrol("bo.larsen")
	r := s.customer("bo.larsen")
	r.part = true
	stream := r.follow(s.followOf(r.post(s.base()+"/ask", "question", "Tell me").body), "")
	s.Faulty.Call(0).Send("Well, ")
	stream.until("grow")
	s.must(s.Control.DisableCustomer(t.Context(), s.Owner, bo.PublicID))
	all := stream.until("end")
	end := all[len(all)-1].data
	s.says(end, `"dead":false`, `class=\"closed\"`, "Your account was switched off by Acme Support.", "Ask them if that was meant.")
	s.Faulty.Call(0).WaitGone()
}

// A page elsewhere can ask nothing in a customer's name.
func TestCrossSite(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	r := s.customer("mei.tanaka")
	for _, path := range []string{"/login", "/logout", "/ask", "/password", "/c/1/ask", "/c/1/stop", "/c/1/rename", "/c/1/delete"} {
		request := r.request(http.MethodPost, s.base()+path, nil)
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		request.Header.Set("Origin", "https://evil.example")
		got, err := r.client.Do(request)
		s.must(err)
		got.Body.Close()
		if got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if s.Faulty.Started() != 0 {
		t.Error("a question was asked")
	}
}

func TestAccent(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	got := s.reader().get("/accent/7a1fa2.css")
	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/css") {
		t.Errorf("%d %s", got.status, got.header.Get("Content-Type"))
	}
	s.says(got.body, "--primary:#7a1fa2", "html.dark{")
	for _, name := range []string{"red.css", "7a1fa2", "7a1fa2.css.css", "7a1fa2}body{display:none.css", "zzzzzz.css", "%23fffff.css"} {
		if got := s.reader().get("/accent/" + name); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", name, got.status)
		}
	}
}

// What a customer chose as language holds on every page of theirs.
func TestCustomersLanguage(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	m := s.enrol("wang.fang")
	zh := "zh"
	_, err := s.Control.EditCustomer(t.Context(), s.Owner, m.PublicID, control.CustomerForm{Language: &zh})
	s.must(err)
	s.says(s.customer("wang.fang").get(s.base()).body, `lang="zh-Hans"`, "新对话")
}
