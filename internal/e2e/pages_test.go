package e2e

import (
	"iter"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// pages are the owner's, by the name of their picture.
var pages = []struct{ name, path string }{
	{"overview", "/"},
	{"bots", "/bots"},
	{"tokens", "/tokens"},
	{"shares", "/shares"},
	{"customers", "/customers"},
	{"usage", "/usage"},
	{"requests", "/requests"},
	{"why-empty", "/requests/why"},
	{"audit", "/audit"},
	{"providers", "/providers"},
	{"profile", "/settings/profile"},
	{"members", "/settings/members"},
	{"two-factor", "/settings/two-factor"},
	{"api", "/settings/api"},
	{"users", "/settings/users"},
	{"prices", "/settings/prices"},
	{"groups", "/settings/groups"},
	{"instance", "/settings/instance"},
	{"backups", "/settings/backups"},
	{"health", "/settings/health"},
	{"key", "/key"},
	{"docs", "/docs/fess"},
	{"user-create", "/settings/users/new"},
	{"invite", "/settings/members/invitations/new"},
	{"token-create", "/tokens/new"},
	{"bot-create", "/bots/new"},
	{"provider-create", "/providers/new"},
}

// sampled serves the sample workspace, and says how a customer of it signs in.
func sampled(t *testing.T) (s *server, link, name, password string) {
	t.Helper()
	s = &server{folder: t.TempDir() + "/data", log: &logText{}}
	cmd := exec.Command(binary, "sample", "--data", s.folder, "--password-stdin")
	cmd.Stdin = strings.NewReader(ownerPassword)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sample: %v\n%s", err, out)
	}
	said := regexp.MustCompile(`(/s/\w+) as (\S+) with the password: (\S+)`).FindStringSubmatch(string(out))
	if said == nil {
		t.Fatalf("sample says no customer:\n%s", out)
	}
	s.start(t, nil, false, "--demo")
	return s, s.url + said[1], said[2], said[3]
}

func signIn(b *browser, s *server) {
	b.t.Helper()
	b.visit(s.url + "/login")
	b.fill("username", "lin")
	b.fill("password", ownerPassword)
	b.click("main [type=submit]")
	b.until("signed in", `location.pathname === "/"`)
}

// Every page of the owner opens, on a desktop and on a phone, in both languages,
// without a word in the console, without a scroll bar at its foot.
func TestEveryPageOpens(t *testing.T) {
	s, link, name, password := sampled(t)
	looks := []struct {
		name string
		look look
	}{{"desktop-light-en", desktop}, {"phone-dark-zh", phone}}
	if pictures != "" { // two more to be looked at
		dark, light := desktop, phone
		dark.dark, dark.language = true, "zh-CN"
		light.dark, light.language = false, "en"
		looks = append(looks, looks[0], looks[1])
		looks[2].name, looks[2].look = "desktop-dark-zh", dark
		looks[3].name, looks[3].look = "phone-light-en", light
	}
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			b := open(t, l.look)
			messages := chromedp.Console(b.ctx)
			signIn(b, s)
			for _, p := range pages {
				b.visit(s.url + p.path)
				b.until(p.path+" is drawn", `document.querySelector("h1, h2")`)
				if wide := b.value(`document.documentElement.scrollWidth - innerWidth`); wide != "0" {
					t.Errorf("%s is %s px wider than the screen", p.path, wide)
				}
				if b.value(`!!document.querySelector(".oops")`) == "true" {
					t.Errorf("%s: %s", p.path, b.text())
				}
				b.still(p.path, false)
				b.picture(p.name + "-" + l.name)
			}
			openFirst(b, s, "shares", "share-"+l.name)
			openFirst(b, s, "tokens", "token-"+l.name)
			openFirst(b, s, "customers", "customer-"+l.name)
			openFirst(b, s, "requests", "trace-"+l.name)
			tryRules(b, s, "why-"+l.name)
			chatAs(b, link, name, password, l.name)
			b.quiet(messages)
		})
	}
}

// tryRules asks what would become of a call, from the page of a token.
func tryRules(b *browser, s *server, picture string) {
	b.t.Helper()
	openFirst(b, s, "tokens", picture+"-from")
	b.visit(s.url + b.value(`document.querySelector("a[href^='/requests/why']").getAttribute("href")`))
	b.fill("model", "no-such-model")
	b.fill("address", "192.0.2.7")
	b.click("#why form [type=submit]")
	b.until("the answer", `document.querySelectorAll("#rules tbody tr").length === 10 && location.search.includes("no-such-model")`)
	if wide := b.value(`document.documentElement.scrollWidth - innerWidth`); wide != "0" {
		b.t.Errorf("the rules are %s px wider than the screen", wide)
	}
	b.picture(picture)
}

// openFirst opens the first row of a list.
func openFirst(b *browser, s *server, list, picture string) {
	b.t.Helper()
	b.visit(s.url + "/" + list)
	first := `document.querySelector("tbody a[href^='/` + list + `/']")`
	b.until("a row of "+list, first)
	b.visit(s.url + b.value(first+`.getAttribute("href")`))
	b.until("the page of one of "+list, `document.querySelector("h1, h2")`)
	b.picture(picture)
}

func chatAs(b *browser, link, name, password, picture string) {
	b.t.Helper()
	b.visit(link)
	b.until("the sign-in", `document.querySelector("[name=username], [name=question]")`)
	if b.value(`!!document.querySelector("[name=username]")`) == "true" {
		b.picture("share-sign-in-" + picture)
		b.fill("username", name)
		b.fill("password", password)
		b.click("main [type=submit]")
	}
	b.until("the chat", `document.querySelector("[name=question]")`)
	ask(b, "How do I retry a failed webhook safely?")
	b.until("the demo model has answered", `!document.querySelector(".composer.busy") && document.querySelectorAll(".turn").length && document.querySelector(".turn:last-of-type .prose")?.innerText.length > 80`)
	b.picture("chat-" + picture)
}

// quiet fails on anything that the console held but statuses that were meant.
func (b *browser) quiet(messages iter.Seq2[chromedp.ConsoleMessage, error]) {
	b.t.Helper()
	chromedp.Cancel(b.ctx)
	for m, err := range messages {
		if err != nil {
			break
		}
		if m.Type == "error" || m.Type == "warning" || m.Type == chromedp.ConsoleException {
			b.t.Errorf("console: %s: %s (%s)", m.Type, m.Text, m.URL)
		}
	}
}
