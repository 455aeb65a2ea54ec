//go:build browser

package views

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"latchkey/static"
)

const policy = "default-src 'none'; script-src 'self' 'nonce-n1'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// kitServer is the least server on which the kit can be tried in a browser.
func kitServer(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	draw := func(w http.ResponseWriter, status int, parts ...templ.Component) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		w.WriteHeader(status)
		for _, part := range parts {
			if err := part.Render(templ.WithNonce(context.Background(), "n1"), w); err != nil {
				t.Error(err)
			}
		}
	}
	mux.HandleFunc("GET "+static.Prefix, func(w http.ResponseWriter, r *http.Request) {
		body, kind, encoding, ok := static.Open(strings.TrimPrefix(r.URL.Path, static.Prefix), r.Header.Get("Accept-Encoding"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		if encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
		}
		w.Write(body)
	})
	mux.HandleFunc("GET /tokens", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("HX-Request") != "true" {
			draw(w, 200, sampleTokensPage())
			return
		}
		draw(w, 200, sampleListOf(r.FormValue("q")))
	})
	mux.HandleFunc("GET /tokens/new", func(w http.ResponseWriter, _ *http.Request) { draw(w, 200, sampleForm("")) })
	mux.HandleFunc("POST /tokens", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("name") == "" {
			draw(w, 422, sampleForm("A token needs a name."))
			return
		}
		row := sampleTokens[0]
		row.name, row.key = r.FormValue("name"), "sk-lk…new1"
		draw(w, 200, sampleCreated(), with(Partial("#tokens-rows", "afterbegin"), sampleRow(row)))
	})
	mux.HandleFunc("GET /tokens/{id}/menu", func(w http.ResponseWriter, _ *http.Request) {
		draw(w, 200, MenuAction(MenuActionView{Icon: "ban", Text: "Disable", Action: "/tokens/1/disable", Target: "#tokens-rows > tr:first-child"}),
			MenuAction(MenuActionView{Icon: "trash-2", Text: "Break", Action: "/tokens/1/break", Target: "#tokens", Danger: true}),
			MenuAction(MenuActionView{Icon: "plug", Text: "Proxy", Action: "/tokens/1/proxy", Target: "#tokens"}))
	})
	mux.HandleFunc("POST /tokens/{id}/disable", func(w http.ResponseWriter, _ *http.Request) {
		row := sampleTokens[0]
		row.status, row.tone = "Disabled", Off
		draw(w, 200, sampleRow(row), ToastPart(ToastView{Text: "Disabled.", Tone: Ok, UndoText: "Undo", UndoAction: "/tokens/1/undo"}))
	})
	mux.HandleFunc("POST /tokens/{id}/undo", func(w http.ResponseWriter, _ *http.Request) {
		draw(w, 200, with(Partial("#tokens-rows > tr:first-child", "outerHTML"), sampleRow(sampleTokens[0])), DialogDone())
	})
	mux.HandleFunc("POST /tokens/{id}/break", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("HX-Retarget", "#toasts")
		w.Header().Set("HX-Reswap", "beforeend")
		draw(w, 500, Toast(ToastView{Text: "Something broke on our side.", Tone: Bad}))
	})
	mux.HandleFunc("POST /tokens/{id}/proxy", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<h1>502 Bad Gateway</h1>", http.StatusBadGateway)
	})
	mux.HandleFunc("POST /tokens/{id}/reveal", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "text/plain" {
			http.Error(w, "not the script", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("sk-lkSecret"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// until waits for a condition of the page.
func until(t *testing.T, ctx context.Context, what, condition string) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	js := `new Promise(r => { const f = () => (` + condition + `) ? r(true) : requestAnimationFrame(f); f(); })`
	if _, err := chromedp.Run(limited, chromedp.Evaluate[bool](js, chromedp.EvalAwaitPromise)); err != nil {
		state, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.outerHTML.slice(0, 200) + " | dialog: " + document.querySelector("#dialog").outerHTML.slice(0, 300) + " | toasts: " + document.querySelector("#toasts").textContent`))
		t.Fatalf("%s: never came true: %s: %v\n%s", what, condition, err, state)
	}
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(limited, steps...); err != nil {
		t.Fatal(err)
	}
}

func TestKitInBrowser(t *testing.T) {
	server := kitServer(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1440, 900))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, cancel := chromedp.NewContext(alloc)
	defer cancel()
	messages := chromedp.Console(ctx)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		grant := browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: server.URL}
		if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, grant); err != nil {
			t.Fatal(err)
		}
	}
	open := func() {
		t.Helper()
		do(t, ctx, chromedp.Navigate(server.URL+"/tokens"))
		until(t, ctx, "ready", `document.querySelector("[data-create][data-htmx-powered]")`)
	}
	open()

	// n opens the form in the dialog; a refused one comes back inside it; a made
	// one shows what was made and adds its row; Esc gives the focus back.
	do(t, ctx, chromedp.KeyEvent("n"))
	until(t, ctx, "create", `document.querySelector("#dialog[open] form")`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("#f-name").value = ""`), chromedp.Click(".panel [type=submit]"))
	until(t, ctx, "422", `document.querySelector("#dialog[open] [name=name][aria-invalid=true]") === document.activeElement`)
	do(t, ctx, chromedp.SendKeys("#f-name", "Billing export script"), chromedp.Click(".panel [type=submit]"))
	until(t, ctx, "created", `document.querySelector("#dialog[open] #key") && document.querySelector("#tokens-rows tr").textContent.includes("Billing export script")`)
	do(t, ctx, chromedp.KeyEvent("\u001b"))
	until(t, ctx, "closed", `!document.querySelector("#dialog").open && document.activeElement.matches("[data-create]")`)

	// The search swaps the list and keeps what is being typed.
	do(t, ctx, chromedp.SendKeys("#q-tokens", "docs"))
	until(t, ctx, "search", `document.querySelectorAll("#tokens-rows tr").length === 1 && location.search.includes("q=docs")`)
	until(t, ctx, "typing goes on", `document.activeElement.id === "q-tokens" && document.activeElement.value === "docs"`)
	open()

	// A row's menu is fetched, acts on the row, and the toast can undo.
	do(t, ctx, chromedp.Click("#tokens-rows tr:first-child .end a"))
	until(t, ctx, "menu", `document.querySelector("#menu:popover-open button") && Math.abs(document.querySelector("#menu").getBoundingClientRect().right - document.querySelector("#tokens-rows .end a").getBoundingClientRect().right) < 40`)
	do(t, ctx, chromedp.Click("#menu form button"))
	until(t, ctx, "disabled", `document.querySelector("#tokens-rows tr").textContent.includes("Disabled") && document.querySelector("#toasts .toast .act") && !document.querySelector("#menu:popover-open")`)
	do(t, ctx, chromedp.Click("#toasts .act"))
	until(t, ctx, "undone", `document.querySelector("#tokens-rows tr").textContent.includes("Active")`)

	// A fault is said and leaves the page alone.
	do(t, ctx, chromedp.Click("#tokens-rows tr:first-child .end a"))
	until(t, ctx, "menu again", `document.querySelector("#menu:popover-open .danger")`)
	do(t, ctx, chromedp.Click("#menu .danger"))
	until(t, ctx, "fault", `[...document.querySelectorAll("#toasts .toast")].some(t => t.textContent.includes("broke")) && document.querySelectorAll("#tokens-rows tr").length === 8`)

	do(t, ctx, chromedp.Click("#tokens-rows tr:first-child .end a"))
	until(t, ctx, "menu once more", `document.querySelector("#menu:popover-open form:last-child button")`)
	do(t, ctx, chromedp.Click("#menu form:last-child button"))
	until(t, ctx, "a proxy's fault", `[...document.querySelectorAll("#toasts .toast")].some(t => t.textContent.includes("did not work")) && document.querySelectorAll("#tokens-rows tr").length === 8`)

	// Copying a secret: with the clipboard, and without one.
	do(t, ctx, chromedp.Click("#tokens-rows tr:first-child [data-reveal] button"))
	until(t, ctx, "copied", `[...document.querySelectorAll("#toasts .toast")].some(t => t.textContent === "Copied")`)
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`navigator.clipboard.readText()`, chromedp.EvalAwaitPromise))
	if err != nil || text != "sk-lkSecret" {
		t.Errorf("clipboard holds %q, %v", text, err)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`Object.defineProperty(navigator, "clipboard", {value: undefined}); document.execCommand = () => false; document.querySelector("#toasts").replaceChildren()`),
		chromedp.Click("#tokens-rows tr:first-child [data-reveal] button"))
	until(t, ctx, "by hand", `document.querySelector("#copy-by-hand[open] textarea")?.value === "sk-lkSecret"`)
	do(t, ctx, chromedp.KeyEvent("\u001b"))
	until(t, ctx, "forgotten", `!document.querySelector("#copy-by-hand")`)

	// Ticking rows shows the bulk bar with its count.
	do(t, ctx, chromedp.Click("[data-pick-all]"))
	until(t, ctx, "bulk", `getComputedStyle(document.querySelector(".bulk")).display === "flex" && document.querySelector("[data-picked]").textContent === "8"`)

	// ? lists the keys.
	do(t, ctx, chromedp.KeyEvent("?"))
	until(t, ctx, "keys", `document.querySelector("#keys-shown[open] dl")`)
	do(t, ctx, chromedp.Click("#keys-shown [data-close]"))
	until(t, ctx, "keys gone", `!document.querySelector("#keys-shown")`)

	// The theme is switched and kept.
	do(t, ctx, chromedp.Click("[data-theme-switch]"))
	until(t, ctx, "theme", `document.documentElement.classList.contains("dark") === (localStorage.getItem("theme") === "dark")`)

	cancel()
	for m, err := range messages {
		if err != nil {
			break
		}
		expected := strings.Contains(m.Text, "status of 422") || strings.Contains(m.Text, "status of 500") || strings.Contains(m.Text, "status of 502")
		if !expected && (m.Type == "error" || m.Type == "warning" || m.Type == chromedp.ConsoleException) {
			t.Errorf("console: %s: %s", m.Type, m.Text)
		}
	}
}
