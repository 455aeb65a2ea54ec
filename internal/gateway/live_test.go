package gateway_test

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// parlour is a house with a share link, a customer on it, and answers that come
// word by word.
type parlour struct {
	*testbed.House
	t     *testing.T
	live  *gateway.Live
	guest control.Guest
	share control.IssuedShare
}

func newParlour(t *testing.T, model faulty.Fault, f control.ShareForm) *parlour {
	t.Helper()
	h := testbed.New(t)
	p := &parlour{House: h, t: t, live: gateway.NewLive(h.Gateway)}
	t.Cleanup(p.live.Close)
	provider := h.AddProvider(t, string(model), h.Faulty.URL+"/v1", string(model))
	bot, err := h.DB.MakeBot(t.Context(), h.Owner, access.Bot{
		PublicID: secret.NewPublicID(h.Control.Random), WorkspaceID: h.Workspace.ID, Slug: "talker", Name: "Talker", Kind: access.DialogBot,
		ProviderID: provider.ID, Model: string(model), Params: "{}", Settings: "{}", Enabled: true,
	})
	p.must(err)
	name, mei, password := "Help desk", "mei.tanaka", "mei likes green tea"
	f.Name, f.Bot = &name, &bot.PublicID
	p.share, err = h.Control.CreateShare(t.Context(), h.Owner, f)
	p.must(err)
	m, err := h.Control.CreateCustomer(t.Context(), h.Owner, control.CustomerForm{Username: &mei, Password: &password})
	p.must(err)
	link, err := h.Control.ShareOf(t.Context(), p.share.Secret)
	p.must(err)
	p.guest, err = h.Control.EnterShare(t.Context(), access.Actor{
		Kind: access.ActorCustomer, ID: m.Row.ID, PublicID: m.Row.PublicID, WorkspaceID: h.Workspace.ID, Door: access.DoorChat,
	}, link)
	p.must(err)
	return p
}

func (p *parlour) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// ask stores a question and begins to answer it.
func (p *parlour) ask(text string) (db.Asked, *gateway.LiveAnswer) {
	p.t.Helper()
	asked, err := p.Control.AskQuestion(p.t.Context(), p.guest, control.QuestionForm{Question: text})
	p.must(err)
	return asked, p.live.Ask(p.visit(asked))
}

func (p *parlour) visit(asked db.Asked) gateway.Visit {
	return gateway.Visit{
		ShareID: p.guest.Share.ID, CustomerID: p.guest.Customer.ID, QuestionID: asked.Question.ID,
		Turns: gateway.TurnsOf(nil, asked.Question.Text), Address: testbed.Loopback,
	}
}

// until waits for something to be said.
func (p *parlour) until(a *gateway.LiveAnswer, ok func(gateway.Said) bool) gateway.Said {
	p.t.Helper()
	late := time.After(10 * time.Second)
	for {
		said, more := a.Said()
		if ok(said) {
			return said
		}
		select {
		case <-more:
		case <-late:
			p.t.Fatalf("it never came: %q, %s %s", said.Text, said.State, said.Reason)
		}
	}
}

func (p *parlour) untilEnd(a *gateway.LiveAnswer) gateway.Said {
	p.t.Helper()
	return p.until(a, gateway.Said.Ended)
}

func (p *parlour) answerOf(asked db.Asked) access.Message {
	p.t.Helper()
	_, answer, err := p.Control.Question(p.t.Context(), p.guest, asked.Conversation.PublicID, asked.Question.ID)
	p.must(err)
	return answer
}

func (p *parlour) requests() []db.RequestRow {
	p.t.Helper()
	p.Gateway.Flush()
	rows, err := p.DB.Requests(p.t.Context(), p.Workspace.ID, db.RequestPage{Limit: 10})
	p.must(err)
	return rows
}

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

func TestLiveStop(t *testing.T) {
	p := newParlour(t, faulty.Stepped, control.ShareForm{})
	asked, a := p.ask("Tell me everything")
	call := p.Faulty.Call(0)
	call.Send("Well, ")
	p.until(a, func(s gateway.Said) bool { return len(s.Text) > 0 })
	if !p.live.Stop(asked.Question.ID) {
		t.Error("nothing was stopped")
	}
	call.WaitGone()
	said := p.untilEnd(a)
	if said.State != access.Stopped || said.Reason != "stopped" {
		t.Errorf("ended %s %s", said.State, said.Reason)
	}
	if got := p.answerOf(asked); got.State != access.Stopped || got.Text != "Well, " {
		t.Errorf("stored: %+v", got)
	}
	if r := p.requests(); len(r) != 1 || r[0].Outcome != access.Partial || r[0].Rule != "stopped" || r[0].Units == 0 {
		t.Errorf("logged: %+v", r)
	}
	if p.live.Stop(asked.Question.ID) || p.live.Stop(12345) {
		t.Error("what has ended, or never was, was stopped again")
	}
	// The next question goes ahead.
	if _, again := p.ask("And now?"); again == a {
		t.Error("the old answer was given to a new question")
	}
}

