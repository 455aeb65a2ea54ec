package story

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/internal/testbed"
	"latchkey/web"
	"latchkey/web/ops"
	"latchkey/web/wire/native"
	"latchkey/web/wire/openai"
)

// Site is a house on a port with the gateway, the native door and those of a
// dialect, and a teller of stories about it.
type Site struct {
	*testing.T
	*testbed.House
	*Teller
	App  *fiber.App
	door access.Door // where users and customers sign in
}

// Open serves a house. The owner of Acme is the caller lin.
func Open(t *testing.T, door access.Door, doors func(*Site, *web.Rooms)) *Site {
	t.Helper()
	s := &Site{T: t, House: testbed.New(t), door: door}
	s.Control.MasterKey = testbed.MasterKey
	l, base := testbed.Listen(t)
	s.Teller = &Teller{
		TB: t, Base: base, Bearers: map[string]string{"master": testbed.MasterKey, "nonsense": "no-such-token"}, Values: map[string]string{},
		Acts: s.acts(), Forms: map[string]func(any) bool{}, Compares: map[string]func(any, string) bool{},
	}
	r := web.Rooms{
		Config: config.Config{Addr: l.Addr().String(), Loopback: true}, Gateway: s.Gateway, Now: s.Now, Log: s.House.Log, Ops: &ops.Ops{},
		OpenAI: &openai.Door{Gateway: s.Gateway, Now: s.Now, Log: s.House.Log, Language: lang.English, UnitsPerDollar: s.Control.UnitsPerDollar},
	}
	r.Native = &native.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: s.House.Log, Language: lang.English}
	doors(s, &r)
	s.App = web.New(r)
	testbed.Serve(t, s.App, l)
	s.Bearers["lin"] = s.Login(t, s.User, door)
	return s
}

// acts are those of every dialect.
func (s *Site) acts() map[string]func(string) {
	return map[string]func(string){
		"wait": func(rest string) {
			d, err := time.ParseDuration(rest)
			s.Must(err)
			s.Wait(d)
		},
		"say": func(rest string) { s.Faulty.Say(rest) },
		"price": func(rest string) { // what a token of the model costs
			model, each, _ := strings.Cut(rest, " ")
			n, err := strconv.ParseInt(each, 10, 64)
			s.Must(err)
			s.Price(s.T, model, n*1_000_000, n*1_000_000)
		},
		"reveal":       func(rest string) { s.Control.Reveal = control.Reveal(rest) },
		"registration": func(rest string) { s.Register(rest) },
		"bearer": func(rest string) {
			name, credential, _ := strings.Cut(rest, " ")
			s.Bearers[name] = credential
		},
	}
}

// Read takes a name and a form in JSON out of what stands behind an act, and
// returns the name.
func (s *Site) Read(rest string, form any) (name string) {
	s.Helper()
	name, text, _ := strings.Cut(rest, " ")
	s.Must(json.Unmarshal([]byte(text), form))
	return name
}

// Register opens or closes registration.
func (s *Site) Register(how string) { s.Control.Registration, s.Control.RegistrationFixed = how, true }

// Join makes a user, with a workspace of their own where it has a name, and lets
// them call.
func (s *Site) Join(u access.User, workspace string) (access.User, access.Workspace) {
	s.Helper()
	u, w, err := s.DB.MakeUser(s.Context(), s.Owner, db.NewUser{User: u, Workspace: workspace})
	s.Must(err)
	s.Bearers[u.Username] = s.Login(s.T, u, s.door)
	return u, w
}

// JoinAsViewer makes a user who may only look at their own workspace, and a token
// there that they see.
func (s *Site) JoinAsViewer(u access.User, workspace string) (access.User, control.Issued) {
	s.Helper()
	u, w := s.Join(u, workspace)
	s.Must(s.DB.AddMember(s.Context(), s.Owner, w.ID, s.User.PublicID, access.Owner))
	k, err := s.Control.CreateToken(s.Context(), access.Actor{Kind: access.ActorMaster, WorkspaceID: w.ID}, control.TokenForm{Name: new("Seen")})
	s.Must(err)
	s.Must(s.DB.EditMember(s.Context(), s.Owner, w.ID, u.PublicID, access.Viewer, 0))
	return u, k
}

// Customer makes a customer and lets them call as who.
func (s *Site) Customer(who, name string, workspaceID int64) access.Customer {
	s.Helper()
	m := s.MakeCustomer(s.T, name, workspaceID)
	s.Bearers[who] = s.LoginCustomer(s.T, m, s.door)
	return m
}

// Status is what the gateway answers to who lists the models with a key.
func (s *Site) Status(key string) int {
	s.Helper()
	s.Bearers["holder of the key"] = key
	resp, _ := s.Send("holder of the key", "GET", "/v1/models", "")
	return resp.StatusCode
}

// Told is what the audit log of Acme says of an action.
func (s *Site) Told(action string) (told []db.AuditRow) {
	s.Helper()
	rows, err := s.DB.Audit(s.Context(), s.Workspace.ID, 0, 200)
	s.Must(err)
	for _, r := range rows {
		if r.Action == action {
			told = append(told, r)
		}
	}
	return told
}

// NextHour moves the clock to just after the next full hour: what is counted by
// the hour is counted from nothing, and the hour does not end meanwhile.
func (s *Site) NextHour() {
	s.Wait(s.Now().Truncate(time.Hour).Add(time.Hour + time.Minute).Sub(s.Now()))
}
