package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser is a Chromium of its own: nobody else's cookies.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// look is how a browser is set up.
type look struct {
	width, height int64
	phone, dark   bool
	language      string
	insecure      bool // takes any certificate, and keeps every site in one process, so that its frames can be read
}

var (
	desktop = look{width: 1440, height: 900, language: "en"}
	phone   = look{width: 390, height: 844, phone: true, dark: true, language: "zh-CN"}
)

// open starts a browser.
func open(t *testing.T, l look) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(int(l.width), int(l.height)),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("accept-lang", l.language), chromedp.Flag("lang", l.language))
	if l.insecure {
		options = append(options, chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-site-isolation-trials", true),
			chromedp.Flag("disable-features", "IsolateOrigins,site-per-process"))
	}
	if l.dark {
		options = append(options, chromedp.Flag("force-dark-mode", true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	b := &browser{t: t, ctx: ctx}
	t.Cleanup(func() {
		if t.Failed() {
			b.picture("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		cancel()
		stop()
	})
	// The first step starts the browser, which lives as long as that step's context.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	var emulate []chromedp.EmulateViewportOption
	if l.phone {
		emulate = append(emulate, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.do(chromedp.EmulateViewport(l.width, l.height, emulate...))
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v\nat %s\n%s", err, b.where(), b.text())
	}
}

// visit opens an address.
func (b *browser) visit(url string) { b.t.Helper(); b.do(chromedp.Navigate(url)) }

// until waits until a condition holds on the page, through navigations.
func (b *browser) until(what, condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if err == nil && holds {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("%s: not within %s (%v)\nat %s\n%s", what, wait, err, b.where(), b.text())
		}
	}
}

// says waits until the page shows a text.
func (b *browser) says(text string) {
	b.t.Helper()
	b.until("the page says "+text, fmt.Sprintf("document.body && document.body.innerText.includes(%q)", text))
}

// fill types into a field of the form, in place of what stands there.
func (b *browser) fill(name, value string) {
	b.t.Helper()
	selector := fmt.Sprintf(`[name=%q]`, name)
	b.until("there is a field "+name, "document.querySelector('"+selector+"')")
	b.eval("document.querySelector('" + selector + "').value = ''")
	b.onNode(chromedp.SendKeys(selector, value))
}

// choose picks one of a group of radio buttons, however it is drawn.
func (b *browser) choose(name, value string) {
	b.t.Helper()
	selector := fmt.Sprintf("[name=%q][value=%q]", name, value)
	b.until(selector, "document.querySelector('"+selector+"')")
	b.eval("document.querySelector('" + selector + "').click()")
}

// click presses the first thing that a selector finds and that can be seen.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.until(selector+" can be seen", fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.offsetParent !== null || e.getClientRects().length)", selector))
	b.onNode(chromedp.Click(selector, chromedp.NodeVisible))
}

// onNode does something to a node. One that a page took along as it went away is
// looked for again on the next: nothing was done to it.
func (b *browser) onNode(step chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	for {
		err := chromedp.Do(ctx, step)
		if err == nil {
			return
		}
		if ctx.Err() != nil || !strings.Contains(err.Error(), "node with given id") {
			b.t.Fatalf("%v\nat %s\n%s", err, b.where(), b.text())
		}
	}
}

// eval runs a script in the page.
func (b *browser) eval(script string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void]("(() => {" + script + "})()"))
}

// value reads something from the page.
func (b *browser) value(script string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+script+")"))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

func (b *browser) where() string {
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Location())
	return v
}

func (b *browser) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body ? document.body.innerText.slice(0, 2000) : ''"))
	return v
}

// pictures is where a run leaves its pictures, where it is asked to.
var pictures = os.Getenv("PICTURES")

// picture takes one, if pictures are wanted.
func (b *browser) picture(name string) {
	if pictures == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("no picture %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(pictures, name+".png"), png, 0o644); err != nil {
		b.t.Log(err)
	}
}
