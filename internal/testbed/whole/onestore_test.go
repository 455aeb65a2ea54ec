package whole

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// What one door issues, every other shows in its own words, limits and revokes, and
// the doors that ask refuse it at once.

// store is a site, with a caller for each dialect.
type store struct {
	*Site
	keys map[string]string // of the dialects' callers
}

func newStore(t *testing.T) *store {
	s := &store{Site: New(t), keys: map[string]string{}}
	s.keys["native"] = s.Login(s.TB, s.User, access.DoorNative)
	s.keys["newapi"] = s.Login(s.TB, s.User, access.DoorNewAPI)
	s.keys["ragflow"] = s.Login(s.TB, s.User, access.DoorRAGFlow)
	s.keys["botshare"] = s.Login(s.TB, s.User, access.DoorBotShare)
	s.keys["fess"] = s.Token(t, control.TokenForm{Permissions: &[]string{"admin"}}).Secret
	return s
}

func (s *store) as(dialect, method, path, body string) Answer {
	s.Helper()
	return s.Do(method, path, body, "Authorization", "Bearer "+s.keys[dialect])
}

// key is an API token as its issuer knows it, and what it was asked to be.
type key struct {
	*testing.T
	name                string
	id, secret, beta    string
	number              int64
	expires             time.Time
	quota               int64 // that is left, with unlimited false
	unlimited           bool
	models              []string // nil: all
	addresses           []string
	permissions         []string
	parameter, group    string
	bot                 string
	rpm                 int64
	revoked, off, ended bool
}

func (s *store) row(k *key) db.TokenRow {
	k.Helper()
	row, err := s.DB.Token(s.Context(), s.Workspace.ID, k.id)
	if err != nil {
		k.Fatal(err)
	}
	return row
}

const (
	api  = "/api/latchkey/v1"
	hour = time.Hour
)

// far is an end that no story reaches, in whole seconds, which every door can tell.
var far = time.Date(2029, 5, 6, 12, 0, 0, 0, time.UTC)

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// plain is a value as JSON has it, to be compared with what was answered.
func plain(v any) (out any) {
	if err := json.Unmarshal([]byte(text(v)), &out); err != nil {
		panic(err)
	}
	return out
}

type object = map[string]any

// issue issues a token in a dialect, and finds what the other doors know it by.
func (s *store) issue(t *testing.T, in speaker) *key {
	t.Helper()
	k := &key{T: t, name: "of " + in.name}
	in.issue(s, k)
	rows, err := s.DB.Tokens(s.Context(), s.Workspace.ID, db.Page{Limit: 1})
	s.Must(err)
	r := rows[0]
	if k.id != "" && k.id != r.PublicID || k.number != 0 && k.number != r.ID {
		t.Fatalf("the newest token is %s %d, and %s answered %s %d", r.PublicID, r.ID, in.name, k.id, k.number)
	}
	k.id, k.number = r.PublicID, r.ID
	beta := s.as("native", "POST", api+"/tokens/"+k.id+"/reveal", "").Is(200).At("beta").(string)
	if k.beta != "" && k.beta != beta {
		t.Errorf("%s answered another beta key than native shows", in.name)
	}
	k.beta = beta
	return k
}

// shown checks that every dialect shows the token as it is, or that none does.
func (s *store) shown(k *key, when string, there bool) {
	k.Helper()
	for _, in := range speakers {
		var want any
		if there {
			want = plain(in.want(s, k))
		}
		if d := cmp.Diff(want, in.see(s, k)); d != "" {
			k.Errorf("%s: %s shows another token (-want +shown):\n%s", when, in.name, d)
		}
	}
}

