package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// An owner imports customers: what is wrong is named, the rest is enrolled while a
// page tells how far it is, and the passwords are there once.
func TestImportJourney(t *testing.T) {
	s, _, _, _ := sampled(t)
	for _, l := range []struct {
		name, ready, left, done string
		look                    look
	}{
		{"desktop-light-en", "1 line cannot be enrolled", "1 was left as it is.", "2 customers enrolled.", desktop},
		{"phone-dark-zh", "有 1 行无法导入", "1 个保持原样", "已导入 2 位客户", phone},
	} {
		t.Run(l.name, func(t *testing.T) {
			b := open(t, l.look)
			signIn(b, s)
			b.visit(s.url + "/customers/import")
			b.until("the form", `document.querySelector("[name=text]")`)
			b.eval(`document.querySelector("textarea[name=text]").value = "username;note\n` + l.name + `-1;calls on Mondays\n` + l.name + `-2;\nlin;taken"`)
			b.eval(`document.querySelector("form[action='/customers/import'] [type=submit]").click()`)
			b.says(l.ready)
			b.picture("import-" + l.name)
			b.eval(`document.querySelector("[name=skip]").form.querySelector("[type=submit]").click()`)
			b.says(l.done)
			b.says(l.left)
			b.picture("import-done-" + l.name)
			b.until("the passwords can be fetched", `document.querySelector("form[action$='/result']")`)
			b.visit(s.url + "/customers?q=" + l.name)
			b.says(l.name + "-2")
		})
	}
}

// Keys: Ctrl K searches everything, arrows walk what was found; a list is sorted
// by the head of its column; ticked rows are changed together, and the menu and
// the copy button of a row find their address.
func TestListsJourney(t *testing.T) {
	s, _, _, _ := sampled(t)
	b := open(t, desktop)
	messages := chromedp.Console(b.ctx)
	signIn(b, s)
	b.until("the scripts run", listening)
	b.eval(`document.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true }))`)
	b.until("the search has the focus", `document.activeElement?.name === "q"`)
	b.visit(s.url + "/search?q=support")
	b.until("something is found", `document.querySelectorAll("tr[data-row]").length > 1`)
	b.eval(`document.activeElement.blur(); document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }))`)
	b.until("the first has the focus", `document.activeElement?.closest("tr[data-row]")`)
	b.picture("search-desktop-light-en")

	b.visit(s.url + "/tokens")
	b.click("th a[href*='sort=name']")
	b.until("sorted by name", `document.querySelector("th[aria-sort=ascending]") && location.search.includes("sort=name")`)
	b.picture("sorted-desktop-light-en")
	b.until("in order", `(() => { const all = [...document.querySelectorAll("#tokens-rows .two-line a")].map((a) => a.innerText.toLowerCase()); return all.length > 1 && all[0] <= all[1]; })()`)
	b.eval(`document.querySelector("#tokens-rows [data-menu]").click()`)
	b.until("the row's menu", `document.querySelector("#menu a")`)
	b.eval(`document.querySelector("#menu").hidePopover()`)
	b.eval(`document.querySelector("#tokens-rows button[data-reveal]").click()`)
	b.until("the key is copied, or shown to be", `document.querySelector(".toast, #copy-by-hand")`)
	b.visit(s.url + "/tokens?sort=name")
	b.until("rows", `document.querySelector("[data-pick-all]")`)
	b.eval(`document.querySelector("[data-pick-all]").click()`)
	b.until("all are ticked", `document.querySelector("[data-picked]").textContent === String(document.querySelectorAll(".pick [name=id]").length)`)
	b.eval(`document.querySelector("[formaction='/tokens/bulk/disable']").click()`)
	b.until("a report of those that were revoked", `document.querySelector("#job table")`)
	b.picture("bulk-report-desktop-light-en")
	b.quiet(messages)
}

// On a phone a row is a card that is no wider than the screen: its menu can be seen.
func TestCardsFitThePhone(t *testing.T) {
	s, _, _, _ := sampled(t)
	b := open(t, phone)
	signIn(b, s)
	for _, list := range []string{"tokens", "shares", "customers", "requests"} {
		b.visit(s.url + "/" + list)
		b.until("rows of "+list, `document.querySelector("tbody tr[data-row]")`)
		if out := b.value(`[...document.querySelectorAll("tbody *")].filter((e) => e.getBoundingClientRect().right > innerWidth).length`); out != "0" {
			t.Errorf("%s: %s elements stand beyond the edge of the screen", list, out)
		}
		b.picture("cards-" + list)
	}
	// The boxes come with an address, and what was ticked is changed together.
	for _, list := range []string{"tokens", "shares", "customers"} {
		b.visit(s.url + "/" + list + "?sort=name")
		b.until("no boxes yet", `!document.querySelector("td.pick").offsetParent`)
		b.click(".toolbar a[href*='select=1']")
		b.until("boxes in the order of before", `document.querySelector("td.pick [name=id]")?.offsetParent && location.search.includes("sort=name")`)
		b.eval(`[...document.querySelectorAll("td.pick [name=id]")].slice(0, 2).forEach((box) => box.click())`)
		b.until("the acts on what is ticked", `document.querySelector(".bulk").offsetParent && document.querySelector("[data-picked]").textContent === "2"`)
		b.eval(`window.scrollTo(0, 300)`)
		b.until("the acts stay in view", `document.querySelector(".bulk").getBoundingClientRect().top >= 56`)
		if out := b.value(`[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".table-wrap, .sr-only")).length`); out != "0" {
			t.Errorf("%s: %s elements stand beyond the edge of the screen", list, out)
		}
		b.picture("ticking-" + list)
	}
	b.click("[formaction='/customers/bulk/disable']")
	b.until("the list again, and what became of them", `document.querySelector(".toast") && !document.querySelector("td.pick").offsetParent`)
}
