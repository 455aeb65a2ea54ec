package chat_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

// An allowance is exact in tabs that ask at once, and the same in a new browser.
func TestAllowanceInParallelTabs(t *testing.T) {
	five := int64(5)
	limit, daily := &five, access.RefillDaily
	s := newSite(t, faulty.Good, control.ShareForm{Allowance: &limit, Refill: &daily})
	r := s.customer("mei.tanaka")
	r.part = true
	var wait sync.WaitGroup
	var mu sync.Mutex
	answered, refused := 0, 0
	for range 20 {
		wait.Go(func() {
			asked := r.post(s.base()+"/ask", "question", "At once?")
			if asked.status != 200 {
				t.Errorf("asking: %d", asked.status)
				return
			}
			end := "There is no answer"
			if strings.Contains(asked.body, "data-follow") {
				all := r.follow(s.followOf(asked.body), "").until("end")
				end = all[len(all)-1].data
			} else if !strings.Contains(asked.body, end) {
				end = asked.body
			}
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(end, "There is no answer") {
				refused++
			} else {
				answered++
			}
		})
	}
	wait.Wait()
	if answered != 5 || refused != 15 {
		t.Errorf("%d answered, %d refused", answered, refused)
	}
	s.says(s.customer("mei.tanaka").get(s.base()).body, "Your allowance for today is used up.", "It comes back on")
	seat, err := s.DB.Seat(t.Context(), s.share.Row.ID, s.customerID("mei.tanaka"))
	s.must(err)
	if seat.Purse.Used != 5 || seat.Purse.Reserved != 0 {
		t.Errorf("the purse: %+v", seat.Purse)
	}
	s.enrol("bo.larsen") // has an allowance of their own
	s.says(s.customer("bo.larsen").get(s.base()).body, "5 of 5 questions left today")
}

func (s *site) customerID(name string) int64 {
	s.t.Helper()
	m, err := s.DB.CustomerByName(s.t.Context(), s.Workspace.ID, name)
	s.must(err)
	return m.ID
}

// Two tabs of one conversation: the second is told, and keeps what it typed.
func TestTwoTabsAskAtOnce(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	first := r.post(s.base()+"/ask", "question", "First?")
	second := r.post(first.path+"/ask", "question", "Second, typed with care?")
	if second.status != http.StatusConflict {
		t.Errorf("the second: %d", second.status)
	}
	s.says(second.body, "The last question is still being answered", "Second, typed with care?")
	part := s.customer("mei.tanaka")
	part.part = true
	toast := part.post(first.path+"/ask", "question", "Third?")
	if toast.status != http.StatusConflict {
		t.Errorf("with script: %d", toast.status)
	}
	s.says(toast.body, "The last question is still being answered")
	s.Faulty.Call(0).End()
	if n := s.Faulty.Started(); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// A pasted file is refused in a sentence; text with an odd character or two is not.
func TestPastedFiles(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	r := s.customer("mei.tanaka")
	for name, text := range map[string]string{
		"a zero":   "hello\x00world",
		"a PNG":    "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + strings.Repeat("\x01\x02\xfe", 50),
		"controls": strings.Repeat("\x01\x02 ab", 20),
		"garbage":  strings.Repeat("\xff\xfe\xfd", 100),
	} {
		got := r.post(s.base()+"/ask", "question", text)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "This looks like a file, not like text.") {
			t.Errorf("%s: %d", name, got.status)
		}
		r.lang = "zh"
		if got := r.post(s.base()+"/ask", "question", text); !strings.Contains(got.body, "这看起来是文件") {
			t.Errorf("%s in Chinese: %d", name, got.status)
		}
		r.lang = "en"
	}
	for name, text := range map[string]string{"an odd byte": "caf\xe9 au lait?", "a bell": "ding\x07?", "emoji": "👩‍👩‍👧‍👦 退款？", "tabs": "a\tb\r\nc"} {
		if got := r.post(s.base()+"/ask", "question", text); got.status != 200 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
}

// A question sent after signing out is not taken, and not lost: with script it
// stays in its field.
func TestAskAfterSignOut(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	r := s.customer("mei.tanaka")
	talk := r.whole(s.base(), "Before?").path
	r.post(s.base() + "/logout")
	for _, path := range []string{s.base() + "/ask", talk + "/ask"} {
		r.part = true
		got := r.post(path, "question", "After?", "key", "k9")
		if got.status != http.StatusUnauthorized || got.header.Get("HX-Redirect") != "" {
			t.Errorf("%s: %d", path, got.status)
		}
		s.says(got.body, "You were signed out.", `target="_blank"`)
		r.part = false
		s.says(r.post(path, "question", "After?").body, `name="password"`)
	}
	if n := s.Faulty.Started(); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	again := s.customer("mei.tanaka")
	s.saysNot(again.get(s.base()).body, "After?")
}

// An answer without a word says so, at its end and when the page is drawn again.
func TestEmptyAnswer(t *testing.T) {
	three := int64(3)
	limit := &three
	s := newSite(t, faulty.Stepped, control.ShareForm{Allowance: &limit})
	r := s.customer("mei.tanaka")
	r.part = true
	asked := r.post(s.base()+"/ask", "question", "What now?")
	stream := r.follow(s.followOf(asked.body), "")
	s.Faulty.Call(0).End()
	const sentence = "The bot had nothing to say, and nothing was counted."
	all := stream.until("end")
	s.says(all[len(all)-1].data, sentence, `"state":"done"`)
	r.part = false
	page := r.get(regexp.MustCompile(`data-href="([^"]+)"`).FindStringSubmatch(asked.body)[1]).body
	s.says(page, sentence, `name="replaces"`, "3 of 3 questions left")
	s.saysNot(page, "was not stored", "data-copy-answer")
	if faults, err := s.DB.CheckLedger(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("the ledger: %v, %v", faults, err)
	}
}

// A provider that answers nothing, half or garbage: each has its sentence, what was
// not delivered is not counted, what was delivered stays.
func TestFaultyProviders(t *testing.T) {
	const failed, breaks = "There is no answer, and nothing was counted.", "It breaks off here."
	for fault, one := range map[faulty.Fault]struct {
		sentence string
		counted  string
	}{
		faulty.HangUp: {failed + " The service behind it failed.", "3 of 3"}, faulty.HTML: {failed, "3 of 3"}, faulty.NotJSON: {failed, "3 of 3"},
		faulty.ErrorObject: {failed, "3 of 3"}, faulty.Redirect: {failed, "3 of 3"}, faulty.GzipBomb: {failed, "3 of 3"},
		faulty.Fault("status-500"): {failed, "3 of 3"}, faulty.Fault("status-401"): {failed, "3 of 3"}, faulty.Fault("limited-7"): {failed, "3 of 3"},
		faulty.Reset: {breaks, "2 of 3"}, faulty.Cut: {breaks, "2 of 3"}, faulty.ErrorMid: {breaks, "2 of 3"},
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			three := int64(3)
			limit := &three
			s := newSite(t, fault, control.ShareForm{Allowance: &limit})
			r := s.customer("mei.tanaka")
			page := r.post(s.base()+"/ask", "question", "What now?")
			testbed.Eventually(t, "it has ended", func() bool {
				return !strings.Contains(r.get(page.path).body, `http-equiv="refresh"`)
			})
			body := r.get(page.path).body
			s.says(body, one.sentence, one.counted+" questions left", "What now?", `name="replaces"`)
			s.saysNot(body, "upstream-key", "127.0.0.1", "<script>alert")
			r.lang = "zh"
			s.saysNot(r.get(page.path).body, "There is no answer", "It breaks off")
		})
	}
}

