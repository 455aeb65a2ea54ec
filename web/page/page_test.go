package page

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
)

// answer serves one request with the handler.
func answer(t *testing.T, handler fiber.Handler, headers ...string) (*http.Response, string) {
	t.Helper()
	app := fiber.New(fiber.Config{Immutable: true})
	app.Get("/here", func(c *fiber.Ctx) error {
		NewNonce(c)
		return handler(c)
	})
	request := httptest.NewRequest(http.MethodGet, "/here?q=1", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := app.Test(request, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

var (
	whole = views.Bare(views.BareView{Title: "Whole"})
	part  = views.Badge(views.Ok, "part")
	htmx  = []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Current-URL", "http://latchkey.test/tokens?q=a"}
)

func TestShowOrPart(t *testing.T) {
	handler := func(c *fiber.Ctx) error { return ShowOrPart(c, whole, part) }
	for name, test := range map[string]struct {
		headers []string
		part    bool
	}{
		"a browser":           {nil, false},
		"htmx":                {htmx, true},
		"htmx, whole body":    {[]string{"HX-Request", "true", "HX-Request-Type", "full"}, false},
		"htmx, going back":    {[]string{"HX-Request", "true", "HX-History-Restore-Request", "true"}, false},
		"htmx, another value": {[]string{"HX-Request", "1"}, false},
	} {
		response, body := answer(t, handler, test.headers...)
		if got := !strings.Contains(body, "<html"); got != test.part {
			t.Errorf("%s: part %v, want %v", name, got, test.part)
		}
		if got := response.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if got := response.Header.Get("Vary"); !strings.Contains(got, "HX-Request") {
			t.Errorf("%s: Vary %q", name, got)
		}
		if got := response.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", name, got)
		}
	}
}

func TestNonceIsFreshAndStaysOutOfParts(t *testing.T) {
	var first, second string
	_, body := answer(t, func(c *fiber.Ctx) error { first = Nonce(c); return Show(c, whole) })
	if len(first) != 22 || strings.Count(body, `nonce="`+first+`"`) != 2 {
		t.Errorf("nonce %q is not on both scripts", first)
	}
	script := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "["+templ.GetNonce(ctx)+"]")
		return err
	})
	_, body = answer(t, func(c *fiber.Ctx) error { second = Nonce(c); return Part(c, script) })
	if second == first || body != "[]" {
		t.Errorf("second nonce %q, part %q", second, body)
	}
}

func TestLanguage(t *testing.T) {
	show := func(c *fiber.Ctx) error { return Show(c, whole) }
	if _, body := answer(t, show, "Accept-Language", "zh-CN,en;q=0.5"); !strings.Contains(body, `lang="zh-Hans"`) {
		t.Error("the browser's language was not taken")
	}
	chosen := func(c *fiber.Ctx) error { SetLang(c, lang.English); return Show(c, whole) }
	if _, body := answer(t, chosen, "Accept-Language", "zh-CN"); !strings.Contains(body, `lang="en"`) {
		t.Error("the chosen language was not taken")
	}
}

func TestFormsCarryTheirWorkspace(t *testing.T) {
	_, body := answer(t, func(c *fiber.Ctx) error {
		SetWorkspace(c, "a1b2")
		return Part(c, views.PanelForm("/tokens"))
	})
	if !strings.Contains(body, `name="workspace" value="a1b2"`) {
		t.Errorf("no workspace in %s", body)
	}
}

func TestAViewThatFailsLeavesNothingBehind(t *testing.T) {
	broken := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "half a page")
		return errors.New("broken view")
	})
	response, body := answer(t, func(c *fiber.Ctx) error {
		if err := Show(c, broken); err != nil {
			return Error(c, err, Failure{Reference: "r1"})
		}
		return nil
	})
	if response.StatusCode != 500 || strings.Contains(body, "half a page") || strings.Contains(body, "broken view") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}

func TestSecret(t *testing.T) {
	handler := func(c *fiber.Ctx) error { return Secret(c, "sk-lkSecret", whole) }
	response, body := answer(t, handler, "Accept", "text/plain")
	if body != "sk-lkSecret" || response.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("script: %q %v", body, response.Header)
	}
	if _, body = answer(t, handler, "Accept", "text/html,*/*;q=0.8"); !strings.Contains(body, "<html") {
		t.Errorf("browser: %q", body)
	}
}

