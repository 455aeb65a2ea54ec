package story_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testbed/story"
)

// listener is a test that notes what is said of it, and fails for none of it.
type listener struct {
	testing.TB
	said []string
}

func (l *listener) Helper() {}

func (l *listener) Errorf(format string, args ...any) {
	l.said = append(l.said, fmt.Sprintf(format, args...))
}

type over struct{}

func (l *listener) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	panic(over{})
}

func (l *listener) Fatal(args ...any) { l.Fatalf("%s", fmt.Sprint(args...)) }

var now = time.Unix(1_800_000_000, 0)

// app answers every path with the JSON that stands in its query, and says who asked.
func app(w http.ResponseWriter, r *http.Request) {
	kind := "application/json; charset=utf-8"
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/sign-in":
		w.Header().Set("Authorization", "credential-2")
	case "/plain":
		kind = "text/plain; charset=utf-8"
	case "/html":
		kind = "text/html"
	case "/who":
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Header.Get("Authorization"), r.Header.Get("X-Sent"), body)
		return
	case "/elsewhere":
		w.Header().Set("Location", "/?say=1")
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Retry-After", "5")
	switch r.URL.Path {
	case "/elsewhere":
		w.WriteHeader(http.StatusFound)
	case "/teapot":
		w.WriteHeader(http.StatusTeapot)
	}
	io.WriteString(w, r.URL.Query().Get("say"))
}

// open serves the app to a teller.
func open(t *testing.T) (*story.Teller, *listener) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(app))
	t.Cleanup(server.Close)
	l := &listener{TB: t}
	s := &story.Teller{
		TB: l, Base: server.URL, Bearers: map[string]string{"lin": "credential-1"}, Values: map[string]string{"known": "value"}, Own: []string{"role"},
		Forms: map[string]func(any) bool{
			"$id": story.Matching(regexp.MustCompile(`^[0-9]{4}$`)), "$time": story.Recent(func() time.Time { return now }, time.Second),
			"$both": func(any) bool { return true },
		},
		Compares: map[string]func(any, string) bool{
			"$begins": func(got any, with string) bool { return strings.HasPrefix(fmt.Sprint(got), with) },
			"$both":   func(any, string) bool { return true },
		},
	}
	s.Acts = map[string]func(string){"know": func(rest string) {
		name, value, _ := strings.Cut(rest, " ")
		s.Values[name] = value
	}}
	return s, l
}

// tell tells a story and returns what is said of it.
func (l *listener) tell(s *story.Teller, text string) {
	defer func() {
		if v := recover(); v != nil && v != (over{}) {
			panic(v)
		}
	}()
	s.Tell([]byte(text))
}

func tell(t *testing.T, text string) []string {
	t.Helper()
	s, l := open(t)
	l.tell(s, text)
	return l.said
}

// asked is a story of one question, whose answer is said of it.
func asked(answer, want string) string {
	return "-- a --\nnobody GET /?say=" + answer + "\n-- response --\n" + want + "\n"
}

const whole = `{"a":1,"b":["x",null],"c":{"d":"1234"}}`

func TestWhatHolds(t *testing.T) {
	for _, text := range []string{
		asked(whole, "200\n"+whole),
		asked(whole, `200 Retry-After`+"\n"+`{"b":["$begins x",null],"c":{"d":"$id four"},"a":1}`),
		asked(whole, `200 Retry-After: 5`+"\n"+whole),
		asked(`{"value":"value"}`, "200\n"+`{"{known}":"{known}"}`),
		asked(`["{role}"]`, "200\n"+`["{role}"]`),
		asked(`[1800000000,1799999401]`, "200\n"+`["$time","$time"]`),
		asked("0.10", "200\n0.10"),
		"-- a --\n> know other thing\nnobody GET /plain?say={known}+{other}\n-- response --\n200\ntext value thing\n",
		"-- a --\nlin GET /teapot?say=1\n-- response --\n418\n1\n-- b --\nlin GET /?say=2\n-- response --\n200\n2\n",
	} {
		if said := tell(t, text); len(said) != 0 {
			t.Errorf("%s\n%q", text, said)
		}
	}
}

