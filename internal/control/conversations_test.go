package control

import (
	"context"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// link makes a share link and returns its text.
func (o *office) link(f ShareForm) (text, publicID string) {
	o.t.Helper()
	f.Bot = &o.bot.PublicID
	issued, err := o.CreateShare(o.t.Context(), o.owner, f)
	o.must(err)
	return issued.Secret, issued.Row.PublicID
}

func (o *office) enrol(name string) access.Actor {
	o.t.Helper()
	m, err := o.CreateCustomer(o.t.Context(), o.owner, CustomerForm{Username: &name, Password: ptr("mei likes tea")})
	o.must(err)
	return customerActor(m.Row.Customer, access.DoorChat, "203.0.113.9")
}

func (o *office) enter(by access.Actor, text string) Guest {
	o.t.Helper()
	l, err := o.ShareOf(o.t.Context(), text)
	o.must(err)
	g, err := o.EnterShare(o.t.Context(), by, l)
	o.must(err)
	return g
}

func TestGuestComesIn(t *testing.T) {
	o := newOffice(t)
	text, id := o.link(ShareForm{Name: ptr("Help desk"), Allowance: ptr(ptr(int64(30))), Refill: ptr(access.RefillDaily), MaxCustomers: ptr(ptr(int64(1)))})
	mei, bo := o.enrol("mei.tanaka"), o.enrol("bo.larsen")
	l, err := o.ShareOf(t.Context(), text)
	o.must(err)
	g, err := o.VisitShare(t.Context(), mei, l)
	o.must(err)
	if g.Seat.PurseID == 0 || g.Seat.Purse.Remain() != 30 || g.Seat.WorkspaceID != o.workspace.ID || !g.Keeps() {
		t.Errorf("guest: %+v", g.Seat)
	}
	if want := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC); !o.RefillAt(g).Equal(want) {
		t.Errorf("refill at %v", o.RefillAt(g))
	}
	_, err = o.VisitShare(t.Context(), bo, l)
	o.refused(err, "seats_taken")
	for name, by := range map[string]access.Actor{"an owner": o.owner, "nobody": {}, "a token": o.token("chat")} {
		if _, err := o.VisitShare(t.Context(), by, l); access.KindOf(err) != access.SignedOut {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger := mei
	stranger.WorkspaceID++
	if _, err := o.EnterShare(t.Context(), stranger, l); access.KindOf(err) != access.SignedOut {
		t.Errorf("another workspace's customer: %v", err)
	}
	o.must(o.DisableCustomer(t.Context(), o.owner, mei.PublicID))
	_, err = o.VisitShare(t.Context(), mei, l)
	o.refused(err, "customer_disabled")
	o.must(o.EnableCustomer(t.Context(), o.owner, mei.PublicID))
	o.must(o.PauseShare(t.Context(), o.owner, id))
	if l, err = o.ShareOf(t.Context(), text); access.Problems(err)[0].Code != "share_paused" {
		t.Errorf("paused: %v", err)
	}
	_, err = o.VisitShare(t.Context(), mei, l)
	o.refused(err, "share_paused")
}

func TestAskQuestionChecks(t *testing.T) {
	o := newOffice(t)
	text, _ := o.link(ShareForm{Name: ptr("Help desk")})
	g := o.enter(o.enrol("mei.tanaka"), text)
	for code, f := range map[string]QuestionForm{
		"question_empty":    {Question: " \n\t\x00\x07 \ufeff"},
		"question_binary":   {Question: "GIF89a\x01\x00 and words"},
		"question_too_long": {Question: strings.Repeat("x", access.QuestionMax+1)},
		"form_broken":       {Question: "x", ClientKey: strings.Repeat("k", clientKeyMax+1)},
		"not_found":         {Question: "x", Conversation: "00000000000000000000000000000000"},
	} {
		_, err := o.AskQuestion(t.Context(), g, f)
		o.refused(err, code)
	}
	a, err := o.AskQuestion(t.Context(), g, QuestionForm{Question: "\ufeffHow do I\x07 retry a failed webhook safely, and what happens to the events of last night?\r\nIn \xffdetail."})
	o.must(err)
	if want := "How do I retry a failed webhook safely, and what happens to the events of last night?\nIn \ufffddetail."; a.Question.Text != want {
		t.Errorf("stored %q", a.Question.Text)
	}
	if want := "How do I retry a failed webhook safely, and what happens to…"; a.Conversation.Title != want {
		t.Errorf("title %q", a.Conversation.Title)
	}
	_, err = o.AskQuestion(t.Context(), g, QuestionForm{Question: "More", Conversation: a.Conversation.PublicID})
	o.refused(err, "question_running")
	running, err := o.RunningQuestion(t.Context(), g, a.Conversation.PublicID)
	o.must(err)
	if running.ID != a.Question.ID {
		t.Errorf("running: %+v", running)
	}
}

func TestTitleOf(t *testing.T) {
	for in, want := range map[string]string{
		"Short":                          "Short",
		"  two\twords \nsecond line":     "two words",
		strings.Repeat("很", 80):          strings.Repeat("很", 60) + "…",
		strings.Repeat("a", 70):          strings.Repeat("a", 60) + "…",
		strings.Repeat("eleven chr ", 9): "eleven chr eleven chr eleven chr eleven chr eleven chr…",
	} {
		if got := titleOf(in); got != want {
			t.Errorf("titleOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRenameConversation(t *testing.T) {
	o := newOffice(t)
	text, _ := o.link(ShareForm{Name: ptr("Help desk")})
	mei := o.enter(o.enrol("mei.tanaka"), text)
	bo := o.enter(o.enrol("bo.larsen"), text)
	a, err := o.AskQuestion(t.Context(), mei, QuestionForm{Question: "One"})
	o.must(err)
	id := a.Conversation.PublicID
	o.must(o.RenameConversation(t.Context(), mei, id, "  Invoices \n of\x00 2026 "))
	c, err := o.Conversation(t.Context(), mei, id)
	o.must(err)
	if c.Title != "Invoices of 2026" {
		t.Errorf("title %q", c.Title)
	}
	o.refused(o.RenameConversation(t.Context(), mei, id, " \n "), "name_missing")
	o.refused(o.RenameConversation(t.Context(), mei, id, strings.Repeat("x", access.NameMax+1)), "name_long")
	o.refused(o.RenameConversation(t.Context(), bo, id, "Mine"), "not_found")
	o.refused(o.DeleteConversation(t.Context(), mei, id), "question_running")
	o.refused(o.DeleteConversation(t.Context(), bo, id), "not_found")
}

func TestWhoReadsConversations(t *testing.T) {
	o := newOffice(t)
	text, _ := o.link(ShareForm{Name: ptr("Help desk")})
	mei := o.enrol("mei.tanaka")
	a, err := o.AskQuestion(t.Context(), o.enter(mei, text), QuestionForm{Question: "Where is my invoice?"})
	o.must(err)
	o.matrix([]act{
		{"list", func(ctx context.Context, by access.Actor) error {
			_, err := o.CustomerConversations(ctx, by, mei.PublicID, db.Page{Limit: 10})
			return err
		}, access.ReadConversations},
		{"list of a bot", func(ctx context.Context, by access.Actor) error {
			_, err := o.BotConversations(ctx, by, o.bot.PublicID, "", db.Page{Limit: 10})
			return err
		}, access.ReadConversations},
		{"read", func(ctx context.Context, by access.Actor) error {
			_, _, _, err := o.ReadConversation(ctx, by, a.Conversation.PublicID, 0)
			return err
		}, access.ReadConversations},
	})
	talk, messages, more, err := o.ReadConversation(t.Context(), o.owner, a.Conversation.PublicID, 0)
	o.must(err)
	if talk.CustomerName != "mei.tanaka" || len(messages) != 1 || more || o.lastAudit().Action != "conversation.read" {
		t.Errorf("read %+v, %d messages, told %s", talk, len(messages), o.lastAudit().Action)
	}
}
