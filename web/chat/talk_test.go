package chat_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/markdown"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// Without script: a form, a page that comes again, a page that is whole.
func TestAskWithoutScript(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	page := r.post(s.base()+"/ask", "question", "How do I <retry> a failed webhook?", "key", "k1")
	if page.status != 200 || !strings.HasPrefix(page.path, s.base()+"/c/") {
		t.Fatalf("%d at %s", page.status, page.path)
	}
	s.says(page.body, "How do I &lt;retry&gt; a failed webhook?", `http-equiv="refresh"`, `class="composer busy"`, page.path+"/stop")
	call := s.Faulty.Call(0)
	call.Send("Send it **again**.")
	testbed.Eventually(t, 5*time.Second, "the page shows what has come", func() bool {
		return strings.Contains(r.get(page.path).body, "<strong>again</strong>")
	})
	call.End()
	testbed.Eventually(t, 5*time.Second, "the page is whole", func() bool {
		return !strings.Contains(r.get(page.path).body, `http-equiv="refresh"`)
	})
	whole := r.get(page.path).body
	s.says(whole, "<p>Send it <strong>again</strong>.</p>", `name="replaces"`, "?edit=", `aria-current="page"`)
	s.saysNot(whole, "data-follow", "busy")
	s.says(r.get(s.base()).body, "How do I &lt;retry&gt; a failed webhook?") // in the list
	// The form sent again is the same question.
	if again := r.post(s.base()+"/ask", "question", "How do I <retry> a failed webhook?", "key", "k1"); again.path != page.path {
		t.Errorf("the same form led to %s", again.path)
	}
	if s.Faulty.Started() != 1 {
		t.Errorf("%d calls", s.Faulty.Started())
	}
}

// With script: the question is added in place, the answer followed block by block;
// a lost connection goes on where it was, a second device sees the same.
func TestFollow(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	r.part = true
	asked := r.post(s.base()+"/ask", "question", "How do I retry?", "key", "k1")
	s.says(asked.body, "data-asked", `data-title="How do I retry? · Acme help desk"`, `data-for="talks"`)
	path := s.followOf(asked.body)
	first := r.follow(path, "")
	call := s.Faulty.Call(0)
	call.Send("Send the **same")
	grow := first.next()
	if grow.name != "grow" || !strings.Contains(grow.data, "Send the **same") {
		t.Errorf("first: %+v", grow)
	}
	call.Send(" event** again.\n\n```http\nPOST /v1")
	all := first.until("block")
	if got := all[len(all)-1]; got.id != "1" || got.data != "<p>Send the <strong>same event</strong> again.</p>\n" {
		t.Errorf("first block: %+v", got)
	}
	first.body.Close() // the connection is lost
	second, device := r.follow(path, "1"), s.customer("mei.tanaka")
	other := device.follow(s.followOf(device.get(pathOf(path)).body), "")
	call.Send("/events\n```\n\nThen:\n\n1. Wait\n2. Stop")
	call.End()
	rest := second.until("end")
	whole := "Send the **same event** again.\n\n```http\nPOST /v1/events\n```\n\nThen:\n\n1. Wait\n2. Stop"
	if got := "<p>Send the <strong>same event</strong> again.</p>\n" + blocks(rest); got != markdown.HTML(whole) {
		t.Errorf("read in two parts:\n%s\nwant\n%s", got, markdown.HTML(whole))
	}
	if got := blocks(other.until("end")); got != markdown.HTML(whole) {
		t.Errorf("on the other device:\n%s", got)
	}
	var e struct{ State, Foot, Left, Composer, Edit string }
	s.must(json.Unmarshal([]byte(rest[len(rest)-1].data), &e))
	if e.State != "done" || !strings.Contains(e.Foot, "data-copy-answer") || !strings.Contains(e.Foot, `name="replaces"`) || e.Composer != "" || e.Edit == "" {
		t.Errorf("end: %+v", e)
	}
	// Whoever comes after the end reads it from what is stored.
	if late := r.follow(path, "2").until("end"); blocks(late)+markdown.Blocks(whole)[0]+markdown.Blocks(whole)[1] == "" || !strings.HasPrefix(blocks(late), "<p>Then:</p>") {
		t.Errorf("late: %+v", late)
	}
	if s.Faulty.Started() != 1 {
		t.Errorf("%d calls", s.Faulty.Started())
	}
}

