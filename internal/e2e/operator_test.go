package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
)

// A token goes from its owner to its holder: a one-time link, opened in another
// browser, whose key is then looked up. On a phone in Chinese as well.
func TestAKeyIsHandedOver(t *testing.T) {
	s, _, _, _ := sampled(t)
	axe := axeScript(t)
	for _, l := range []struct {
		name string
		look look
	}{{"desktop-light-en", desktop}, {"phone-dark-zh", phone}} {
		t.Run(l.name, func(t *testing.T) {
			owner, holder := open(t, l.look), open(t, l.look)
			said, heard := chromedp.Console(owner.ctx), chromedp.Console(holder.ctx)
			signIn(owner, s)
			owner.visit(s.url + "/tokens")
			const first = `[...document.querySelectorAll("tbody tr")].find(r => r.querySelector("[data-reveal]"))?.querySelector("a[href^='/tokens/']")`
			owner.until("a token that can be copied", first)
			token := s.url + owner.value(first+`.getAttribute("href")`)
			owner.visit(token)
			owner.click(`a[href$="/hand-over"]`)
			owner.until("the dialog", `document.querySelector("#dialog[open] select[name=life]")`)
			owner.picture("hand-over-" + l.name)
			owner.click(`#dialog .foot .btn[type=submit]:last-child`)
			owner.until("the link", `document.querySelector("#handover")`)
			link := owner.value(`document.querySelector("#handover").value`)

			holder.visit(link)
			holder.until("the question", `document.querySelector("main form button")`)
			holder.axe("the one-time link", axe)
			holder.picture("handed-over-" + l.name)
			holder.click("main form button")
			holder.until("the key", `document.querySelector("#key")`)
			holder.axe("what was handed over", axe)
			holder.picture("handed-over-open-" + l.name)
			key := holder.value(`document.querySelector("#key").value`)
			if a, err := http.Get(link); err != nil || a.StatusCode != http.StatusGone {
				t.Errorf("the link is not used up: %v, %v", a, err)
			} else {
				a.Body.Close()
			}
			holder.visit(s.url + "/key")
			holder.fill("key", key)
			holder.click("main [type=submit]")
			holder.until("how the token stands", `document.querySelector(".stat")`)
			if holder.value("location.href") != s.url+"/key" || holder.value(`document.documentElement.outerHTML.includes("`+key+`")`) != "false" {
				t.Error("the page or its address holds the key")
			}
			holder.axe("how a token stands", axe)
			holder.picture("key-stands-" + l.name)

			owner.visit(token)
			owner.until("that it was opened", `document.querySelector("#handovers .badge[data-tone=ok]")`)
			owner.quiet(said)
			holder.quiet(heard)
		})
	}
}

// An admin makes a backup and has it restored as a drill while the page looks on;
// a key is filled into the calls of the API page by a click alone.
func TestTheOperatorsDay(t *testing.T) {
	s, _, _, _ := sampled(t)
	b := open(t, desktop)
	said := chromedp.Console(b.ctx)
	signIn(b, s)
	b.visit(s.url + "/settings/backups")
	b.click(`#backups header button`)
	b.until("the backup is made", `document.querySelector("form[action$='/drill'] button")`)
	b.click(`form[action$='/drill'] button`)
	b.until("the drill went well", `document.querySelector("#backups .badge[data-tone=ok]") && document.querySelector("form[action$='/drill'] button")`)
	b.picture("backup-drilled")
	b.visit(s.url + "/settings/health")
	b.click(`form[action="/settings/health"] button`)
	b.until("all is well", `document.querySelector("#toasts .toast[data-tone=ok]")`)
	b.visit(s.url + "/settings/api")
	if b.value(`/sk-lk[0-9A-Za-z]{46}/.test(document.documentElement.outerHTML)`) != "false" {
		t.Error("the page holds a key before it was asked for")
	}
	b.eval(`[...document.querySelectorAll("#snippets option")].find(o => o.textContent.startsWith("HR")).selected = true`)
	b.click(`#snippets form button`)
	b.until("the key is filled in", `/sk-lk[0-9A-Za-z]{46}/.test(document.querySelector("#code-curl")?.textContent)`)
	for _, kind := range []string{"curl", "ragflow", "newapi", "fess", "botshare"} {
		code := b.value(`document.querySelector("#code-` + kind + `").textContent.trim()`)
		if status, answer := curl(t, code); status != http.StatusOK || len(answer) < 40 {
			t.Errorf("%s answers %d %s to\n%s", kind, status, answer, code)
		}
	}
	b.quiet(said)
}

