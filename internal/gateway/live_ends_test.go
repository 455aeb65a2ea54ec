package gateway_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

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
	testbed.Eventually(t, "the ended answer is forgotten", func() bool { return p.live.Answer(asked.Question.ID) == nil })
}

// Whoever is shut out loses the running answer at once, in silence too, and is told
// why.
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
			said := p.untilEnd(a)
			if said.State != access.Cut || said.Reason != reason || string(said.Text) != "Well, " {
				t.Errorf("ended %s %s with %q", said.State, said.Reason, said.Text)
			}
			p.Faulty.Call(0).WaitGone()
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
