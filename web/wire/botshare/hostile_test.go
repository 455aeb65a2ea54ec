package botshare_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/control"
)

// Whatever comes, the answer is the envelope, and nothing has changed.
func TestHostileBodies(t *testing.T) {
	s := newSite(t)
	k := s.link(control.ShareForm{})
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	before := s.state()
	for _, body := range []string{
		"", "null", "true", "5", `"text"`, "[]", "{", "{}x", "\xff\xfe", `{"username":"` + "\xc3\x28" + `"}`, deep, `{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`,
		`{"username":"a","username":"b","password":"p"}`, `{"password":"a","Password":"b"}`, `{"username":1e400,"password":-1}`, `{"username":[],"password":{}}`,
		`{"expires_at":9999999999999999999999}`, `{"name":{},"expires_at":-1}`, `{"messages":{},"bot_id":[]}`, `{"messages":[[]],"bot_id":1e999,"stream":"x"}`,
		`{"username":"\u0000","password":"x","name":"\u0000","expires_at":"\u0000","messages":[],"bot_id":"\u0000","share_token":"\u0000"}`,
		`{"username":"` + strings.Repeat("a", 5000) + `","password":"x","expires_at":"` + strings.Repeat("9", 5000) + `"}`,
		`{"username":"x","password":"` + strings.Repeat("p", 5000) + `","expires_at":"x"}`, strings.Repeat(" ", 1<<20) + "{}", `{"name":"` + strings.Repeat("a", 2<<20) + `"}`,
	} {
		for _, address := range []string{
			"POST /api/v1/bots/" + s.Values["bot"] + "/share-tokens", "POST /api/v1/end-users", "POST /api/v1/end-users/" + s.Values["maria"] + "/reset-password",
			"POST /api/v3/chat/completions", "POST /api/v1/auth/login",
		} {
			if harmless(address, body) {
				continue
			}
			method, path, _ := strings.Cut(address, " ")
			status, v := s.object("lin", method, path, body)
			if status < 400 || status >= 500 || v["detail"] == nil || len(v) != 1 {
				t.Errorf("%s %.60q: %d %v", address, body, status, v)
			}
		}
	}
	for _, path := range []string{
		"/api/v1/bots/%00/share-tokens", "/api/v1/bots/" + strings.Repeat("a", 4000) + "/share-tokens", "/api/v1/public/bot-share/" + strings.Repeat("a", 4000),
		"/api/v1/public/bot-share/%F0%9F%98%80", "/api/v1/bots/..%2f..%2f/share-tokens", "/api/v1/bots/'%20OR%201=1--/share-tokens",
	} {
		for _, who := range []string{"lin", "maria"} {
			if status, v := s.object(who, "GET", path, ""); status != 403 && status != 404 || v["detail"] == nil {
				t.Errorf("%s: %d %v", path, status, v)
			}
		}
	}
	if after := s.state(); after != before {
		t.Errorf("the state was %s and is %s", before, after)
	}
	if status, _ := s.object("maria", "GET", "/api/v1/public/bot-share/"+k.Secret, ""); status != 200 {
		t.Errorf("the link after all that: %d", status)
	}
}

// harmless says of a body that means something at an address.
func harmless(address, body string) bool {
	share := strings.HasSuffix(address, "/share-tokens")
	return share && (body == `{"username":[],"password":{}}` || body == `{"username":1e400,"password":-1}` || strings.HasPrefix(body, `{"messages"`)) ||
		strings.HasSuffix(address, "/reset-password") && strings.HasPrefix(body, `{"username":"`) && strings.Contains(body, `"password":"`) && !strings.Contains(body, "ppp")
}

// state is how many links and customers there are, and what hers looks like.
func (s *site) state() string {
	s.Helper()
	links, err := s.DB.CountShares(s.Context(), s.Workspace.ID, db.Page{})
	s.Must(err)
	customers, err := s.DB.CountCustomers(s.Context(), s.Workspace.ID, db.Page{})
	s.Must(err)
	maria, err := s.DB.CustomerByName(s.Context(), s.Workspace.ID, "maria")
	s.Must(err)
	return fmt.Sprint(links, customers, maria.Version, maria.PasswordHash)
}

// Every address answers with and without a slash, by itself.
func TestBothSlashesWithoutARedirect(t *testing.T) {
	s := newSite(t)
	for _, address := range []string{
		"GET /api/v1/bots/x/share-tokens", "POST /api/v1/bots/x/share-tokens", "DELETE /api/v1/bot-share-tokens/x", "GET /api/v1/end-users", "POST /api/v1/end-users",
		"POST /api/v1/end-users/x/reset-password", "DELETE /api/v1/end-users/x", "GET /api/v1/public/bot-share/x", "POST /api/v3/chat/completions",
		"GET /api/v1/auth/verify", "POST /api/v1/auth/login", "POST /api/v1/auth/logout",
	} {
		method, path, _ := strings.Cut(address, " ")
		for _, end := range []string{"", "/"} {
			resp, text := s.Send("nobody", method, path+end, "")
			if resp.StatusCode != 422 && resp.StatusCode != 401 || !strings.HasPrefix(text, `{"detail":`) {
				t.Errorf("%s%s: %d %s", address, end, resp.StatusCode, text)
			}
		}
	}
}

// A body over everything is refused in the envelope.
func TestBodyTooLarge(t *testing.T) {
	s := newSite(t)
	// The head is enough for the refusal: a body that is still being written would
	// be cut off by it.
	host := strings.TrimPrefix(s.Base, "http://")
	conn, err := net.Dial("tcp", host)
	s.Must(err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v3/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", host, s.Bearers["lin"], 21<<20)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	s.Must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	s.Must(err)
	if resp.StatusCode != 413 || !strings.Contains(string(raw), `"detail"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
}
