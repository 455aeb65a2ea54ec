package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/golang-jwt/jwt/v5"

	"latchkey/internal/control"
)

// A page of another origin embeds the bubble: a visitor asks, comes back and is
// known; the page around can neither read the chat nor speak to it in another's name.
func TestEmbedInAnotherPage(t *testing.T) {
	s := newShop(t, "127.0.0.1", false)
	b := open(t, desktop)
	s.enterShop(b)
	b.ask("Where is my parcel?")
	call := s.call()
	call.Send("On its **way**, it ")
	b.untilInner("first words", `document.querySelector(".prose strong")?.textContent === "way"`)
	b.picture("embed-desktop-streaming")
	call.Send("comes tomorrow.")
	call.End()
	b.untilInner("the answer is whole", `!document.querySelector("[data-follow]")`)
	b.inner(`document.querySelector(".rating button").click()`)
	b.untilInner("it is rated", `document.querySelector(".rating [aria-pressed=true]") && document.querySelector(".noting")`)
	b.picture("embed-desktop")

	if got := b.value(`(() => { try { return document.querySelector("iframe").contentWindow.document.title } catch (e) { return e.name } })()`); got != "SecurityError" {
		t.Errorf("the page around reads the chat: %s", got)
	}
	b.checkFrame()
	b.visit(s.site.URL)
	b.eval(`addEventListener("message", (e) => { if (e.data?.latchkey === "ready") document.documentElement.dataset.ready = "yes"; })`)
	b.click("body > button")
	b.untilInner("the conversation is listed", `document.querySelector(".talks a")?.textContent.includes("parcel")`)
	// The chat hears no message that is not its own kind, and none changes it.
	b.eval(`for (const said of ["hello", null, 7, {}, {latchkey: "forget"}, {latchkey: "hello", identity: {}}]) document.querySelector("iframe").contentWindow.postMessage(said, "*")`)
	b.until("the chat listens", `document.documentElement.dataset.ready`)
	shut := `getComputedStyle(document.querySelector("iframe")).display === "none"`
	b.press(kb.Escape)
	b.until("Escape shuts the bubble", shut)
	b.click("body > button")
	b.until("the bubble is open", "!("+shut+")")
	b.click("body > button")
	b.until("the bubble is shut", shut)

	// The owner finds what the visitor asked, and what they thought of the answer.
	s.signInOwner(b)
	b.visit(s.home + "/bots/" + s.bot.PublicID + "/conversations?show=visitors")
	b.until("the visitor and the rating", `document.querySelector("#conversations tbody tr")?.innerText.match(/Visitor [0-9a-f]{6}[^]*1 good/)`)
	script := axeScript(t)
	for _, l := range looks[:2] {
		b.wear(l.look)
		b.visit(b.where())
		b.judge("owner-conversations-"+l.name, script)
	}
	b.click("#conversations tbody a")
	b.until("what was said", `document.querySelector(".transcript .verdict") && document.body.innerText.includes("comes tomorrow.")`)
	b.judge("owner-transcript", script)
}

// A site that the owner did not name shows nothing, and is not heard.
func TestEmbedElsewhere(t *testing.T) {
	s := newShop(t, "127.0.0.1", false)
	none := []string{"https://www.acme.example"}
	_, err := s.Control.EditBot(t.Context(), s.Owner, s.bot.PublicID, control.BotForm{AllowedOrigins: &none})
	s.must(err)
	b := open(t, desktop)
	b.visit(s.site.URL)
	b.click("body > button")
	b.until("the frame has loaded", `document.querySelector("iframe")`)
	b.untilInner("the browser refuses it", `document.URL.startsWith("chrome-error:")`)
	b.picture("embed-refused")
}

// On a phone, in Chinese and in the dark: the bubble fills the screen, and the
// visitor whom the shop vouches for is greeted by name.
func TestEmbedNamedOnAPhone(t *testing.T) {
	s := newShop(t, "127.0.0.1", false)
	key, err := s.Control.MakeIdentityKey(t.Context(), s.Owner, s.bot.PublicID, 0)
	s.must(err)
	b := open(t, phone)
	b.visit(s.site.URL)
	b.click("body > button")
	b.untilInner("it waits for a name", `document.body.innerText.includes("请从")`)
	b.picture("embed-phone-nameless")

	sign := func(subject, name string) string {
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": subject, "name": name, "exp": s.Now().Add(time.Minute).Unix()}).SignedString([]byte(key))
		s.must(err)
		return text
	}
	// Another frame of that page, of another origin, is not heard, whatever it has.
	b.eval(`addEventListener("message", (e) => { if (e.data === "sent") document.body.dataset.forged = e.origin; });
		const other = document.createElement("iframe");
		other.sandbox = "allow-scripts";
		other.srcdoc = "<script>parent.frames[0].postMessage({latchkey: 'hello', identity: '` + sign("mallory", "Mallory") + `'}, '*'); parent.postMessage('sent', '*')</" + "script>";
		document.body.append(other);`)
	b.until("it has spoken", `document.body.dataset.forged === "null"`)
	b.inner(`fetch("/healthz").then(() => { document.documentElement.dataset.asked = "1" })`)
	b.untilInner("the chat has gone on", `document.documentElement.dataset.asked`)
	if heard := b.inner(`performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/identity")).length`); heard != "0" {
		t.Error("a frame of another origin was heard")
	}
	signed := sign("visitor-7", "田中美衣")
	s.show(`data-identity="` + signed + `"`)
	s.enterShop(b)
	b.untilInner("the greeting", `document.body.innerText.includes("田中美衣")`)
	b.ask("我的包裹在哪里？")
	call := s.call()
	call.Send("已经**寄出**，明天到达。")
	b.untilInner("first words", `document.querySelector(".prose strong")?.textContent === "寄出"`)
	call.End()
	b.untilInner("the answer is whole", `!document.querySelector("[data-follow]")`)
	b.picture("embed-phone")
	if wide := b.inner(`[...document.querySelectorAll("body *")].filter(e => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + e.className + " " + e.getBoundingClientRect().right + " of " + innerWidth).join("; ")`); wide != "" {
		t.Errorf("wider than the screen: %s", wide)
	}
	b.checkFrame()
	b.inner(`document.querySelector("[data-frame-close]").click()`)
	b.until("the bubble is shut", `getComputedStyle(document.querySelector("iframe")).display === "none"`)
	// Signed out around: the chat forgets.
	s.show("")
	b.visit(s.site.URL)
	b.click("body > button")
	b.untilInner("it waits for a name again", `document.body.innerText.includes("请从")`)
}