// asks are the doors that a token asks at, and how each refuses one that is no
// longer good.
var asks = []struct {
	name  string
	ask   func(*store, *key) Answer
	nobar func(Answer) bool // it refuses as it refuses a stranger
}{
	{"botshare", func(s *store, k *key) Answer {
		return s.Do("POST", "/api/v3/chat/completions", text(object{"bot_id": s.Bot.PublicID, "messages": []object{{"role": "user", "content": "hello"}}}),
			"Authorization", "Bearer "+k.secret)
	}, func(a Answer) bool { return a.Status == 401 && a.At("detail") == "未登录或 token 无效" }},
	{"ragflow", func(s *store, k *key) Answer {
		return s.Do("POST", "/api/v1/conversation/completion", text(object{"question": "hello", "dialog_id": s.Bot.PublicID, "stream": false}),
			"Authorization", "Bearer "+k.secret)
	}, func(a Answer) bool { return a.Status == 401 && a.At("code") == 109.0 }},
	{"ragflow's beta key", func(s *store, k *key) Answer {
		return s.Do("POST", "/api/v1/chatbots/"+s.Bot.PublicID+"/completions", text(object{"question": "hello", "stream": false}),
			"Authorization", "Bearer "+k.beta)
	}, func(a Answer) bool { return a.Status == 200 && a.At("code") == 102.0 }},
	{"newapi", func(s *store, k *key) Answer {
		return s.Do("GET", "/api/usage/token", "", "Authorization", "Bearer "+k.secret)
	}, func(a Answer) bool { return a.Status == 401 }},
	{"the forward-auth check", func(s *store, k *key) Answer {
		return s.Do("GET", "/api/latchkey/v1/verify", "", "Authorization", "Bearer "+k.secret)
	}, func(a Answer) bool { return a.Status == 401 }},
}

// call asks the gateway.
func (s *store) call(k *key) Answer {
	return s.Do("POST", "/v1/chat/completions", text(object{
		"model": "gpt-4o-mini", "max_tokens": 20, "messages": []object{{"role": "user", "content": "hello"}},
	}), "Authorization", "Bearer "+k.secret)
}

// answered checks that the gateway answers, and settles what it cost.
func (s *store) answered(k *key) {
	k.Helper()
	before := s.row(k).Purse.Used
	if a := s.call(k); a.Status != 200 {
		k.Fatalf("the gateway refuses: %d %s", a.Status, a.Text)
	}
	if !k.unlimited {
		k.quota -= s.row(k).Purse.Used - before
	}
}

// refused checks that the gateway refuses, at once and with the right code.
func (s *store) refused(k *key, status int, code string) {
	k.Helper()
	if a := s.call(k); a.Status != status || a.At("error", "code") != code {
		k.Errorf("the gateway says %d %s, want %d %s", a.Status, a.Text, status, code)
	}
}

// Every token that a dialect issues is shown by every dialect in its own words,
// field by field, and answers; every limit of every dialect that has one counts at
// once and shows everywhere; so does every end.
func TestOneStore(t *testing.T) {
	s := newStore(t)
	s.Faulty.Say("Hello.")
	for _, a := range speakers {
		for i, c := range limits {
			for j, d := range ends {
				if (i+j)%2 == 1 {
					continue // each two dialects meet all the same
				}
				t.Run(a.name+"/"+c.in+" "+c.what+"/"+d.in+" "+d.what, func(t *testing.T) {
					k := s.issue(t, a)
					s.shown(k, "issued", true)
					s.answered(k)
					s.shown(k, "used", true)

					c.limit(s, k)
					s.refused(k, c.status, c.code)
					s.shown(k, "limited", true)
					c.lift(s, k)
					s.answered(k)
					s.shown(k, "lifted", true)

					d.end(s, k)
					s.refused(k, 401, d.code)
					s.shown(k, "ended", d.stays)
				})
			}
		}
	}
}

// Each door that asks answers a token of each dialect, and refuses it from the
// moment that any dialect ended it.
func TestEveryDoorAsksAndRefuses(t *testing.T) {
	s := newStore(t)
	s.Faulty.Say("Hello.")
	for _, a := range speakers {
		for _, d := range ends {
			t.Run(a.name+"/"+d.in+" "+d.what, func(t *testing.T) {
				k := s.issue(t, a)
				for _, door := range asks {
					if got := door.ask(s, k); got.Status >= 300 || door.nobar(got) {
						t.Errorf("%s refuses: %d %s", door.name, got.Status, got.Text)
					}
				}
				d.end(s, k)
				for _, door := range asks {
					if got := door.ask(s, k); !door.nobar(got) {
						t.Errorf("%s says after the end: %d %s", door.name, got.Status, got.Text)
					}
				}
			})
		}
	}
}
