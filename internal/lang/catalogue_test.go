package lang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBothLanguagesSayTheSame(t *testing.T) {
	english, chinese := catalogues[English], catalogues[Chinese]
	for key, en := range english {
		zh, ok := chinese[key]
		if !ok {
			t.Errorf("zh lacks %s: %q", key, en.other)
			continue
		}
		// A failure's translation may leave arguments out: TestEveryFailureIsTranslated.
		if got, want := placeholders(zh.other), placeholders(en.other); !slices.Equal(got, want) && !strings.HasPrefix(key, "error.") {
			t.Errorf("%s: zh has placeholders %v, en has %v", key, got, want)
		}
		if en.one != "" && !slices.Equal(placeholders(en.one), placeholders(en.other)) {
			t.Errorf("%s: one and other have different placeholders", key)
		}
	}
	for key := range chinese {
		// The API reference writes its own English: web/ops holds its entries to it.
		if _, ok := english[key]; !ok && !strings.HasPrefix(key, "error.") && !strings.HasPrefix(key, "reference.") {
			t.Errorf("en lacks %s", key)
		}
	}
}

func TestTextsAreClean(t *testing.T) {
	for l, catalogue := range catalogues {
		for key, m := range catalogue {
			for _, text := range []string{m.zero, m.one, m.other} {
				if strings.TrimSpace(text) != text || strings.ContainsAny(text, "<>\n\t") && !strings.Contains(text, "→") {
					t.Errorf("%s %s: %q holds markup or stray space", l, key, text)
				}
			}
			if m.other == "" {
				t.Errorf("%s %s is empty", l, key)
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"a form unknown": {"en/a.json": {Data: []byte(`{"x":{"other":"1","few":"2"}}`)}},
		"no other":       {"en/a.json": {Data: []byte(`{"x":{"one":"1"}}`)}},
		"not JSON":       {"en/a.json": {Data: []byte(`{`)}},
	} {
		if _, _, err := load(files, English); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNoKeyInTwoFiles(t *testing.T) {
	for _, l := range All() {
		if _, twice, err := load(files, l); err != nil || len(twice) > 0 {
			t.Error(twice, err)
		}
	}
	two := fstest.MapFS{"en/a.json": {Data: []byte(`{"x":"1"}`)}, "en/b.json": {Data: []byte(`{"x":"2"}`)}}
	if entries, twice, err := load(two, English); err != nil || len(twice) != 1 || entries["x"].other != "1" {
		t.Error(entries, twice, err)
	}
}

// A key twice in one file would go unseen by encoding/json.
func TestNoKeyTwiceInAFile(t *testing.T) {
	line := regexp.MustCompile(`(?m)^\s*"([^"]+)"\s*:`)
	names, err := fs.Glob(files, "*/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range line.FindAllStringSubmatch(string(data), -1) {
			if seen[m[1]] {
				t.Errorf("%s: %s twice", name, m[1])
			}
			seen[m[1]] = true
		}
	}
}

const root = "../.."

// sources calls visit with every file below the folders that has the suffix.
func sources(t *testing.T, suffix string, visit func(path string, text string), folders ...string) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err == nil {
				visit(path, string(text))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Every key that a page names has a text.
func TestEveryKeyNamedExists(t *testing.T) {
	named := regexp.MustCompile(`\b(?:T|N|Has)\((?:ctx, )?"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)"\s*[,)]`)
	found := 0
	check := func(path, text string) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			found++
			if !English.Has(m[1]) {
				t.Errorf("%s: no text for %q", path, m[1])
			}
		}
	}
	sources(t, ".templ", check, "views")
	sources(t, ".go", check, "views", "web")
	if found < 50 {
		t.Errorf("only %d keys found: is the pattern still right?", found)
	}
}

// Every failure has a Chinese sentence with the placeholders of its English one.
func TestEveryFailureIsTranslated(t *testing.T) {
	checked := 0
	check := func(path, text string) {
		file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !isFail(call.Fun) || len(call.Args) < 3 {
				return true
			}
			code, known := literal(call.Args[1])
			english, fixed := literal(call.Args[2])
			if !known || !fixed {
				return true
			}
			checked++
			if why := untranslated(code, english); why != "" {
				t.Errorf("%s: error.%s: %s: %q", path, code, why, english)
			}
			return true
		})
	}
	sources(t, ".go", check, "internal", "db", "web")
	if checked == 0 {
		t.Error("no failure found: is access.Fail still called so?")
	}
}

// untranslated says what keeps a failure's text from being said in Chinese.
func untranslated(code, text string) string {
	known := false
	for key := range variants(code) {
		zh, ok := catalogues[Chinese][key]
		if !ok {
			break
		}
		known = true
		if english, shared := catalogues[English][key]; shared && english.other != text {
			continue
		}
		for _, p := range placeholders(zh.other) {
			if !slices.Contains(placeholders(text), p) {
				return "zh asks for an argument that the text does not have"
			}
		}
		return ""
	}
	if known {
		return "no English entry of this code is this text"
	}
	return "zh lacks it"
}

func isFail(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name == "Fail"
	case *ast.SelectorExpr:
		pkg, ok := f.X.(*ast.Ident)
		return ok && pkg.Name == "access" && f.Sel.Name == "Fail"
	}
	return false
}

// literal is the text of a string literal or of literals joined by +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, also := literal(e.Y)
		return left + right, ok && also
	}
	return "", false
}