func TestLiveStopBeforeTheFirstWord(t *testing.T) {
	p := newParlour(t, faulty.SlowFirst, control.ShareForm{})
	asked, a := p.ask("Tell me")
	call := p.Faulty.Call(0)
	p.live.Stop(asked.Question.ID)
	call.WaitGone()
	if said := p.untilEnd(a); said.State != access.Stopped {
		t.Errorf("ended %s %s", said.State, said.Reason)
	}
	if got := p.answerOf(asked); got.State != access.Stopped || got.Text != "" {
		t.Errorf("stored: %+v", got)
	}
	if r := p.requests(); len(r) != 1 || r[0].Units != 0 || r[0].Rule != "stopped" {
		t.Errorf("logged: %+v", r)
	}
}

// With nobody reading for a minute the provider is stopped; somebody who reads, or
// looks in now and then, keeps it going.
func TestLiveIsCutWithoutReaders(t *testing.T) {
	p := newParlour(t, faulty.Stepped, control.ShareForm{})
	asked, a := p.ask("Tell me")
	call := p.Faulty.Call(0)
	call.Send("Well, ")
	p.until(a, func(s gateway.Said) bool { return len(s.Text) > 0 })
	leave := a.Follow()
	p.Wait(gateway.Readerless + time.Second)
	call.Send("as ")
	p.until(a, func(s gateway.Said) bool { return strings.HasSuffix(string(s.Text), "as ") })
	leave()
	p.Wait(gateway.Readerless / 2)
	a.Look()
	p.Wait(gateway.Readerless / 2)
	call.Send("I ")
	p.until(a, func(s gateway.Said) bool { return strings.HasSuffix(string(s.Text), "I ") })
	p.Wait(gateway.Readerless)
	call.WaitGone()
	if said := p.untilEnd(a); said.State != access.Cut || said.Reason != "caller_left" {
		t.Errorf("ended %s %s", said.State, said.Reason)
	}
	if got := p.answerOf(asked); got.State != access.Cut || got.Text != "Well, as I " {
		t.Errorf("stored: %+v", got)
	}
	p.Wait(gateway.Readerless)
	testbed.Eventually(t, 5*time.Second, "the ended answer is forgotten", func() bool { return p.live.Answer(asked.Question.ID) == nil })
}

// Whoever is shut out loses the running answer within a second, and is told why.
func TestLiveEndsWithTheAccess(t *testing.T) {
	for reason, do := range map[string]func(*parlour) error{
		"share_revoked": func(p *parlour) error { return p.Control.RevokeShare(t.Context(), p.Owner, p.share.Row.PublicID) },
		"share_paused":  func(p *parlour) error { return p.Control.PauseShare(t.Context(), p.Owner, p.share.Row.PublicID) },
		"share_unknown": func(p *parlour) error { return p.Control.DeleteShare(t.Context(), p.Owner, p.share.Row.PublicID) },
		"share_expired": func(p *parlour) error {
			soon := p.Now().Add(time.Millisecond)
			_, err := p.Control.EditShare(t.Context(), p.Owner, p.share.Row.PublicID, control.ShareForm{ExpiresAt: &soon})
			return err
		},
		"customer_disabled": func(p *parlour) error {
			return p.Control.DisableCustomer(t.Context(), p.Owner, p.guest.Customer.PublicID)
		},
		"signed_out": func(p *parlour) error {
			return p.Control.DeleteCustomer(t.Context(), p.Owner, p.guest.Customer.PublicID)
		},
		"share_not_for_you": func(p *parlour) error {
			nobody := &[]string{}
			_, err := p.Control.EditShare(t.Context(), p.Owner, p.share.Row.PublicID, control.ShareForm{Customers: &nobody})
			return err
		},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			p := newParlour(t, faulty.Stepped, control.ShareForm{})
			_, a := p.ask("Tell me")
			defer a.Follow()()
			p.Faulty.Call(0).Send("Well, ")
			p.until(a, func(s gateway.Said) bool { return len(s.Text) > 0 })
			p.must(do(p))
			began := time.Now()
			said := p.untilEnd(a)
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %s", took)
			}
			if said.State != access.Cut || said.Reason != reason || string(said.Text) != "Well, " {
				t.Errorf("ended %s %s with %q", said.State, said.Reason, said.Text)
			}
			p.Faulty.Call(0).WaitGone()
		})
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

