package botshare_test

import (
	"bytes"
	"context"
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
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/native"
	"latchkey/web/wire/openai"
	"latchkey/web/wire/ragflow"
)

const masterKey = "master-master-master-1"

// site is a house with bot-share's door, the native one and the gateway on a port,
// and callers of each sort.
type site struct {
	*testing.T
	*testbed.House
	base    string
	bearers map[string]string // by the caller's name
	values  map[string]string // that answers gave
}

func newSite(t *testing.T) *site {
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
	r.RAGFlow = &ragflow.Door{
		Control: s.Control, Gateway: s.Gateway, Ping: s.DB.Ping, Now: s.Now, Version: "1.0.0", Log: s.Log, Language: lang.English,
	}
	r.BotShare = &botshare.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: s.Log, Language: lang.English}
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

// people makes the callers: lin owns Acme; mei owns Northwind and edits Acme's
// neighbour Contoso; vera may only look at Acme; gil has no workspace; ada runs the
// instance and is nowhere a member.
func (s *site) people() {
	s.Helper()
	ctx := s.Context()
	s.bearers["lin"] = s.login(access.SubjectUser, s.User.ID, s.User.PasswordHash)
	s.values["lin"], s.values["bot"], s.values["acme"] = dashed(s.User.PublicID), dashed(s.Bot.PublicID), s.Workspace.PublicID
	for name, workspace := range map[string]string{"mei": "Northwind", "vera": "", "gil": "", "ada": ""} {
		u, w, err := s.DB.MakeUser(ctx, s.Owner, db.NewUser{
			User: access.User{
				PublicID: secret.NewPublicID(s.Control.Random), Username: name, UsernameKey: name, PasswordHash: "none", IsAdmin: name == "ada",
			}, Workspace: workspace,
		})
		s.must(err)
		s.values[name] = dashed(u.PublicID)
		s.bearers[name] = s.login(access.SubjectUser, u.ID, "none")
		switch name {
		case "vera":
			s.must(s.DB.AddMember(ctx, s.Owner, s.Workspace.ID, u.PublicID, access.Viewer))
		case "mei":
			s.northwind(u, w)
		}
	}
	s.customer("maria", s.Workspace.ID)
	s.bearers["master"] = masterKey
	s.bearers["nonsense"] = "no-such-token"
}

// northwind furnishes mei's workspace with a bot and a customer.
func (s *site) northwind(u access.User, w access.Workspace) {
	s.Helper()
	by := access.Actor{Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: u.Username, WorkspaceID: w.ID, Role: access.Owner, Door: access.DoorPage}
	p, err := s.DB.MakeProvider(s.Context(), by, access.Provider{
		PublicID: secret.NewPublicID(s.Control.Random), WorkspaceID: w.ID, Name: "Northwind models", BaseURL: s.Faulty.URL + "/v1", Enabled: true,
		Models: []access.Model{{Name: testbed.Models[0], UpstreamName: testbed.Models[0], Kind: access.ChatModel}},
	})
	s.must(err)
	b, err := s.DB.MakeBot(s.Context(), by, access.Bot{
		PublicID: secret.NewPublicID(s.Control.Random), WorkspaceID: w.ID, ProviderID: p.ID, Slug: "other", Name: "Other Bot", Kind: access.DialogBot,
		Model: testbed.Models[0], Params: "{}", Settings: "{}", Enabled: true,
	})
	s.must(err)
	s.values["other"], s.values["northwind"] = dashed(b.PublicID), w.PublicID
	k, err := s.Control.CreateShare(s.Context(), by, control.ShareForm{Bot: &b.PublicID})
	s.must(err)
	s.values["foreign"], s.values["foreign.token"] = dashed(k.Row.PublicID), k.Secret
	s.customer("nora", w.ID)
}

// customer makes a customer who is signed in.
func (s *site) customer(name string, workspaceID int64) access.Customer {
	s.Helper()
	m, err := s.DB.MakeCustomer(s.Context(), s.Owner, access.Customer{
		PublicID: secret.NewPublicID(s.Control.Random), WorkspaceID: workspaceID, Username: name, UsernameKey: name, PasswordHash: "none",
	})
	s.must(err)
	s.values[name], s.bearers[name] = dashed(m.PublicID), s.login(access.SubjectCustomer, m.ID, "none")
	return m
}

