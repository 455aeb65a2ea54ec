// Package whole serves the whole app on a house of the testbed, every door of it,
// for tests about what the doors have in common: what one issues the others show,
// limit and revoke; the manual of all of them; who may call what. It is imported
// by tests alone.
//
// Start with New; a Caller of each sort is in callers.go.
package whole

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/config"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/internal/testbed"
	"latchkey/web"
	"latchkey/web/chat"
	"latchkey/web/dashboard"
	"latchkey/web/ops"
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/fess"
	"latchkey/web/wire/native"
	"latchkey/web/wire/newapi"
	"latchkey/web/wire/openai"
	"latchkey/web/wire/ragflow"
)

// Site is a house with every door of the app on a port.
type Site struct {
	testing.TB
	*testbed.House
	Base string // scheme and host
	App  *fiber.App
}

// New serves a house.
func New(tb testing.TB) *Site {
	tb.Helper()
	s := &Site{TB: tb, House: testbed.New(tb)}
	s.Control.MasterKey = testbed.MasterKey
	s.Must(s.DB.KeepKey(tb.Context(), s.Keys.Current(), s.Keys.CheckValue(s.Keys.Current())))
	l, base := testbed.Listen(tb)
	s.Base, s.App = base, web.New(s.rooms(l))
	testbed.Serve(tb, s.App, l)
	return s
}

func (s *Site) rooms(l net.Listener) web.Rooms {
	_, port, err := net.SplitHostPort(l.Addr().String())
	s.Must(err)
	log := slog.New(slog.NewTextHandler(faults{s.TB}, &slog.HandlerOptions{Level: slog.LevelError}))
	live := gateway.NewLive(s.Gateway)
	s.Cleanup(live.Close)
	r := web.Rooms{
		Config: config.Config{Addr: l.Addr().String(), Loopback: true}, Port: port, Gateway: s.Gateway, Now: s.Now, Log: log, Ops: &ops.Ops{Ping: s.DB.Ping},
		OpenAI: &openai.Door{Gateway: s.Gateway, Control: s.Control, Now: s.Now, Log: log, Language: lang.English, UnitsPerDollar: s.Control.UnitsPerDollar},
	}
	r.Dashboard = &dashboard.Dashboard{
		Control: s.Control, Gateway: s.Gateway, Sessions: r.Sessions(s.Control, s.Keys.CookieKeys()), Origin: r.Origin, Now: s.Now, Log: log,
	}
	r.Chat = &chat.Chat{Control: s.Control, Live: live, Sessions: r.Dashboard.Sessions, Now: s.Now, Log: log}
	r.Native = &native.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: log, Language: lang.English}
	r.NewAPI = &newapi.Door{Control: s.Control, Origin: r.Origin, Now: s.Now, Started: s.Now(), Version: "1.0.0", Log: log, Language: lang.English}
	r.Fess = &fess.Door{Control: s.Control, Gateway: s.Gateway, Now: s.Now, Log: log, Language: lang.English}
	r.BotShare = &botshare.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: log, Language: lang.English}
	r.RAGFlow = &ragflow.Door{Control: s.Control, Gateway: s.Gateway, Ping: s.DB.Ping, Now: s.Now, Version: "1.0.0", Log: log, Language: lang.English}
	return r
}

// faults fails the test with every line of the log: no call of these tests is a
// fault of the server.
type faults struct{ testing.TB }

func (f faults) Write(line []byte) (int, error) {
	f.Helper()
	f.Errorf("the log: %s", line)
	return len(line), nil
}

// Must ends the test at an error.
func (s *Site) Must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// Answer is what a call got.
type Answer struct {
	tb      testing.TB
	Call    string
	Status  int
	Text    string
	Header  http.Header
	Cookies []*http.Cookie
}

// Do sends a request; headers come in pairs. A body that is an object or a list is
// sent as JSON, any other as a form, unless a header says what it is.
func (s *Site) Do(method, path, body string, headers ...string) Answer {
	s.Helper()
	kind := ""
	switch {
	case strings.HasPrefix(body, "{") || strings.HasPrefix(body, "["):
		kind = "application/json"
	case body != "":
		kind = "application/x-www-form-urlencoded"
	}
	if i := slices.Index(headers, "Content-Type"); i < 0 || headers[i+1] == "" {
		headers = append(headers, "Content-Type", kind)
	}
	resp, text := testbed.Send(s.TB, method, s.Base+path, body, headers...)
	return Answer{s.TB, method + " " + path, resp.StatusCode, text, resp.Header, resp.Cookies()}
}

// JSON is the answer's body.
func (a Answer) JSON() any {
	a.tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.Text), &v); err != nil {
		a.tb.Fatalf("%s: %d %s: %v", a.Call, a.Status, a.Text, err)
	}
	return v
}

// At is a value of the answer: keys of objects, places in lists.
func (a Answer) At(path ...any) any {
	a.tb.Helper()
	v := a.JSON()
	for _, step := range path {
		found := false
		switch in := v.(type) {
		case map[string]any:
			key, _ := step.(string)
			v, found = in[key]
		case []any:
			if i, ok := step.(int); ok && i < len(in) {
				v, found = in[i], true
			}
		}
		if !found {
			a.tb.Fatalf("%s: no %v in %d %s", a.Call, path, a.Status, a.Text)
		}
	}
	return v
}

// Is checks the status.
func (a Answer) Is(status int) Answer {
	a.tb.Helper()
	if a.Status != status {
		a.tb.Fatalf("%s: %d, want %d: %s", a.Call, a.Status, status, a.Text)
	}
	return a
}