// pathOf is the conversation that a stream is of.
func pathOf(follow string) string {
	return regexp.MustCompile(`^(.*)/q/`).FindStringSubmatch(follow)[1]
}

// What comes in a rush is drawn at most ten times a second.
func TestFollowIsPaced(t *testing.T) {
	s := newSite(t, faulty.OneByte, control.ShareForm{})
	s.Faulty.Say(strings.Repeat("word ", 400))
	r := s.customer("mei.tanaka")
	r.part = true
	began := time.Now()
	events := r.follow(s.followOf(r.post(s.base()+"/ask", "question", "Go").body), "").until("end")
	if most := int(time.Since(began)/(100*time.Millisecond)) + 4; len(events) > most {
		t.Errorf("%d events in %s", len(events), time.Since(began))
	}
}

func TestStopRetryEdit(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	page := r.post(s.base()+"/ask", "question", "Tell me everything")
	busy := r.post(page.path+"/ask", "question", "And more")
	if busy.status != http.StatusConflict {
		t.Errorf("a second question: %d", busy.status)
	}
	s.says(busy.body, "wait for its end, or stop it", "And more</textarea>")
	call := s.Faulty.Call(0)
	call.Send("Well, ")
	testbed.Eventually(t, 5*time.Second, "the first word", func() bool { return strings.Contains(r.get(page.path).body, "Well,") })
	stopped := r.post(page.path + "/stop")
	call.WaitGone()
	s.says(stopped.body, "Well,", "You stopped it here.")
	s.saysNot(stopped.body, "data-follow")
	if again := r.post(page.path + "/stop"); again.status != 200 {
		t.Errorf("stopping what has ended: %d", again.status)
	}
	id := regexp.MustCompile(`data-turn="(\d+)"`).FindStringSubmatch(stopped.body)[1]
	s.says(r.get(page.path+"?edit="+id).body, "Tell me everything</textarea>", `name="replaces" value="`+id+`"`)
	// Asked again: the first try makes room.
	retried := r.post(page.path+"/ask", "replaces", id)
	s.saysNot(retried.body, "Well,", `data-turn="`+id+`"`)
	s.says(retried.body, "Tell me everything", "data-follow")
	call = s.Faulty.Call(1)
	call.Send("Second try.")
	call.End()
	testbed.Eventually(t, 5*time.Second, "the second answer", func() bool { return strings.Contains(r.get(page.path).body, "Second try.</p>\n</div>") })
	id = regexp.MustCompile(`data-turn="(\d+)"`).FindStringSubmatch(r.get(page.path).body)[1]
	edited := r.post(page.path+"/ask", "replaces", id, "question", "Tell me a little")
	s.saysNot(edited.body, "Second try.", "everything</p>")
	s.says(edited.body, "Tell me a little</p>")
	// What was said before goes along, what was replaced does not.
	body := string(s.Faulty.Call(2).Body)
	s.saysNot(body, "everything", "Second try")
	s.says(body, "Tell me a little")
	s.Faulty.Call(2).End()
}

func TestHistoryGoesAlong(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	s.Faulty.Say("In your inbox.")
	r := s.customer("mei.tanaka")
	page := r.post(s.base()+"/ask", "question", "Where is my invoice?")
	whole := func() bool { return !strings.Contains(r.get(page.path).body, "data-follow") }
	testbed.Eventually(t, 5*time.Second, "the first answer", whole)
	r.post(page.path+"/ask", "question", "And the one before?")
	testbed.Eventually(t, 5*time.Second, "the second answer", whole)
	s.says(string(s.Faulty.Call(1).Body), `"Where is my invoice?"`, `"In your inbox."`, `"And the one before?"`)
}

func TestRenameAndDelete(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	page := r.post(s.base()+"/ask", "question", "Where is my invoice?")
	s.says(r.get(page.path+"/rename").body, `value="Where is my invoice?"`)
	if empty := r.post(page.path+"/rename", "name", "  "); empty.status != http.StatusUnprocessableEntity {
		t.Errorf("no name: %d", empty.status)
	}
	if renamed := r.post(page.path+"/rename", "name", "<b>Invoices</b>"); renamed.path != page.path {
		t.Errorf("led to %s", renamed.path)
	}
	s.says(r.get(s.base()).body, "&lt;b&gt;Invoices&lt;/b&gt;")
	r.part = true
	s.says(r.get(page.path+"/menu").body, page.path+"/rename", page.path+"/delete")
	s.says(r.get(s.base()+"/history?q=invoices").body, "&lt;b&gt;Invoices", `id="talks"`)
	s.says(r.get(s.base()+"/history?q=nothing").body, "No conversation matches.")
	r.part = false
	s.says(r.get(page.path+"/delete").body, "Delete this conversation?")
	s.Faulty.Call(0) // it is being answered: deleting stops it
	deleted := r.post(page.path + "/delete")
	s.Faulty.Call(0).WaitGone()
	if deleted.path != s.base() {
		t.Errorf("led to %s", deleted.path)
	}
	s.saysNot(deleted.body, "Invoices")
	if gone := r.get(page.path); gone.status != http.StatusNotFound {
		t.Errorf("a deleted conversation: %d", gone.status)
	}
}

