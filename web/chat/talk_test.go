package chat_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
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
	testbed.Eventually(t, "the page shows what has come", func() bool {
		return strings.Contains(r.get(page.path).body, "<strong>again</strong>")
	})
	call.End()
	testbed.Eventually(t, "the page is whole", func() bool {
		return !strings.Contains(r.get(page.path).body, `http-equiv="refresh"`)
	})
	whole := r.get(page.path).body
	s.says(whole, "<p>Send it <strong>again</strong>.</p>", `name="replaces"`, "?edit=", `aria-current="page"`)
	s.saysNot(whole, "data-follow", "composer busy")
	s.says(r.get(s.base()).body, "How do I &lt;retry&gt; a failed webhook?") // in the list
	// The form sent again is the same question.
	if again := r.post(s.base()+"/ask", "question", "How do I <retry> a failed webhook?", "key", "k1"); again.path != page.path {
		t.Errorf("the same form led to %s", again.path)
	}
	if s.Faulty.Started() != 1 {
		t.Errorf("%d calls", s.Faulty.Started())
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
	testbed.Eventually(t, "the first word", func() bool { return strings.Contains(r.get(page.path).body, "Well,") })
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
	testbed.Eventually(t, "the second answer", func() bool { return strings.Contains(r.get(page.path).body, "Second try.</p>\n</div>") })
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

func newShare(s *site) string {
	name := "Sales"
	made, err := s.Control.CreateShare(s.t.Context(), s.Owner, control.ShareForm{Name: &name, Bot: &s.bot.PublicID})
	s.must(err)
	return made.Secret
}

// A customer who is shut out under way is told so, in silence too.
func TestShutOutWhileStreaming(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	r.part = true
	stream := r.follow(s.followOf(r.post(s.base()+"/ask", "question", "Tell me").body), "")
	s.Faulty.Call(0).Send("Well, ")
	stream.until("grow")
	s.must(s.Control.RevokeShare(t.Context(), s.Owner, s.share.Row.PublicID))
	all := stream.until("end") // the provider says nothing more
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
	testbed.Eventually(t, "the refusal", func() bool {
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
	testbed.Eventually(t, "the answer from memory", func() bool {
		body := r.get(page.path).body
		return strings.Contains(body, "A secret answer") && !strings.Contains(body, "data-follow")
	})
	s.Wait(2 * time.Minute)
	testbed.Eventually(t, "memory forgets", func() bool { return !strings.Contains(r.get(page.path).body, "secret") })
	s.says(r.get(page.path).body, "This question was not stored.", "This answer was not stored.")
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
	testbed.Eventually(t, "the answer", func() bool { return !strings.Contains(r.get(page.path).body, "data-follow") })
	body := r.get(page.path).body
	s.saysNot(body, "<script>alert", "<img src=x", `href="javascript`)
	s.says(body, "&lt;script&gt;alert(1)&lt;/script&gt;")
	s.says(r.get(page.path).header.Get("Content-Security-Policy"), "default-src 'none'", "img-src 'self' data:", "frame-ancestors 'none'")
}