// dashed spells a public id as this contract does.
func dashed(id string) string {
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func plain(id string) string { return strings.ReplaceAll(id, "-", "") }

func (s *site) login(kind access.SubjectKind, id int64, passwordHash string) string {
	s.Helper()
	text := secret.NewLogin(s.Control.Random)
	hash := secret.HashLogin(text)
	s.must(s.DB.SignIn(s.Context(), access.Actor{}, db.SignedIn{
		Kind: kind, ID: id, Name: "test", PasswordHash: passwordHash, LoginToken: &access.LoginToken{
			Hash: hash[:], Kind: kind, SubjectID: id, Door: access.DoorBotShare, CreatedAt: s.Now(), SeenAt: s.Now(), ExpiresAt: s.Now().Add(access.LoginTokenLife),
		},
	}))
	return text
}

// act is a line of a request block that is no request: it changes the world first.
func (s *site) act(line string) {
	s.Helper()
	words := strings.SplitN(s.fill(line), " ", 3)
	ctx := s.Context()
	switch words[0] {
	case "wait":
		d, err := time.ParseDuration(words[1])
		s.must(err)
		s.House.Wait(d)
	case "reveal":
		s.Control.Reveal = control.Reveal(words[1])
	case "say":
		s.Faulty.Say(strings.Join(words[1:], " "))
	case "link": // a link of Acme that another door made
		var f control.ShareForm
		s.must(json.Unmarshal([]byte(words[2]), &f))
		f.Bot = &s.Bot.PublicID
		k, err := s.Control.CreateShare(ctx, s.Owner, f)
		s.must(err)
		s.values[words[1]], s.values[words[1]+".token"] = dashed(k.Row.PublicID), k.Secret
	case "edit": // a link
		var f control.ShareForm
		s.must(json.Unmarshal([]byte(words[2]), &f))
		_, err := s.Control.EditShare(ctx, s.Owner, plain(words[1]), f)
		s.must(err)
	case "pause":
		s.must(s.Control.PauseShare(ctx, s.Owner, plain(words[1])))
	case "delete": // a link
		s.must(s.Control.DeleteShare(ctx, s.Owner, plain(words[1])))
	case "bot":
		var f control.BotForm
		s.must(json.Unmarshal([]byte(strings.TrimPrefix(line, "bot ")), &f))
		_, err := s.Control.EditBot(ctx, s.Owner, s.House.Bot.PublicID, f)
		s.must(err)
	case "end": // the bot
		s.must(s.Control.DeleteBot(ctx, s.Owner, s.House.Bot.PublicID, true))
	case "disable":
		s.must(s.Control.DisableCustomer(ctx, s.Owner, plain(words[1])))
	case "token": // of Acme
		var f control.TokenForm
		s.must(json.Unmarshal([]byte(words[2]), &f))
		k := s.Token(s.T, f)
		s.bearers[words[1]], s.values[words[1]] = k.Secret, dashed(k.Row.PublicID)
	case "revoke": // an API token
		s.must(s.Control.RevokeToken(ctx, s.Owner, plain(words[1])))
	case "customer":
		s.customer(words[1], s.Workspace.ID)
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
	r, err := http.NewRequestWithContext(s.Context(), words[1], s.base+s.fill(words[2]), strings.NewReader(s.fill(strings.TrimSpace(body))))
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
// "$id name" remembers a value; "$token", "$now" and the like stand for what
// differs with each run.
func (s *site) same(at string, want, got any) (wrong []string) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, want an object", at, got)}
		}
		for key, one := range w {
			if filled := s.fill(key); filled != key {
				delete(w, key)
				w[filled] = one
			}
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
	idForm     = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	tokenForm  = regexp.MustCompile(`^[0-9A-Za-z]{32}$`)
	maskForm   = regexp.MustCompile(`^…[0-9A-Za-z]{4}$`)
	momentForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$`)
)

func (s *site) like(at, want string, got any) []string {
	kind, name, _ := strings.Cut(want, " ")
	text, isText := got.(string)
	ok := isText && text != ""
	switch kind {
	case "$id":
		ok = idForm.MatchString(text)
	case "$token":
		ok = tokenForm.MatchString(text)
	case "$mask":
		ok = maskForm.MatchString(text)
	case "$now", "$later":
		t, err := time.Parse("2006-01-02T15:04:05.999999-07:00", text)
		past := s.Now().Sub(t)
		ok = err == nil && momentForm.MatchString(text) && (kind == "$later" && past < -29*24*time.Hour || kind == "$now" && past >= 0 && past < time.Minute)
	case "$number":
		_, ok = got.(json.Number)
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
	status, headers, _ := strings.Cut(head, " ")
	if strconv.Itoa(resp.StatusCode) != status {
		s.Errorf("%s: %d, want %s: %s", ask.Name, resp.StatusCode, status, text)
	}
	if headers != "" && resp.Header.Get(headers) == "" {
		s.Errorf("%s: no header %s", ask.Name, headers)
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

// call sends one request and returns status and answer.
func (s *site) call(who, method, path, body string, headers ...string) (int, map[string]any) {
	s.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(s.Context()), method, s.base+path, bytes.NewBufferString(body))
	s.must(err)
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+s.bearers[who])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	s.must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	s.must(err)
	v, err := decode(string(raw))
	object, ok := v.(map[string]any)
	if err != nil || !ok {
		s.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	return resp.StatusCode, object
}
