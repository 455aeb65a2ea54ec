package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/upstream/faulty"
)

const ownerPassword = "a latch for every door"

// setUp leads an owner through the six steps, with a model on the own network,
// and returns the link and the sign-in that were handed over.
func setUp(t *testing.T, b *browser, s *server, modelURL, model string) (link, name, password string) {
	t.Helper()
	b.visit(s.url + "/setup")
	b.fill("code", s.code)
	b.fill("username", "lin")
	b.fill("email", "lin@acme.example")
	b.fill("password", ownerPassword)
	b.click("main [type=submit]")

	b.until("the second step", `location.pathname === "/setup/workspace"`)
	b.fill("name", "Acme Support")
	b.click("main [type=submit]")

	b.until("the third step", `location.pathname === "/setup/model"`)
	b.eval(`document.querySelector("[name=provider][value=own]").click()`)
	b.fill("own_url", modelURL)
	b.fill("own_model", model)
	b.picture("setup-model")
	b.click("main [type=submit]")

	b.until("the fourth step", `location.pathname === "/setup/bot"`)
	b.fill("name", "Support Bot")
	b.click("main [type=submit]")

	b.until("the fifth step", `location.pathname === "/setup/share"`)
	b.fill("name", "Acme help desk")
	b.click("main [type=submit]")

	b.until("the sixth step", `location.pathname === "/setup/customer"`)
	b.fill("username", "mei.tanaka")
	b.click("main form button[type=submit]:not([formaction])")

	b.until("the end", `location.pathname === "/setup/done" || document.querySelector("#hand-over")`)
	b.picture("setup-done")
	text := b.value(`document.querySelector("#hand-over").innerText`)
	link = regexp.MustCompile(`http://\S+/s/\w+`).FindString(text)
	password = regexp.MustCompile(`[a-z0-9]{4}(-[a-z0-9]{4}){2,}`).FindString(text)
	if link == "" || password == "" {
		t.Fatalf("the hand-over text holds no link or password:\n%s", text)
	}
	return link, "mei.tanaka", password
}

// The main job: an owner hands a bot to a customer, who gets a streaming answer,
// until the owner takes it back.
func TestMainJob(t *testing.T) {
	up := faulty.Start(t)
	s := serve(t, up)
	owner := open(t, desktop)
	link, name, password := setUp(t, owner, s, up.URL+"/v1", string(faulty.Stepped))

	customer := open(t, phone)
	customer.visit(link)
	customer.says("Support Bot")
	customer.picture("share-sign-in")
	customer.fill("username", name)
	customer.fill("password", password)
	customer.click("main [type=submit]")
	chooseOwnPassword(customer, password, "ein eigenes Wort 42")

	before := len(up.Calls())
	ask(customer, "How do I retry a failed webhook?")
	call := up.Call(before)
	for _, word := range []string{"Send ", "the ", "same ", "event "} {
		call.Send(word)
		customer.says(strings.TrimSpace(word))
	}
	customer.picture("chat-streaming")
	call.End()
	customer.until("the answer is whole", `!document.querySelector("[data-running]") && document.body.innerText.includes("Send the same event")`)
	customer.picture("chat-answered")

	owner.visit(s.url + "/requests")
	owner.says("mei.tanaka")
	owner.picture("requests")

	// Revoked means now: the running answer ends, and the next question too.
	ask(customer, "And twice?")
	call = up.Call(before + 1)
	call.Send("Twice ")
	customer.says("Twice")
	owner.visit(s.url + "/shares")
	owner.says("Acme help desk")
	revokeShare(owner)
	call.WaitGone()
	customer.until("the answer was cut with its sentence", `!document.querySelector("[data-running]") && /Acme/.test(document.body.innerText)`)
	customer.picture("chat-revoked")
	customer.visit(link)
	customer.until("the dead link says so", `document.querySelector(".oops, main h1")`)
	customer.picture("share-revoked")
}

func chooseOwnPassword(b *browser, old, chosen string) {
	b.until("signed in", `document.querySelector("[name=question], [name=new_password], [name=password_new], [name=new]")`)
	if b.value(`!!document.querySelector("[name=question]")`) == "true" {
		return
	}
	for _, field := range []string{"current", "current_password", "password"} {
		if b.value(fmt.Sprintf(`!!document.querySelector("[name=%s]")`, field)) == "true" {
			b.fill(field, old)
			break
		}
	}
	for _, field := range []string{"new_password", "password_new", "new", "again", "repeat"} {
		if b.value(fmt.Sprintf(`!!document.querySelector("[name=%s]")`, field)) == "true" {
			b.fill(field, chosen)
		}
	}
	b.click("main [type=submit]")
	b.until("the chat", `document.querySelector("[name=question]")`)
}

func ask(b *browser, question string) {
	b.t.Helper()
	b.until("the field", `document.querySelector("[name=question]") && !document.querySelector("[name=question]").disabled`)
	b.fill("question", question)
	b.click("form.composer [type=submit], [data-send]")
	b.says(question)
}

func revokeShare(b *browser) {
	b.t.Helper()
}
