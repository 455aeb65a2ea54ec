// Package story tells an app stories: requests as their callers write them, and
// what each is answered, to the letter. The dialects of web/wire are held to their
// contracts with it. It is imported by tests alone.
//
// A story is a txtar file of pairs of blocks: one that asks, under a title, and
// one named response.
//
//	-- a new token --                         -- response --
//	> reveal never                            200 Cache-Control
//	lin POST /api/token/?q={name}             {"id":"$id first","at":"$time","list":["{name}"]}
//	Accept-Language: zh
//
//	{"name":"{name}"}
//
// An asking block has acts (lines with >), which change the world first; the
// caller, or nobody, or !caller for a credential without the word Bearer; method
// and address; headers; behind an empty line the body. {name} is a value that is
// known by now.
//
// A response has the status, perhaps a header ("Name" is there, "Name: value" is
// just that, "Name caller" is there and the caller's credential from now on; no
// answer signs in unless its story says so), and the answer: JSON, or "text " and
// a plain text. Every key and every entry has to be there, and no other. "$form"
// stands for what differs with each run, "$form name" remembers it, and
// "$compare operand" is judged by what stands behind it.
//
// Start with Tell. A dialect has a Teller with its own acts, forms and compares;
// Site in site.go is a house behind one.
package story

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// signIn is the header in which an answer gives its caller a credential.
const signIn = "Authorization"

// Teller tells stories to an app.
type Teller struct {
	TB      testing.TB
	Base    string            // scheme and host of the app
	Bearers map[string]string // credentials, by the caller's name
	Values  map[string]string // what stands for {name}

	Acts     map[string]func(rest string)                  // by their first word
	Forms    map[string]func(got any) bool                 // by their name with its $
	Compares map[string]func(got any, operand string) bool // likewise
	Own      []string                                      // {name}s of the app's own, which stay
	Wrap     func(answer any) any                          // what is around every JSON answer, or nil
}

// Tell tells each file of testdata to an app of its own.
func Tell(t *testing.T, open func(*testing.T) *Teller) {
	t.Helper()
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
			open(t).Tell(raw)
		})
	}
}

// Tell tells one story.
func (s *Teller) Tell(raw []byte) {
	s.TB.Helper()
	blocks := txtar.Parse(raw).Files
	if len(blocks) == 0 || len(blocks)%2 != 0 {
		s.TB.Fatalf("%d blocks", len(blocks))
	}
	for i := 0; i < len(blocks); i += 2 {
		s.step(blocks[i], blocks[i+1])
	}
}

func (s *Teller) step(ask, answer txtar.File) {
	s.TB.Helper()
	if answer.Name != "response" || ask.Name == "response" {
		s.TB.Fatalf("%s is answered by %s", ask.Name, answer.Name)
	}
	resp, text := s.Request(string(ask.Data))
	head, want, _ := strings.Cut(strings.TrimSpace(string(answer.Data)), "\n")
	status, header, _ := strings.Cut(head, " ")
	if strconv.Itoa(resp.StatusCode) != status {
		s.TB.Errorf("%s: %d, want %s: %s", ask.Name, resp.StatusCode, status, text)
	}
	s.checkHeader(ask.Name, header, resp.Header)
	kind := resp.Header.Get("Content-Type")
	if plain, is := strings.CutPrefix(want, "text "); is {
		if text != plain || !strings.HasPrefix(kind, "text/plain") {
			s.TB.Errorf("%s: %q of %s", ask.Name, text, kind)
		}
		return
	}
	if kind != "application/json; charset=utf-8" {
		s.TB.Errorf("%s: the answer is %s", ask.Name, kind)
	}
	expected, err := Decode(want)
	if err != nil {
		s.TB.Fatalf("%s: the story's answer: %v", ask.Name, err)
	}
	got, err := Decode(text)
	if err != nil {
		s.TB.Fatalf("%s: %v: %s", ask.Name, err, text)
	}
	if s.Wrap != nil {
		expected = s.Wrap(expected)
	}
	for _, wrong := range s.Differences(expected, got) {
		s.TB.Errorf("%s: %s\n%s", ask.Name, wrong, text)
	}
}

// checkHeader holds an answer to the header that its story names.
func (s *Teller) checkHeader(title, want string, got http.Header) {
	s.TB.Helper()
	name, value, exact := strings.Cut(want, ": ")
	remember := ""
	if !exact {
		name, remember, _ = strings.Cut(want, " ")
	}
	if there := got.Get(name); name != "" && (there == "" || exact && there != value) {
		s.TB.Errorf("%s: the header %s is %q", title, name, there)
	}
	if remember != "" {
		s.Bearers[remember] = got.Get(name)
	}
	if name != signIn && got.Get(signIn) != "" {
		s.TB.Errorf("%s: it signs in", title)
	}
}