// Nobody sees, follows, stops, names or deletes another's conversation.
func TestOthersConversations(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	mei := s.customer("mei.tanaka")
	page := mei.post(s.base()+"/ask", "question", "A private matter")
	follow := s.followOf(page.body)
	s.enrol("bo.larsen")
	bo := s.customer("bo.larsen")
	for _, path := range []string{page.path, page.path + "/menu", page.path + "/rename", page.path + "/delete", follow} {
		got := bo.get(path)
		if got.status != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, got.status)
		}
		s.saysNot(got.body, "private matter")
	}
	for _, path := range []string{"/ask", "/stop", "/rename", "/delete"} {
		if got := bo.post(page.path+path, "question", "x", "name", "x"); got.status != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, got.status)
		}
	}
	for _, query := range []string{"?q=private", "?before=" + page.path[len(s.base())+3:]} {
		s.saysNot(bo.get(s.base()+"/history"+query).body, "private matter")
	}
	s.saysNot(bo.get(s.base()).body, "private matter")
	// Through another link of the same workspace it is not there either.
	other := newShare(s)
	if got := mei.get("/s/" + other + page.path[len(s.base()):]); got.status != http.StatusNotFound {
		t.Errorf("through another link: %d", got.status)
	}
	s.Faulty.Call(0).End()
	testbed.Eventually(t, 5*time.Second, "the owner's answer goes on", func() bool { return !strings.Contains(mei.get(page.path).body, "data-follow") })
}

func newShare(s *site) string {
	name := "Sales"
	made, err := s.Control.CreateShare(s.t.Context(), s.Owner, control.ShareForm{Name: &name, Bot: &s.bot.PublicID})
	s.must(err)
	return made.Secret
}

// A customer who is shut out under way is told so within a second.
func TestShutOutWhileStreaming(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	r.part = true
	stream := r.follow(s.followOf(r.post(s.base()+"/ask", "question", "Tell me").body), "")
	s.Faulty.Call(0).Send("Well, ")
	stream.until("grow")
	s.must(s.Control.RevokeShare(t.Context(), s.Owner, s.share.Row.PublicID))
	began := time.Now()
	all := stream.until("end")
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
	s.says(all[len(all)-1].data, `"dead":true`, "This link was switched off by Acme Support.")
	r.part = false
	if page := r.get(s.base()); page.status != http.StatusGone {
		t.Errorf("the page: %d", page.status)
	}
}

func TestAllowance(t *testing.T) {
	two := int64(2)
	limit, daily := &two, access.RefillDaily
	s := newSite(t, faulty.Stepped, control.ShareForm{Allowance: &limit, Refill: &daily})
	r := s.customer("mei.tanaka")
	s.says(r.get(s.base()).body, "2 of 2 questions left today", "0 questions today", "2 left", `class="suggested"`)
	page := r.post(s.base()+"/ask", "question", "First")
	first := r.follow(s.followOf(page.body), "")
	s.Faulty.Call(0).Send("Well.")
	s.Faulty.Call(0).End()
	end := first.until("end")
	r.part = true
	s.says(end[len(end)-1].data, "1 of 2 questions left today")
	again := r.follow(s.followOf(r.post(page.path+"/ask", "question", "Second").body), "")
	s.Faulty.Call(1).Send("Well.")
	s.Faulty.Call(1).End()
	second := again.until("end")
	s.says(second[len(second)-1].data, "0 of 2 questions left today", "Your allowance for today is used up.", "It comes back on")
	r.part = false
	spent := r.get(page.path).body
	s.says(spent, "Your allowance for today is used up.", "It comes back on", "Try again", "First")
	s.saysNot(spent, "<textarea", `class="suggested"`)
	// A form that was open before is refused in words too.
	third := r.post(page.path+"/ask", "question", "Third")
	testbed.Eventually(t, 5*time.Second, "the refusal", func() bool {
		return strings.Contains(r.get(third.path).body, "nothing was counted. Your allowance on this link is used up.</p>")
	})
	s.Wait(24 * time.Hour)
	s.says(r.get(page.path).body, "2 of 2 questions left today", "<textarea")
}

