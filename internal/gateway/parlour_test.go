package gateway_test

import (
	"testing"
	"time"

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
	late := time.After(time.Minute) // the provider's silence would end it after two
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

func (p *parlour) setRetention(days int64) error {
	keep := &days
	return p.DB.EditBot(p.t.Context(), p.Owner, p.Workspace.ID, p.guest.Bot.PublicID, db.BotChange{RetentionDays: &keep})
}