var (
	curlURL    = regexp.MustCompile(`^curl "?(http[^" ]+)"?`)
	curlHeader = regexp.MustCompile(`-H "([^:"]+): ([^"]*)"`)
	curlBody   = regexp.MustCompile(`(?s)-d '(.*)'$`)
)

// curl does what a line of curl on the page says.
func curl(t *testing.T, code string) (status int, answer string) {
	t.Helper()
	method, body := http.MethodGet, ""
	if found := curlBody.FindStringSubmatch(code); found != nil {
		method, body = http.MethodPost, strings.ReplaceAll(found[1], `'\''`, "'")
	}
	url := curlURL.FindStringSubmatch(code)
	if url == nil {
		t.Fatalf("this is no call:\n%s", code)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url[1], strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range curlHeader.FindAllStringSubmatch(code, -1) {
		request.Header.Set(h[1], h[2])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(all)
}

// Somebody is invited by a link, makes an account on a phone, and gives it a second
// factor; from then on the password alone opens nothing.
func TestAGuestJoinsAndLocksTheDoor(t *testing.T) {
	s, _, _, _ := sampled(t)
	axe := axeScript(t)
	owner, guest := open(t, desktop), open(t, phone)
	said, heard := chromedp.Console(owner.ctx), chromedp.Console(guest.ctx)
	signIn(owner, s)
	owner.visit(s.url + "/settings/members")
	owner.click(`a[href$="/invitations/new"]`)
	owner.click(`#dialog .foot .btn[type=submit]`)
	owner.until("the link", `document.querySelector("#invitation")`)
	link := owner.value(`document.querySelector("#invitation").value`)

	guest.visit(link)
	guest.fill("username", "mei.tan")
	guest.fill("password", ownerPassword)
	guest.axe("the invitation", axe)
	guest.picture("invited")
	guest.click("main form button[type=submit]")
	guest.until("in the workspace", `location.pathname === "/"`)
	guest.visit(s.url + "/settings/two-factor")
	guest.click(`form[action$="/new"] button`)
	guest.until("what the app scans", `document.querySelector("#totp-text")`)
	guest.axe("what the app scans", axe)
	guest.picture("two-factor-scan")
	text := guest.value(`document.querySelector("#totp-text").textContent.replaceAll(" ", "")`)
	guest.fill("code", appCode(t, text))
	guest.click("main form button[type=submit]")
	guest.until("the recovery codes", `document.querySelector("#recovery-codes")`)
	guest.axe("the recovery codes", axe)
	guest.picture("recovery-codes")
	spare := guest.value(`document.querySelector("#recovery-codes").textContent.trim().split("\n")[0].trim()`)
	guest.quiet(heard)

	again := open(t, desktop)
	heard = chromedp.Console(again.ctx)
	again.visit(s.url + "/login")
	again.fill("username", "mei.tan")
	again.fill("password", ownerPassword)
	again.click("main [type=submit]")
	again.until("the second step", `document.querySelector("[name=ticket]")`)
	again.axe("the second step", axe)
	again.picture("second-step")
	again.fill("code", spare)
	again.click("main [type=submit]")
	again.until("signed in", `location.pathname === "/"`)
	again.quiet(heard)
	owner.quiet(said)
}

func appCode(t *testing.T, text string) string {
	t.Helper()
	code, err := totp.GenerateCode(text, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}
