package fess_test

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
	"latchkey/web/wire/fess"
	"latchkey/web/wire/native"
	"latchkey/web/wire/openai"
)

const masterKey = "master-master-master-1"

// site is a house with Fess's door, the native one and the gateway on a port, and
// callers of each sort.
type site struct {
	*testing.T
	*testbed.House
	base    string
	bearers map[string]string // by the caller's name
	values  map[string]string // that answers gave
}

func newSite(t *testing.T, pageBase int) *site {
	t.Helper()
	s := &site{T: t, House: testbed.New(t), bearers: map[string]string{}, values: map[string]string{}}
	s.Control.MasterKey = masterKey
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.base = "http://" + l.Addr().String()
	r := web.Rooms{
		Config: config.Config{Addr: l.Addr().String(), Loopback: true}, Gateway: s.Gateway, Now: s.Now, Log: s.Log, Ops: &ops.Ops{},
		OpenAI: &openai.Door{Gateway: s.Gateway, Now: s.Now, Log: s.Log, Language: lang.English, UnitsPerDollar: s.Control.UnitsPerDollar},
	}
	r.Native = &native.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: s.Log, Language: lang.English}
	r.Fess = &fess.Door{Control: s.Control, Gateway: s.Gateway, PageBase: pageBase, Now: s.Now, Log: s.Log, Language: lang.English}
	app := web.New(r)
	go app.Listener(l)
	t.Cleanup(func() { app.ShutdownWithTimeout(time.Second) })
	s.people()
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// people makes the callers: admin is an access token of Acme with the permission
// admin, lin owns Acme, vera may look at it, mei owns another workspace, gil has
// none.
func (s *site) people() {
	s.Helper()
	ctx := s.Context()
	s.bearers["lin"] = s.login(access.SubjectUser, s.User.ID, s.User.PasswordHash)
	s.make("admin", s.Owner, control.TokenForm{Permissions: &[]string{"admin"}})
	for name, workspace := range map[string]string{"mei": "Northwind", "vera": "", "gil": ""} {
		u, w, err := s.DB.MakeUser(ctx, s.Owner, db.NewUser{
			User: access.User{PublicID: secret.NewPublicID(s.Control.Random), Username: name, UsernameKey: name, PasswordHash: "none"}, Workspace: workspace,
		})
		s.must(err)
		s.bearers[name] = s.login(access.SubjectUser, u.ID, "none")
		switch name {
		case "mei":
			s.make("foreign", access.Actor{Kind: access.ActorMaster, WorkspaceID: w.ID}, control.TokenForm{Permissions: &[]string{"admin"}})
		case "vera":
			s.must(s.DB.AddMember(ctx, s.Owner, s.Workspace.ID, u.PublicID, access.Viewer))
		}
	}
	m, err := s.DB.MakeCustomer(ctx, s.Owner, access.Customer{
		PublicID: secret.NewPublicID(s.Control.Random), WorkspaceID: s.Workspace.ID, Username: "maria", UsernameKey: "maria", PasswordHash: "none",
	})
	s.must(err)
	s.bearers["customer"] = s.login(access.SubjectCustomer, m.ID, "none")
	s.bearers["master"] = masterKey
	s.bearers["nonsense"] = "no-such-token"
	s.values["workspace"], s.values["bot"] = s.Workspace.PublicID, s.Bot.PublicID
}

// make issues an API token and remembers its id, its text and its beta key.
func (s *site) make(name string, by access.Actor, f control.TokenForm) {
	s.Helper()
	if f.Name == nil {
		f.Name = &name
	}
	k, err := s.Control.CreateToken(s.Context(), by, f)
	s.must(err)
	s.bearers[name], s.values[name], s.values[name+".text"], s.values[name+".beta"] = k.Secret, k.Row.PublicID, k.Secret, k.Beta
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
	line = s.fill(line)
	words := strings.Fields(line)
	ctx := s.Context()
	switch words[0] {
	case "wait":
		d, err := time.ParseDuration(words[1])
		s.must(err)
		s.House.Wait(d)
	case "revoke":
		s.must(s.Control.RevokeToken(ctx, s.Owner, words[1]))
	case "disable":
		s.must(s.Control.DisableToken(ctx, s.Owner, words[1]))
	case "zone":
		_, err := s.Control.EditWorkspace(ctx, s.Owner, control.WorkspaceForm{TimeZone: &words[1]})
		s.must(err)
	case "say":
		s.Faulty.Say(strings.Join(words[1:], " "))
	case "price": // what a token of the model costs
		n, err := strconv.ParseInt(words[2], 10, 64)
		s.must(err)
		s.Price(s.T, words[1], n*1_000_000, n*1_000_000)
	case "reveal":
		s.Control.Reveal = control.Reveal(words[1])
	case "make": // a token of Acme that another door made
		var f control.TokenForm
		s.must(json.Unmarshal([]byte(strings.SplitN(line, " ", 3)[2]), &f))
		s.make(words[1], s.Owner, f)
	case "bearer":
		s.bearers[words[1]] = words[2]
	default:
		s.Fatalf("no act %q", line)
	}
}

