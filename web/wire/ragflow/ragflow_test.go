package ragflow_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/rogpeppe/go-internal/txtar"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
	"latchkey/web"
	"latchkey/web/ops"
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/native"
	"latchkey/web/wire/newapi"
	"latchkey/web/wire/openai"
	"latchkey/web/wire/ragflow"
)

const masterKey = "master-master-master-1"

// site is a house with RAGFlow's door, its neighbours and the gateway on a port, and
// callers of each sort.
type site struct {
	*testing.T
	*testbed.House
	app     *fiber.App
	base    string
	bearers map[string]string // by the caller's name
	values  map[string]string // that answers gave
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, House: testbed.New(t), bearers: map[string]string{}, values: map[string]string{}}
	s.Control.MasterKey = masterKey
	s.must(s.DB.KeepKey(t.Context(), s.Keys.Current(), s.Keys.CheckValue(s.Keys.Current())))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.base = "http://" + l.Addr().String()
	r := web.Rooms{
		Config: config.Config{Addr: l.Addr().String(), Loopback: true}, Gateway: s.Gateway, Now: s.Now, Log: s.Log, Ops: &ops.Ops{},
		OpenAI: &openai.Door{Gateway: s.Gateway, Now: s.Now, Log: s.Log, Language: lang.English, UnitsPerDollar: s.Control.UnitsPerDollar},
	}
	r.Native = &native.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: s.Log, Language: lang.English}
	r.NewAPI = &newapi.Door{Control: s.Control, Origin: r.Origin, Now: s.Now, Started: s.Now(), Version: "1.0.0", Log: s.Log, Language: lang.English}
	r.BotShare = &botshare.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: s.Log, Language: lang.English}
	r.RAGFlow = &ragflow.Door{Control: s.Control, Gateway: s.Gateway, Ping: s.DB.Ping, Now: s.Now, Version: "1.0.0", Log: s.Log, Language: lang.English}
	s.app = web.New(r)
	go s.app.Listener(l)
	t.Cleanup(func() { s.app.ShutdownWithTimeout(time.Second) })
	s.people()
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// people makes the callers: lin owns Acme and runs the instance, mei owns another
// workspace, vera may only look at hers, gil has none.
func (s *site) people() {
	s.Helper()
	ctx := s.Context()
	s.values["acme"], s.values["lin"], s.values["bot"] = s.Workspace.PublicID, s.User.PublicID, s.Bot.PublicID
	s.bearers["lin"] = s.login(access.SubjectUser, s.User.ID, s.User.PasswordHash)
	for name, workspace := range map[string]string{"mei": "Northwind", "vera": "Vera's", "gil": ""} {
		u, w, err := s.DB.MakeUser(ctx, s.Owner, db.NewUser{
			User: access.User{PublicID: secret.NewPublicID(s.Control.Random), Username: name, UsernameKey: name, PasswordHash: "none"}, Workspace: workspace,
		})
		s.must(err)
		s.values[name] = u.PublicID
		s.bearers[name] = s.login(access.SubjectUser, u.ID, "none")
		if name == "vera" {
			s.must(s.DB.AddMember(ctx, s.Owner, w.ID, s.User.PublicID, access.Owner))
			k, err := s.Control.CreateToken(ctx, access.Actor{Kind: access.ActorMaster, WorkspaceID: w.ID}, control.TokenForm{Name: new("Seen")})
			s.must(err)
			s.values["seen"] = k.Secret
			s.must(s.DB.EditMember(ctx, s.Owner, w.ID, u.PublicID, access.Viewer, 0))
		}
	}
	m, err := s.DB.MakeCustomer(ctx, s.Owner, access.Customer{
		PublicID: secret.NewPublicID(s.Control.Random), WorkspaceID: s.Workspace.ID, Username: "maria", UsernameKey: "maria", PasswordHash: "none",
	})
	s.must(err)
	s.bearers["customer"] = s.login(access.SubjectCustomer, m.ID, "none")
	s.bearers["master"], s.bearers["nonsense"] = masterKey, "no-such-token"
}

func (s *site) login(kind access.SubjectKind, id int64, passwordHash string) string {
	s.Helper()
	text := secret.NewLogin(s.Control.Random)
	hash := secret.HashLogin(text)
	s.must(s.DB.SignIn(s.Context(), access.Actor{}, db.SignedIn{
		Kind: kind, ID: id, Name: "test", PasswordHash: passwordHash, LoginToken: &access.LoginToken{
			Hash: hash[:], Kind: kind, SubjectID: id, Door: access.DoorRAGFlow, CreatedAt: s.Now(), SeenAt: s.Now(), ExpiresAt: s.Now().Add(access.LoginTokenLife),
		},
	}))
	return text
}

