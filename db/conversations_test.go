package db

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
)

// Foreign and missing are the same for every fact of a customer.
func TestConversationsAreOnesOwn(t *testing.T) {
	k := newDesk(t)
	s := k.share("Help desk", nil)
	mei, bo := k.talker("mei", s), k.talker("bo", s)
	own := mei.ask("", "Private")
	id := own.Conversation.PublicID
	other := k.share("Sales", nil)
	elsewhere, foreign := bo.of, mei.of
	elsewhere.CustomerID, elsewhere.ShareID = mei.of.CustomerID, other.ID
	foreign.WorkspaceID++
	for name, of := range map[string]access.Seat{"another customer": bo.of, "another link": elsewhere, "another workspace": foreign} {
		t.Run(name, func(t *testing.T) {
			for what, err := range map[string]error{
				"read": second(k.Conversation(t.Context(), of, id)), "rename": k.RenameConversation(t.Context(), of, id, "Mine"),
				"delete":   k.DeleteConversation(t.Context(), k.owner, of, id),
				"ask":      second(k.StoreQuestion(t.Context(), NewQuestion{Seat: of, BotID: k.bot, Conversation: id, Text: "x", Keeps: true})),
				"question": third(k.Question(t.Context(), of, id, own.Question.ID)),
			} {
				if access.KindOf(err) != access.NotFound {
					t.Errorf("%s: %v", what, err)
				}
			}
			if all, err := k.Conversations(t.Context(), of, Page{Limit: 10}); err != nil || len(all) != 0 {
				t.Errorf("listed: %v, %v", all, err)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func third[T any](_, _ T, err error) error { return err }

func TestConversationsListSearchRenameDelete(t *testing.T) {
	k := newDesk(t)
	mei := k.talker("mei", k.share("Help desk", nil))
	var ids []string
	for i, text := range []string{"Invoice of October", "怎样更改收货地址", "100% sure?", "Webhooks"} {
		k.wait(time.Minute)
		a := mei.ask("", text)
		mei.end(a, fmt.Sprintf("Answer number %d about 退款", i), access.Done)
		ids = append(ids, a.Conversation.PublicID)
	}
	titles := func(p Page) string {
		all, err := k.Conversations(t.Context(), mei.of, p)
		k.must(err)
		var names []string
		for _, c := range all {
			names = append(names, c.Title)
		}
		return strings.Join(names, " | ")
	}
	if got := titles(Page{Limit: 2}); got != "Webhooks | 100% sure?" {
		t.Errorf("newest first: %s", got)
	}
	page, err := k.Conversations(t.Context(), mei.of, Page{Limit: 2})
	k.must(err)
	if got := titles(Page{Limit: 2, Before: page[1].ID}); got != "怎样更改收货地址 | Invoice of October" {
		t.Errorf("second page: %s", got)
	}
	for query, want := range map[string]string{"100%": "100% sure?", "收货": "怎样更改收货地址", "number 0": "Invoice of October", "nothing": ""} {
		if got := titles(Page{Limit: 9, Query: query}); got != want {
			t.Errorf("search %q: %s", query, got)
		}
	}
	k.wait(time.Hour)
	k.must(k.RenameConversation(t.Context(), mei.of, ids[0], "October"))
	if got := titles(Page{Limit: 1, Query: "October"}); got != "October" {
		t.Errorf("renamed: %s", got)
	}
	running := mei.ask(ids[3], "More")
	k.refused(k.DeleteConversation(t.Context(), k.owner, mei.of, ids[3]), "question_running")
	mei.end(running, "More", access.Stopped)
	k.must(k.DeleteConversation(t.Context(), k.owner, mei.of, ids[3]))
	if got := titles(Page{Limit: 9}); strings.Contains(got, "Webhooks") {
		t.Errorf("after deleting: %s", got)
	}
	var left int
	k.must(k.row(t.Context(), "SELECT COUNT(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.public_id = $1 AND m.text <> ''", ids[3]).Scan(&left))
	if left != 0 || k.lastAudit().Action != "conversation.delete" {
		t.Errorf("%d texts are left, last audit row %s", left, k.lastAudit().Action)
	}
}

func TestThreadPages(t *testing.T) {
	k := newDesk(t)
	mei := k.talker("mei", k.share("Help desk", nil))
	a := mei.ask("", "Start")
	k.must(k.change(t.Context(), func(x *Tx) error {
		for i := range ThreadMax + 5 {
			if _, err := x.exec(`INSERT INTO messages (conversation_id, workspace_id, position, role, text, state, created_at)
				VALUES ($1, $2, $3, 'answer', $4, 'done', $5)`, a.Conversation.ID, k.workspace, i+2, fmt.Sprint(i), x.now()); err != nil {
				return err
			}
		}
		return nil
	}))
	last, more, err := k.Thread(t.Context(), a.Conversation, 0)
	k.must(err)
	if len(last) != ThreadMax || !more || last[len(last)-1].Text != fmt.Sprint(ThreadMax+4) {
		t.Fatalf("%d messages, more %v, the last %q", len(last), more, last[len(last)-1].Text)
	}
	rest, more, err := k.Thread(t.Context(), a.Conversation, last[0].Position)
	k.must(err)
	if len(rest) != 6 || more || rest[0].Text != "Start" {
		t.Errorf("before that: %d messages, more %v", len(rest), more)
	}
}

func TestOwnerReadsConversations(t *testing.T) {
	k := newDesk(t)
	s := k.share("Help desk", nil)
	mei := k.talker("mei", s)
	a := mei.ask("", "Where is my invoice?")
	m, err := k.FindCustomer(t.Context(), mei.of.CustomerID)
	k.must(err)
	all, err := k.CustomerConversations(t.Context(), k.owner, k.workspace, m, Page{Limit: 10})
	k.must(err)
	if len(all) != 1 || all[0].ShareName != "Help desk" || all[0].BotName != "Support Bot" || all[0].Questions != 1 || !all[0].Keeps {
		t.Errorf("listed %+v", all)
	}
	if k.lastAudit().Action != "conversation.list" {
		t.Error("the list was not told")
	}
	one, err := k.ReadConversation(t.Context(), k.owner, k.workspace, a.Conversation.PublicID)
	k.must(err)
	if one.CustomerName != "mei" || k.lastAudit().Action != "conversation.read" {
		t.Errorf("read %+v, told %s", one, k.lastAudit().Action)
	}
	_, err = k.ReadConversation(t.Context(), k.owner, k.workspace+1, a.Conversation.PublicID)
	k.refused(err, "not_found")
	_, err = k.DeleteCustomer(t.Context(), k.owner, k.workspace, m.PublicID)
	k.must(err)
	if one, err = k.ReadConversation(t.Context(), k.owner, k.workspace, a.Conversation.PublicID); err != nil || !one.CustomerDeleted {
		t.Errorf("of a deleted customer: %+v, %v", one, err)
	}
}

// A bot's list has everybody, visitors without a name too, and nothing of another
// workspace or bot.
func TestOwnerListsABotsConversations(t *testing.T) {
	k := newDesk(t)
	mei := k.talker("mei", k.share("Help desk", nil))
	a := mei.ask("", "Where is my invoice?")
	mei.end(a, "Here.", access.Done)
	k.wait(time.Second)
	token := k.token(access.Bot{ID: k.bot})
	visitor := access.Seat{WorkspaceID: k.workspace, TokenID: token.ID, VisitorHash: bytes.Repeat([]byte{7}, 32)}
	b, err := k.StoreQuestion(t.Context(), NewQuestion{Seat: visitor, BotID: k.bot, NewID: k.id(), Title: "Parcel", Text: "Where is my parcel?", Keeps: true})
	k.must(err)
	mei.end(b, "On its way.", access.Done)
	note := "It is not."
	k.must(k.RateAnswer(t.Context(), visitor, b.Conversation.PublicID, b.Question.ID, -1, &note))
	k.must(k.RateAnswer(t.Context(), mei.of, a.Conversation.PublicID, a.Question.ID, 1, nil))
	bot := access.Bot{ID: k.bot, PublicID: "bot", Name: "Support Bot"}
	titles := func(workspace int64, bot access.Bot, which Talks, p Page) string {
		all, err := k.BotConversations(t.Context(), k.owner, workspace, bot, which, p)
		k.must(err)
		var said []string
		for _, one := range all {
			said = append(said, fmt.Sprint(one.Title, " ", one.CustomerName, " ", one.Good, one.Bad, one.VisitorHash != nil))
		}
		return strings.Join(said, "; ")
	}
	ten := Page{Limit: 10}
	for name, c := range map[string]struct{ got, want string }{
		"all":               {titles(k.workspace, bot, "", ten), "Parcel  0 1 true; Where is my invoice? mei 1 0 false"},
		"visitors":          {titles(k.workspace, bot, TalksOfVisitors, ten), "Parcel  0 1 true"},
		"rated bad":         {titles(k.workspace, bot, TalksRatedBad, ten), "Parcel  0 1 true"},
		"the second page":   {titles(k.workspace, bot, "", Page{Limit: 10, Before: b.Conversation.ID}), "Where is my invoice? mei 1 0 false"},
		"another workspace": {titles(k.workspace+1, bot, "", ten), ""},
		"another bot":       {titles(k.workspace, access.Bot{ID: k.bot + 1}, "", ten), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
	if k.lastAudit().Action != "conversation.list" {
		t.Error("the list was not told")
	}
}

func TestDropOldTexts(t *testing.T) {
	k := newDesk(t)
	mei := k.talker("mei", k.share("Help desk", nil))
	old := mei.ask("", "Old")
	mei.end(old, "Yes", access.Done)
	k.wait(31 * 24 * time.Hour)
	fresh := mei.ask("", "Fresh")
	if n, err := k.DropOldTexts(t.Context(), 100); n != 0 || err != nil {
		t.Fatalf("a bot that keeps for ever: %d, %v", n, err)
	}
	k.must(k.change(t.Context(), func(x *Tx) error {
		_, err := x.exec("UPDATE bots SET retention_days = 30 WHERE id = $1", k.bot)
		return err
	}))
	if n, err := k.DropOldTexts(t.Context(), 100); n != 1 || err != nil {
		t.Fatalf("dropped %d, %v", n, err)
	}
	if got := mei.thread(old.Conversation); strings.Contains(got, "Old") || strings.Contains(got, "Yes") {
		t.Errorf("still there: %s", got)
	}
	if got := mei.thread(fresh.Conversation); got != "question pending Fresh" {
		t.Errorf("the fresh one: %s", got)
	}
	// A bot that keeps nothing any more: the rows stay, empty.
	mei.end(fresh, "Here", access.Done)
	k.must(k.change(t.Context(), func(x *Tx) error {
		_, err := x.exec("UPDATE bots SET retention_days = 0 WHERE id = $1", k.bot)
		return err
	}))
	for want := range 2 {
		if n, err := k.DropOldTexts(t.Context(), 100); n != 1-want || err != nil {
			t.Fatalf("of a bot that keeps nothing: %d, %v", n, err)
		}
	}
	if got := mei.thread(fresh.Conversation); got != "question done \nanswer done " {
		t.Errorf("of a bot that keeps nothing: %q", got)
	}
	if all, err := k.Conversations(t.Context(), mei.of, Page{Limit: 9}); err != nil || len(all) != 1 || all[0].Title != "" {
		t.Errorf("listed %+v, %v", all, err)
	}
}
