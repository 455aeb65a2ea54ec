package e2e

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"latchkey/internal/control"
	"latchkey/internal/markdown"
)

const answerText = "Send the same event again **with its old key**.\n\n```http\nPOST /v1/events/evt_8fz2/retry\n```\n\n1. Wait\n2. Stop\n\nDone."

// An answer streams in place; a lost connection goes on where it was; a second
// tab and a second device show the same; nothing comes twice.
func TestChatStreams(t *testing.T) {
	p := newParlour(t, control.ShareForm{})
	b, other := open(t, phone), open(t, desktop)
	p.enter(b, "mei.tanaka")
	send(b, "How do I retry a failed webhook?")
	call := p.call()
	half := len(answerText) / 2
	call.Send(answerText[:half])
	b.says("with its old key")
	b.until("the address names the conversation", `location.pathname.includes("/c/")`)

	p.enter(other, "mei.tanaka")
	other.click(`.talks a[href*="/c/"]`)
	other.says("with its old key")

	// Screen readers hear a block once it is finished, not each word of it.
	b.until("the block that grows is silent", `document.querySelector("[role=log] [aria-busy=true] > .open[aria-live=off]")?.textContent`)

	p.wire.cut()
	b.until("the page says so", `!document.querySelector("#offline").hidden`)
	call.Send(answerText[half : half+20])
	p.wire.mend()
	call.Send(answerText[half+20:])
	call.End()
	want := markdown.HTML(answerText)
	for name, one := range map[string]*browser{"the phone": b, "the desktop": other} {
		whole(one)
		got := one.value(`(() => { const p = document.querySelector(".prose").cloneNode(true); for (const b of p.querySelectorAll("button")) b.remove(); return p.innerHTML; })()`)
		if squeeze(got) != squeeze(want) {
			t.Errorf("%s shows\n%s\nwant\n%s", name, got, want)
		}
	}
	other.click(".code [data-copy-code]")
	other.until("the code was copied", `document.querySelector("[data-copy-code]").dataset.copyText.trim() === "POST /v1/events/evt_8fz2/retry" && document.querySelector("#toasts").innerText.includes("Copied")`)
	b.until("the notice is gone", `document.querySelector("#offline").hidden`)
	b.visit(b.where())
	b.says("Done.")
	if n := p.Faulty.Started(); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// squeeze leaves out white space between elements.
func squeeze(html string) string {
	return strings.NewReplacer(">\n", ">", "\n", " ", "&#34;", `"`, "&quot;", `"`).Replace(strings.TrimSpace(html))
}

func TestChatStopRetryEdit(t *testing.T) {
	p := newParlour(t, control.ShareForm{})
	b := open(t, desktop)
	p.enter(b, "mei.tanaka")
	b.click(".suggested button")
	call := p.call()
	call.Send("In your")
	b.says("In your")
	if b.value(`getComputedStyle(document.querySelector(".stop")).display`) == "none" {
		t.Error("Stop does not stand in Send's place")
	}
	b.fill("question", "And the next one?") // typing goes on meanwhile
	b.click(".composer .stop")
	call.WaitGone()
	b.says("You stopped it here.")
	b.click(`.under [data-ask] button`)
	call = p.call()
	call.Send("In your inbox.")
	call.End()
	whole(b)
	if b.value(`document.querySelectorAll(".turn").length`) != "1" || strings.Contains(b.text(), "You stopped it here.") {
		t.Error("the first try did not make room")
	}
	b.eval(`document.querySelector(".turn .edit").click()`)
	b.until("the question is in the field", `document.querySelector("#question").value.startsWith("Where is my invoice")`)
	send(b, "Where is my invoice for November?")
	call = p.call()
	call.Send("Not made yet.")
	call.End()
	whole(b)
	b.says("for November?")
	if strings.Contains(b.value(`document.querySelector("#thread").innerText`), "In your inbox.") {
		t.Error("the old answer stands beside the new one")
	}
}

// The list: search, rename, delete, each in a dialog of the page.
func TestChatHistory(t *testing.T) {
	p := newParlour(t, control.ShareForm{})
	b := open(t, desktop)
	p.enter(b, "mei.tanaka")
	for _, question := range []string{"Where is my invoice?", "How long do refunds take?"} {
		b.visit(p.url)
		send(b, question)
		call := p.call()
		call.Send("Ask again later.")
		call.End()
		whole(b)
	}
	b.until("both are listed", `document.querySelectorAll(".talks li").length === 2`)
	b.do(chromedp.SendKeys(".history [name=q]", "refund"))
	b.until("one is found", `document.querySelectorAll(".talks li").length === 1`)
	b.visit(p.url)
	b.click(".talks li:first-child .icon-btn")
	b.click(`#menu a[href$="/rename"]`)
	b.until("the dialog", `document.querySelector("#dialog[open] [name=name]")`)
	b.fill("name", "Refunds")
	b.click("#dialog [type=submit]")
	b.until("the new name", `document.querySelector(".named h1")?.innerText === "Refunds"`)
	b.click(".talks li:first-child .icon-btn")
	b.click(`#menu a[href$="/delete"]`)
	b.until("the dialog", `document.querySelector("#dialog[open] .confirm")`)
	b.click("#dialog .confirm [type=submit]")
	b.until("one is left", `document.querySelectorAll(".talks li").length === 1 && !document.body.innerText.includes("Refunds")`)
}

// Who is shut out is told so on the page, without a press of anything.
func TestChatEndsWithTheLink(t *testing.T) {
	p := newParlour(t, control.ShareForm{})
	b := open(t, desktop)
	p.enter(b, "mei.tanaka")
	send(b, "Tell me everything")
	call := p.call()
	call.Send("Well, ")
	b.says("Well,")
	at := p.Now()
	p.must(p.Control.RevokeShare(t.Context(), p.Owner, p.share.Row.PublicID))
	b.says("This link was switched off by Acme Support.")
	call.WaitGone()
	p.Wait(at.Sub(p.Now())) // it is undone in time, however long the browser took
	p.must(p.Control.UndoRevokeShare(t.Context(), p.Owner, p.share.Row.PublicID))
	b.click(`.dead a[href^="/s/"]`)
	b.until("the chat is back", `document.querySelector("[data-composer]")`)
}

// On a phone: nothing is wider than the screen, what is pressed is large enough,
// and the field does not make the browser zoom.
func TestChatOnAPhone(t *testing.T) {
	p := newParlour(t, control.ShareForm{})
	b := open(t, phone)
	p.enter(b, "mei.tanaka")
	send(b, strings.Repeat("averylongwordwithoutanyspace", 6))
	call := p.call()
	call.Send("```go\n" + strings.Repeat("x := veryLong(code) ", 20) + "\n```\n\n|" + strings.Repeat("column|", 12) + "\n|" + strings.Repeat("-|", 12) + "\n|" + strings.Repeat("cell|", 12) +
		"\n\n" + strings.Repeat("https://acme.example/a/very/long/address/", 6))
	call.End()
	whole(b)
	if wide := b.value(`document.documentElement.scrollWidth > innerWidth || document.querySelector("#main").scrollWidth > innerWidth`); wide != "false" {
		t.Error("something is wider than the screen")
	}
	if size := b.value(`getComputedStyle(document.querySelector("#question")).fontSize`); size != "16px" {
		t.Errorf("the field's text is %s", size)
	}
	small := b.value(`[...document.querySelectorAll(".talk button, .talk a, .talk textarea")].filter(e => e.getClientRects().length && !e.closest(".prose p") && !e.matches(".skip, textarea"))
		.map(e => [e.getAttribute("aria-label") || e.innerText, e.getBoundingClientRect()]).filter(([, r]) => r.width < 44 || r.height < 44).map(([name, r]) => name + " " + r.width + "x" + r.height).join("; ")`)
	if small != "" {
		t.Errorf("too small to press: %s", small)
	}
	b.picture("chat-phone-wide")
}

// A phone's keyboard takes half of the screen: the field stays above it, the end of
// the answer in view, and the small print makes room. The list of conversations lies
// over the thread, with all that can be done there.
func TestChatOverAKeyboard(t *testing.T) {
	p := newParlour(t, control.ShareForm{})
	b := open(t, phone)
	p.enter(b, "mei.tanaka")
	send(b, "我的发票在哪里？")
	call := p.call()
	call.Send(strings.Repeat("在收件箱里，也在账单页面上。\n\n", 30) + "最后一句。")
	call.End()
	whole(b)
	b.click("#question")
	keyboard := phone
	keyboard.height = 430
	b.do(chromedp.EmulateViewport(keyboard.width, keyboard.height, chromedp.EmulateMobile, chromedp.EmulateTouch))
	b.until("the page knows of the keyboard", `document.documentElement.classList.contains("keyboard")`)
	b.until("the field stands on it", `(() => { const r = document.querySelector(".composer").getBoundingClientRect(); return r.top > 200 && r.bottom <= innerHeight && innerHeight - r.bottom < 40; })()`)
	b.until("the end of the answer is in view", `(() => { const all = document.querySelectorAll(".prose p"); const r = all[all.length - 1].getBoundingClientRect(); return r.bottom <= document.querySelector(".dock").getBoundingClientRect().top + 1 && r.top > 0; })()`)
	if b.value(`getComputedStyle(document.querySelector(".small-print")).display + scrollY`) != "none0" {
		t.Error("the small print stands between the field and the keyboard, or the page has moved")
	}
	b.picture("chat-phone-keyboard")
	b.do(chromedp.EmulateViewport(phone.width, phone.height, chromedp.EmulateMobile, chromedp.EmulateTouch))
	b.until("the keyboard is gone", `!document.documentElement.classList.contains("keyboard")`)
	b.click(".drawer")
	b.click(".talks li:first-child .icon-btn")
	b.click(`#menu a[href$="/rename"]`)
	b.until("the dialog", `document.querySelector("#dialog[open] [name=name]")`)
	b.fill("name", "发票")
	b.click("#dialog [type=submit]")
	b.until("the new name", `document.title.startsWith("发票")`)
}

// Without script the chat works too: the page comes again until the answer is there.
func TestChatWithoutScript(t *testing.T) {
	p := newParlour(t, control.ShareForm{})
	b := open(t, desktop)
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	p.enter(b, "mei.tanaka")
	b.do(chromedp.SendKeys("#question", "Where is my invoice?"), chromedp.Click(".composer .send"))
	call := p.call()
	call.Send("In your **inbox**")
	b.says("In your inbox")
	call.Send(", always.")
	call.End()
	b.says("In your inbox, always.")
	b.until("it comes again no more", `!document.querySelector("noscript") || !document.querySelector("noscript").innerHTML.includes("refresh")`)
}

// hostile are texts that try to become more than text, each as an item of a list:
// what one of them leaves open ends with it.
func hostile(t *testing.T) (items []string) {
	t.Helper()
	file, err := os.ReadFile("../markdown/testdata/hostile.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		text, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil {
			t.Fatal(line)
		}
		items = append(items, "- x "+strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\n", "\n  ")+"\n")
	}
	return items
}

// pageMost is what the chat's page may weigh on the wire, with all that it fetches.
const pageMost = 60_000

// Nothing is fetched from elsewhere, little from here, and the policy has nothing
// to complain of.
func TestChatKeepsToItself(t *testing.T) {
	p := newParlour(t, control.ShareForm{})
	b := open(t, desktop)
	p.enter(b, "mei.tanaka")
	b.until("all is there", `performance.getEntriesByType("resource").some(e => e.name.includes("icons"))`)
	weight := b.value(`performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation")).reduce((sum, e) => sum + e.encodedBodySize, 0)`)
	if n, err := strconv.Atoi(weight); err != nil || n < 20_000 || n > pageMost {
		t.Errorf("the page weighs %s bytes, at most %d: %s", weight, pageMost, b.value(`performance.getEntriesByType("resource").map(e => e.name + " " + e.encodedBodySize).join("; ")`))
	}
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			window.reports = [];
			addEventListener("securitypolicyviolation", (e) => reports.push(e.violatedDirective + " " + e.blockedURI));
			for (const name of ["alert", "msgbox", "open"]) window[name] = () => reports.push(name + " was called");`})
		return err
	}))
	b.visit(p.url)
	send(b, "Show me <img src=https://evil.example/a><script>alert(1)</script>")
	call := p.call()
	evil := hostile(t)
	for _, part := range evil {
		call.Send(part)
	}
	call.End()
	whole(b)
	if n := b.value(`document.querySelectorAll(".prose > ul > li").length`); n != strconv.Itoa(len(evil)) {
		t.Errorf("%s of %d hostile texts are on the page", n, len(evil))
	}
	for range 2 { // as it streamed in, and as it is drawn again
		if reports := b.value("reports.join()"); reports != "" {
			t.Errorf("policy reports: %s", reports)
		}
		if at := b.where(); !strings.HasPrefix(at, p.url) {
			t.Errorf("the page is %s now", at)
		}
		b.visit(b.where())
		b.until("it is drawn again", `document.querySelector(".prose > ul > li")`)
	}
	if foreign := b.value(`performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin + "/")).join()`); foreign != "" {
		t.Errorf("fetched from elsewhere: %s", foreign)
	}
	for _, store := range []string{"localStorage", "sessionStorage"} {
		if held := b.value("JSON.stringify(" + store + ")"); strings.Contains(held, p.share.Secret) || strings.Contains(held, "evil") {
			t.Errorf("%s holds %s", store, held)
		}
	}
}
