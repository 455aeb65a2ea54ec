package chat_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

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

// event is one server-sent event.
type event struct{ name, id, data string }

// stream is an open answer.
type stream struct {
	t      testing.TB
	body   io.Closer
	events chan event
}

// follow opens the stream of an answer; last is its Last-Event-ID.
func (r *reader) follow(path, last string) *stream {
	r.t.Helper()
	request := r.request(http.MethodGet, path, nil)
	request.Header.Set("Accept", "text/event-stream")
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	got, err := r.client.Do(request)
	r.must(err)
	if kind := got.Header.Get("Content-Type"); got.StatusCode != 200 || !strings.HasPrefix(kind, "text/event-stream") {
		r.t.Fatalf("the stream answers %d %s", got.StatusCode, kind)
	}
	s := &stream{t: r.t, body: got.Body, events: make(chan event, 1000)}
	go s.read(bufio.NewReader(got.Body))
	r.t.Cleanup(func() { got.Body.Close() })
	return s
}

func (s *stream) read(from *bufio.Reader) {
	defer close(s.events)
	var e event
	var data []string
	open := ""
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		switch key, value, _ := strings.Cut(line, ": "); {
		case line == "" && data != nil:
			e.data = strings.Join(data, "\n")
			switch e.name {
			case "":
				open = pieced(open, e.data)
				e.name, e.data = "grow", open
			case "block":
				e.data, open = pieced(open, e.data), ""
			}
			s.events <- e
			e, data = event{}, nil
		case key == "event":
			e.name = value
		case key == "id":
			e.id = value
		case key == "data":
			data = append(data, value)
		case line == "data:":
			data = append(data, "")
		}
	}
}

// pieced is the growing block after a piece of it came, as our script does it.
func pieced(open, data string) string {
	before, rest, _ := strings.Cut(data, " ")
	after, rest, _ := strings.Cut(rest, " ")
	m, _ := strconv.Atoi(before)
	n, _ := strconv.Atoi(after)
	units := utf16.Encode([]rune(open))
	return string(utf16.Decode(units[:m])) + rest + string(utf16.Decode(units[len(units)-n:]))
}

// next waits for an event.
func (s *stream) next() event {
	s.t.Helper()
	select {
	case e, open := <-s.events:
		if !open {
			s.t.Fatal("the stream ended")
		}
		return e
	case <-time.After(time.Minute):
		s.t.Fatal("no event came")
	}
	return event{}
}

// until reads to an event of a name, and returns those before it too.
func (s *stream) until(name string) []event {
	s.t.Helper()
	var all []event
	for {
		e := s.next()
		if all = append(all, e); e.name == name {
			return all
		}
	}
}

// blocks joins the finished blocks of events.
func blocks(events []event) string {
	var b strings.Builder
	for _, e := range events {
		if e.name == "block" {
			b.WriteString(e.data)
		}
	}
	return b.String()
}

var followed = regexp.MustCompile(`data-follow="([^"]+)"`)

// followOf is the address of the answer that a page says is under way.
func (s *site) followOf(body string) string {
	s.t.Helper()
	found := followed.FindStringSubmatch(body)
	if found == nil {
		s.t.Fatalf("nothing is under way in\n%s", body)
	}
	return found[1]
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