// A provider that never ends its answer is cut off when its time is up: what came
// stays and is counted once, the reader is told, and the next question is answered.
func TestAnAnswerWithoutEnd(t *testing.T) {
	h := testbed.New(t)
	h.Gateway.Close()
	h.Upstream.Close()
	h.Upstream = upstream.New(upstream.Settings{PrivateHosts: h.Faulty.Private, Now: h.Now, FirstEvent: time.Minute, Total: 10 * time.Second})
	h.Gateway = gateway.New(gateway.Parts{DB: h.DB, Upstream: h.Upstream, Keys: h.Keys, Now: h.Now, Random: h.Control.Random, Log: h.Log})
	three := int64(3)
	limit := &three
	s := newSiteOver(t, h, faulty.Stepped, control.ShareForm{Allowance: &limit})
	r := s.customer("mei.tanaka")
	r.part = true
	asked := r.post(s.base()+"/ask", "question", "What now?")
	stream := r.follow(s.followOf(asked.body), "")
	call := s.Faulty.Call(0)
	call.Send("Well, ")
	call.Send("here")
	all := stream.until("end")
	call.WaitGone()
	s.says(all[len(all)-1].data, "It breaks off here. The service behind it failed.", `"state":"cut"`)
	s.says(blocks(all), "Well, here")
	talk := regexp.MustCompile(`data-href="([^"]+)"`).FindStringSubmatch(asked.body)[1]
	r.part = false
	s.says(r.get(talk).body, "Well, here", "It breaks off here.", "2 of 3 questions left", `name="replaces"`)

	r.part = true
	stream = r.follow(s.followOf(r.post(talk+"/ask", "question", "And now?").body), "")
	call = s.Faulty.Call(1)
	call.Send("Now it is whole.")
	call.End()
	all = stream.until("end")
	s.says(all[len(all)-1].data, `"state":"done"`)
	r.part = false
	s.says(r.get(talk).body, "Well, here", "Now it is whole.", "1 of 3 questions left")
	seat, err := s.DB.Seat(t.Context(), s.share.Row.ID, s.customerID("mei.tanaka"))
	s.must(err)
	if seat.Purse.Used != 2 || seat.Purse.Reserved != 0 {
		t.Errorf("the purse: %+v", seat.Purse)
	}
	if faults, err := s.DB.CheckLedger(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("the ledger: %v, %v", faults, err)
	}
}
