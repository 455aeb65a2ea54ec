package e2e

import (
	"encoding/csv"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// An owner goes round the rooms that no other journey enters: what needs attention,
// usage with its chart and its file, requests, the audit log, a bot that is made and
// tried, a provider that is tested, and what an operator adds.
func TestTheOwnersRounds(t *testing.T) {
	s, _, _, _ := sampled(t)
	for _, l := range []struct {
		name string
		look look
	}{{"desktop-light-en", desktop}, {"phone-dark-zh", phone}} {
		t.Run(l.name, func(t *testing.T) {
			b := open(t, l.look)
			messages := chromedp.Console(b.ctx)
			signIn(b, s)
			b.click(`#attention a[hx-get]`)
			b.until("what mends it", `document.querySelector("#dialog[open] form")`)
			b.press("\u001b")
			b.until("it is closed again", `!document.querySelector("#dialog[open]")`)
			roundInsight(b, s, l.name)
			roundBots(b, s, "Rounds "+l.name, l.name)
			roundOperator(b, s, "rounds-"+l.name)
			b.quiet(messages)
		})
	}
}

// roundInsight reads usage, requests and the audit log.
func roundInsight(b *browser, s *server, look string) {
	b.t.Helper()
	b.visit(s.url + "/usage?by=token")
	b.until("rows", `document.querySelector("#usage tbody tr")`)
	b.eval(`window.file = ""; fetch(document.querySelector("a[href^='/usage.csv']").href).then((a) => a.text()).then((text) => { window.file = text; })`)
	b.until("the file", `window.file`)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.value(`window.file`), "\ufeff"))).ReadAll()
	if err != nil || len(rows) < 2 {
		b.t.Fatalf("the file has %d rows: %v", len(rows), err)
	}
	sum := 0
	for _, row := range rows[1:] {
		n, err := strconv.Atoi(row[2])
		if err != nil {
			b.t.Fatalf("%q: %v", row, err)
		}
		sum += n
	}
	total := b.value(`[...document.querySelectorAll("#usage .stat .value")][1].textContent`)
	if strings.ReplaceAll(total, ",", "") != strconv.Itoa(sum) {
		b.t.Errorf("the page says %s answers, the file %d", total, sum)
	}
	if wrong := b.value(`[...document.querySelectorAll("#usage tbody tr")].filter((r) => { const p = r.querySelector("progress"), said = parseInt(p.parentElement.textContent.replace("<", "")); return Math.abs(p.position * 100 - said) > 1; }).length`); wrong != "0" {
		b.t.Errorf("%s bars are not as long as their number says", wrong)
	}
	b.visit(s.url + "/usage")
	b.until("the chart", `document.querySelector(".chart .day")`)
	b.eval(`document.querySelector(".chart .day").dispatchEvent(new PointerEvent("pointerover", { bubbles: true }))`)
	b.until("the first day is read out", `document.querySelector(".readout b").textContent === document.querySelector(".chart .day").dataset.readout.split("|")[0]`)

	b.visit(s.url + "/requests?outcome=refused")
	b.until("refused calls", `document.querySelector("#requests tbody tr a[href^='/requests/']")`)
	b.visit(s.url + b.value(`document.querySelector("#requests tbody a[href^='/requests/']").getAttribute("href")`))
	b.until("the rule that refused", `document.querySelectorAll("tr.refused").length === 1`)
	b.still("the trace of a refused call", false)
	b.picture("refused-" + look)

	b.visit(s.url + "/audit")
	b.click(`.log-row summary`)
	b.until("what has changed", `document.querySelector(".log-row[open] .pairs")`)
	b.picture("audit-open-" + look)
	b.click(`#chain button`)
	b.until("the chain holds", `document.querySelector("#chain .badge[data-tone=ok]")`)
}

// roundBots makes a bot, talks to it, and tests the provider that answers.
func roundBots(b *browser, s *server, name, look string) {
	b.t.Helper()
	b.visit(s.url + "/bots")
	b.click("[data-create]")
	b.until("the form", `document.querySelector("#dialog[open] [name=name]")`)
	b.fill("name", name)
	b.click("#dialog .foot [type=submit]")
	b.until("its page", `/^\/bots\/\w{32}/.test(location.pathname) && document.querySelector("#try-field")`)
	b.do(chromedp.SendKeys("#try-field", "How do I retry a failed webhook safely?"))
	b.click("#try-send")
	b.until("the demo model has answered", `document.querySelector("#try-thread .prose")?.innerText.length > 40 && document.querySelector("#try-send")`)
	b.picture("bot-tried-" + look)
	b.visit(s.url + "/providers")
	b.click("tbody tr a[href^='/providers/']")
	b.click(`[hx-post$="/test"], [formaction$="/test"]`)
	b.until("the answer of the test", `document.querySelector("#provider-test .notice, #provider-test .badge, #provider-test [data-tone]")`)
	b.picture("provider-tested-" + look)
}

// roundOperator adds a user, a group and a price.
func roundOperator(b *browser, s *server, name string) {
	b.t.Helper()
	for _, one := range []struct{ page, field, done string }{
		{"users", "username", `document.querySelector("#dialog .secret input") && document.querySelector("#users-rows tr.fresh")`},
		{"groups", "name", `document.body.innerText.includes("` + name + `") && !document.querySelector("#dialog[open]")`},
		{"prices", "model", `document.querySelector("main").innerText.includes("` + name + `") && !document.querySelector("#dialog[open]")`},
	} {
		b.visit(s.url + "/settings/" + one.page)
		b.click("[data-create]")
		b.until("the form of "+one.page, `document.querySelector("#dialog[open] [name=`+one.field+`]")`)
		b.do(chromedp.SendKeys("#dialog [name="+one.field+"]", name))
		if one.page == "prices" {
			b.do(chromedp.SendKeys("#dialog [name=prompt]", "1.5"), chromedp.SendKeys("#dialog [name=completion]", "6"))
		}
		b.click("#dialog .foot [type=submit]")
		b.until("added: "+one.page, one.done)
		b.picture("added-" + one.page + "-" + name)
	}
}
