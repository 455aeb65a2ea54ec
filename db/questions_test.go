package db

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/internal/access"
)

func TestConversationFromQuestionToQuestion(t *testing.T) {
	k := newDesk(t)
	mei := k.talker("mei", k.share("Help desk", nil))
	first := mei.ask("", "Where is my invoice?")
	if first.Conversation.Title != "Where is my invoice?" || first.Question.State != access.Pending || first.Question.Position != 1 {
		t.Fatalf("first question: %+v", first)
	}
	_, err := mei.store(NewQuestion{Conversation: first.Conversation.PublicID, Text: "Hurry up", Keeps: true})
	k.refused(err, "question_running")
	mei.end(first, "In your inbox.", access.Done)
	second := mei.ask(first.Conversation.PublicID, "And October's?")
	mei.end(second, "There too.", access.Done)
	want := "question done Where is my invoice?\nanswer done In your inbox.\nquestion done And October's?\nanswer done There too."
	if got := mei.thread(first.Conversation); got != want {
		t.Errorf("thread:\n%s\nwant:\n%s", got, want)
	}
	q, a, err := k.Question(t.Context(), mei.of, first.Conversation.PublicID, second.Question.ID)
	k.must(err)
	if q.Text != "And October's?" || a.Text != "There too." {
		t.Errorf("question %q, answer %q", q.Text, a.Text)
	}
	c, err := k.Conversation(t.Context(), mei.of, first.Conversation.PublicID)
	k.must(err)
	if c.Title != "Where is my invoice?" {
		t.Errorf("title %q", c.Title)
	}
}

// Many tabs send at once: exactly one question is under way.
func TestStoreQuestionOneAtATime(t *testing.T) {
	k := newDesk(t)
	mei := k.talker("mei", k.share("Help desk", nil))
	first := mei.ask("", "First")
	mei.end(first, "Yes.", access.Done)
	var stored, refused atomic.Int64
	var wait sync.WaitGroup
	for i := range 30 {
		wait.Go(func() {
			_, err := k.StoreQuestion(t.Context(), NewQuestion{
				Seat: mei.of, BotID: k.bot, Conversation: first.Conversation.PublicID, Text: fmt.Sprint("Question ", i), Keeps: true,
			})
			switch {
			case err == nil:
				stored.Add(1)
			case access.KindOf(err) == access.Conflict:
				refused.Add(1)
			}
		})
	}
	wait.Wait()
	if stored.Load() != 1 || refused.Load() != 29 {
		t.Errorf("%d stored, %d refused: want 1 and 29", stored.Load(), refused.Load())
	}
	var answering atomic.Int64
	running, err := k.RunningQuestion(t.Context(), first.Conversation)
	k.must(err)
	for range 20 {
		wait.Go(func() {
			if k.ClaimQuestion(t.Context(), running.ID, k.id()) == nil {
				answering.Add(1)
			}
		})
	}
	wait.Wait()
	if answering.Load() != 1 {
		t.Errorf("claimed %d times", answering.Load())
	}
}

// A form sent twice is one question, in a new conversation too, while it runs and
// after it has ended.
func TestStoreQuestionTwice(t *testing.T) {
	k := newDesk(t)
	s := k.share("Help desk", nil)
	mei, bo := k.talker("mei", s), k.talker("bo", s)
	n := NewQuestion{Text: "Where is my invoice?", Keeps: true, ClientKey: "form-1"}
	var all sync.Map
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			a, err := mei.store(n)
			if err != nil {
				t.Error(err)
				return
			}
			all.Store(a.Question.ID, a.Conversation.PublicID)
		})
	}
	wait.Wait()
	ids := 0
	all.Range(func(_, _ any) bool { ids++; return true })
	conversations, err := k.Conversations(t.Context(), mei.of, Page{Limit: 10})
	k.must(err)
	if ids != 1 || len(conversations) != 1 {
		t.Fatalf("%d questions in %d conversations: want one", ids, len(conversations))
	}
	again, err := mei.store(n)
	k.must(err)
	mei.end(again, "In your inbox.", access.Done)
	after, err := mei.store(n)
	k.must(err)
	if !after.Again || after.Question.State != access.Done {
		t.Errorf("after its end: %+v", after)
	}
	other, err := bo.store(n)
	k.must(err)
	if other.Again || other.Conversation.ID == after.Conversation.ID {
		t.Error("another customer's form was taken for this one")
	}
}

