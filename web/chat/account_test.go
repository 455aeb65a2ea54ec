package chat_test

import (
	"encoding/hex"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// whole asks without script and returns the page once its answer has ended.
func (r *reader) whole(base, question string) answer {
	r.t.Helper()
	page := r.post(base+"/ask", "question", question)
	testbed.Eventually(r.t, "the answer has ended", func() bool {
		return !strings.Contains(r.get(page.path).body, `http-equiv="refresh"`)
	})
	return r.get(page.path)
}

// A customer's own page: what is left and when it returns, language, sign-ins.
func TestOwnPage(t *testing.T) {
	five := int64(5)
	allowance := &five
	s := newSite(t, faulty.Good, control.ShareForm{Allowance: &allowance, Refill: ptr(access.RefillDaily)})
	r, other := s.customer("mei.tanaka"), s.customer("mei.tanaka")
	r.whole(s.base(), "One?")
	page := r.get(s.base() + "/account")
	s.says(page.body, "mei.tanaka", "4 of 5 questions left today", "It comes back on", "This device", "Sign out everywhere else", "can read what is written here", "Delete all conversations")
	if got := r.post(s.base()+"/account/language", "lang", "zh"); !strings.Contains(got.body, `lang="zh-Hans"`) {
		t.Error("the language did not change here")
	}
	s.says(other.get(s.base()).body, `lang="zh-Hans"`) // nor on the other device
	if got := r.post(s.base()+"/account/language", "lang", "tlh"); got.status != 422 && got.status != 400 {
		t.Errorf("an unknown language: %d", got.status)
	}
	r.post(s.base()+"/account/language", "lang", "en")
	found := regexp.MustCompile(`action="([^"]+/sessions/[0-9a-f]{64}/end)"`).FindStringSubmatch(r.get(s.base() + "/account").body)
	if found == nil {
		t.Fatal("the other sign-in has no button")
	}
	s.says(r.post(found[1]).body, "Signed out there.")
	s.says(other.get(s.base()).body, `name="password"`)
	if got := r.post(found[1]); got.status != 404 {
		t.Errorf("again: %d", got.status)
	}
	third := s.customer("mei.tanaka")
	s.says(r.post(s.base()+"/account/sessions/end").body, "Signed out there.")
	s.says(third.get(s.base()).body, `name="password"`)
	s.says(r.get(s.base()).body, `id="composer"`)
	// Nobody ends another's.
	s.enrol("bo.larsen")
	bo := s.customer("bo.larsen")
	mine, err := s.DB.Sessions(t.Context(), access.SubjectCustomer, r.self().ID)
	s.must(err)
	if got := bo.post(s.base() + "/account/sessions/" + hex.EncodeToString(mine[0].Hash) + "/end"); got.status != 404 {
		t.Errorf("another's session: %d", got.status)
	}
	s.says(s.reader().get(s.base()+"/account").body, `name="password"`)
}

func (r *reader) self() access.Customer {
	m, err := r.DB.CustomerByName(r.t.Context(), r.Workspace.ID, "mei.tanaka")
	r.must(err)
	return m
}

// Deleting everything, where the owner lets customers do that.
func TestDeleteAllConversations(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	s.enrol("bo.larsen")
	r, bo := s.customer("mei.tanaka"), s.customer("bo.larsen")
	first := r.whole(s.base(), "One?")
	r.whole(s.base(), "Two?")
	bo.whole(s.base(), "Of Bo?")
	w, err := s.Control.Workspace(t.Context(), s.Owner)
	s.must(err)
	_, err = s.Control.EditWorkspace(t.Context(), s.Owner, control.WorkspaceForm{Brand: &control.Brand{NoDelete: true}, Version: w.Version})
	s.must(err)
	s.says(r.get(s.base()+"/account").body, "Acme Support keeps conversations: they cannot be deleted here.")
	for _, path := range []string{s.base() + "/account/delete", first.path + "/delete"} {
		if got := r.post(path); got.status != 403 || !strings.Contains(got.body, "cannot be deleted here") {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	r.part = true
	s.saysNot(r.get(first.path+"/menu").body, "Delete")
	r.part = false
	_, err = s.Control.EditWorkspace(t.Context(), s.Owner, control.WorkspaceForm{Brand: &control.Brand{}})
	s.must(err)
	s.says(r.get(s.base()+"/account/delete").body, "Delete all your conversations?")
	s.says(r.post(s.base()+"/account/delete").body, "Your conversations are deleted.")
	s.saysNot(r.get(s.base()).body, "One?", "Two?")
	if got := r.get(first.path); got.status != 404 {
		t.Errorf("it is still there: %d", got.status)
	}
	s.says(bo.get(s.base()).body, "Of Bo?")
}

// Thumbs and a note: kept for the owner, taken back, and nobody else's to give.
func TestRateAnswers(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	r := s.customer("mei.tanaka")
	page := r.whole(s.base(), "One?")
	path := regexp.MustCompile(`action="([^"]+/rate)"`).FindStringSubmatch(page.body)
	if path == nil {
		t.Fatalf("nothing to rate with in\n%s", page.body)
	}
	down := r.post(path[1], "rating", "-1")
	s.says(down.body, `aria-pressed="true"`, `name="note"`)
	if !strings.HasSuffix(page.path, down.path) {
		t.Errorf("rating led to %s", down.path)
	}
	r.part = true
	s.says(r.post(path[1], "rating", "-1", "noted", "1", "note", "Wrong <b>invoice</b>\x00").body, "Thank you.")
	s.saysNot(r.post(path[1], "rating", "-1", "noted", "1", "note", strings.Repeat("x", 501)).body, "Thank you.")
	id := page.path[strings.LastIndex(page.path, "/")+1:]
	_, messages, _, err := s.Control.ReadConversation(t.Context(), s.Owner, id, 0)
	s.must(err)
	if m := messages[1]; m.Rating != -1 || m.RatingNote != "Wrong <b>invoice</b>" {
		t.Errorf("kept: %d %q", m.Rating, m.RatingNote)
	}
	r.post(path[1], "rating", "1") // changed, the note stays
	if _, messages, _, _ = s.Control.ReadConversation(t.Context(), s.Owner, id, 0); messages[1].Rating != 1 || messages[1].RatingNote == "" {
		t.Errorf("changed: %+v", messages[1])
	}
	r.post(path[1], "rating", "0")
	if _, messages, _, _ = s.Control.ReadConversation(t.Context(), s.Owner, id, 0); messages[1].Rating != 0 || messages[1].RatingNote != "" {
		t.Errorf("taken back: %+v", messages[1])
	}
	for _, bad := range []string{"", "2", "-2", "x", "1 OR 1"} {
		if got := r.post(path[1], "rating", bad); got.status != 422 && got.status != 400 {
			t.Errorf("rating %q: %d", bad, got.status)
		}
	}
	s.enrol("bo.larsen")
	if got := s.customer("bo.larsen").post(path[1], "rating", "1"); got.status != 404 {
		t.Errorf("another's answer: %d", got.status)
	}
}

// Where nothing is kept, an answer can be rated and no note is kept either.
func TestRateWhereNothingIsKept(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	none := new(int64)
	_, err := s.Control.EditBot(t.Context(), s.Owner, s.bot.PublicID, control.BotForm{RetentionDays: &none})
	s.must(err)
	r := s.customer("mei.tanaka")
	page := r.whole(s.base(), "One?")
	path := regexp.MustCompile(`action="([^"]+/rate)"`).FindStringSubmatch(page.body)[1]
	s.saysNot(r.post(path, "rating", "1", "noted", "1", "note", "secret").body, `name="note"`)
	_, messages, _, err := s.Control.ReadConversation(t.Context(), s.Owner, page.path[strings.LastIndex(page.path, "/")+1:], 0)
	s.must(err)
	if messages[1].Rating != 1 || messages[1].RatingNote != "" {
		t.Errorf("%+v", messages[1])
	}
}

// The owner's line stands under every page of the customer, ours where they leave it.
func TestBrandLines(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	lines := func(path string, r *reader) string { return r.get(path).body }
	edit := func(b control.Brand) {
		_, err := s.Control.EditWorkspace(t.Context(), s.Owner, control.WorkspaceForm{Brand: &b})
		s.must(err)
	}
	r := s.customer("mei.tanaka")
	edit(control.Brand{Name: "Acme Ltd", Legal: "Acme Ltd, 1 Main Street <b>"})
	for _, body := range []string{lines(s.base(), r), lines(s.base()+"/account", r), lines(s.base(), s.reader()), lines(s.base()+"/password", r)} {
		s.says(body, "Acme Ltd, 1 Main Street &lt;b&gt;", "Powered by Latchkey")
	}
	edit(control.Brand{Name: "Acme Ltd", NoCredit: true})
	for _, body := range []string{lines(s.base(), r), lines(s.base()+"/account", r), lines(s.base(), s.reader())} {
		s.saysNot(body, "Powered by Latchkey", "Main Street")
	}
	long := control.Brand{Legal: strings.Repeat("x", 201)}
	two := control.Brand{Legal: "one\ntwo"}
	for _, b := range []control.Brand{long, two} {
		if _, err := s.Control.EditWorkspace(t.Context(), s.Owner, control.WorkspaceForm{Brand: &b}); access.KindOf(err) != access.Invalid {
			t.Errorf("%q: %v", b.Legal, err)
		}
	}
}

func ptr[T any](v T) *T { return &v }
