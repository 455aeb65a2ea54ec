package e2e

import (
	"strconv"
	"testing"

	"latchkey/db"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// A long list is exported while its page is left, reloaded and found again; then
// the file waits, and the page says so by itself.
func TestExportJourney(t *testing.T) {
	script := axeScript(t)
	p := newParlour(t, control.ShareForm{})
	p.Crowd(t, control.ExportNow)
	name := "mei.tanaka and co"
	_, err := p.Control.CreateCustomer(t.Context(), p.Owner, control.CustomerForm{Username: &name})
	p.must(err)
	b := open(t, desktop)
	b.visit(p.home + "/login")
	b.fill("username", "lin")
	b.fill("password", testbed.Password)
	b.click("main [type=submit]")
	b.until("signed in", `location.pathname === "/"`)
	b.visit(p.home + "/customers")
	b.click("#customers-export button")
	b.until("how far it is", `location.pathname.startsWith("/jobs/") && document.querySelector("#job progress")`)
	job := b.value(`location.href`)
	b.everyLook(2, "export-under-way", job, script)
	b.visit(p.home + "/customers")
	b.until("the way back from the list", `document.querySelector(".notice a[href^='/jobs/']")`)
	b.everyLook(2, "export-note", p.home+"/customers", script)
	b.click(".notice a[href^='/jobs/']")
	b.until("the same job", `location.href === "`+job+`" && document.querySelector("#job progress")`)
	p.must(p.Control.WorkOff(t.Context()))
	b.until("the file, by itself", `document.querySelector("#job a[href$='/file']")`)
	b.everyLook(2, "export-done", job, script)
	b.eval(`window.lines = 0; fetch(document.querySelector("#job a[href$='/file']").href).then((a) => a.text()).then((text) => { window.lines = text.trim().split("\r\n").length; })`)
	b.until("the whole file", `window.lines > 0`)
	want, err := p.DB.CountCustomers(t.Context(), p.Workspace.ID, db.Page{})
	p.must(err)
	if got := b.value(`window.lines - 1`); got != strconv.FormatInt(want, 10) {
		t.Errorf("%s customers are in the file, want %d", got, want)
	}
	b.visit(p.home + "/customers")
	b.until("nothing waits", `document.querySelector("tbody tr") && !document.querySelector(".notice")`)
}
