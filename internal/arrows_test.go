package internal

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms says which of our rooms each may import. A room that is not listed fails:
// say here what it may know. docs/ARCHITECTURE.md draws the same picture.
var rooms = map[string][]string{
	"internal/access":          {},
	"internal/strict":          {"internal/access"},
	"internal/secret":          {"internal/access"},
	"internal/config":          {"internal/access", "internal/secret", "internal/upstream"},
	"internal/lang":            {},
	"internal/upstream":        {"internal/access"},
	"internal/upstream/faulty": {},
	"internal/demo":            {},
	"internal/markdown":        {},
	"db":                       {"internal/access"},
	"internal/control":         {"internal/access", "internal/secret", "internal/strict", "db", "internal/upstream"},
	"internal/gateway":         {"internal/access", "internal/secret", "internal/strict", "db", "internal/upstream"},
	"internal/upkeep":          {"internal/access", "internal/secret", "db", "internal/control", "internal/upstream"},
	"static":                   {},
	"views":                    {"static", "internal/lang"},
	"web/page":                 {"internal/access", "views", "internal/lang"},
	"web/session":              {"internal/access", "db", "internal/control", "internal/lang", "web/page", "web/wire"},
	"web/manual":               {},
	"web/wire":                 {"internal/access", "internal/gateway", "internal/lang"},
	"web/wire/openai":          {"internal/access", "db", "internal/control", "internal/gateway", "internal/strict", "internal/upstream", "internal/lang", "web/wire", "web/manual"},
	"web/wire/native":          {"internal/access", "internal/control", "internal/gateway", "internal/strict", "internal/lang", "web/wire", "web/manual", "db"},
	"web/wire/botshare":        {"internal/access", "internal/control", "internal/gateway", "internal/upstream", "internal/strict", "internal/lang", "web/wire", "web/manual"},
	"web/wire/newapi":          {"internal/access", "internal/control", "internal/strict", "internal/lang", "web/wire", "web/manual", "db"},
	"web/wire/fess":            {"internal/access", "internal/control", "internal/gateway", "internal/strict", "internal/lang", "web/wire", "web/manual", "db"},
	"web/wire/ragflow":         {"internal/access", "internal/control", "internal/gateway", "internal/strict", "internal/lang", "web/wire", "web/manual", "db"},
	"web/ops":                  {"internal/access", "internal/control", "internal/lang", "views", "web/page", "web/manual"},
	"web/dashboard":            {"internal/access", "internal/control", "internal/gateway", "internal/lang", "internal/markdown", "views", "static", "web/page", "web/session", "web/wire", "db"},
	"web/chat":                 {"internal/access", "internal/control", "internal/gateway", "internal/lang", "internal/markdown", "views", "static", "web/page", "web/session", "web/wire", "db"},
	"web":                      {"*"},
	"cmd/latchkey":             {"*"},
}

// outside says who alone may import a package from elsewhere, tests included.
var outside = map[string][]string{
	"database/sql":                    {"db"},
	"github.com/mattn/go-sqlite3":     {"db"},
	"github.com/gorilla/sessions":     {"web/session"},
	"github.com/gorilla/securecookie": {"web/session"},
	"github.com/gofiber/fiber/v2":     {"web", "cmd/latchkey"},
	"github.com/a-h/templ":            {"views", "web/page"},
}

// file is a Go file and what it imports and calls.
type file struct {
	path, room string
	test       bool
	imports    []string
}

func files(t *testing.T) []file {
	t.Helper()
	var all []file
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != ".." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := file{path: path, room: filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../")), test: strings.HasSuffix(path, "_test.go")}
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, name)
		}
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tools are packages of tests and of the build, which may know every room.
func isTool(room string) bool {
	return strings.HasPrefix(room, "internal/testbed") || strings.HasPrefix(room, "internal/e2e") ||
		strings.HasPrefix(room, "internal/bench") || strings.HasPrefix(room, "internal/mutants") || strings.HasPrefix(room, "static/") || room == "internal"
}

func TestArrowsPointDown(t *testing.T) {
	all := files(t)
	if len(all) < 50 {
		t.Fatalf("only %d files were read", len(all))
	}
	for _, f := range all {
		if f.test || isTool(f.room) {
			continue
		}
		may, known := rooms[f.room]
		if !known {
			t.Errorf("%s: the room %s is not in the picture", f.path, f.room)
			continue
		}
		for _, name := range f.imports {
			ours, ok := strings.CutPrefix(name, "latchkey/")
			if !ok {
				checkOutside(t, f, name)
			} else if may == nil || !slices.Contains(may, ours) && !slices.Contains(may, "*") {
				t.Errorf("%s imports %s, which %s may not know", f.path, ours, f.room)
			}
		}
	}
}

func checkOutside(t *testing.T, f file, name string) {
	t.Helper()
	for prefix, homes := range outside {
		if name != prefix && !strings.HasPrefix(name, prefix+"/") {
			continue
		}
		if !slices.ContainsFunc(homes, func(home string) bool { return f.room == home || home == "web" && strings.HasPrefix(f.room, "web/") }) {
			t.Errorf("%s imports %s: only %v may", f.path, name, homes)
		}
	}
	if f.room == "internal/access" && strings.Contains(name, ".") {
		t.Errorf("%s imports %s: access knows the standard library alone", f.path, name)
	}
}

// calls that only one room may make.
var calls = map[string]string{
	"time.Now(":  "cmd/latchkey",
	"os.Getenv(": "internal/config",
	"c.Body()":   "nowhere",
}

func TestForbiddenCalls(t *testing.T) {
	for _, f := range files(t) {
		if f.test || isTool(f.room) || f.room == "internal/upstream/faulty" {
			continue
		}
		body := readSource(t, f.path)
		for call, home := range calls {
			if f.room != home && strings.Contains(body, call) {
				t.Errorf("%s calls %s", f.path, call)
			}
		}
	}
}