// Where nothing is stored, the page says so, shows what is in memory, and then no
// more.
func TestNothingStored(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	none := int64(0)
	days := &none
	s.must(s.DB.EditBot(t.Context(), s.Owner, s.Workspace.ID, s.bot.PublicID, db.BotChange{RetentionDays: &days}))
	s.says(s.reader().get(s.base()).body, "What is written here is never stored.")
	r := s.customer("mei.tanaka")
	s.says(r.get(s.base()).body, "Nothing is stored here")
	page := r.post(s.base()+"/ask", "question", "A secret question")
	s.says(page.body, "A secret question", "Conversation of ")
	call := s.Faulty.Call(0)
	call.Send("A secret answer")
	call.End()
	testbed.Eventually(t, 5*time.Second, "the answer from memory", func() bool {
		body := r.get(page.path).body
		return strings.Contains(body, "A secret answer") && !strings.Contains(body, "data-follow")
	})
	s.Wait(2 * time.Minute)
	testbed.Eventually(t, 5*time.Second, "memory forgets", func() bool { return !strings.Contains(r.get(page.path).body, "secret") })
	s.says(r.get(page.path).body, "This question was not stored.", "This answer was not stored.")
}

// Thirty readers at once, each sees everything once.
func TestManyReaders(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	r.part = true
	path := s.followOf(r.post(s.base()+"/ask", "question", "Go").body)
	var streams []*stream
	for range 30 {
		streams = append(streams, r.follow(path, ""))
	}
	call := s.Faulty.Call(0)
	var want strings.Builder
	for i := range 10 {
		part := "Paragraph " + strconv.Itoa(i) + ".\n\n"
		want.WriteString(part)
		call.Send(part)
	}
	call.End()
	var wait sync.WaitGroup
	for _, one := range streams {
		wait.Go(func() {
			if got := blocks(one.until("end")); got != markdown.HTML(want.String()) {
				t.Errorf("read\n%s", got)
			}
		})
	}
	wait.Wait()
}

func TestQuestionsThatAreRefused(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	r := s.customer("mei.tanaka")
	empty := r.post(s.base()+"/ask", "question", "  ")
	if empty.status != http.StatusUnprocessableEntity {
		t.Errorf("empty: %d", empty.status)
	}
	s.says(empty.body, "Write a question first.", `aria-invalid="true"`)
	long := r.post(s.base()+"/ask", "question", strings.Repeat("long ", 8000))
	if long.status != http.StatusUnprocessableEntity {
		t.Errorf("too long: %d", long.status)
	}
	s.says(long.body, "too long", "long long long")
	r.part = true
	toast := r.post(s.base()+"/ask", "question", "")
	s.says(toast.body, `class="toast"`, "Write a question first.")
	if got := r.do(http.MethodPost, s.base()+"/c/0000/ask", url.Values{"question": {"x"}}); got.status != http.StatusNotFound {
		t.Errorf("an unknown conversation: %d", got.status)
	}
	if s.Faulty.Started() != 0 {
		t.Error("the provider was asked")
	}
}

// Whatever a model or a customer writes, the page holds no markup of theirs.
func TestHostileWordsOnThePage(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	const evil = `<script>alert(1)</script><img src=x onerror=alert(1)>[x](javascript:alert(1))`
	s.Faulty.Say(evil)
	name := `<script>alert("name")</script>`
	s.enrol(name)
	r := s.customer(name)
	page := r.post(s.base()+"/ask", "question", evil)
	testbed.Eventually(t, 5*time.Second, "the answer", func() bool { return !strings.Contains(r.get(page.path).body, "data-follow") })
	body := r.get(page.path).body
	s.saysNot(body, "<script>alert", "<img src=x", `href="javascript`)
	s.says(body, "&lt;script&gt;alert(1)&lt;/script&gt;")
	s.says(r.get(page.path).header.Get("Content-Security-Policy"), "default-src 'none'", "img-src 'self' data:", "frame-ancestors 'none'")
}
