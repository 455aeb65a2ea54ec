package chat_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/control"
	"latchkey/internal/markdown"
	"latchkey/internal/upstream/faulty"
)

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
