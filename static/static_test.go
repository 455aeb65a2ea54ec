package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// budget is what style and scripts together may weigh, compressed.
const budget = 100_000

func open(t *testing.T, name, accept string) (body []byte, kind, encoding string) {
	t.Helper()
	body, kind, encoding, ok := Open(strings.TrimPrefix(URL(name), Prefix), accept)
	if !ok {
		t.Fatalf("%s is not there", name)
	}
	return body, kind, encoding
}

func TestStyleAndScriptsStaySmall(t *testing.T) {
	for _, coding := range []string{"gzip", "br"} {
		total := 0
		for name := range urls {
			if ext := filepath.Ext(name); ext != ".css" && ext != ".js" {
				continue
			}
			body, _, encoding := open(t, name, coding)
			if encoding != coding {
				t.Errorf("%s: encoding %q, want %q", name, encoding, coding)
			}
			total += len(body)
		}
		if total > budget {
			t.Errorf("%s: style and scripts weigh %d bytes, more than %d", coding, total, budget)
		}
	}
}

func TestEveryFormIsTheSameFile(t *testing.T) {
	for name := range urls {
		plain, kind, _ := open(t, name, "")
		if kind == "" {
			t.Errorf("%s has no content type", name)
		}
		zipped, _, _ := open(t, name, "gzip")
		reader, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil {
			t.Fatal(err)
		}
		unzipped, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(unzipped, plain) {
			t.Errorf("%s: gzip differs: %v", name, err)
		}
		packed, _, _ := open(t, name, "br")
		unpacked, err := io.ReadAll(brotli.NewReader(bytes.NewReader(packed)))
		if err != nil || !bytes.Equal(unpacked, plain) {
			t.Errorf("%s: brotli differs: %v", name, err)
		}
	}
}

func TestOpenPicksAnEncoding(t *testing.T) {
	for _, test := range []struct{ accept, want string }{
		{"", ""},
		{"identity", ""},
		{"gzip", "gzip"},
		{"gzip, deflate, br, zstd", "br"},
		{"GZIP;q=0.5, br;q=0", "gzip"},
		{"br;q=0.0, gzip;q=0", ""},
		{"br; q=1.0", "br"},
		{"brotli", ""},
	} {
		if _, _, got := open(t, "app.css", test.accept); got != test.want {
			t.Errorf("Accept-Encoding %q: got %q, want %q", test.accept, got, test.want)
		}
	}
}

func TestOpenRefusesOtherNames(t *testing.T) {
	for _, name := range []string{"", "app.css", "../static.go", "app.css.gz", "dist/app.css", "app.0000000000.css", strings.TrimPrefix(URL("app.css"), Prefix) + ".br"} {
		if _, _, _, ok := Open(name, ""); ok {
			t.Errorf("%q was served", name)
		}
	}
}

// Nothing we serve may make a browser ask another host.
func TestNothingFromAnotherHost(t *testing.T) {
	elsewhere := regexp.MustCompile(`(?:url\(|@import|src=|href=|fetch\()\s*["']?(?:https?:)?//`)
	for name := range urls {
		plain, _, _ := open(t, name, "")
		if found := elsewhere.Find(plain); found != nil {
			t.Errorf("%s: %s", name, found)
		}
	}
}

// Whatever is vendored or drawn is in the built files: someone who changes the
// one and forgets the other is told. (The style sheet needs node; its check is
// a fresh build and a diff.)
func TestBuiltFromWhatIsHere(t *testing.T) {
	script, _, _ := open(t, "app.js", "")
	for _, name := range []string{"vendor/htmx.min.js", "vendor/hx-sse.min.js"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(script, bytes.TrimSpace(source)) {
			t.Errorf("app.js does not hold %s: run static/src/build.sh", name)
		}
	}
	own, err := os.ReadFile("src/app.js")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(own)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "//") && !bytes.Contains(script, []byte(line)) {
			t.Errorf("app.js lacks %q: run static/src/build.sh", line)
			break
		}
	}
	sprite, _, _ := open(t, "icons.svg", "")
	icons, err := filepath.Glob("icons/*.svg")
	if err != nil || len(icons) == 0 {
		t.Fatal(icons, err)
	}
	for _, path := range icons {
		id := `<symbol id="` + strings.TrimSuffix(filepath.Base(path), ".svg") + `"`
		if !bytes.Contains(sprite, []byte(id)) {
			t.Errorf("icons.svg lacks %s: run static/src/build.sh", path)
		}
	}
}