func TestWhatFails(t *testing.T) {
	for name, text := range map[string]string{
		"a missing key":        asked(whole, "200\n"+`{"a":1,"b":["x",null],"c":{"d":"1234"},"e":null}`),
		"a missing inner key":  asked(whole, "200\n"+`{"a":1,"b":["x",null],"c":{"d":"1234","e":1}}`),
		"an extra key":         asked(whole, "200\n"+`{"a":1,"b":["x",null]}`),
		"an extra inner key":   asked(whole, "200\n"+`{"a":1,"b":["x",null],"c":{}}`),
		"a missing entry":      asked(whole, "200\n"+`{"a":1,"b":["x",null,1],"c":{"d":"1234"}}`),
		"an extra entry":       asked(whole, "200\n"+`{"a":1,"b":["x"],"c":{"d":"1234"}}`),
		"another value":        asked(whole, "200\n"+`{"a":2,"b":["x",null],"c":{"d":"1234"}}`),
		"another spelling":     asked("0.10", "200\n0.1"),
		"another type":         asked(whole, "200\n"+`{"a":"1","b":["x",null],"c":{"d":"1234"}}`),
		"a list for an object": asked("[]", "200\n{}"),
		"an object for a list": asked("{}", "200\n[]"),
		"null for an object":   asked("null", "200\n{}"),
		"a wrong form":         asked(whole, "200\n"+`{"a":"$id","b":["x",null],"c":{"d":"1234"}}`),
		"a moment long ago":    asked("1799999400", `200`+"\n"+`"$time"`),
		"a moment to come":     asked("1800000001", `200`+"\n"+`"$time"`),
		"a text for a moment":  asked(`"1800000000"`, `200`+"\n"+`"$time"`),
		"a wrong compare":      asked(whole, "200\n"+`{"a":1,"b":["$begins y",null],"c":{"d":"1234"}}`),
		"an unknown form":      asked(whole, "200\n"+`{"a":"$any","b":["x",null],"c":{"d":"1234"}}`),
		"a form that is both":  asked("1", "200\n"+`"$both"`),
		"a form's bad name":    asked(`"1234"`, "200\n"+`"$id two words"`),
		"an unknown value":     asked(`["{unknown}"]`, "200\n"+`["{unknown}"]`),
		"one key twice":        asked(`{"value":1}`, "200\n"+`{"{known}":1,"value":1}`),
		"a wrong status":       asked(whole, "201\n"+whole),
		"no header":            asked(whole, "200 Allow\n"+whole),
		"another header":       asked(whole, "200 Retry-After: 6\n"+whole),
		"no sign-in":           asked(whole, "200 Authorization in\n"+whole),
		"a sign-in":            "-- a --\nnobody GET /sign-in?say=1\n-- response --\n200\n1\n",
		"one beside a header":  "-- a --\nnobody GET /sign-in?say=1\n-- response --\n200 Retry-After\n1\n",
		"a page":               "-- a --\nnobody GET /html?say=1\n-- response --\n200\n1\n",
		"another text":         "-- a --\nnobody GET /plain?say=hello\n-- response --\n200\ntext hell\n",
		"JSON for a text":      asked("hello", "200\ntext hello"),
		"a redirect":           "-- a --\nnobody GET /elsewhere?say=1\n-- response --\n200\n1\n",
		"no JSON":              asked("x", "200\n1"),
		"two answers":          asked("1+2", "200\n1"),
		"no answer":            asked("", "200\n1"),
		"nothing expected":     asked("1", "200"),
		"two expected":         asked("1", "200\n1\n1"),
		"an unknown caller":    "-- a --\nmei GET /?say=1\n-- response --\n200\n1\n",
		"an unknown act":       "-- a --\n> dance\nlin GET /?say=1\n-- response --\n200\n1\n",
		"no question":          "-- a --\n> know a b\n-- response --\n200\n1\n",
		"no response":          "-- a --\nlin GET /?say=1\n",
		"two questions":        "-- a --\nlin GET /?say=1\n-- b --\nlin GET /?say=1\n",
		"no story":             "Nothing happens.\n",
	} {
		if said := tell(t, text); len(said) != 1 {
			t.Errorf("%s: %q", name, said)
		}
	}
}

// What an answer gave serves the next question.
func TestWhatIsRemembered(t *testing.T) {
	s, l := open(t)
	l.tell(s, `
-- an id --
nobody GET /?say="1234"
-- response --
200
"$id one.id"
-- a credential --
nobody GET /sign-in?say=1
-- response --
200 Authorization fresh
1
-- both --
fresh GET /?say=["{one.id}","{one.id.escaped}"]
-- response --
200
["1234","1234"]
`)
	if len(l.said) != 0 {
		t.Error(l.said)
	}
	if s.Values["one.id.escaped"] != "%31%32%33%34" {
		t.Errorf("escaped it is %q", s.Values["one.id.escaped"])
	}
	for block, want := range map[string]string{
		"fresh GET /who": "GET Bearer credential-2  ",
		"!lin POST /who\nX-Sent: {known}\n\n {known} \n": "POST credential-1 value value",
		"nobody PUT /who\n\n{role}":                      "PUT   {role}",
	} {
		if _, text := s.Request(block); text != want {
			t.Errorf("%q is asked as %q", block, text)
		}
	}
}

// What is around every answer has to be there too.
func TestWrap(t *testing.T) {
	for answer, wrong := range map[string]int{`{"response":1}`: 0, `{"response":1,"more":1}`: 1, `{"response":2}`: 1, `1`: 1} {
		s, l := open(t)
		s.Wrap = func(answer any) any { return map[string]any{"response": answer} }
		l.tell(s, asked(answer, "200\n1"))
		if len(l.said) != wrong {
			t.Errorf("%s: %q", answer, l.said)
		}
	}
}