// act is a line of a request block that is no request: it changes the world first.
func (s *site) act(line string) {
	s.Helper()
	words := strings.Fields(s.fill(line))
	ctx := s.Context()
	switch words[0] {
	case "wait":
		d, err := time.ParseDuration(words[1])
		s.must(err)
		s.House.Wait(d)
	case "revoke", "disable":
		found, err := s.DB.FindSecret(ctx, secret.Hash(words[1]))
		s.must(err)
		row, err := s.DB.TokenByNumber(ctx, s.Workspace.ID, found.SubjectID)
		s.must(err)
		if words[0] == "revoke" {
			err = s.Control.RevokeToken(ctx, s.Owner, row.PublicID)
		} else {
			err = s.Control.DisableToken(ctx, s.Owner, row.PublicID)
		}
		s.must(err)
	case "disable-user":
		_, err := s.Control.DisableUser(ctx, s.Owner, s.values[words[1]])
		s.must(err)
	case "reveal":
		s.Control.Reveal = control.Reveal(words[1])
	case "registration":
		s.Control.Registration, s.Control.RegistrationFixed = words[1], true
	case "make": // a token of Acme that another door made
		var f control.TokenForm
		s.must(json.Unmarshal([]byte(strings.SplitN(s.fill(line), " ", 3)[2]), &f))
		k := s.Token(s.T, f)
		s.values[words[1]], s.values[words[1]+".beta"] = k.Secret, k.Beta
	case "bot": // another bot of Acme
		form := control.BotForm{Name: &words[1], Kind: &words[2], Provider: &s.Provider.PublicID, Model: &testbed.Models[0]}
		b, err := s.Control.CreateBot(ctx, s.Owner, form)
		s.must(err)
		s.values[words[1]] = b.PublicID
	case "switch-off":
		_, err := s.Control.SetBotEnabled(ctx, s.Owner, words[1], false)
		s.must(err)
	case "bearer":
		s.bearers[words[1]] = words[2]
	default:
		s.Fatalf("no act %q", line)
	}
}

// fill puts the values of earlier answers in.
func (s *site) fill(text string) string {
	return regexp.MustCompile(`\{[a-z][a-z0-9.]*\}`).ReplaceAllStringFunc(text, func(name string) string {
		v, ok := s.values[name[1:len(name)-1]]
		if !ok {
			s.Fatalf("no value %s", name)
		}
		return v
	})
}

// request sends a block: acts, then "caller METHOD address", headers, an empty
// line, the body. A caller with ! before it sends its credential without Bearer.
func (s *site) request(block string) (*http.Response, string) {
	s.Helper()
	head, body, _ := strings.Cut(block, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	for len(lines) > 0 && strings.HasPrefix(lines[0], "> ") {
		s.act(lines[0][2:])
		lines = lines[1:]
	}
	words := strings.SplitN(lines[0], " ", 3)
	r, err := http.NewRequestWithContext(s.Context(), words[1], s.base+s.fill(words[2]), strings.NewReader(s.fill(strings.TrimSpace(body))))
	s.must(err)
	if words[0] != "nobody" {
		name, raw := strings.CutPrefix(words[0], "!")
		if s.bearers[name] == "" {
			s.Fatalf("no caller %s", name)
		}
		r.Header.Set("Authorization", "Bearer "+s.bearers[name])
		if raw {
			r.Header.Set("Authorization", s.bearers[name])
		}
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, s.fill(value))
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	s.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	s.must(err)
	return resp, string(text)
}

func decode(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// same compares an answer key by key. A key too many or too few is a difference.
func (s *site) same(at string, want, got any) (wrong []string) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, want an object", at, got)}
		}
		for key := range g {
			if _, known := w[key]; !known {
				wrong = append(wrong, fmt.Sprintf("%s.%s is too much: %v", at, key, g[key]))
			}
		}
		for key, one := range w {
			if v, there := g[key]; there {
				wrong = append(wrong, s.same(at+"."+key, one, v)...)
			} else {
				wrong = append(wrong, at+"."+key+" is missing")
			}
		}
		return wrong
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []string{fmt.Sprintf("%s is %v, want %d entries", at, got, len(w))}
		}
		for i := range w {
			wrong = append(wrong, s.same(at+"["+strconv.Itoa(i)+"]", w[i], g[i])...)
		}
		return wrong
	case string:
		if strings.HasPrefix(w, "$") {
			return s.like(at, w, got)
		}
		want = s.fill(w)
	}
	if want != got {
		return []string{fmt.Sprintf("%s is %v, want %v", at, got, want)}
	}
	return nil
}

