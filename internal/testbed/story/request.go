package story

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"latchkey/internal/testbed"
)

var valueName = regexp.MustCompile(`\{[a-z][a-z0-9.]*\}`)

// Fill puts in the values that are known by now.
func (s *Teller) Fill(text string) string {
	s.TB.Helper()
	return valueName.ReplaceAllStringFunc(text, func(in string) string {
		name := in[1 : len(in)-1]
		v, ok := s.Values[name]
		if !ok && !slices.Contains(s.Own, name) {
			s.TB.Fatalf("no value %s", in)
		} else if !ok {
			return in
		}
		return v
	})
}

// Request sends an asking block.
func (s *Teller) Request(block string) (*http.Response, string) {
	s.TB.Helper()
	head, body, _ := strings.Cut(block, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	for len(lines) > 0 && strings.HasPrefix(lines[0], "> ") {
		s.act(s.Fill(lines[0][2:]))
		lines = lines[1:]
	}
	if len(lines) == 0 {
		s.TB.Fatalf("nobody asks anything: %s", block)
	}
	words := strings.SplitN(lines[0], " ", 3)
	if len(words) != 3 {
		s.TB.Fatalf("no caller, method and address: %s", lines[0])
	}
	var headers []string
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			s.TB.Fatalf("no header: %s", line)
		}
		headers = append(headers, name, s.Fill(value))
	}
	return s.Send(words[0], words[1], s.Fill(words[2]), s.Fill(strings.TrimSpace(body)), headers...)
}

func (s *Teller) act(line string) {
	s.TB.Helper()
	word, rest, _ := strings.Cut(line, " ")
	act, known := s.Acts[word]
	if !known {
		s.TB.Fatalf("no act %q", line)
	}
	act(rest)
}

var client = testbed.Client()

// Send sends one request as it stands; headers come in pairs. It returns the
// answer, whose body is read, and its text.
func (s *Teller) Send(who, method, path, body string, headers ...string) (*http.Response, string) {
	s.TB.Helper()
	resp, err := s.Ask(s.TB.Context(), who, method, path, body, headers...)
	s.Must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	s.Must(err)
	return resp, string(text)
}

// Ask is Send for an answer that is read as it comes.
func (s *Teller) Ask(ctx context.Context, who, method, path, body string, headers ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.Base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if who != "nobody" {
		name, raw := strings.CutPrefix(who, "!")
		credential := s.Bearers[name]
		if credential == "" {
			return nil, fmt.Errorf("no caller %s", name)
		}
		if !raw {
			credential = "Bearer " + credential
		}
		r.Header.Set(signIn, credential)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return client.Do(r)
}

// Object is Send for an answer that is a JSON object.
func (s *Teller) Object(who, method, path, body string, headers ...string) (int, map[string]any) {
	s.TB.Helper()
	resp, text := s.Send(who, method, path, body, headers...)
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil || o == nil {
		s.TB.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode, o
}

// Must ends the test at an error.
func (s *Teller) Must(err error) {
	s.TB.Helper()
	if err != nil {
		s.TB.Fatal(err)
	}
}
