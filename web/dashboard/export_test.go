package dashboard_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"latchkey/internal/access"
)

// A long list as CSV takes no more memory than a page of it, however slowly it is
// read, and holds every row once, in order.
func TestExportStreams(t *testing.T) {
	const rows = 100_000
	s := newSite(t)
	s.Crowd(t, rows)
	r := s.signIn(access.Viewer)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/customers.csv?sort=name", nil)
	s.must(err)
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools let go at the second
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	response, err := r.client.Do(request)
	s.must(err)
	defer response.Body.Close()
	var text strings.Builder
	text.Grow(16 << 20)
	if _, err := io.CopyN(&text, response.Body, 1<<19); err != nil {
		t.Fatal(err)
	}
	early := live()
	if _, err := io.CopyN(&text, response.Body, 16<<19); err != nil {
		t.Fatal(err)
	}
	if grown := live() - early; grown > 1<<20 {
		t.Errorf("after 8 MB more the server holds %d bytes more", grown)
	}
	_, err = io.Copy(&text, response.Body)
	s.must(err)
	if text.Len() < 9<<20 {
		t.Fatalf("the CSV has %d bytes", text.Len())
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\r\n")
	if len(lines) != rows+1 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines[1:] {
		if !strings.Contains(line, fmt.Sprintf(",guest-%06d,", i+1)) {
			t.Fatalf("line %d is %s", i, line)
		}
	}
}
