package dashboard_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// upload sends a file the way a browser does.
func (r *reader) upload(path, name, file string) answer {
	r.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile(name, "customers.csv")
	r.must(err)
	_, err = part.Write([]byte(file))
	r.must(err)
	r.must(w.WriteField("text", ""))
	r.must(w.Close())
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+path, &body)
	r.must(err)
	request.Header.Set("Content-Type", w.FormDataContentType())
	request.Header.Set("Origin", r.url)
	request.Header.Set("Accept-Language", r.lang)
	response, err := r.client.Do(request)
	r.must(err)
	defer response.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(response.Body)
	r.must(err)
	return answer{status: response.StatusCode, body: text.String(), header: response.Header, path: response.Request.URL.Path}
}

func TestCustomersImport(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Editor)
	r.get("/customers").want(t, 200, `href="/customers/import"`)
	r.get("/customers/import").want(t, 200, "CSV file", "every line is checked", "10,000 lines")

	bad := r.upload("/customers/import", "file", "username,email\nmei,mei@example.com\nMEI,\nlin,nowhere\n")
	bad.want(t, 422, "2 lines cannot be enrolled", "This name stands in the file twice.", "not an e-mail address", "mei@example.com", "Enrol the other 1", "!Enrol 1 customer")
	r.upload("/customers/import", "file", "\xff\xfe").want(t, 422, "CSV file in UTF-8")
	r.post("/customers/import", "text", "").want(t, 422, "There is no customer in this file.")

	file := "\ufeffusername;note\n\"mei <b>\";\"calls; on Mondays\"\n王芳;\n"
	checked := r.upload("/customers/import", "file", file)
	checked.want(t, 200, "2 customers are ready. Nobody was enrolled yet.", "Enrol 2 customers", "mei &lt;b&gt;", "calls; on Mondays")
	r.get("/customers").want(t, 200, "No customer yet")
	fields := []string{"once", checked.value(t, "once"), "enrol", "1", "text", file}
	under := r.post("/customers/import", fields...)
	under.want(t, 200, "0 of 2 customers.", "It goes on when this page is left or closed.", `hx-trigger="every 1s"`)
	if again := r.post("/customers/import", fields...); again.path != under.path {
		t.Errorf("the same form sent twice began another: %s, %s", under.path, again.path)
	}
	s.must(s.Control.WorkOff(t.Context()))
	done := r.get(under.path)
	done.want(t, 200, "2 customers enrolled.", "Fetch the passwords", "!every 1s")
	r.part, r.at = true, under.path
	r.get(under.path).want(t, 200, `id="job"`, "!<main")
	r.part = false
	passwords := readCSV(t, r.post(under.path+"/result"))
	if s.lastAudit() != "customer.passwords-fetched" {
		t.Errorf("the audit log tells %s", s.lastAudit())
	}
	if len(passwords) != 3 || passwords[1][0] != "mei <b>" || passwords[2][0] != "王芳" || !s.fits("王芳", passwords[2][1]) {
		t.Errorf("the passwords that are fetched, %v, do not fit", passwords)
	}
	r.post(under.path+"/result").want(t, 404)
	r.get(under.path).want(t, 200, "2 customers enrolled.", "!Fetch the passwords")
	// Sent anew it finds the names taken, says at which lines, and can leave them out.
	r.post("/customers/import", "enrol", "1", "text", file).want(t, 422, "2 lines cannot be enrolled", "This name is taken already.")
	more := r.post("/customers/import", "enrol", "1", "skip", "1", "text", file+"ana;\n")
	s.must(s.Control.WorkOff(t.Context()))
	r.get(more.path).want(t, 200, "1 customer enrolled.", "2 were left as they are.", "This name is taken already.")
	if rows := readCSV(t, r.get("/customers.csv")); len(rows) != 4 {
		t.Errorf("%d customers were enrolled", len(rows)-1)
	}
	if a := s.signIn(access.Viewer).do(http.MethodPost, "/customers/import", url.Values{"text": {"x"}}); a.status != http.StatusForbidden {
		t.Errorf("a viewer's import: %d", a.status)
	}
	// Another's job does not exist.
	s.reader(access.Owner).get(more.path).want(t, 404)
}

// The largest file there may be is checked on a page that stays small.
func TestLargestImportIsChecked(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Editor)
	var file strings.Builder
	for n := range control.ImportRowsMax {
		fmt.Fprintf(&file, "customer-%d;guest.%d@example.com;%s\n", n, n, strings.Repeat("calls on Mondays ", 9))
	}
	if file.Len() > control.ImportBytesMax {
		t.Fatalf("%d bytes", file.Len())
	}
	checked := r.upload("/customers/import", "file", file.String())
	checked.want(t, 200, "Enrol 10,000 customers", "and 9,800 more")
	if rest := len(checked.body) - file.Len(); rest > 200_000 {
		t.Errorf("beside the file the page is %d bytes", rest)
	}
}