// A panic ends one answer and no more.
func TestLiveSurvivesAPanic(t *testing.T) {
	p := newParlour(t, faulty.Good, control.ShareForm{})
	broken := gateway.New(gateway.Parts{DB: p.DB, Upstream: nil, Keys: p.Keys, Now: p.Now, Random: p.Control.Random, Log: p.Log})
	defer broken.Close()
	live := gateway.NewLive(broken)
	defer live.Close()
	asked, err := p.Control.AskQuestion(t.Context(), p.guest, control.QuestionForm{Question: "Tell me"})
	p.must(err)
	if said := p.untilEnd(live.Ask(p.visit(asked))); said.State != access.Failed || said.Reason != "fault" {
		t.Errorf("ended %s %s", said.State, said.Reason)
	}
	if _, err := p.Control.RunningQuestion(t.Context(), p.guest, asked.Conversation.PublicID); access.KindOf(err) != access.NotFound {
		t.Errorf("the question still runs: %v", err)
	}
	if _, a := p.ask("And now?"); p.untilEnd(a).State != access.Done {
		t.Error("the next question is not answered")
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

func (p *parlour) setRetention(days int64) error {
	keep := &days
	return p.DB.EditBot(p.t.Context(), p.Owner, p.Workspace.ID, p.guest.Bot.PublicID, db.BotChange{RetentionDays: &keep})
}

func TestLiveCloseSettles(t *testing.T) {
	p := newParlour(t, faulty.Stepped, control.ShareForm{})
	asked, a := p.ask("Tell me")
	p.Faulty.Call(0).Send("Well, ")
	p.until(a, func(s gateway.Said) bool { return len(s.Text) > 0 })
	p.live.Close()
	if said, _ := a.Said(); said.State != access.Cut || said.Reason != "draining" {
		t.Errorf("ended %s %s", said.State, said.Reason)
	}
	if got := p.answerOf(asked); got.State != access.Cut || got.Text != "Well, " {
		t.Errorf("stored: %+v", got)
	}
	if n := p.Gateway.Running(); n != 0 {
		t.Errorf("%d answers still run", n)
	}
}

func TestTurnsOf(t *testing.T) {
	said := func(pairs ...string) []access.Message {
		var all []access.Message
		for i, text := range pairs {
			role := access.RoleQuestion
			if i%2 == 1 {
				role = access.RoleAnswer
			}
			all = append(all, access.Message{Role: role, Text: text})
		}
		return all
	}
	text := func(turns []gateway.Turn) []string {
		var all []string
		for _, x := range turns {
			all = append(all, x.Role+": "+x.Text)
		}
		return all
	}
	for name, c := range map[string]struct {
		before []access.Message
		want   []string
	}{
		"alone":        {nil, []string{"user: now"}},
		"in order":     {said("a", "b", "c", "d"), []string{"user: a", "assistant: b", "user: c", "assistant: d", "user: now"}},
		"what failed":  {said("a", "b", "c", ""), []string{"user: a", "assistant: b", "user: now"}},
		"not kept":     {said("", "", "c", "d"), []string{"user: c", "assistant: d", "user: now"}},
		"cut in two":   {said("a", "b", "c", "d")[1:], []string{"user: c", "assistant: d", "user: now"}},
		"too long":     {said("a", strings.Repeat("b", 96<<10), "c", "d"), []string{"user: c", "assistant: d", "user: now"}},
		"no answer":    {said("a"), []string{"user: now"}},
		"two in a row": {append(said("a"), said("c", "d")...), []string{"user: c", "assistant: d", "user: now"}},
	} {
		if diff := cmp.Diff(c.want, text(gateway.TurnsOf(c.before, "now"))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if n := len(gateway.TurnsOf(said(strings.Split(strings.Repeat("x,", 99), ",")...), "now")); n != 41 {
		t.Errorf("%d turns of a long conversation", n)
	}
}
