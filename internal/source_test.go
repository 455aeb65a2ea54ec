package internal

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readSource returns a Go file without its comments.
func readSource(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)//.*$`).ReplaceAllString(string(raw), "")
}

// The picture in the docs names files; each must be there.
func TestArchitectureNamesExistingFiles(t *testing.T) {
	raw, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z]+(?:/[A-Za-z0-9_.]+)+\\.(?:go|templ|sql|md|css|js))`").FindAllStringSubmatch(string(raw), -1)
	if len(named) < 20 {
		t.Fatalf("docs/ARCHITECTURE.md names only %d files", len(named))
	}
	for _, m := range named {
		if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
			t.Errorf("docs/ARCHITECTURE.md names %s: %v", m[1], err)
		}
	}
}

// SQL is never built from values: what is concatenated in db is our own text.
func TestSQLHoldsNoValues(t *testing.T) {
	paths, err := filepath.Glob("../db/*.go")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d files in db (%v)", len(paths), err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		body := readSource(t, path)
		for _, verb := range []string{"SELECT", "INSERT", "UPDATE", "DELETE"} {
			if regexp.MustCompile(`Sprintf\(\s*[` + "`" + `"][^` + "`" + `"]*\b` + verb + `\b`).MatchString(body) {
				t.Errorf("%s spells SQL with Sprintf", path)
			}
		}
	}
}
