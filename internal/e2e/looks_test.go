package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// looks are the ways in which the customer's pages are looked at.
var looks = []struct {
	name string
	look
}{
	{"desktop-light-en", desktop},
	{"phone-dark-zh", phone},
	{"phone-light-en", look{width: 390, height: 844, phone: true, language: "en"}},
	{"desktop-dark-zh", look{width: 1440, height: 900, dark: true, language: "zh-CN"}},
}

// wear gives a browser that runs another look.
func (b *browser) wear(l look) {
	b.t.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	b.do(chromedp.EmulateReset(), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": l.language}})
		return err
	}))
	if l.phone {
		b.do(chromedp.EmulateViewport(l.width, l.height, chromedp.EmulateMobile, chromedp.EmulateTouch))
		return
	}
	b.do(chromedp.EmulateViewport(l.width, l.height))
}

// judge looks at the page that is open in a look: axe-core, its width, a picture.
func (b *browser) judge(page, script string) {
	b.t.Helper()
	b.axe(page, script)
	if wide := b.value(`document.documentElement.scrollWidth > innerWidth`); wide != "false" {
		b.t.Errorf("%s is wider than the screen", page)
	}
	b.picture("look-" + page)
}

// everyLook opens an address in each of the first n looks.
func (b *browser) everyLook(n int, page, url, script string) {
	b.t.Helper()
	if pictures != "" {
		n = len(looks)
	}
	for _, l := range looks[:n] {
		b.wear(l.look)
		b.visit(url)
		b.judge(page+"-"+l.name, script)
	}
}

// Every page on which a link does not lead on: one sentence, in the reader's
// language, that axe-core has nothing against.
func TestDeadLinksLook(t *testing.T) {
	script := axeScript(t)
	daily, one, once := access.RefillDaily, int64(1), int64(1)
	seats, allowance := &one, &once
	p := newParlour(t, control.ShareForm{MaxCustomers: &seats, Allowance: &allowance, Refill: &daily})
	b := open(t, desktop)
	edit := func(f control.ShareForm) {
		_, err := p.Control.EditShare(t.Context(), p.Owner, p.share.Row.PublicID, f)
		p.must(err)
	}
	dead := func(page, url, sentence string) {
		t.Helper()
		b.everyLook(2, page, url, script)
		if !strings.Contains(b.text(), sentence) {
			t.Errorf("%s says in Chinese %s", page, b.text())
		}
	}
	dead("unknown", p.home+"/s/"+strings.Repeat("A", 32), "此链接无法打开。")
	dead("signed-out", p.url, "登录")
	p.enter(b, "bo.larsen") // takes the only seat
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
	b.visit(p.url)
	b.fill("username", "mei.tanaka")
	b.fill("password", "black coffee at noon")
	b.click("main [type=submit]")
	b.until("the refusal", `document.querySelector("[role=alert], .notice")`)
	b.judge("wrong-password", script)
	b.fill("password", teaPassword)
	b.click("main [type=submit]")
	b.until("no seat", `document.querySelector(".dead")`)
	dead("seats-taken", p.url, "名额已满")
	var any *int64
	edit(control.ShareForm{MaxCustomers: &any})
	b.visit(p.url)
	send(b, "我的发票在哪里？")
	call := p.call()
	call.Send("在收件箱里。")
	call.End()
	b.until("nothing is left", `document.querySelector(".closed")`)
	dead("allowance-used", p.url, "已用完")

	var everyone *[]string
	nobody := &[]string{}
	edit(control.ShareForm{Customers: &nobody})
	dead("not-for-you", p.url, "未对您的账号开放")
	edit(control.ShareForm{Customers: &everyone})
	p.must(p.Control.PauseShare(t.Context(), p.Owner, p.share.Row.PublicID))
	dead("paused", p.url, "暂停")
	p.must(p.Control.ResumeShare(t.Context(), p.Owner, p.share.Row.PublicID))
	soon, never := p.Now().Add(time.Minute), time.Time{}
	edit(control.ShareForm{ExpiresAt: &soon})
	p.Wait(2 * time.Minute)
	dead("expired", p.url, "已过期")
	edit(control.ShareForm{ExpiresAt: &never})
	dead("gone", p.url+"/c/"+strings.Repeat("0", 32), "对话")

	mei, err := p.DB.CustomerByName(t.Context(), p.Workspace.ID, "mei.tanaka")
	p.must(err)
	p.must(p.Control.DisableCustomer(t.Context(), p.Owner, mei.PublicID))
	b.visit(p.url)
	b.fill("username", "mei.tanaka")
	b.fill("password", teaPassword)
	b.click("main [type=submit]")
	b.says("您的账号已被 Acme Support 停用。")
	b.judge("disabled", script)
	p.must(p.Control.RevokeShare(t.Context(), p.Owner, p.share.Row.PublicID))
	dead("revoked", p.url, "停用")

	key := p.Token(t, control.TokenForm{Bot: &p.bot.PublicID})
	dead("embed-unknown", p.home+"/embed/"+strings.Repeat("A", 32), "没有聊天")
	p.must(p.Control.DisableToken(t.Context(), p.Owner, key.Row.PublicID))
	dead("embed-off", p.home+"/embed/"+key.Beta, "停用")
}

const fullAnswer = "Send the same event again **with its old key**:\n\n```http\nPOST /v1/events/evt_8fz2/retry\nIdempotency-Key: evt_8fz2\n```\n\n" +
	"1. Open *Events* and choose the one\n2. Press **Retry**\n   - it keeps its number\n\n| currency | days |\n|---|--:|\n| EUR | 3 |\n\n> 退款需要三到五个工作日。\n\nSee https://acme.example/docs."

// The chat in all four looks, while it streams and after it: axe-core has nothing
// against it.
func TestChatLooks(t *testing.T) {
	script := axeScript(t)
	p := newParlour(t, control.ShareForm{})
	b := open(t, desktop)
	p.enter(b, "mei.tanaka")
	b.everyLook(len(looks), "chat-empty", p.url, script)
	send(b, "How do I retry a failed webhook?")
	call := p.call()
	call.Send(fullAnswer[:60])
	b.says("with its old key")
	b.until("the address names the conversation", `location.pathname.includes("/c/")`)
	talk := b.where()
	b.everyLook(len(looks), "chat-streams", talk, script)
	call.Send(fullAnswer[60:])
	call.End()
	whole(b)
	b.click(`.rating [name=rating][value="1"]`)
	b.until("the note", `document.querySelector(".noting")`)
	for _, l := range looks {
		b.wear(l.look)
		b.visit(talk)
		b.eval(`document.querySelector(".turn .edit").click(); dispatchEvent(new Event("offline"))`)
		b.until("it is edited, and the line is lost", `!document.querySelector("#offline").hidden && document.querySelector("#question").value`)
		b.judge("chat-"+l.name, script)
		if l.phone {
			b.click(".drawer")
			b.until("the drawer", `document.querySelector("#history:popover-open")`)
			b.judge("chat-drawer-"+l.name, script)
		}
	}
}