func TestReturnTo(t *testing.T) {
	for path, want := range map[string]string{
		"/":                             "/",
		"/tokens?q=a&sort=name":         "/tokens?q=a&sort=name",
		"/s/7Qf2mVt9#top":               "/s/7Qf2mVt9#top",
		"/客服":                           "/客服",
		"":                              "/",
		"tokens":                        "/",
		"//evil.example":                "/",
		"///evil.example":               "/",
		`/\evil.example`:                "/",
		`/a\b`:                          "/",
		"/\t/evil.example":              "/",
		"/a\r\nSet-Cookie: x":           "/",
		"/a\x7f":                        "/",
		"/a\u0085":                      "/",
		"https://evil.example/":         "/",
		"javascript:alert(1)":           "/",
		" /tokens":                      "/",
		"/%zz":                          "/",
		"/" + strings.Repeat("a", 3000): "/",
	} {
		if got := ReturnTo(path); got != want {
			t.Errorf("ReturnTo(%q) = %q, want %q", path, got, want)
		}
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/", "//x", `/\x`, "/a?b#c", "https://x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := ReturnTo(path)
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t\x00") {
			t.Errorf("ReturnTo(%q) = %q", path, got)
		}
	})
}

func TestRedirect(t *testing.T) {
	handler := func(c *fiber.Ctx) error { return Redirect(c, "/tokens") }
	response, _ := answer(t, handler)
	if response.StatusCode != 303 || response.Header.Get("Location") != "/tokens" {
		t.Errorf("browser: %d %q", response.StatusCode, response.Header.Get("Location"))
	}
	response, _ = answer(t, handler, htmx...)
	if response.StatusCode != 200 || response.Header.Get("HX-Redirect") != "/tokens" || response.Header.Get("Location") != "" {
		t.Errorf("htmx: %d %v", response.StatusCode, response.Header)
	}
	response, _ = answer(t, func(c *fiber.Ctx) error { return Redirect(c, "//evil.example") })
	if response.Header.Get("Location") != "/" {
		t.Errorf("elsewhere: %q", response.Header.Get("Location"))
	}
}

type fakeNotices struct{ put []views.ToastView }

func (f *fakeNotices) Put(_ *fiber.Ctx, toast views.ToastView) error {
	f.put = append(f.put, toast)
	return nil
}
func (f *fakeNotices) Take(*fiber.Ctx) []views.ToastView { return f.put }

func TestRedirectSaying(t *testing.T) {
	notices := &fakeNotices{}
	response, _ := answer(t, func(c *fiber.Ctx) error {
		return RedirectSaying(c, notices, "/tokens", views.ToastView{Text: "Revoked."})
	})
	if response.StatusCode != 303 || len(notices.put) != 1 || notices.put[0].Text != "Revoked." {
		t.Errorf("%d %v", response.StatusCode, notices.put)
	}
}

func TestEveryKindHasItsPage(t *testing.T) {
	for _, k := range access.Kinds() {
		told, ok := kinds[k]
		if !ok {
			t.Errorf("%s has no page", k)
			continue
		}
		for _, l := range lang.All() {
			for _, key := range []string{"page." + told.key, "page." + told.key + ".title"} {
				if !l.Has(key) {
					t.Errorf("%s lacks %s", l, key)
				}
			}
		}
		failure := access.Fail(k, "test_only", "The sentence of %s.", k).Because(errors.New("the cause"))
		for _, headers := range [][]string{nil, htmx} {
			response, body := answer(t, func(c *fiber.Ctx) error { return Error(c, failure, Failure{SignIn: "/login"}) }, headers...)
			if response.StatusCode != told.status {
				t.Errorf("%s: status %d, want %d", k, response.StatusCode, told.status)
			}
			if !strings.Contains(body, "The sentence of "+k.Error()) || strings.Contains(body, "the cause") {
				t.Errorf("%s: %s", k, body)
			}
			if retarget := response.Header.Get("HX-Retarget"); (retarget == "#toasts") != (headers != nil) {
				t.Errorf("%s: HX-Retarget %q", k, retarget)
			}
		}
	}
	if len(kinds) != len(access.Kinds()) {
		t.Errorf("%d pages for %d kinds", len(kinds), len(access.Kinds()))
	}
}

func TestPushURL(t *testing.T) {
	response, _ := answer(t, func(c *fiber.Ctx) error { PushURL(c, "/tokens/7", false); return Part(c, part) }, htmx...)
	if got := response.Header.Get("HX-Push-Url"); got != "/tokens/7" {
		t.Errorf("push: %q", got)
	}
	response, _ = answer(t, func(c *fiber.Ctx) error { PushURL(c, "https://evil.example", true); return Part(c, part) }, htmx...)
	if got := response.Header.Get("HX-Replace-Url"); got != "/" {
		t.Errorf("replace: %q", got)
	}
}
