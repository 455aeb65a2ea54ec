package chat_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
	"latchkey/web"
	"latchkey/web/chat"
	"latchkey/web/dashboard"
	"latchkey/web/ops"
	"latchkey/web/wire/openai"
)

// site is the whole app over a whole house, with a link and a customer.
type site struct {
	*testbed.House
	t     testing.TB
	url   string
	bot   access.Bot
	share control.IssuedShare
	live  *gateway.Live
	log   *logText
}

type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newSite serves a bot whose answers come as fault says, on a link of its own.
func newSite(t testing.TB, fault faulty.Fault, f control.ShareForm) *site {
	t.Helper()
	return newSiteOver(t, testbed.New(t), fault, f)
}

// newSiteOver is newSite in a house that is furnished already.
func newSiteOver(t testing.TB, h *testbed.House, fault faulty.Fault, f control.ShareForm) *site {
	t.Helper()
	s := &site{House: h, t: t, live: gateway.NewLive(h.Gateway), log: &logText{}}
	t.Cleanup(s.live.Close)
	provider := h.AddProvider(t, "p", h.Faulty.URL+"/v1", string(fault))
	var err error
	s.bot, err = h.DB.MakeBot(t.Context(), h.Owner, access.Bot{
		PublicID: secret.NewPublicID(h.Control.Random), WorkspaceID: h.Workspace.ID, Slug: "desk", Name: "Acme help desk", Kind: access.DialogBot,
		ProviderID: provider.ID, Model: string(fault), Params: "{}", Enabled: true,
		Welcome: "Hello {name}, ask away.\nOrders, invoices and the Acme API.", Settings: `{"description":"It answers questions on orders, invoices and the Acme API."}`,
		SuggestedQuestions: []string{"Where is my invoice for October?", "How do I change the delivery address?", "Who may see our API keys?"},
	})
	s.must(err)
	name := "Help desk"
	f.Name, f.Bot = &name, &s.bot.PublicID
	s.share, err = h.Control.CreateShare(t.Context(), h.Owner, f)
	s.must(err)
	s.enrol("mei.tanaka")
	s.serve()
	return s
}

const password = "green tea at noon"

func (s *site) enrol(name string) db.CustomerRow {
	s.t.Helper()
	plain := password
	m, err := s.Control.CreateCustomer(s.t.Context(), s.Owner, control.CustomerForm{Username: &name, Password: &plain})
	s.must(err)
	return m.Row
}

func (s *site) serve() {
	listener, base := testbed.Listen(s.t)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := web.Rooms{
		Config: config.Config{Addr: listener.Addr().String(), Loopback: true}, Port: port, Gateway: s.Gateway, Now: s.Now, Log: log,
		OpenAI: &openai.Door{Gateway: s.Gateway, Now: s.Now, Log: log, Language: lang.English}, Ops: &ops.Ops{Ping: s.DB.Ping},
	}
	r.Dashboard = &dashboard.Dashboard{
		Control: s.Control, Gateway: s.Gateway, Sessions: r.Sessions(s.Control, s.Keys.CookieKeys()), Origin: r.Origin, Now: s.Now, Log: log,
	}
	r.Chat = &chat.Chat{Control: s.Control, Live: s.live, Sessions: r.Dashboard.Sessions, Now: s.Now, Log: log}
	app := web.New(r)
	s.t.Cleanup(func() { // when it serves no more
		if text := s.log.String(); strings.Contains(text, s.share.Secret) {
			s.t.Errorf("the log holds the link's text:\n%s", text)
		}
	})
	testbed.Serve(s.t, app, listener)
	s.url = base
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// base is the address of the link.
func (s *site) base() string { return "/s/" + s.share.Secret }

// reader is a browser without script, or with ours where part is set.
type reader struct {
	*site
	client *http.Client
	lang   string
	part   bool
}

func (s *site) reader() *reader {
	return &reader{site: s, client: testbed.Browser(), lang: "en"}
}

// customer is a reader who is signed in.
func (s *site) customer(name string) *reader {
	s.t.Helper()
	r := s.reader()
	if in := r.post(s.base()+"/login", "username", name, "password", password); in.status != 200 || in.path != s.base() || !strings.Contains(in.body, `id="composer"`) {
		s.t.Fatalf("no sign-in: %d at %s\n%s", in.status, in.path, in.body)
	}
	return r
}

type answer struct {
	status int
	body   string
	header http.Header
	path   string
}

func (r *reader) get(path string) answer { return r.do(http.MethodGet, path, nil) }

func (r *reader) post(path string, pairs ...string) answer {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return r.do(http.MethodPost, path, form)
}

func (r *reader) request(method, path string, form url.Values) *http.Request {
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(form.Encode()))
	r.must(err)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	request.Header.Set("Accept-Language", r.lang)
	if r.part {
		request.Header.Set("HX-Request", "true")
	}
	return request
}

func (r *reader) do(method, path string, form url.Values) answer {
	r.t.Helper()
	got, err := r.client.Do(r.request(method, path, form))
	r.must(err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	r.must(err)
	return answer{got.StatusCode, string(body), got.Header, got.Request.URL.Path}
}

// says fails unless the text holds all the words.
func (s *site) says(text string, words ...string) {
	s.t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			s.t.Errorf("%q is missing in\n%s", word, text)
		}
	}
}

func (s *site) saysNot(text string, words ...string) {
	s.t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			s.t.Errorf("%q should not be in\n%s", word, text)
		}
	}
}
