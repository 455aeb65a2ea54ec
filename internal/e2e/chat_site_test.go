package e2e

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"

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

// parlour is the app in this process, so that a test holds the owner's strings:
// a link, two customers, and answers that come word by word.
type parlour struct {
	*testbed.House
	t     *testing.T
	url   string // of the link
	share control.IssuedShare
	bot   access.Bot
	asked int // calls that were looked at
	wire  *wire
	https *tls.Config // of the front, nil for plain http
	home  string      // origin
}

// wire stands between browsers and the app, and can be cut.
type wire struct {
	net.Listener
	to    string
	mu    sync.Mutex
	open  map[net.Conn]bool
	isCut bool
}

func (w *wire) run() {
	for {
		from, err := w.Accept()
		if err != nil {
			return
		}
		go w.carry(from)
	}
}

func (w *wire) carry(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", w.to)
	if err != nil || !w.hold(from) {
		return
	}
	defer to.Close()
	go func() {
		defer to.Close()
		io.Copy(to, from)
	}()
	io.Copy(from, to)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, from)
}

func (w *wire) hold(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.isCut {
		w.open[c] = true
	}
	return !w.isCut
}

// cut ends every connection, and lets none through until mend.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for c := range w.open {
		c.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

const teaPassword = "green tea at noon"

func newParlour(t *testing.T, f control.ShareForm) *parlour {
	t.Helper()
	return newParlourOver(t, f, nil)
}

// newParlourOver is newParlour behind https, where a certificate is given.
func newParlourOver(t *testing.T, f control.ShareForm, https *tls.Config) *parlour {
	t.Helper()
	p := &parlour{House: testbed.New(t), t: t, https: https}
	provider := p.AddProvider(t, "p", p.Faulty.URL+"/v1", string(faulty.Stepped))
	var err error
	p.bot, err = p.DB.MakeBot(t.Context(), p.Owner, access.Bot{
		PublicID: secret.NewPublicID(p.Control.Random), WorkspaceID: p.Workspace.ID, Slug: "desk", Name: "Acme help desk", Kind: access.DialogBot,
		ProviderID: provider.ID, Model: string(faulty.Stepped), Params: "{}", Enabled: true,
		Welcome: "Hello {name}, ask away.\nOrders, invoices and the Acme API.", Settings: "{}",
		SuggestedQuestions: []string{"Where is my invoice for October?", "How do I change the delivery address?", "Who may see our API keys?"},
	})
	p.must(err)
	name := "Help desk"
	f.Name, f.Bot = &name, &p.bot.PublicID
	p.share, err = p.Control.CreateShare(t.Context(), p.Owner, f)
	p.must(err)
	for _, name := range []string{"mei.tanaka", "bo.larsen"} {
		plain := teaPassword
		_, err := p.Control.CreateCustomer(t.Context(), p.Owner, control.CustomerForm{Username: &name, Password: &plain})
		p.must(err)
	}
	p.serve()
	return p
}

func (p *parlour) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *parlour) serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	front, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	p.wire = &wire{Listener: front, to: listener.Addr().String(), open: map[net.Conn]bool{}}
	public := config.Config{Addr: listener.Addr().String(), Loopback: true}
	p.home = "http://" + front.Addr().String()
	if p.https != nil {
		p.wire.Listener = tls.NewListener(front, p.https)
		_, port, _ := net.SplitHostPort(front.Addr().String())
		public.PublicURL = config.Origin{Scheme: "https", Host: "localhost:" + port}
		p.home = public.PublicURL.String()
	}
	go p.wire.run()
	p.t.Cleanup(func() { front.Close(); p.wire.cut() })
	_, port, _ := net.SplitHostPort(front.Addr().String())
	live := gateway.NewLive(p.Gateway)
	p.t.Cleanup(live.Close)
	log := slog.New(slog.DiscardHandler)
	r := web.Rooms{
		Config: public, Port: port, Gateway: p.Gateway, Now: p.Now, Log: log,
		OpenAI: &openai.Door{Gateway: p.Gateway, Now: p.Now, Log: log, Language: lang.English}, Ops: &ops.Ops{Ping: p.DB.Ping},
	}
	r.Dashboard = &dashboard.Dashboard{
		Control: p.Control, Gateway: p.Gateway, Sessions: r.Sessions(p.Control, p.Keys.CookieKeys()), Origin: r.Origin, Now: p.Now, Log: log,
	}
	r.Chat = &chat.Chat{Control: p.Control, Live: live, Sessions: r.Dashboard.Sessions, Now: p.Now, Log: log}
	app := web.New(r)
	testbed.Serve(p.t, app, listener)
	p.url = p.home + "/s/" + p.share.Secret
}

// enter opens the link in a browser and signs a customer in.
func (p *parlour) enter(b *browser, name string) {
	p.t.Helper()
	b.visit(p.url)
	b.fill("username", name)
	b.fill("password", teaPassword)
	b.click("main [type=submit]")
	b.until("the composer", `document.querySelector("[data-composer]")`)
}

// call is the next call that the provider gets.
func (p *parlour) call() *faulty.Call {
	p.t.Helper()
	p.asked++
	return p.Faulty.Call(p.asked - 1)
}

// send types a question and presses the button.
func send(b *browser, text string) {
	b.t.Helper()
	b.until("nothing is under way", `document.querySelector("[data-composer]:not(.busy)")`)
	b.fill("question", text)
	b.click(".composer .send")
	b.until("the question stands in the thread", `document.querySelector("#question").value === ""`)
}

// whole waits until the last answer has ended.
func whole(b *browser) {
	b.t.Helper()
	b.until("the answer is whole", `!document.querySelector("[data-follow]") && document.querySelector("[data-composer]:not(.busy)")`)
}
