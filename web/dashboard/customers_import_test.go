package dashboard_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
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
	r.get("/customers/import").want(t, 200, "CSV file", "checked first")

	bad := r.upload("/customers/import", "file", "username,email\nmei,mei@example.com\nMEI,\nlin,nowhere\n")
	bad.want(t, 422, "2 lines cannot be enrolled", "This name stands in the file twice.", "not an e-mail address", "mei@example.com", "!Enrol ")
	r.upload("/customers/import", "file", "\xff\xfe").want(t, 422, "CSV file in UTF-8")
	r.post("/customers/import", "text", "").want(t, 422, "There is no customer in this file.")

	checked := r.upload("/customers/import", "file", "username;note\n\"mei <b>\";\"calls; on Mondays\"\n王芳;\n")
	checked.want(t, 200, "2 customers are ready. Nobody was enrolled yet.", "Enrol 2 customers", "mei &lt;b&gt;", "calls; on Mondays")
	r.get("/customers").want(t, 200, "No customer yet")
	text := strings.ReplaceAll(strings.ReplaceAll(checked.value(t, "text"), "&#34;", `"`), "&lt;b&gt;", "<b>")
	fields := []string{"once", checked.value(t, "once"), "enrol", "1", "text", text}
	made := r.post("/customers/import", fields...)
	made.want(t, 200, "2 customers were enrolled.", "Shown only now.", "王芳,")
	password := passwordText.FindString(made.body[strings.Index(made.body, "王芳,"):])
	if !s.fits("王芳", password) {
		t.Errorf("the password that is shown, %q, does not fit", password)
	}
	if again := r.post("/customers/import", fields...); !strings.Contains(again.body, password) {
		t.Error("the same form sent twice showed something else")
	}
	// Sent anew it finds the names taken, and says at which lines.
	r.post("/customers/import", "enrol", "1", "text", text).want(t, 422, "2 lines cannot be enrolled", "This name is taken already.")
	if rows := readCSV(t, r.get("/customers.csv")); len(rows) != 3 {
		t.Errorf("%d customers were enrolled", len(rows)-1)
	}
	if a := s.signIn(access.Viewer).do(http.MethodPost, "/customers/import", url.Values{"text": {"x"}}); a.status != http.StatusForbidden {
		t.Errorf("a viewer's import: %d", a.status)
	}
}
