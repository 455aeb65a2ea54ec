package dashboard_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/web/dashboard"
)

// Whatever goes wrong on an address of the dashboard, who is signed in keeps the menu,
// the workspace and the language, and reads the sentence, the request's id and where
// to go on. Nobody else sees a menu, and no customer does.
func TestFailuresStandInTheShell(t *testing.T) {
	s := newSite(t)
	other, err := s.Control.CreateWorkspace(t.Context(), s.Owner, control.WorkspaceForm{Name: new("Northwind")}, "")
	s.must(err)
	owner, viewer := s.reader(access.Owner), s.reader(access.Viewer)
	chinese := *owner
	chinese.lang = "zh"
	stranger := &reader{site: s, client: testbed.Browser(), lang: "en"}
	shell := []string{`id="sidebar"`, "Acme", `class="ref"`, "Reference ", `href="/"`}
	token := s.Token(t, control.TokenForm{Name: new("Lost")}).Row.PublicID
	for _, c := range []struct {
		what   string
		answer answer
		status int
		pieces []string
	}{
		{"no such token", owner.get("/tokens/00000000000000000000000000000000"), 404, append(shell, "There is no such API token", `href="/tokens" aria-current="page"`, `data-variant="outline" href="/tokens"`)},
		{"no such address", owner.get("/no-such-page"), 404, append(shell, "There is nothing at this address")},
		{"in Chinese", chinese.get("/tokens/nope/edit"), 404, []string{`id="sidebar"`, `lang="zh`, "参考编号", "回到概览"}},
		{"not for a viewer", viewer.get("/tokens/new"), 403, append(shell, "!"+`data-variant="outline" href="/tokens"`)},
		{"not for who runs no instance", viewer.get("/settings/users"), 403, append(shell, "!"+`href="/settings/users"`)},
		{"another workspace", owner.post("/tokens/"+token+"/edit", "workspace", other.PublicID), 409, append(shell, "drawn for another workspace")},
		{"too large", owner.post("/tokens", "name", strings.Repeat("x", 2<<20)), 413, append(shell, "larger than")},
		{"nobody signed in", stranger.get("/no-such-page"), 404, []string{`class="bare"`, "!" + `id="sidebar"`}},
		{"a customer's address", owner.get("/s/sk-nowhere/c/nothing"), 404, []string{`class="bare"`, "!" + `id="sidebar"`}},
		{"a file", owner.get("/static/nothing.css"), 404, []string{"!" + `id="sidebar"`}},
	} {
		t.Run(c.what, func(t *testing.T) { c.answer.want(t, c.status, c.pieces...) })
	}
	t.Run("a part", func(t *testing.T) {
		part := *owner
		part.part = true
		part.get("/tokens/nope").want(t, 404, "There is no such API token", "!"+`id="sidebar"`)
	})
	t.Run("the page that the form was on", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/tokens/"+token+"/edit", strings.NewReader(url.Values{"workspace": {other.PublicID}}.Encode()))
		s.must(err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", s.url)
		request.Header.Set("Referer", s.url+"/tokens?q=lost")
		response, err := owner.client.Do(request)
		s.must(err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		s.must(err)
		answer{status: response.StatusCode, body: string(body)}.want(t, 409, `data-variant="outline" href="/tokens?q=lost"`, "Open the page again")
	})
}

// What the engine refuses by its length alone, before any handler, is told in the same
// page under the same policy.
func TestABodyThatIsNeverRead(t *testing.T) {
	s := newSite(t)
	owner := s.reader(access.Owner)
	at, err := url.Parse(s.url)
	s.must(err)
	conn, err := net.Dial("tcp", at.Host)
	s.must(err)
	defer conn.Close()
	cookie := ""
	for _, one := range owner.client.Jar.Cookies(at) {
		cookie += one.Name + "=" + one.Value + "; "
	}
	fmt.Fprintf(conn, "POST /customers/import HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n",
		at.Host, cookie, 64<<20)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	s.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	s.must(err)
	answer{status: response.StatusCode, body: string(body)}.want(t, 413, `id="sidebar"`, "larger than", `class="ref"`)
	if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
}

// A frame that breaks takes nobody's server down: the page stands without it.
func TestAFailureOfTheShell(t *testing.T) {
	d := &dashboard.Dashboard{Log: slog.New(slog.DiscardHandler)} // without sessions to ask
	app := fiber.New()
	app.Get("/", func(c *fiber.Ctx) error {
		if _, _, ok := d.FailureShell(c); ok {
			return c.SendStatus(http.StatusTeapot)
		}
		return nil
	})
	response, err := app.Test(httptest.NewRequest(http.MethodGet, "/", nil), -1)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%v %v", response, err)
	}
}
