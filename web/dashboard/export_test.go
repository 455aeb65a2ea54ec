package dashboard_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// A long list is exported by a job: its page says how far it is, a reload and the
// list itself lead back to it, and the file waits until it was fetched.
func TestExportIsAJobWhereItIsLong(t *testing.T) {
	s := newSite(t)
	s.Crowd(t, control.ExportNow-1)
	enrol := func(name string) {
		_, err := s.Control.CreateCustomer(t.Context(), s.Owner, control.CustomerForm{Username: &name})
		s.must(err)
	}
	enrol("王芳")
	r := s.signIn(access.Viewer)
	r.get("/customers").want(t, 200, `href="/customers.csv"`, "!/customers/export")
	if rows := readCSV(t, r.post("/customers/export")); len(rows) != control.ExportNow+1 {
		t.Errorf("a short list has %d lines", len(rows))
	}
	enrol("one too many")
	r.get("/customers?sort=-name").want(t, 200, `action="/customers/export?sort=-name"`, "!customers.csv")
	r.get("/customers?q=guest").want(t, 200, `action="/customers/export?q=guest"`)
	r.get("/customers?q=guest-00012").want(t, 200, `href="/customers.csv?q=guest-00012"`)
	begun := r.post("/customers/export?sort=-name")
	begun.want(t, 200, "Export customers", "0 of 5,001 customers.", "<progress", "It goes on when this page is left or closed.")
	r.get("/customers").want(t, 200, "Export customers: under way.", `href="`+begun.path+`"`)
	r.get("/tokens").want(t, 200, "!under way")
	r.get(begun.path+"/file").want(t, 404)
	s.must(s.Control.WorkOff(t.Context()))
	r.get(begun.path).want(t, 200, "5,001 customers in the file.", `href="`+begun.path+`/file"`, "!<progress", "!passwords")
	r.get("/customers").want(t, 200, "Export customers: the file is ready.")
	s.reader(access.Owner).get(begun.path+"/file").want(t, 404)
	for range 2 {
		file := r.get(begun.path + "/file")
		if rows := readCSV(t, file); len(rows) != control.ExportNow+2 || rows[1][1] != "王芳" || rows[2][1] != "one too many" || rows[len(rows)-1][1] != "guest-000001" {
			t.Errorf("the file has %d lines: %v", len(rows), rows[:min(len(rows), 3)])
		}
		if file.header.Get("Cache-Control") != "no-store" || file.header.Get("Content-Disposition") != `attachment; filename="customers.csv"` {
			t.Errorf("the file comes with %v", file.header)
		}
	}
	r.get("/customers").want(t, 200, "!the file is ready")
	r.lang = "zh"
	zh := r.post("/customers/export")
	s.must(s.Control.WorkOff(t.Context()))
	r.get(zh.path).want(t, 200, "导出客户", "文件中共有 5,001 位客户。")
	if !strings.HasPrefix(r.get(zh.path+"/file").body, "\ufeff") {
		t.Error("a Chinese reader's spreadsheet would take it for another code page")
	}
	s.reader(access.Owner).get("/audit").want(t, 200, "Exported")
	s.reader(access.Owner).get("/").want(t, 200, "exported the customers")
}

// What was ticked and is gone meanwhile is named beside the file of the rest.
func TestExportNamesWhatIsGone(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Editor)
	one := s.Token(t, control.TokenForm{Name: ptr("One")}).Row
	page := r.post("/tokens/bulk/export", "id", one.PublicID, "id", strings.Repeat("0", 32))
	s.must(s.Control.WorkOff(t.Context()))
	r.get(page.path).want(t, 200, "1 token in the file. 1 was left as it is.", "gone meanwhile", "There is no such API token here.")
	if rows := readCSV(t, r.get(page.path+"/file")); len(rows) != 2 || rows[1][2] != "One" {
		t.Errorf("the file holds %v", rows)
	}
	s.Control.Reveal = control.RevealConfirm
	s.Wait(control.FreshFor + time.Second)
	for _, path := range []string{"/tokens.csv?q=One", page.path + "/file"} {
		r.get(path).want(t, 200, "password", "!attachment")
	}
	r.post("/tokens/bulk/export", "id", one.PublicID).want(t, 200, "password")
}

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
		least := int64(math.MaxInt64)
		for range 12 { // the server goes on meanwhile: what it drops after a collection counts until the next
			var m runtime.MemStats
			runtime.GC()
			runtime.GC() // pools let go at the second
			runtime.ReadMemStats(&m)
			least = min(least, int64(m.HeapAlloc))
		}
		return least
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
	if grown := live() - early; grown > 4<<20 {
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
