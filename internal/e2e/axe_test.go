package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// finding is what axe-core says of a page.
type finding struct {
	Rule   string   `json:"rule"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"`
}

// axe looks at the page that is open with axe-core, as the lock file names it, and
// fails on what is serious or critical. What depends on colours is looked at once
// more in the other theme.
func (b *browser) axe(page, script string) {
	b.t.Helper()
	b.until(page+" is drawn", `document.querySelector("h1, h2, .chat, form") && document.readyState === "complete"`)
	b.eval(script)
	b.eval(`window.axed = "";
		const serious = (r, theme) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => (
			{ rule: v.id, impact: v.impact, help: theme + v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " :: " + (n.any[0] || n.all[0] || n.none[0] || {}).message) }));
		const turn = () => {
			const root = document.documentElement, before = getComputedStyle(document.body).backgroundColor;
			root.classList.toggle("light", !root.classList.toggle("dark"));
			const after = getComputedStyle(document.body).backgroundColor;
			document.getAnimations().forEach((a) => a.cancel());
			if (before === after) throw new Error("the theme did not change");
		};
		(async () => {
			const found = serious(await axe.run(document, { resultTypes: ["violations"], preload: false }), "");
			turn();
			found.push(...serious(await axe.run(document, { resultTypes: ["violations"], preload: false, runOnly: ["color-contrast", "link-in-text-block"] }), "in the other theme: "));
			turn();
			return found;
		})().catch((why) => [{ rule: "axe", impact: String(why), help: "it did not run", nodes: [] }]).then((all) => { window.axed = JSON.stringify(all); })`)
	b.until("axe has looked at "+page, "window.axed")
	var found []finding
	if err := json.Unmarshal([]byte(b.value("window.axed")), &found); err != nil {
		b.t.Fatal(err)
	}
	for _, f := range found {
		b.t.Errorf("%s: %s (%s): %s\n\t%s", page, f.Rule, f.Impact, f.Help, strings.Join(f.Nodes, "\n\t"))
	}
}

// axeScript is axe-core, as the lock file pins it.
func axeScript(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("node/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is not installed (sh .ci/install): %v", err)
	}
	return string(script)
}

// No page has a serious finding of axe-core on a desktop and on a phone, each in
// light and in dark.
func TestAxe(t *testing.T) {
	script := axeScript(t)
	s, link, name, password := sampled(t)
	for _, l := range []struct {
		name string
		look look
	}{{"desktop-light-en", desktop}, {"phone-dark-zh", phone}} {
		t.Run(l.name, func(t *testing.T) {
			b := open(t, l.look)
			axe := func(path string) {
				b.visit(s.url + path)
				b.axe(path, script)
				b.picture("axe" + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path) + "-" + l.name)
			}
			axe("/login")
			axe("/key")
			signIn(b, s)
			for _, p := range pages {
				axe(p.path)
			}
			for _, path := range []string{
				"/search?q=support", "/search?q=zzzzzz", "/tokens?q=zzzzzz", "/customers/import", "/customers/new", "/shares/new", "/settings/password",
				"/settings/sessions", "/settings/workspace", "/settings/groups", "/settings/groups/new", "/settings/prices/new", "/settings/members/new",
				"/audit/3", "/no-such-page", "/hand-over/nowhere", "/invite/nowhere",
			} {
				axe(path)
			}
			for _, list := range []string{"shares", "tokens", "customers", "requests", "bots", "providers"} {
				openFirst(b, s, list, "axe-"+list+"-"+l.name)
				b.axe("the page of one of "+list, script)
				if list == "bots" {
					axe(b.value("location.pathname") + "/conversations")
				}
			}
			for _, list := range []string{"tokens", "shares", "customers"} {
				b.visit(s.url + "/" + list + "?sort=name")
				b.until("rows of "+list, `document.querySelector(".pick [name=id]")`)
				b.eval(`document.querySelector(".pick [name=id]").click()`)
				b.until("the acts on many "+list, `document.querySelector(".bulk").offsetParent`)
				b.axe("ticked "+list, script)
				b.picture("axe-ticked-" + list + "-" + l.name)
			}
			b.visit(link)
			b.until("the sign-in", `document.querySelector("[name=username], [name=question]")`)
			b.axe("a share link", script)
			chatAs(b, link, name, password, "axe-"+l.name)
			b.axe("the chat", script)
		})
	}
}
