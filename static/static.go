// Package static holds everything a browser fetches that is the same for every
// reader: the style sheet, the scripts, the icons and the favicon.
//
// It promises that an address changes whenever its content does, so that a
// browser may keep it for ever, and that nothing is compressed while serving:
// gzip and brotli were made when the files were built. It refuses every name
// that was not built, and never reads the disk.
//
// Sources are in src, vendor and icons; src/build.sh makes dist out of them.
// Start with URL, which pages use, and Open, which the server uses.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
	"strings"
)

//go:embed dist
var dist embed.FS

// Prefix is where the server mounts the files.
const Prefix = "/static/"

// CacheControl is the header for every file that Open finds.
const CacheControl = "public, max-age=31536000, immutable"

type file struct {
	plain, gzip, brotli []byte
	contentType         string
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
}

// Both tables are made once from what the binary carries and never change.
var files, urls = mustRead()

func mustRead() (map[string]file, map[string]string) {
	files, urls := map[string]file{}, map[string]string{}
	entries, err := dist.ReadDir("dist")
	if err != nil {
		panic(err) // the binary was built without its files
	}
	for _, entry := range entries {
		name := entry.Name()
		kind, known := contentTypes[path.Ext(name)]
		if !known {
			continue
		}
		f := file{contentType: kind}
		f.plain, _ = dist.ReadFile("dist/" + name)
		f.gzip, _ = dist.ReadFile("dist/" + name + ".gz")
		f.brotli, _ = dist.ReadFile("dist/" + name + ".br")
		sum := sha256.Sum256(f.plain)
		base, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
		hashed := base + "." + hex.EncodeToString(sum[:5]) + ext
		files[hashed], urls[name] = f, Prefix+hashed
	}
	return files, urls
}

// URL is the address of a built file, such as "app.css". A name that was not
// built is a mistake in the program; its address leads to a 404.
func URL(name string) string {
	if url, ok := urls[name]; ok {
		return url
	}
	return Prefix + name
}

// Open finds a file by its path under Prefix and picks the smallest form that
// acceptEncoding allows; encoding is "" for the plain one.
func Open(name, acceptEncoding string) (body []byte, contentType, encoding string, ok bool) {
	f, ok := files[name]
	if !ok {
		return nil, "", "", false
	}
	switch {
	case f.brotli != nil && accepts(acceptEncoding, "br"):
		return f.brotli, f.contentType, "br", true
	case f.gzip != nil && accepts(acceptEncoding, "gzip"):
		return f.gzip, f.contentType, "gzip", true
	}
	return f.plain, f.contentType, "", true
}

func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, weighted := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		return !weighted || strings.Trim(q, "0.") != ""
	}
	return false
}
