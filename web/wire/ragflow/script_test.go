package ragflow_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/secret"
)

// python is an interpreter that has requests: the first in the path, or the
// system's, for which Debian has the package python3-requests.
func python(t testing.TB) string {
	t.Helper()
	for _, one := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(one, "-c", "import requests").Run() == nil {
			return one
		}
	}
	t.Fatal("these tests need python3 with requests (Debian: python3-requests)")
	return ""
}

// runScript runs a Python script of testdata with other constants and returns its
// last line.
func (s *site) runScript(name string, constants map[string]string) (last, all string) {
	s.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	s.Must(err)
	lines := strings.Split(string(raw), "\n")
	changed := 0
	for i, line := range lines {
		constant, _, ok := strings.Cut(line, " = ")
		if v, there := constants[constant]; ok && there {
			quoted, err := json.Marshal(v) // a text of JSON is one of Python
			s.Must(err)
			lines[i] = constant + " = " + string(quoted)
			changed++
		}
	}
	if changed != len(constants) {
		s.Fatalf("%d constants of %d", changed, len(constants))
	}
	path := filepath.Join(s.TempDir(), name)
	s.Must(os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	out, err := exec.Command(python(s.T), path).CombinedOutput()
	if err != nil {
		s.Fatalf("%v: %s", err, out)
	}
	all = strings.TrimSpace(string(out))
	return all[strings.LastIndexByte(all, '\n')+1:], all
}

// The published script works with the constants alone changed, the first time and
// again, with a plain password and with the constant that RAGFlow's suites send.
func TestPublishedScript(t *testing.T) {
	s := newSite(t)
	s.Register("open")
	keys := map[string]bool{}
	for email, password := range map[string]string{"plain@acme.example": "123", "suite@acme.example": suitePassword} {
		for _, first := range []bool{true, false} {
			constants := map[string]string{"HOST_ADDRESS": s.Base, "EMAIL": email, "PASSWORD": password}
			key, all := s.runScript("get_api_key.py", constants)
			if !secret.HasChecksum(key) || keys[key] {
				t.Fatalf("the key is %q of %s", key, all)
			}
			if said := strings.Contains(all, "has already registered"); said == first {
				t.Errorf("the first time: %v, it says %s", first, all)
			}
			keys[key] = true
			if status := s.Status(key); status != 200 {
				t.Errorf("the gateway answers %d", status)
			}
		}
	}
}

// A registration that is refused stops the script before a key.
func TestPublishedScriptWhereRegistrationIsClosed(t *testing.T) {
	s := newSite(t)
	raw, err := os.ReadFile(filepath.Join("testdata", "get_api_key.py"))
	s.Must(err)
	text := strings.NewReplacer("http://127.0.0.1:9380", s.Base).Replace(string(raw))
	out, err := exec.Command(python(s.T), "-c", text).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "User registration is disabled!") || !strings.Contains(string(out), "is not registered!") {
		t.Errorf("%v: %s", err, out)
	}
}

// suitePassword is what RAGFlow's test suites send for the password 123: it was
// encrypted under a key that is none of ours, and stands there over three lines.
const suitePassword = `ctAseGvejiaSWWZ88T/m4FQVOpQyUvP+x7sXtdv3feqZACiQleuewkUi35E16wSd5C5QcnkkcV9cYc8TKPTRZlxappDuirxghxoOvFcJxFU4ixLsD
fN33jCHRoDUW81IH9zjij/vaw8IbVyb6vuwg6MX6inOEBRRzVbRYxXOu1wkWY6SsI8X70oF9aeLFp/PzQpjoe/YbSqpTq8qqrmHzn9vO+yvyYyvmDsphXe
X8f7fp9c7vUsfOCkM+gHY3PadG+QHa7KI7mzTKgUTZImK6BZtfRBATDTthEUbbaTewY4H0MnWiCeeDhcbeQao6cFy1To8pE3RpmxnGnS8BsBn8w==`
