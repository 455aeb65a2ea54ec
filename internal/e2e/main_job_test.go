package e2e

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

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
	b.choose("provider", "own")
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

	// The owner sees what it took.
	owner.visit(s.url + "/customers")
	owner.says("mei.tanaka")
	owner.click(`#customers-rows a[href^="/customers/"]`)
	owner.says("Support Bot")
	owner.picture("customer")

	// Revoked means now: the running answer ends, and the next question too.
	ask(customer, "And twice?")
	call = up.Call(before + 1)
	call.Send("Twice ")
	customer.says("Twice")
	owner.visit(s.url + "/shares")
	owner.click(`#shares-rows a[href^="/shares/"]`)
	owner.click(`#share-end a[href$="/revoke"]`)
	owner.until("the reach is said first", `/1 customer/.test(document.querySelector("#share-end").innerText)`)
	owner.picture("share-revoke")
	owner.click(`#share-end form[action$="/revoke"] [type=submit]`)
	owner.says("Revoked")
	call.WaitGone()
	customer.says("此链接已被 Acme Support 停用")
	customer.visit(link)
	customer.says("此链接已被 Acme Support 停用")
	customer.picture("share-revoked")
	if n := len(up.Calls()); n != before+2 {
		t.Errorf("the provider was asked %d times, want %d", n-before, 2)
	}
}

// A program calls with a token that was made and copied in the dashboard.
func TestOfficialClientWithCopiedToken(t *testing.T) {
	up := faulty.Start(t)
	up.Say("Hello from Acme.")
	s := serve(t, up)
	owner := open(t, desktop)
	setUp(t, owner, s, up.URL+"/v1", "gpt-4o-mini")
	owner.visit(s.url + "/tokens")
	owner.click("[data-create]")
	owner.until("the form", `document.querySelector("#dialog[open] [name=name]")`)
	owner.picture("token-create")
	owner.fill("name", "Billing export script")
	owner.click("#dialog form .foot [type=submit]")
	owner.until("the key", `document.querySelector("#dialog #key")`)
	owner.picture("token-created")
	if owner.value(`document.querySelector("main").innerHTML.includes("sk-lk") && !document.querySelector("main").innerHTML.includes("sk-lk…")`) == "true" {
		t.Error("the list holds a secret")
	}
	key := owner.value(`(e => e.value || e.innerText)(document.querySelector("#dialog #key"))`)

	client := sdk.NewClient(option.WithBaseURL(s.url+"/v1"), option.WithAPIKey(strings.TrimSpace(key)), option.WithMaxRetries(0))
	question := sdk.ChatCompletionNewParams{Model: "gpt-4o-mini", Messages: []sdk.ChatCompletionMessageParamUnion{sdk.UserMessage("hello")}}
	answer, err := client.Chat.Completions.New(t.Context(), question)
	if err != nil || answer.Choices[0].Message.Content != "Hello from Acme." {
		t.Fatalf("plain: %+v %v", answer, err)
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), question)
	var said strings.Builder
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			said.WriteString(c.Delta.Content)
		}
	}
	if err := stream.Err(); err != nil || said.String() != "Hello from Acme." {
		t.Fatalf("stream: %q %v", said.String(), err)
	}

	// The owner revokes it: the next call is refused, and says why.
	owner.visit(s.url + "/tokens")
	owner.click(`#tokens-rows a[href^="/tokens/"]`)
	owner.click(`a[href$="/revoke"]`)
	owner.click(`form[action$="/revoke"] [type=submit]`)
	owner.says("Revoked")
	_, err = client.Chat.Completions.New(t.Context(), question)
	if refused, ok := errors.AsType[*sdk.Error](err); !ok || refused.StatusCode != 401 || refused.Code != "token_revoked" {
		t.Errorf("after the revocation: %v", err)
	}
	if out := s.run(t, "", "doctor"); !strings.Contains(out, "ok") {
		t.Errorf("doctor: %s", out)
	}
}

// chooseOwnPassword changes the password that was made for the customer.
func chooseOwnPassword(b *browser, old, chosen string) {
	b.t.Helper()
	b.until("asked for a password of one's own", `location.pathname.endsWith("/password")`)
	if b.value(`!!document.querySelector("[name=current]")`) == "true" {
		b.fill("current", old)
	}
	b.fill("password", chosen)
	b.click("main [type=submit]")
	b.until("the chat", `document.querySelector("[name=question]")`)
}

// ask types a question and sends it, as a customer does.
func ask(b *browser, question string) {
	b.t.Helper()
	const field = "textarea[name=question]"
	b.until("the field", `document.querySelector("`+field+`") && !document.querySelector("`+field+`").disabled`)
	b.do(chromedp.SendKeys(field, question))
	b.click("form.composer .send")
	b.says(question)
}
