package control

import (
	"strings"
	"testing"

	"latchkey/internal/access"
)

// An id of a talk is of one token and one bot, and nobody makes one up.
func TestTalkIDs(t *testing.T) {
	o := newOffice(t)
	other := o.makeBot(o.owner, "Other Bot")
	issue := func() Issued {
		k, err := o.CreateToken(t.Context(), o.owner, TokenForm{Name: ptr("Page")})
		o.must(err)
		return k
	}
	one, two := issue(), issue()
	link := func(k Issued, b access.Bot) OpenedLink {
		l, err := o.TalkOfBeta(t.Context(), k.Beta, b.PublicID)
		o.must(err)
		return l
	}
	home := link(one, o.bot)
	id, err := o.NewTalk(home)
	o.must(err)
	again, err := o.NewTalk(home)
	o.must(err)
	if id == again {
		t.Error("two talks have one id")
	}
	talk, err := o.ResumeTalk(t.Context(), home, id, "192.0.2.1")
	if err != nil || talk.Conversation != "" {
		t.Fatal(talk.Conversation, err)
	}
	for name, c := range map[string]struct {
		link OpenedLink
		id   string
	}{
		"another bot": {link(one, other), id}, "another token": {link(two, o.bot), id}, "made up": {home, strings.Repeat("0", 32)}, "empty": {home, ""},
		"in capitals": {home, strings.ToUpper(id[:31]) + "A"}, "longer": {home, id + "00"}, "shorter": {home, id[:30]}, "changed": {home, id[:31] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", id[31])+1)%16])},
	} {
		_, err := o.ResumeTalk(t.Context(), c.link, c.id, "")
		if problems := access.Problems(err); len(problems) != 1 || problems[0].Code != "talk_unknown" {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A question belongs to its talk alone.
	asked, before, err := o.AskTalk(t.Context(), talk, "How long?")
	if err != nil || len(before) != 0 || asked.Question.Text != "How long?" {
		t.Fatal(asked, before, err)
	}
	talk, err = o.ResumeTalk(t.Context(), home, id, "")
	if err != nil || talk.Conversation != asked.Conversation.PublicID {
		t.Errorf("%s, %v", talk.Conversation, err)
	}
	if fresh, err := o.ResumeTalk(t.Context(), home, again, ""); err != nil || fresh.Conversation != "" {
		t.Errorf("another talk has %s, %v", fresh.Conversation, err)
	}
	_, _, err = o.AskTalk(t.Context(), talk, "And?")
	o.refused(err, "question_running")
	_, _, err = o.AskTalk(t.Context(), talk, " \n ")
	o.refused(err, "question_empty")
}
