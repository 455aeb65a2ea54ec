package dashboard_test

import (
	"cmp"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/lang"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
	"latchkey/web"
	"latchkey/web/dashboard"
	"latchkey/web/ops"
	"latchkey/web/wire/openai"
)

// site is the whole app over a whole house, listening on loopback.
type site struct {
	*testbed.House
	t       testing.TB
	url     string
	readers map[access.Role]*reader
}

func newSite(t testing.TB) *site {
	t.Helper()
	h := testbed.New(t)
	listener, base := testbed.Listen(t)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r := web.Rooms{
		Config: config.Config{Addr: listener.Addr().String(), Loopback: true}, Port: port, Gateway: h.Gateway, Now: h.Now, Log: log,
		OpenAI: &openai.Door{Gateway: h.Gateway, Now: h.Now, Log: log, Language: lang.English}, Ops: &ops.Ops{Ping: h.DB.Ping},
	}
	r.Dashboard = &dashboard.Dashboard{
		Control: h.Control, Gateway: h.Gateway, Sessions: r.Sessions(h.Control, h.Keys.CookieKeys()), Origin: r.Origin, Now: h.Now, Log: log,
	}
	app := web.New(r)
	testbed.Serve(t, app, listener)
	return &site{House: h, t: t, url: base, readers: map[access.Role]*reader{}}
}

type testLog struct{ testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.Helper()
	l.Logf("server: %s", b)
	return len(b), nil
}

// reader is a browser without script.
type reader struct {
	*site
	client *http.Client
	lang   string
	part   bool   // asks as htmx does
	at     string // the page it asks from, "" for the address itself
	accept string
}

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
	path   string // after redirects
}

// signIn makes a member with a role and signs it in.
func (s *site) signIn(role access.Role) *reader {
	s.t.Helper()
	name, password := "lin", testbed.Password
	if role != access.Owner {
		name = string(role)
		hash, err := s.Control.Passwords.Hash(s.t.Context(), password)
		s.must(err)
		_, err = s.DB.MakeMember(s.t.Context(), s.Owner, s.Workspace.ID, access.User{
			PublicID: secret.NewPublicID(rand.Reader), Username: name, UsernameKey: name, PasswordHash: hash, Enabled: true,
		}, role)
		s.must(err)
	}
	r := &reader{site: s, client: testbed.Browser(), lang: "en"}
	if in := r.post("/login", "username", name, "password", password, "next", "/settings/profile"); in.status != http.StatusOK || in.path != "/settings/profile" {
		s.t.Fatalf("no sign-in as %s: %d at %s\n%s", role, in.status, in.path, in.body)
	}
	return r
}

// reader is the member with a role, signed in once.
func (s *site) reader(role access.Role) *reader {
	s.t.Helper()
	if s.readers[role] == nil {
		s.readers[role] = s.signIn(role)
	}
	return s.readers[role]
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (r *reader) get(path string) answer { return r.do(http.MethodGet, path, nil) }

// post sends a form; pairs are names and values, a name may come twice.
func (r *reader) post(path string, pairs ...string) answer {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return r.do(http.MethodPost, path, form)
}

func (r *reader) do(method, path string, form url.Values) answer {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(form.Encode()))
	r.must(err)
	request.Header.Set("Accept-Language", r.lang)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", r.url)
	}
	if r.part {
		request.Header.Set("HX-Request", "true")
		request.Header.Set("HX-Request-Type", "partial")
		request.Header.Set("HX-Current-URL", r.url+cmp.Or(r.at, path))
	}
	if r.accept != "" {
		request.Header.Set("Accept", r.accept)
	}
	response, err := r.client.Do(request)
	r.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	r.must(err)
	return answer{status: response.StatusCode, body: string(body), header: response.Header, path: response.Request.URL.Path}
}

// want checks an answer's status and pieces of its body; a piece that begins with
// "!" must not be there.
func (a answer) want(t testing.TB, status int, pieces ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d at %s, want %d", a.status, a.path, status)
	}
	for _, piece := range pieces {
		if missing, unwanted := strings.CutPrefix(piece, "!"); unwanted == strings.Contains(a.body, missing) {
			t.Errorf("at %s: %q, and that is wrong in:\n%s", a.path, piece, bodyOf(a.body))
		}
	}
}

// bodyOf leaves out the frame of a page.
func bodyOf(page string) string {
	if _, main, ok := strings.Cut(page, "<main"); ok {
		page, _, _ = strings.Cut(main, "</main>")
	}
	return page
}

// value is what a field of a form holds in a page.
func (a answer) value(t testing.TB, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(a.body, `name="`+name+`" value="`)
	if !ok {
		t.Fatalf("no field %s in:\n%s", name, bodyOf(a.body))
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
