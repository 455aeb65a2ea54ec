package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// listening says that the page is there, and that its scripts listen to keys and links.
const listening = `document.readyState === "complete" && window.htmx`

// press presses keys, wherever the focus is. What a key types comes with its press,
// as from a keyboard: not to what has the focus by then, and not at all where the
// page took the key.
func (b *browser) press(keys string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, r := range keys {
			var down, up input.DispatchKeyEventParams
			for _, k := range kb.Encode(r) {
				switch k.Type {
				case kb.KeyDown:
					down = *k
				case kb.KeyChar:
					down.Text, down.UnmodifiedText = k.Text, k.UnmodifiedText
				default:
					up = *k
				}
			}
			for _, k := range []input.DispatchKeyEventParams{down, up} {
				if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, k); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// tabTo presses Tab until what has the focus fits a selector. Whatever has the
// focus on the way must show that it has.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	for range 80 {
		if b.value(fmt.Sprintf(`!!document.activeElement?.matches(%q)`, selector)) == "true" {
			return
		}
		b.press(kb.Tab)
		if seen := b.value(`(() => {
			const at = document.activeElement;
			if (!at || at === document.body) return "";
			const rings = [at, at.parentElement, at.closest(".choice, .segments > label, .adorned, .search")].filter(Boolean).some((e) => {
				const s = getComputedStyle(e);
				return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none";
			});
			return rings ? "" : at.outerHTML.slice(0, 200);
		})()`); seen != "" {
			b.t.Errorf("the focus cannot be seen on %s", seen)
		}
	}
	b.t.Fatalf("Tab does not lead to %s\nat %s", selector, b.where())
}

// focused waits until what fits a selector has the focus.
func (b *browser) focused(what, selector string) {
	b.t.Helper()
	b.until(what+" has the focus", fmt.Sprintf(`document.activeElement?.matches(%q)`, selector))
}

// A token is made and revoked by keyboard alone. A dialog takes the focus, keeps
// it, and gives it back.
func TestByKeyboardAlone(t *testing.T) {
	s, _, _, _ := sampled(t)
	b := open(t, desktop)
	messages := chromedp.Console(b.ctx)
	b.visit(s.url + "/login")
	b.tabTo("[name=username]")
	b.press("lin")
	b.tabTo("[name=password]")
	b.press(ownerPassword + kb.Enter)
	b.until("signed in", `location.pathname === "/" && `+listening)
	b.tabTo(`a[href="/tokens"]`)
	b.press(kb.Enter)
	b.until("the tokens", `location.pathname === "/tokens" && document.querySelector("[data-create]") && `+listening)

	b.tabTo("[data-create]")
	b.press(kb.Enter)
	b.focused("the name", "#dialog[open] [name=name]")
	b.press(kb.Escape)
	b.until("the dialog is closed", `!document.querySelector("#dialog[open]")`)
	b.focused("what opened the dialog", "[data-create]")
	b.press("n")
	b.focused("the name", "#dialog[open] [name=name]")
	b.press("Made by hand")
	for range 40 { // the focus stays in the dialog
		b.press(kb.Tab)
		if b.value(`!!document.activeElement?.closest("#dialog")`) != "true" && b.value(`document.activeElement === document.body`) != "true" {
			t.Fatalf("Tab leads out of the dialog to %s", b.value(`document.activeElement.outerHTML.slice(0, 200)`))
		}
	}
	b.tabTo("#dialog .foot [type=submit]")
	b.press(kb.Enter)
	b.until("the key", `document.querySelector("#dialog #key")`)
	b.until("the focus is in the dialog", `document.activeElement?.closest("#dialog")`)
	b.press(kb.Escape)
	b.focused("what opened the dialog", "[data-create]")

	b.press("/")
	b.focused("the search", "[name=q]")
	b.press("Made by hand" + kb.Enter)
	b.until("what was found", `location.pathname === "/search" && document.querySelector("main tr[data-row]") && `+listening)
	b.tabTo("main tr[data-row] a")
	b.press(kb.Enter)
	b.until("its page", `/^\/tokens\/\w{8}/.test(location.pathname) && `+listening)
	b.tabTo(`a[href$="/revoke"]`)
	b.press(kb.Enter)
	b.until("the question", `document.querySelector("#dialog[open] form[action$='/revoke']")`)
	b.until("the focus is in the dialog", `document.activeElement?.closest("#dialog")`)
	b.press(kb.Escape)
	b.focused("what opened the dialog", `a[href$="/revoke"]`)
	b.press(kb.Enter)
	b.until("the question", `document.querySelector("#dialog[open] form[action$='/revoke']")`)
	b.tabTo(`#dialog form[action$="/revoke"] [type=submit]`)
	b.press(kb.Enter)
	b.says("Revoked")
	b.until("the dialog is closed", `!document.querySelector("#dialog[open]")`)
	b.until("the page is whole", listening)
	b.press("?")
	b.until("the keys are listed", `document.querySelector("#keys-shown[open] dt")`)
	b.quiet(messages)
}