func TestRetryAndEditTakeThePlace(t *testing.T) {
	k := newDesk(t)
	mei := k.talker("mei", k.share("Help desk", nil))
	first := mei.ask("", "One")
	id := first.Conversation.PublicID
	mei.end(first, "Uno", access.Done)
	second := mei.ask(id, "Two")
	mei.end(second, "Dos", access.Failed)
	third := mei.ask(id, "Three")
	mei.end(third, "Tres", access.Done)

	retried, err := mei.store(NewQuestion{Conversation: id, Replaces: second.Question.ID, Keeps: true})
	k.must(err)
	if retried.Question.Text != "Two" || retried.Question.Position != second.Question.Position {
		t.Errorf("retried: %+v", retried.Question)
	}
	mei.end(retried, "Zwei", access.Done)
	if got, want := mei.thread(first.Conversation), "question done One\nanswer done Uno\nquestion done Two\nanswer done Zwei"; got != want {
		t.Errorf("after the retry:\n%s", got)
	}
	_, err = mei.store(NewQuestion{Conversation: id, Replaces: second.Question.ID, Keeps: true})
	k.refused(err, "not_found")
	edited, err := mei.store(NewQuestion{Conversation: id, Replaces: first.Question.ID, Text: "One and a half", Keeps: true})
	k.must(err)
	_, err = mei.store(NewQuestion{Conversation: id, Replaces: edited.Question.ID, Keeps: true})
	k.refused(err, "question_running")
	if got, want := mei.thread(first.Conversation), "question pending One and a half"; got != want {
		t.Errorf("a refused retry changed the thread:\n%s", got)
	}
	_, answer, err := k.Question(t.Context(), mei.of, id, second.Question.ID)
	k.must(err)
	if answer.Text != "Dos" {
		t.Errorf("the first try's answer is %q", answer.Text)
	}
}

func TestNothingKept(t *testing.T) {
	k := newDesk(t)
	mei := k.talker("mei", k.share("Help desk", nil))
	a, err := mei.store(NewQuestion{Text: "My card number is 4111", Keeps: false})
	k.must(err)
	if a.Question.Text != "My card number is 4111" {
		t.Errorf("the caller gets %q", a.Question.Text)
	}
	mei.end(a, "", access.Done)
	var texts int
	k.must(k.row(t.Context(), "SELECT COUNT(*) FROM messages WHERE text <> ''").Scan(&texts))
	c, err := k.Conversation(t.Context(), mei.of, a.Conversation.PublicID)
	k.must(err)
	if texts != 0 || c.Title != "" {
		t.Errorf("%d texts are stored, the title is %q", texts, c.Title)
	}
	_, err = mei.store(NewQuestion{Conversation: c.PublicID, Replaces: a.Question.ID})
	k.refused(err, "question_not_kept")
}

func TestRecoverQuestions(t *testing.T) {
	k := newDesk(t)
	s := k.share("Help desk", nil)
	mei, bo, done := k.talker("mei", s), k.talker("bo", s), k.talker("ana", s)
	pending, running, ended := mei.ask("", "Pending"), bo.ask("", "Running"), done.ask("", "Done")
	k.must(k.ClaimQuestion(t.Context(), running.Question.ID, k.id()))
	done.end(ended, "Yes", access.Done)
	n, err := k.RecoverQuestions(t.Context())
	k.must(err)
	if n != 2 {
		t.Errorf("%d recovered", n)
	}
	for text, got := range map[string]string{
		"question cut Pending\nanswer cut ": mei.thread(pending.Conversation), "question cut Running\nanswer cut ": bo.thread(running.Conversation),
		"question done Done\nanswer done Yes": done.thread(ended.Conversation),
	} {
		if got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	mei.ask(pending.Conversation.PublicID, "Again")
	if n, err = k.RecoverQuestions(t.Context()); n != 1 || err != nil {
		t.Errorf("second start: %d, %v", n, err)
	}
}