var valueName = regexp.MustCompile(`\{[a-z][a-z0-9.]*\}`)

// fill puts the values of earlier answers in. A name without a value is Fess's own
// {role} and its like.
func (s *site) fill(text string) string {
	return valueName.ReplaceAllStringFunc(text, func(name string) string {
		if v, ok := s.values[name[1:len(name)-1]]; ok {
			return v
		}
		return name
	})
}

// request sends a block: acts, then "caller METHOD address", headers, an empty
// line, the body.
func (s *site) request(block string) (*http.Response, string) {
	s.Helper()
	head, body, _ := strings.Cut(block, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	for len(lines) > 0 && strings.HasPrefix(lines[0], "> ") {
		s.act(lines[0][2:])
		lines = lines[1:]
	}
	words := strings.SplitN(lines[0], " ", 3)
	var sent io.Reader
	if body = strings.TrimSpace(body); body != "" {
		sent = strings.NewReader(s.fill(body))
	}
	r, err := http.NewRequestWithContext(s.Context(), words[1], s.base+s.fill(words[2]), sent)
	s.must(err)
	if words[0] != "nobody" {
		if s.bearers[words[0]] == "" {
			s.Fatalf("no caller %s", words[0])
		}
		r.Header.Set("Authorization", "Bearer "+s.bearers[words[0]])
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
// "$id name" remembers a value; "$text", "$time" and the like stand for what
// differs with each run.
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

var (
	textForm  = regexp.MustCompile(`^sk-lk[0-9A-Za-z]{46}$`)
	maskForm  = regexp.MustCompile(`^sk-lk…[0-9A-Za-z]{4}$`)
	idForm    = regexp.MustCompile(`^[0-9a-f]{32}$`)
	errorForm = regexp.MustCompile(`^error_code:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} `)
)

func (s *site) like(at, want string, got any) []string {
	kind, name, _ := strings.Cut(want, " ")
	number, isNumber := got.(json.Number)
	text, isText := got.(string)
	ok := false
	switch kind {
	case "$id":
		ok = isText && idForm.MatchString(text)
	case "$text":
		ok = isText && textForm.MatchString(text) && secret.HasChecksum(text)
	case "$masked":
		ok = isText && maskForm.MatchString(text)
	case "$time":
		n, err := number.Int64()
		ok = err == nil && s.Now().UnixMilli()-n < 600_000 && n <= s.Now().UnixMilli()
	case "$spent":
		n, err := number.Float64()
		ok = isNumber && err == nil && n >= 0 && n < 60
	case "$begins":
		ok = isText && strings.HasPrefix(text, name)
		name = ""
	case "$broken": // an error code, then what was wrong
		ok = isText && errorForm.MatchString(text) && strings.HasSuffix(text, " "+name)
		name = ""
	}
	if !ok {
		return []string{fmt.Sprintf("%s is %v, want %s", at, got, want)}
	}
	if name != "" {
		s.values[name] = fmt.Sprint(got)
	}
	return nil
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
			s := newSite(t, 0)
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
	name, value, exact := strings.Cut(header, ": ")
	if got := resp.Header.Get(name); name != "" && (got == "" || exact && got != value) {
		s.Errorf("%s: %s is %q", ask.Name, name, got)
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
	// Every answer is one object around everything.
	for _, wrong := range s.same("", map[string]any{"response": expected}, got) {
		s.Errorf("%s: %s\n%s", ask.Name, wrong, text)
	}
}

// call sends one request and returns status and the answer's object.
func (s *site) call(who, method, path, body string, headers ...string) (int, map[string]any) {
	s.Helper()
	block := who + " " + method + " " + path
	for i := 0; i+1 < len(headers); i += 2 {
		block += "\n" + headers[i] + ": " + headers[i+1]
	}
	resp, text := s.request(block + "\n\n" + body)
	var v struct{ Response map[string]any }
	if err := json.Unmarshal([]byte(text), &v); err != nil || v.Response == nil {
		s.Fatalf("%s: %d %s", block, resp.StatusCode, text)
	}
	return resp.StatusCode, v.Response
}
