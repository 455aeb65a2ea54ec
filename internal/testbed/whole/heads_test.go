package whole

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// raw sends bytes as they are and reads one answer.
func (s *Site) raw(request string) (*http.Response, string) {
	s.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
	s.Must(err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	s.Must(err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	s.Must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	s.Must(err)
	return resp, string(body)
}

// Where only programs go, a path cut short is no page either.
func TestTheRootsOfProgramsAreNoPages(t *testing.T) {
	s := New(t)
	for _, path := range []string{"/api", "/api/", "/v1", "/v1/", "/json/x", "/dashboard/billing", "/dashboard/billing/"} {
		if a := s.Do("GET", path, "").Is(http.StatusNotFound); !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s", path, a.Header.Get("Content-Type"))
		}
	}
}

// A method that nobody knows is refused in the words of the door.
func TestUnknownMethods(t *testing.T) {
	s := New(t)
	for path, want := range map[string]string{
		"/v1/chat/completions": `"error":{`, "/v1/user/login": `"code":`, "/api/v1/end-users": `"detail":`, "/api/token/": `"success":false`,
		"/api/admin/accesstoken/setting": `"response":{`, "/api/latchkey/v1/tokens": `"error":{`,
	} {
		a := s.Do("BREW", path, `{"name":"x"}`).Is(http.StatusMethodNotAllowed)
		if !strings.Contains(a.Text, want) || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %s", path, a.Text)
		}
	}
}

// What the engine itself refuses, before any door is asked, is no page either: it
// has an id, and tells nothing of the engine's own words.
func TestWhatTheEngineRefusesIsNoPage(t *testing.T) {
	s := New(t)
	host := strings.TrimPrefix(s.Base, "http://")
	for _, path := range []string{
		"/v1/chat/completions", "/v1/user/login", "/api/v1/end-users", "/api/token/", "/api/admin/accesstoken/setting", "/api/latchkey/v1/tokens",
	} {
		for name, head := range map[string]string{
			"a form that is none": "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2\r\n\r\n{}",
			"too large":           "Content-Length: 99999999\r\n\r\n",
			"no length":           "Content-Length: abc\r\n\r\n",
			"two lengths":         "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
			"a large head":        "X: " + strings.Repeat("a", 20<<10) + "\r\n\r\n",
		} {
			resp, body := s.raw(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s", path, host, head))
			id := resp.Header.Get("X-Request-Id")
			if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") || strings.Contains(body, "<") || id == "" || strings.Contains(body, "(request id: )") || strings.Contains(body, "contents:") {
				t.Errorf("%s, %s: %d %q %.300s", path, name, resp.StatusCode, id, body)
			}
		}
	}
}
