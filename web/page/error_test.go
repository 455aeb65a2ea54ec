package page

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
)

func TestAFaultSaysNothingOfItself(t *testing.T) {
	fault := errors.New("pq: password of root is hunter2")
	for _, headers := range [][]string{nil, htmx} {
		response, body := answer(t, func(c *fiber.Ctx) error { return Error(c, fault, Failure{Reference: "7Qf2mVt9"}) }, headers...)
		if response.StatusCode != 500 || strings.Contains(body, "hunter2") || !strings.Contains(body, "7Qf2mVt9") {
			t.Errorf("%d %s", response.StatusCode, body)
		}
	}
}

func TestSignedOutComesBack(t *testing.T) {
	signedOut := access.Fail(access.SignedOut, "test_only", "Sign in first.")
	handler := func(c *fiber.Ctx) error { return Error(c, signedOut, Failure{SignIn: "/login"}) }
	if _, body := answer(t, handler); !strings.Contains(body, `href="/login?next=%2Fhere%3Fq%3D1"`) {
		t.Errorf("no way back in %s", body)
	}
	response, _ := answer(t, handler, htmx...)
	if got := response.Header.Get("HX-Redirect"); got != "/login?next=%2Ftokens%3Fq%3Da" {
		t.Errorf("htmx: %q", got)
	}
}

func TestRetryAfterRoundsUp(t *testing.T) {
	limited := access.Fail(access.Limited, "test_only", "Too fast.").After(1200 * time.Millisecond)
	response, _ := answer(t, func(c *fiber.Ctx) error { return Error(c, limited, Failure{}) })
	if got := response.Header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
}

func TestFieldErrors(t *testing.T) {
	err := errors.Join(
		access.Fail(access.Invalid, "test_a", "A name, please.").At("name"),
		access.Fail(access.Invalid, "test_b", "At most %d.", 5).At("name"),
		access.Fail(access.Invalid, "test_c", "Not now."),
	)
	var fields map[string]string
	answer(t, func(c *fiber.Ctx) error { fields = FieldErrors(c, err); return nil })
	if fields["name"] != "A name, please. At most 5." || fields[""] != "Not now." || len(fields) != 2 {
		t.Errorf("%v", fields)
	}
}

func TestErrorPageEscapes(t *testing.T) {
	hostile := access.Fail(access.NotFound, "test_only", "There is no %s.", `<script>alert(1)</script>`)
	for _, headers := range [][]string{nil, htmx} {
		if _, body := answer(t, func(c *fiber.Ctx) error { return Error(c, hostile, Failure{}) }, headers...); strings.Contains(body, "<script>alert") {
			t.Errorf("not escaped: %s", body)
		}
	}
}

// Somebody who is signed in keeps the menu, unless it cannot be drawn. htmx gets the
// same toast as ever.
func TestErrorInTheShell(t *testing.T) {
	gone := access.Fail(access.NotFound, "test_only", "There is no such thing.")
	shell := func(ok bool) Shell {
		return func(c *fiber.Ctx) (views.ShellView, views.LinkView, bool) {
			SetLang(c, lang.Chinese)
			return views.ShellView{Workspace: "Acme", Active: "tokens"}, views.LinkView{Text: "API tokens", Href: "/tokens"}, ok
		}
	}
	for name, test := range map[string]struct {
		shell   Shell
		err     error
		headers []string
		has     string
		not     string
	}{
		"a shell":     {shell(true), gone, nil, `id="sidebar"`, `class="bare"`},
		"a way on":    {shell(true), gone, nil, `class="btn" data-variant="outline" href="/tokens"`, "hunter2"},
		"its id":      {shell(true), gone, nil, "参考编号 7Qf2mVt9", "hunter2"},
		"a fault":     {shell(true), errors.New("hunter2"), nil, "服务器出了问题。", "hunter2"},
		"no shell":    {shell(false), gone, nil, `class="bare"`, `id="sidebar"`},
		"not allowed": {shell(true), access.Fail(access.Forbidden, "test_only", "No."), nil, `id="sidebar"`, `data-variant="outline" href="/tokens"`},
		"htmx":        {shell(true), gone, htmx, "There is no such thing.", `id="sidebar"`},
	} {
		_, body := answer(t, func(c *fiber.Ctx) error { return Error(c, test.err, Failure{Reference: "7Qf2mVt9", Shell: test.shell}) }, test.headers...)
		if !strings.Contains(body, test.has) || strings.Contains(body, test.not) {
			t.Errorf("%s: %s", name, body)
		}
	}
}
