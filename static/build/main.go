// Command build makes static/dist from static/src, static/vendor and
// static/icons: it joins the scripts, draws the icon sprite and stores each
// file plain, gzipped and brotlied.
//
// It promises the same bytes for the same sources and Go version, so that a
// fresh build compared with what is committed tells whether someone forgot it.
// app.css is made before it, by the Tailwind command in src/build.sh.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/andybalholm/brotli"
)

func main() {
	log.SetFlags(0)
	root := "static"
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := build(root); err != nil {
		log.Fatal(err)
	}
}

func build(root string) error {
	dist := filepath.Join(root, "dist")
	files := map[string][]byte{}
	var err error
	if files["app.css"], err = os.ReadFile(filepath.Join(dist, "app.css")); err != nil {
		return err
	}
	if files["icons.svg"], err = sprite(filepath.Join(root, "icons")); err != nil {
		return err
	}
	if err := scripts(root, files); err != nil {
		return err
	}
	if files["favicon.svg"], err = os.ReadFile(filepath.Join(root, "src", "favicon.svg")); err != nil {
		return err
	}
	for name, body := range files {
		if err := store(filepath.Join(dist, name), body); err != nil {
			return err
		}
	}
	return nil
}

// scripts puts the libraries in front of app.js, one request for every page,
// and copies every other script of src as it is.
func scripts(root string, files map[string][]byte) error {
	paths, err := filepath.Glob(filepath.Join(root, "src", "*.js"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files[filepath.Base(path)] = lean(body)
	}
	var all [][]byte
	for _, name := range []string{"htmx.min.js", "hx-sse.min.js"} {
		body, err := os.ReadFile(filepath.Join(root, "vendor", name))
		if err != nil {
			return err
		}
		all = append(all, bytes.TrimSpace(body))
	}
	files["app.js"] = append(bytes.Join(append(all, files["app.js"]), []byte(";\n")), '\n')
	return nil
}

// lean drops indentation, empty lines and lines that hold only a comment. It
// understands no more of JavaScript than that, so our scripts use no template
// text over several lines.
func lean(script []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(script) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || bytes.HasPrefix(line, []byte("//")) {
			continue
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return bytes.TrimSpace(out.Bytes())
}

// sprite joins the icons into one file of symbols; pages refer to one by #name.
func sprite(dir string) ([]byte, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString(`<svg xmlns="http://www.w3.org/2000/svg">`)
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		text := strings.TrimSpace(string(body))
		open, rest, found := strings.Cut(text, ">")
		inner, closed := strings.CutSuffix(rest, "</svg>")
		if !found || !closed || !strings.HasPrefix(open, "<svg") {
			return nil, fmt.Errorf("%s: not one svg element", path)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".svg")
		filled := ""
		if strings.Contains(open, `stroke="none"`) {
			filled = ` fill="currentColor" stroke="none"`
		}
		fmt.Fprintf(&out, `<symbol id="%s" viewBox="0 0 24 24"%s>%s</symbol>`, name, filled, inner)
	}
	out.WriteString("</svg>\n")
	return out.Bytes(), nil
}

func store(path string, body []byte) error {
	if err := os.WriteFile(path, body, 0o644); err != nil {
		return err
	}
	var zipped bytes.Buffer
	gz, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := gz.Write(body); err != nil {
		return err
	}
	if err := gz.Close(); err != nil {
		return err
	}
	if err := os.WriteFile(path+".gz", zipped.Bytes(), 0o644); err != nil {
		return err
	}
	var packed bytes.Buffer
	br := brotli.NewWriterLevel(&packed, brotli.BestCompression)
	if _, err := br.Write(body); err != nil {
		return err
	}
	if err := br.Close(); err != nil {
		return err
	}
	return os.WriteFile(path+".br", packed.Bytes(), 0o644)
}
