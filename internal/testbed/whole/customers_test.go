package whole

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/testbed"
)

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
		if one.(object)["id"] == testbed.UUID(p.id) {
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
		"id": testbed.UUID(p.id), "username": p.name, "email": p.name + "@acme.example", "is_active": r.Enabled, "created_at": iso(r.CreatedAt),
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
			s.as("botshare", "POST", "/api/v1/end-users/"+testbed.UUID(p.id)+"/reset-password", `{"password":"black tea at nine"}`).Is(200)
		}},
		"botshare deletes": {false, func(p *person) { s.as("botshare", "DELETE", "/api/v1/end-users/"+testbed.UUID(p.id), "").Is(200) }},
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
