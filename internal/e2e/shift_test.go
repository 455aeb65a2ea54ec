package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// shifts are the moves of what was drawn already since the page was opened. Each
// says whether it came within half a second of an input, for which an emulated phone
// takes every page that opens.
const shifts = `new Promise((done) => {
	if (!window.moved) {
		window.moved = [];
		new PerformanceObserver((list) => {
			for (const e of list.getEntries()) if (e.value > 0) window.moved.push((e.hadRecentInput ? "answering " : "") + e.value.toFixed(4) + " " + e.sources.slice(0, 2).map((s) => (s.node?.outerHTML || s.node?.textContent || "?").slice(0, 160)).join(" | "));
		}).observe({ type: "layout-shift", buffered: true });
	}
	requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(window.moved.join("\n\t")), 30)));
})`

// still fails where the page that is open has moved under the reader's eyes.
// answering lets pass what follows the reader's own key or click.
func (b *browser) still(page string, answering bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	moved, err := chromedp.Run(ctx, chromedp.Evaluate[string](shifts, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", page, err)
	}
	for _, one := range strings.Split(moved, "\n\t") {
		if one != "" && !(answering && strings.HasPrefix(one, "answering ")) {
			b.t.Errorf("%s moves: %s", page, one)
		}
	}
}

// Nothing moves where a part comes anew by itself, nor where a search changes a
// list; what is searched for shows that a move would be seen.
func TestNothingMoves(t *testing.T) {
	s, _, _, _ := sampled(t)
	for _, l := range []struct {
		name string
		look look
	}{{"desktop-light-en", desktop}, {"phone-dark-zh", phone}} {
		t.Run(l.name, func(t *testing.T) {
			b := open(t, l.look)
			signIn(b, s)
			b.until("the overview", `document.querySelector("#overview .stats")`)
			b.eval(`window.asked = 0; document.addEventListener("htmx:after:swap", () => { window.asked++; });
				const again = document.querySelector("#overview"); htmx.ajax("GET", again.getAttribute("hx-get"), { target: "#overview", swap: "outerMorph", source: again })`)
			b.until("the overview came anew", `window.asked > 0`)
			b.still("the overview that looks again", false)

			b.visit(s.url + "/tokens")
			b.do(chromedp.SendKeys("#tokens [name=q]", "support"))
			b.until("fewer rows", `location.search.includes("q=support") && document.querySelectorAll("#tokens-rows tr").length === 2`)
			b.still("a list that is searched", true)

			b.visit(s.url + "/usage")
			b.still("the page of the usage", false)
			b.eval(`document.querySelector(".head").before(Object.assign(document.createElement("p"), { textContent: "in between" }))`)
			b.until("a line pushed into a page is seen to move it", "window.moved.length > 0")

			slow := emulation.SetCPUThrottlingRateParams{Rate: 6} // which reads a table in many goes
			if _, err := chromedp.Call(b.ctx, emulation.SetCPUThrottlingRate, slow); err != nil {
				t.Fatal(err)
			}
			b.visit(s.url + "/requests")
			b.still("a long list on a slow machine", false)
		})
	}
}
