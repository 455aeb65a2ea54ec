// Package faulty is a provider for tests: an OpenAI-compatible server on
// loopback that misbehaves as told, in every way that Latchkey must withstand,
// or behaves well at a pace that the test sets word by word.
//
// What a call meets is chosen by its model's name, which may be that of any
// Fault, or by a script that is used up call by call and comes first. Any other
// model name is answered well. The server keeps every call it saw (path, header,
// body) and tells when the caller of one has gone.
//
// It never sleeps: a fault that waits, waits until its caller goes or the test
// ends. It is only for tests and is linked into no program.
//
// Start with Start; fault.go lists the faults, deeds.go commits them, well.go has the good answers.
package faulty

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for something that must happen: only a hang is
// longer, however busy the machine.
const patience = time.Minute

// Server is a running faulty provider.
type Server struct {
	URL string // base URL, without /v1

	tb   testing.TB
	web  *httptest.Server
	done chan struct{} // closed at the end of the test: waits are over
	stop sync.Once

	mu     sync.Mutex
	script []Fault
	calls  []*Call
	seen   chan struct{} // closed and replaced at each call
	reply  string
	usage  [2]int // prompt and completion, where the test sets them
	fixed  bool
	models []string
}

// Start runs a server until the end of the test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		tb: tb, done: make(chan struct{}), seen: make(chan struct{}),
		reply: "Well, here is an answer.", models: []string{"good", "good-embedding"},
	}
	s.web = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.web.Config.MaxHeaderBytes = 1 << 20
	s.web.Start()
	s.URL = s.web.URL
	tb.Cleanup(s.Stop)
	return s
}

// Stop ends the server; afterwards its address refuses connections.
func (s *Server) Stop() {
	s.stop.Do(func() {
		close(s.done)
		s.web.CloseClientConnections()
		s.web.Close()
	})
}

// Address is host:port, as a list of private hosts wants it.
func (s *Server) Address() string { return strings.TrimPrefix(s.URL, "http://") }

// Private is a list of private hosts that allows this server alone.
func (s *Server) Private() []string { return []string{s.Address()} }

// Refused is the base URL of a port on loopback where nobody listens, and the
// same as host:port.
func Refused(tb testing.TB) (url, address string) {
	tb.Helper()
	// The port is taken and nobody listens: were it given back, another test's
	// server could get it.
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*syscall.SockaddrInet4).Port))
	return "http://" + address, address
}

// Script makes the next calls meet these faults, one each, whatever their model.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, faults...)
}

// Say sets the text of the good answers.
func (s *Server) Say(reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

// Charge sets the usage of the good answers; otherwise the words are counted.
func (s *Server) Charge(prompt, completion int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage, s.fixed = [2]int{prompt, completion}, true
}

// List sets the models that GET /v1/models names.
func (s *Server) List(models ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models = models
}

// Call is a call that the server saw.
type Call struct {
	Method, Path string
	Header       http.Header
	Body         []byte
	Model        string
	Stream       bool
	Fault        Fault

	server *Server
	asked  map[string]any
	steps  chan step
	gone   chan struct{}
	over   chan struct{}
}

type step struct {
	word string
	last bool
	done chan struct{}
}

// Gone is closed when the caller has left before the answer's end.
func (c *Call) Gone() <-chan struct{} { return c.gone }

// Over is closed when the server is through with the call, whichever way.
func (c *Call) Over() <-chan struct{} { return c.over }

// WaitGone fails the test if the caller does not leave in time.
func (c *Call) WaitGone() {
	c.server.tb.Helper()
	select {
	case <-c.gone:
	case <-c.over:
		select {
		case <-c.gone:
		default:
			c.server.tb.Fatal("faulty: the call was over before its caller left")
		}
	case <-time.After(patience):
		c.server.tb.Fatal("faulty: the caller did not leave")
	}
}

// Send makes a Stepped answer say one more word, and returns when it is on the wire.
func (c *Call) Send(word string) { c.step(step{word: word}) }

// End makes a Stepped answer end well.
func (c *Call) End() { c.step(step{last: true}) }

func (c *Call) step(s step) {
	c.server.tb.Helper()
	s.done = make(chan struct{})
	late := time.After(patience)
	select {
	case c.steps <- s:
	case <-c.over:
		c.server.tb.Fatal("faulty: the call is over")
	case <-late:
		c.server.tb.Fatal("faulty: the call takes no step; is it Stepped?")
	}
	select {
	case <-s.done:
	case <-c.over:
	case <-late:
		c.server.tb.Fatal("faulty: the step was not written")
	}
}

// Calls are the calls so far, to models and to lists of models.
func (s *Server) Calls() []*Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Call(nil), s.calls...)
}

// Started is how many calls have come; Cancelled, how many callers left early.
func (s *Server) Started() int { return len(s.Calls()) }

// Cancelled is how many callers left before their answer's end.
func (s *Server) Cancelled() int {
	n := 0
	for _, c := range s.Calls() {
		select {
		case <-c.gone:
			n++
		default:
		}
	}
	return n
}

// Call waits for the n-th call, counted from 0.
func (s *Server) Call(n int) *Call {
	s.tb.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		seen := s.seen
		if n < len(s.calls) {
			defer s.mu.Unlock()
			return s.calls[n]
		}
		s.mu.Unlock()
		select {
		case <-seen:
		case <-late:
			s.tb.Fatalf("faulty: call %d did not come", n)
		}
	}
}

// note keeps a call and chooses its fault.
func (s *Server) note(r *http.Request, body []byte) *Call {
	c := &Call{
		Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Body: body,
		server: s, asked: map[string]any{}, steps: make(chan step), gone: make(chan struct{}), over: make(chan struct{}),
	}
	if json.Unmarshal(body, &c.asked) == nil {
		c.Model, _ = c.asked["model"].(string)
		c.Stream, _ = c.asked["stream"].(bool)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Fault = Fault(c.Model)
	if len(s.script) > 0 {
		c.Fault, s.script = s.script[0], s.script[1:]
	}
	s.calls = append(s.calls, c)
	close(s.seen)
	s.seen = make(chan struct{})
	return c
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller left while it asked
	}
	c := s.note(r, body)
	a := &answer{Call: c, w: w, r: r, ctrl: http.NewResponseController(w), stream: c.Stream}
	defer close(c.over)
	defer func() {
		if a.left || r.Context().Err() != nil {
			close(c.gone)
		}
	}()
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/models") && c.Fault == "" {
		a.list()
		return
	}
	a.run(c.Fault)
}