// Across sites over https the cookie is partitioned, and the visitor stays known.
func TestEmbedAcrossSites(t *testing.T) {
	s := newShop(t, "127.0.0.1", true) // the chat is at localhost: another site
	b := open(t, look{width: 1440, height: 900, language: "en", insecure: true})
	s.enterShop(b)
	b.ask("Where is my parcel?")
	s.call().End()
	b.untilInner("the answer is whole", `!document.querySelector("[data-follow]")`)
	b.visit(s.site.URL)
	b.click("body > button")
	b.untilInner("the conversation is listed", `document.querySelector(".talks a")?.textContent.includes("parcel")`)
	// In a tab of its own nobody knows them: the cookie is of that shop's frame.
	b.visit(s.home + "/embed/" + s.token.Beta)
	b.until("the chat", `document.querySelector("[data-composer]")`)
	if b.value(`document.querySelectorAll(".talks a").length`) != "0" {
		t.Error("the cookie is not partitioned")
	}
}

// Across sites over plain http no browser keeps the cookie: the way out is a tab.
func TestEmbedWithoutCookies(t *testing.T) {
	s := newShop(t, "localhost", false) // the chat is at 127.0.0.1: another site
	b := open(t, look{width: 1440, height: 900, language: "en", insecure: true})
	s.enterShop(b)
	b.untilInner("the way out", `!document.querySelector("#frame").hidden && document.querySelector("#frame a[target=_blank]").getClientRects().length`)
	b.picture("embed-no-cookie")
}

// The owner's tab: the code to paste, the key that is shown once, the tester.
func TestEmbedTab(t *testing.T) {
	s := newShop(t, "127.0.0.1", false)
	b := open(t, desktop)
	s.signInOwner(b)
	b.visit(s.home + "/bots/" + s.bot.PublicID + "/embed")
	b.until("the site is named", fmt.Sprintf(`document.querySelector("[name=allowed_origins]").value === %q`, s.site.URL))
	b.click("#code [type=submit]")
	b.until("the code", `document.querySelector("#embed-bubble")?.textContent.includes("data-key")`)
	b.click("#identity form [type=submit]")
	b.until("the key", `document.querySelector("#identity-key")?.value.length === 43`)
	b.picture("embed-tab-key")
	b.click(`#identity-code a[href$="for=php"]`)
	b.until("another language", `document.querySelector("#sign").textContent.includes("hash_hmac") && document.querySelector("#identity-key")`)
	b.eval(`document.querySelector("#tester textarea").value = "a.b.c"`)
	b.click("#tester [type=submit]")
	b.says("One of the three parts cannot be read")
	b.picture("embed-tab")
	if wide := b.value(`document.documentElement.scrollWidth - innerWidth`); wide != "0" {
		t.Errorf("%s px wider than the screen", wide)
	}
}

// A customer's own page, and a rating with a note, on a phone.
func TestChatAccount(t *testing.T) {
	ten := int64(10)
	allowance := &ten
	p := newParlour(t, control.ShareForm{Allowance: &allowance})
	b := open(t, phone)
	p.enter(b, "mei.tanaka")
	send(b, "我的发票在哪里？")
	call := p.call()
	call.Send("在收件箱里。")
	call.End()
	whole(b)
	b.click(`.rating [name=rating][value="-1"]`)
	b.click(".noting .input")
	b.do(chromedp.SendKeys(".noting .input", "不在那里"))
	b.picture("chat-rating-phone")
	b.click(".noting [type=submit]")
	b.says("谢谢，已转达。")
	b.visit(p.url + "/account")
	b.says("剩余额度")
	b.picture("chat-account-phone")
	if wide := b.value(`document.documentElement.scrollWidth > innerWidth`); wide != "false" {
		t.Error("something is wider than the screen")
	}
}