var forms = map[string]*regexp.Regexp{
	"$key": regexp.MustCompile(`^sk-lk[0-9A-Za-z]{46}$`), "$beta": regexp.MustCompile(`^[0-9A-Za-z]{32}$`), "$id": regexp.MustCompile(`^[0-9a-f]{32}$`),
	"$mask": regexp.MustCompile(`^(sk-lk)?…[0-9A-Za-z]{4}$`), "$text": regexp.MustCompile(`.`),
	"$fault": regexp.MustCompile(`^Something broke inside Latchkey\. \(request id: [0-9a-f]{32}\)$`),
}

// like compares with what differs with each run; a name behind it remembers the
// value.
func (s *site) like(at, want string, got any) []string {
	kind, name, _ := strings.Cut(want, " ")
	text, ok := got.(string)
	switch kind {
	case "$any":
		ok = true
	case "$time":
		number, _ := got.(json.Number)
		n, err := number.Int64()
		ok = err == nil && s.Now().UnixMilli()-n < 600_000 && n <= s.Now().UnixMilli()
	case "$date":
		day, err := time.Parse(http.TimeFormat, text)
		ok = err == nil && s.Now().Sub(day) < 10*time.Minute
	default:
		ok = ok && forms[kind].MatchString(text)
	}
	if !ok {
		return []string{fmt.Sprintf("%s is %v, want %s", at, got, want)}
	}
	if name != "" {
		s.values[name] = text
		s.values[name+".escaped"] = escaped(text)
	}
	return nil
}

// escaped is a text as clients may write it into an address.
func escaped(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02x", text[i])
	}
	return b.String()
}

// Each file is a story: requests, and what each is answered.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t)
			blocks := txtar.Parse(raw).Files
			if len(blocks) == 0 || len(blocks)%2 != 0 {
				t.Fatalf("%d blocks", len(blocks))
			}
			for i := 0; i < len(blocks); i += 2 {
				s.step(blocks[i], blocks[i+1])
			}
		})
	}
}

func (s *site) step(ask, answer txtar.File) {
	s.Helper()
	if answer.Name != "response" || ask.Name == "response" {
		s.Fatalf("%s is answered by %s", ask.Name, answer.Name)
	}
	resp, text := s.request(string(ask.Data))
	head, want, _ := strings.Cut(strings.TrimSpace(string(answer.Data)), "\n")
	status, header, _ := strings.Cut(head, " ")
	if strconv.Itoa(resp.StatusCode) != status {
		s.Errorf("%s: %d, want %s: %s", ask.Name, resp.StatusCode, status, text)
	}
	if name, remember, _ := strings.Cut(header, " "); name != "" {
		if resp.Header.Get(name) == "" {
			s.Errorf("%s: no header %s", ask.Name, name)
		}
		if remember != "" {
			s.bearers[remember] = resp.Header.Get(name)
		}
	} else if resp.Header.Get("Authorization") != "" {
		s.Errorf("%s: it signs in", ask.Name)
	}
	if plain, is := strings.CutPrefix(want, "text "); is {
		if text != plain || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			s.Errorf("%s: %q of %s", ask.Name, text, resp.Header.Get("Content-Type"))
		}
		return
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
		s.Errorf("%s: the answer is %s", ask.Name, kind)
	}
	expected, err := decode(want)
	if err != nil {
		s.Fatalf("%s: the story's answer: %v", ask.Name, err)
	}
	got, err := decode(text)
	if err != nil {
		s.Fatalf("%s: %v: %s", ask.Name, err, text)
	}
	for _, wrong := range s.same("", expected, got) {
		s.Errorf("%s: %s\n%s", ask.Name, wrong, text)
	}
}

// call sends one request and returns the answer and its text.
func (s *site) call(who, method, path, body string) (*http.Response, string) {
	s.Helper()
	return s.request(who + " " + method + " " + path + "\nContent-Type: application/json\n\n" + body)
}

// object is call for an answer in the envelope.
func (s *site) object(who, method, path, body string) (int, map[string]any) {
	s.Helper()
	resp, text := s.call(who, method, path, body)
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		s.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode, v
}
