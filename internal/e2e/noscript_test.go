package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// withoutScript switches the scripts of all pages off; what the test itself asks
// of a page still works.
func (b *browser) withoutScript() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.t.Fatal(err)
	}
}

// Everything that people must be able to do is done by links and forms alone, over
// plain HTTP: an owner makes a token, a link and a customer, who chats and reads
// the answer; the owner revokes, and signs out.
func TestWithoutScript(t *testing.T) {
	s, _, _, _ := sampled(t)
	owner := open(t, desktop)
	owner.withoutScript()
	signIn(owner, s)
	if owner.value(`document.documentElement.classList.contains("js") || typeof htmx`) != "undefined" {
		t.Fatal("scripts run")
	}

	owner.visit(s.url + "/tokens")
	owner.click("[data-create]")
	owner.until("the form on a page", `location.pathname === "/tokens/new"`)
	owner.click("main form .foot [type=submit]")
	owner.until("what was wrong, in the form", `document.querySelector("main [name=name][aria-invalid=true]")`)
	owner.fill("name", "Without script")
	owner.click("main form .foot [type=submit]")
	owner.until("the key", `document.querySelector("main #key")`)
	owner.picture("noscript-token")
	key := owner.value(`document.querySelector("main #key").value`)
	owner.visit(s.url + "/tokens?q=Without+script")
	owner.says("Without script")
	if len(key) < 40 || owner.value(`document.documentElement.outerHTML.includes("`+key+`")`) != "false" {
		t.Errorf("the key %q is not shown once", key)
	}
	owner.click("#tokens-rows .two-line a")
	token := owner.where()

	owner.visit(s.url + "/shares")
	owner.click("[data-create]")
	owner.fill("name", "A plain link")
	owner.eval(`document.querySelector("[name=bot]").value = [...document.querySelectorAll("[name=bot] option")].find((o) => o.textContent.startsWith("Support Bot")).value`)
	owner.click("main form .foot [type=submit]")
	owner.until("the link", `/\/s\/\w{20}/.test(document.body.innerText) || document.querySelector("main input[value*='/s/']")`)
	owner.picture("noscript-share")
	link := regexp.MustCompile(`http://[^"\s<]+/s/\w+`).FindString(owner.value(`document.documentElement.outerHTML`))

	owner.visit(s.url + "/customers")
	owner.click("[data-create]")
	owner.fill("username", "ana.plain")
	owner.click("main form .foot [type=submit]")
	owner.says("ana.plain")
	owner.picture("noscript-customer")
	password := owner.value(`document.querySelector("main #password").value`)
	if link == "" || password == "" {
		t.Fatalf("no link %q or no password %q", link, password)
	}

	chatWithoutScript(t, link, "ana.plain", password)

	owner.visit(token)
	owner.click(`a[href$="/revoke"]`)
	owner.until("the question on a page", `location.pathname.endsWith("/revoke")`)
	owner.picture("noscript-revoke")
	owner.click(`main form[action$="/revoke"] [type=submit]`)
	owner.says("Revoked")
	owner.visit(s.url + "/shares?q=A+plain+link")
	owner.click(`#shares-rows a[href^="/shares/"]`)
	owner.click(`#share-end a[href$="/revoke"]`)
	owner.click(`#share-end form[action$="/revoke"] [type=submit]`)
	owner.says("it stays closed") // the list beside it has others that are revoked
	owner.until("the page is whole", `document.readyState === "complete"`)

	owner.click(`button[popovertarget="account"]`)
	owner.click(`form[action="/logout"] button`)
	owner.until("signed out", `location.pathname === "/login"`)
	owner.visit(s.url + "/tokens")
	owner.until("the sign-in", `location.pathname === "/login"`)
}

// chatWithoutScript signs a customer in, who asks and reads the answer.
func chatWithoutScript(t *testing.T, link, name, password string) {
	t.Helper()
	b := open(t, phone)
	b.withoutScript()
	b.visit(link)
	b.fill("username", name)
	b.fill("password", password)
	b.click("main [type=submit]")
	chooseOwnPassword(b, password, "ein eigenes Wort 42")
	b.do(chromedp.SendKeys("textarea[name=question]", "How do I retry a failed webhook safely?"))
	b.click("form.composer .send")
	b.says("How do I retry a failed webhook safely?")
	b.until("the answer is whole after a while, the page reloads by itself", `!document.querySelector("noscript meta, head meta[http-equiv=refresh]") && (document.querySelector(".turn:last-of-type .prose")?.innerText.length ?? 0) > 80`)
	b.picture("noscript-chat")
	b.visit(b.where())
	if said := b.value(`document.querySelector(".turn:last-of-type .prose").innerText`); strings.TrimSpace(said) == "" {
		t.Error("the answer is gone after a reload")
	}
}
