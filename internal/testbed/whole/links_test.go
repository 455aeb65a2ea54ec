package whole

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/db"
	"latchkey/internal/access"
)

// Share links and customers are bot-share's and the native API's. What one makes
// the other shows, ends and refuses at once.

// uuid is a public id as bot-share prints it.
func uuid(id string) string {
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func iso(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000000")
	return strings.TrimSuffix(text, ".000000") + "+00:00"
}

// link is a share link as its issuer knows it.
type link struct {
	*testing.T
	id, secret, name string
	expires          time.Time
	status           string
}

func (s *store) shareRow(l *link) db.ShareRow {
	l.Helper()
	row, err := s.DB.Share(s.Context(), s.Workspace.ID, l.id)
	s.Must(err)
	return row
}

// linkers make a link on the house's bot.
var linkers = map[string]func(*store, *link){
	"native": func(s *store, l *link) {
		l.name, l.expires = "Partners", far
		a := s.as("native", "POST", api+"/shares", text(object{"bot_id": s.Bot.PublicID, "name": l.name, "expires_at": far.Format(time.RFC3339)})).Is(201)
		l.id, l.secret = a.At("id").(string), a.At("secret").(string)
	},
	"botshare": func(s *store, l *link) {
		l.name, l.expires = "合作伙伴", far
		a := s.as("botshare", "POST", "/api/v1/bots/"+uuid(s.Bot.PublicID)+"/share-tokens",
			text(object{"name": l.name, "expires_at": far.Format("2006-01-02T15:04:05Z")})).Is(200)
		l.id, l.secret = strings.ReplaceAll(a.At("id").(string), "-", ""), a.At("share_token").(string)
	},
}

// seen checks how both dialects show a link.
func (s *store) seen(l *link, when string) {
	l.Helper()
	r := s.shareRow(l)
	want := plain(object{
		"id": l.id, "workspace_id": s.Workspace.PublicID, "bot_id": s.Bot.PublicID, "name": l.name, "status": l.status, "hint": l.secret[len(l.secret)-4:],
		"expires_at": rfc(l.expires), "max_customers": r.MaxCustomers, "rpm": r.RPM, "allowance": r.Allowance, "allowance_unit": r.AllowanceUnit, "refill": "none",
		"cap": nil, "used": r.Purse.Used, "reserved": 0, "remain": nil, "restricted": false, "named": 0, "opened": r.Customers, "created_by": "lin",
		"created_at": rfc(r.CreatedAt), "updated_at": rfc(r.UpdatedAt), "paused_at": rfc(r.PausedAt), "revoked_at": rfc(r.RevokedAt), "version": r.Version,
		"customers": nil,
	})
	if d := cmp.Diff(want, s.as("native", "GET", api+"/shares/"+l.id, "").Is(200).JSON()); d != "" {
		l.Errorf("%s: native shows another link (-want +shown):\n%s", when, d)
	}
	want = plain(object{
		"id": uuid(l.id), "bot_id": uuid(s.Bot.PublicID), "share_token": l.secret, "name": l.name, "created_at": iso(r.CreatedAt),
		"expires_at": iso(l.expires), "revoked_at": iso(r.RevokedAt),
	})
	var shown any
	for _, one := range s.as("botshare", "GET", "/api/v1/bots/"+uuid(s.Bot.PublicID)+"/share-tokens", "").Is(200).At("items").([]any) {
		if one.(object)["id"] == uuid(l.id) {
			shown = one
		}
	}
	if d := cmp.Diff(want, shown); d != "" {
		l.Errorf("%s: bot-share shows another link (-want +shown):\n%s", when, d)
	}
}

// person is a customer and their login token.
type person struct {
	*testing.T
	id, name, password, login string
}

// enrollers make a customer.
var enrollers = map[string]func(*store, *person){
	"native": func(s *store, p *person) {
		a := s.as("native", "POST", api+"/customers", text(object{"username": p.name, "password": p.password, "email": p.name + "@acme.example"})).Is(201)
		p.id = a.At("id").(string)
	},
	"botshare": func(s *store, p *person) {
		a := s.as("botshare", "POST", "/api/v1/end-users", text(object{"username": p.name, "password": p.password, "email": p.name + "@acme.example"})).Is(200)
		p.id = strings.ReplaceAll(a.At("id").(string), "-", "")
	},
}

func (s *store) signIn(p *person, l *link) Answer {
	p.Helper()
	return s.Do("POST", "/api/v1/auth/login", text(object{"username": p.name, "password": p.password, "share_token": l.secret}))
}

func (s *store) enrolled(t *testing.T, in string, l *link) *person {
	t.Helper()
	p := &person{T: t, name: "visitor-" + l.id[:8], password: "green tea at noon"}
	enrollers[in](s, p)
	p.login = s.signIn(p, l).Is(200).At("token").(string)
	return p
}

// known checks how both dialects show a customer, or that neither does.
func (s *store) known(p *person, when string, there bool) {
	p.Helper()
	var shown any
	for _, one := range s.as("botshare", "GET", "/api/v1/end-users", "").Is(200).At("items").([]any) {
		if one.(object)["id"] == uuid(p.id) {
			shown = one
		}
	}
	a := s.as("native", "GET", api+"/customers/"+p.id, "")
	if !there {
		if shown != nil || a.Status != http.StatusNotFound {
			p.Errorf("%s: bot-share shows %v, native %d %s", when, shown, a.Status, a.Text)
		}
		return
	}
	r, err := s.DB.Customer(s.Context(), s.Workspace.ID, p.id)
	s.Must(err)
	want := plain(object{
		"id": uuid(p.id), "username": p.name, "email": p.name + "@acme.example", "is_active": r.Enabled, "created_at": iso(r.CreatedAt),
		"last_login": iso(r.LastLoginAt),
	})
	if d := cmp.Diff(want, shown); d != "" {
		p.Errorf("%s: bot-share shows another customer (-want +shown):\n%s", when, d)
	}
	status := map[bool]string{true: "enabled", false: "disabled"}[r.Enabled]
	want = plain(object{
		"id": p.id, "workspace_id": s.Workspace.PublicID, "username": p.name, "email": p.name + "@acme.example", "note": "", "language": r.Language, "status": status,
		"must_change": false, "shares": r.Links, "sessions": r.Sessions, "created_by": "lin", "created_at": rfc(r.CreatedAt),
		"last_login_at": rfc(r.LastLoginAt), "version": r.Version,
	})
	if d := cmp.Diff(want, a.Is(200).JSON()); d != "" {
		p.Errorf("%s: native shows another customer (-want +shown):\n%s", when, d)
	}
}

// asked is what the customer's question on the link gets: status and detail.
func (s *store) asked(p *person, l *link) (int, any) {
	p.Helper()
	a := s.Do("POST", "/api/v3/chat/completions", text(object{
		"bot_id": s.Bot.PublicID, "share_token": l.secret, "messages": []object{{"role": "user", "content": "hello"}},
	}), "Authorization", "Bearer "+p.login)
	if a.Status == http.StatusOK {
		return a.Status, nil
	}
	return a.Status, a.At("detail")
}

func (s *store) hears(p *person, l *link, status int, detail any) {
	p.Helper()
	if got, said := s.asked(p, l); got != status || said != detail {
		p.Errorf("the customer hears %d %v, want %d %v", got, said, status, detail)
	}
	if status == http.StatusOK {
		return
	}
	a := s.Do("GET", "/api/v1/public/bot-share/"+l.secret, "", "Authorization", "Bearer "+p.login)
	if a.Status != status && detail != "本链接的用量已用尽" {
		p.Errorf("the public view says %d %s, want %d", a.Status, a.Text, status)
	}
}

// Links and customers of either dialect are limited by one and ended by either.
func TestOneStoreOfLinks(t *testing.T) {
	s := newStore(t)
	s.Faulty.Say("Hello.")
	revoke := map[string]func(*link){
		"native":   func(l *link) { s.as("native", "POST", api+"/shares/"+l.id+"/revoke", "").Is(200) },
		"botshare": func(l *link) { s.as("botshare", "DELETE", "/api/v1/bot-share-tokens/"+uuid(l.id), "").Is(200) },
	}
	for made := range linkers {
		for enrolledBy := range enrollers {
			for ended := range revoke {
				t.Run(made+"/"+enrolledBy+"/"+ended, func(t *testing.T) {
					l := &link{T: t, status: "enabled"}
					linkers[made](s, l)
					s.seen(l, "issued")
					p := s.enrolled(t, enrolledBy, l)
					s.known(p, "enrolled", true)
					s.hears(p, l, 200, nil)
					s.seen(l, "asked")

					s.as("native", "POST", api+"/shares/"+l.id+"/pause", "").Is(200)
					l.status = "paused"
					s.hears(p, l, 403, "分享链接已暂停")
					s.seen(l, "paused")
					s.as("native", "POST", api+"/shares/"+l.id+"/resume", "").Is(200)
					l.status = "enabled"
					s.hears(p, l, 200, nil)
					s.as("native", "PATCH", api+"/shares/"+l.id, `{"allowance":1,"allowance_unit":"messages"}`).Is(200)
					s.hears(p, l, 429, "本链接的用量已用尽")
					s.as("native", "PATCH", api+"/shares/"+l.id, `{"allowance":null}`).Is(200)
					s.hears(p, l, 200, nil)

					revoke[ended](l)
					l.status = "revoked"
					s.hears(p, l, 403, "分享链接已被吊销")
					s.seen(l, "revoked")
				})
			}
		}
	}
}

// A customer of either dialect is shut out by either, at once.
func TestOneStoreOfCustomers(t *testing.T) {
	s := newStore(t)
	s.Faulty.Say("Hello.")
	const nobody = "未登录或 token 无效"
	shutOut := map[string]struct {
		there bool
		act   func(*person)
	}{
		"native disables": {true, func(p *person) { s.as("native", "POST", api+"/customers/"+p.id+"/disable", "").Is(200) }},
		"native resets": {true, func(p *person) {
			s.as("native", "POST", api+"/customers/"+p.id+"/reset-password", `{"password":"black tea at nine"}`).Is(200)
		}},
		"native ends sessions": {true, func(p *person) { s.as("native", "POST", api+"/customers/"+p.id+"/end-sessions", "").Is(200) }},
		"native deletes":       {false, func(p *person) { s.as("native", "DELETE", api+"/customers/"+p.id, "").Is(204) }},
		"botshare resets": {true, func(p *person) {
			s.as("botshare", "POST", "/api/v1/end-users/"+uuid(p.id)+"/reset-password", `{"password":"black tea at nine"}`).Is(200)
		}},
		"botshare deletes": {false, func(p *person) { s.as("botshare", "DELETE", "/api/v1/end-users/"+uuid(p.id), "").Is(200) }},
	}
	for enrolledBy := range enrollers {
		for how, end := range shutOut {
			t.Run(enrolledBy+"/"+how, func(t *testing.T) {
				l := &link{T: t}
				linkers["native"](s, l)
				p := s.enrolled(t, enrolledBy, l)
				s.hears(p, l, 200, nil)
				end.act(p)
				s.hears(p, l, 401, nobody)
				s.known(p, how, end.there)
				if again := s.signIn(p, l); (again.Status == 200) != (how == "native ends sessions") {
					t.Errorf("signing in again: %d %s", again.Status, again.Text)
				}
				s.as("native", "DELETE", api+"/shares/"+l.id, "").Is(204)
			})
		}
	}
}

// The login token that any door gives out opens every other, and its sign-out at
// one door ends it at all.
func TestLoginTokensAreOneKind(t *testing.T) {
	s := newStore(t)
	// How each door says that the caller is somebody.
	doors := map[string]func(login string) bool{
		"native":   func(k string) bool { return s.Do("GET", api+"/tokens", "", "Authorization", k).Status == 200 },
		"newapi":   func(k string) bool { return s.Do("GET", "/api/user/self", "", "Authorization", k).Status == 200 },
		"ragflow":  func(k string) bool { return s.Do("GET", "/v1/user/info", "", "Authorization", k).Status == 200 },
		"botshare": func(k string) bool { return s.Do("GET", "/api/v1/auth/verify", "", "Authorization", k).Status == 200 },
		"fess": func(k string) bool {
			return s.Do("GET", "/api/admin/accesstoken/settings", "", "Authorization", k).Status == 200
		},
	}
	for _, issuer := range []access.Door{access.DoorNative, access.DoorRAGFlow, access.DoorBotShare} {
		k := s.Login(s.TB, s.User, issuer)
		for name, open := range doors {
			if !open(k) {
				t.Errorf("a login token of %s is nobody at %s", issuer, name)
			}
		}
		if a := s.Do("POST", "/api/v1/auth/logout", "", "Authorization", k); a.Status != 200 {
			t.Errorf("signing out a login token of %s: %d %s", issuer, a.Status, a.Text)
		}
		for name, open := range doors {
			if open(k) {
				t.Errorf("a login token of %s is still somebody at %s", issuer, name)
			}
		}
	}
	// New API's are its own alone.
	k := s.Login(s.TB, s.User, access.DoorNewAPIAccess)
	for name, open := range doors {
		if open(k) != (name == "newapi") {
			t.Errorf("a user access token of New API at %s: %v", name, open(k))
		}
	}
}

// docs/dialects.md has a row for every field that a door answers.
func TestFieldTableIsComplete(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/dialects.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	s := newStore(t)
	k := s.issue(t, speakers[3])
	l := &link{T: t}
	linkers["native"](s, l)
	p := s.enrolled(t, "native", l)
	fields := 0
	for name, row := range map[string]any{
		"native": seeNative(s, k), "newapi": seeNewAPI(s, k), "ragflow": seeRAGFlow(s, k), "fess": seeFess(s, k),
		"a link": s.as("native", "GET", api+"/shares/"+l.id, "").JSON(), "a customer": s.as("native", "GET", api+"/customers/"+p.id, "").JSON(),
		"a share token": s.as("botshare", "GET", "/api/v1/bots/"+s.Bot.PublicID+"/share-tokens", "").At("items", 0),
		"an end user":   s.as("botshare", "GET", "/api/v1/end-users", "").At("items", 0),
	} {
		for field := range row.(object) {
			if fields++; !strings.Contains(page, "`"+field+"`") {
				t.Errorf("%s answers %s, which docs/dialects.md does not have", name, field)
			}
		}
	}
	if fields < 90 {
		t.Errorf("only %d fields were looked at", fields)
	}
}
