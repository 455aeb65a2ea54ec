package chat_test

import (
	"bufio"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

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
