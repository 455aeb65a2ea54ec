package gateway_test

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/upstream/faulty"
)

// Readers come and go, on two devices, with a lost connection between: each sees
// every word once, and the answer is charged once.
func TestLiveAnswerOutlivesItsReaders(t *testing.T) {
	allowance := int64(5)
	limit := &allowance
	p := newParlour(t, faulty.Stepped, control.ShareForm{Allowance: &limit})
	asked, a := p.ask("How do I retry?")
	first := a.Follow()
	call := p.Faulty.Call(0)
	call.Send("Send ")
	said := p.until(a, func(s gateway.Said) bool { return len(s.Text) > 0 })
	read := string(said.Text)
	first() // the connection is lost
	call.Send("it ")
	call.Send("again.")
	second, third := a.Follow(), a.Follow()
	defer second()
	defer third()
	p.until(a, func(s gateway.Said) bool { return strings.HasSuffix(string(s.Text), "again.") })
	said, _ = a.Said()
	read += string(said.Text[len(read):])
	if read != "Send it again." || said.Ended() {
		t.Errorf("read %q, %s", read, said.State)
	}
	if p.live.Ask(p.visit(asked)) != a {
		t.Error("the same question was answered anew")
	}
	call.End()
	if said = p.untilEnd(a); said.State != access.Done || string(said.Text) != read {
		t.Errorf("ended %s with %q", said.State, said.Text)
	}
	if got := p.answerOf(asked); got.Text != read || got.State != access.Done {
		t.Errorf("stored: %+v", got)
	}
	g, err := p.Control.VisitShare(t.Context(), p.guest.Actor, p.guest.OpenedLink)
	p.must(err)
	if g.Seat.Purse.Used != 1 || g.Seat.Purse.Reserved != 0 || p.Faulty.Started() != 1 {
		t.Errorf("used %d, reserved %d, %d calls", g.Seat.Purse.Used, g.Seat.Purse.Reserved, p.Faulty.Started())
	}
}

func TestLiveManyReadersSeeTheSame(t *testing.T) {
	p := newParlour(t, faulty.OneByte, control.ShareForm{})
	p.Faulty.Say(strings.Repeat("word ", 200) + "end")
	_, a := p.ask("Tell me")
	var wait sync.WaitGroup
	var mu sync.Mutex
	texts := map[string]int{}
	for range 25 {
		wait.Go(func() {
			defer a.Follow()()
			var own []byte
			for {
				said, more := a.Said()
				own = append(own, said.Text[len(own):]...)
				if said.Ended() {
					break
				}
				<-more
			}
			mu.Lock()
			defer mu.Unlock()
			texts[string(own)]++
		})
	}
	wait.Wait()
	if len(texts) != 1 {
		t.Errorf("%d different texts were read", len(texts))
	}
	for text := range texts {
		if !strings.HasSuffix(text, "end") {
			t.Errorf("read %q", text)
		}
	}
}

func TestLiveTellsARefusal(t *testing.T) {
	one := int64(1)
	limit := &one
	p := newParlour(t, faulty.Good, control.ShareForm{Allowance: &limit})
	_, a := p.ask("First")
	if said := p.untilEnd(a); said.State != access.Done {
		t.Fatalf("first: %s %s", said.State, said.Reason)
	}
	asked, a := p.ask("Second")
	said := p.untilEnd(a)
	if said.State != access.Failed || said.Reason != "allowance_used" {
		t.Errorf("second: %s %s", said.State, said.Reason)
	}
	if got := p.answerOf(asked); got.State != access.Failed || got.Reason != "allowance_used" {
		t.Errorf("stored: %+v", got)
	}
	if p.Faulty.Started() != 1 {
		t.Error("the provider was asked")
	}
}

func TestLiveWithAFaultyProvider(t *testing.T) {
	for fault, want := range map[faulty.Fault]gateway.Said{
		faulty.Reset:       {State: access.Cut, Reason: "provider_reset"},
		faulty.Cut:         {State: access.Cut, Reason: "provider_unfinished"},
		faulty.Status(500): {State: access.Failed, Reason: "provider_error"},
		faulty.HTML:        {State: access.Failed, Reason: "provider_html"},
		faulty.HangUp:      {State: access.Failed, Reason: "provider_no_answer"},
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			p := newParlour(t, fault, control.ShareForm{})
			asked, a := p.ask("Tell me")
			said := p.untilEnd(a)
			if said.State != want.State || !strings.HasPrefix(said.Reason, "provider_") {
				t.Errorf("ended %s %s", said.State, said.Reason)
			}
			if want.State == access.Cut && (len(said.Text) == 0 || said.Reason != want.Reason) {
				t.Errorf("ended %s with %q", said.Reason, said.Text)
			}
			if got := p.answerOf(asked); got.State != want.State || got.Text != string(said.Text) || got.Reason != said.Reason {
				t.Errorf("stored %+v, said %q %s", got, said.Text, said.Reason)
			}
		})
	}
}

// Where nothing is kept, the text is in memory alone: not one word reaches a file.
func TestLiveKeepsNothing(t *testing.T) {
	p := newParlour(t, faulty.Good, control.ShareForm{})
	none := int64(0)
	p.guest.Bot.RetentionDays = &none
	p.must(p.setRetention(0))
	p.Faulty.Say("Quetzalcoatl answers.")
	asked, a := p.ask("Who is Huitzilopochtli?")
	said := p.untilEnd(a)
	if string(said.Text) != "Quetzalcoatl answers." || said.State != access.Done {
		t.Errorf("ended %s with %q", said.State, said.Text)
	}
	if got := p.answerOf(asked); got.Text != "" || got.State != access.Done {
		t.Errorf("stored: %+v", got)
	}
	if again := p.live.Answer(asked.Question.ID); again != a {
		t.Error("who lost the connection cannot read the end")
	}
	for _, suffix := range []string{"", "-wal"} {
		file, err := os.ReadFile(p.Path + suffix)
		p.must(err)
		for _, word := range []string{"Quetzalcoatl", "Huitzilopochtli"} {
			if bytes.Contains(file, []byte(word)) {
				t.Errorf("%s is in the file%s", word, suffix)
			}
		}
	}
}
