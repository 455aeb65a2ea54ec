package chat_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

func TestHistoryGoesAlong(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	s.Faulty.Say("In your inbox.")
	r := s.customer("mei.tanaka")
	page := r.post(s.base()+"/ask", "question", "Where is my invoice?")
	whole := func() bool { return !strings.Contains(r.get(page.path).body, "data-follow") }
	testbed.Eventually(t, "the first answer", whole)
	r.post(page.path+"/ask", "question", "And the one before?")
	testbed.Eventually(t, "the second answer", whole)
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
	testbed.Eventually(t, "the owner's answer goes on", func() bool { return !strings.Contains(mei.get(page.path).body, "data-follow") })
}
