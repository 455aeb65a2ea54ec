package gateway_test

import (
	"encoding/json"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// inquiry is a question of the parlour's guest.
func (p *parlour) inquiry(stream string) gateway.Inquiry {
	p.t.Helper()
	o, err := strict.Parse([]byte(`{"messages":[{"role":"user","content":"hello"}],"stream":` + stream + `}`))
	p.must(err)
	by := p.guest.Actor
	by.Door = access.DoorBotShare
	return gateway.Inquiry{By: by, ShareID: p.guest.Share.ID, Address: testbed.Loopback, Body: o}
}

// A customer who asks through a program draws on the same purses as on the page,
// and no conversation is stored.
func TestInquiryOfACustomer(t *testing.T) {
	limit := new(int64(1))
	p := newParlour(t, faulty.Good, control.ShareForm{Allowance: &limit})
	a, err := p.Gateway.AskAs(t.Context(), p.inquiry("false"))
	p.must(err)
	var whole struct {
		Choices []struct{ Message struct{ Content string } }
	}
	p.must(json.Unmarshal(a.Body, &whole))
	if len(whole.Choices) != 1 || whole.Choices[0].Message.Content == "" || a.Units == 0 {
		t.Fatalf("%s %d", a.Body, a.Units)
	}
	seats, err := p.Control.ShareSeats(t.Context(), p.Owner, p.share.Row.PublicID)
	p.must(err)
	link, err := p.Control.Share(t.Context(), p.Owner, p.share.Row.PublicID)
	p.must(err)
	if seats[0].Purse.Used != 1 || link.Purse.Used != a.Units {
		t.Errorf("the seat paid %d, the link %d of %d", seats[0].Purse.Used, link.Purse.Used, a.Units)
	}
	_, err = p.Gateway.AskAs(t.Context(), p.inquiry("true"))
	if access.KindOf(err) != access.Spent {
		t.Errorf("a second question: %v", err)
	}
	talks, err := p.DB.Conversations(t.Context(), p.guest.Seat.Seat, db.Page{Limit: 10})
	p.must(err)
	if len(talks) != 0 {
		t.Errorf("stored: %+v", talks)
	}
}

// Whoever may not ask is refused before anything is asked.
func TestInquiryRefused(t *testing.T) {
	p := newParlour(t, faulty.Good, control.ShareForm{})
	user := func(by access.Actor, bot string) gateway.Inquiry {
		q := p.inquiry("false")
		q.By, q.ShareID, q.Bot = by, 0, bot
		return q
	}
	viewer, elsewhere := p.Owner, p.Owner
	viewer.Role, elsewhere.WorkspaceID = access.Viewer, 4711
	unseated := p.inquiry("false")
	m := p.guest.Actor
	m.ID = 4711
	unseated.By = m
	for name, c := range map[string]struct {
		q    gateway.Inquiry
		kind access.Kind
	}{
		"a viewer":         {user(viewer, p.Bot.PublicID), access.Forbidden},
		"nobody":           {user(access.Actor{}, p.Bot.PublicID), access.SignedOut},
		"an unknown bot":   {user(p.Owner, "nothing"), access.NotFound},
		"no workspace":     {user(elsewhere, p.Bot.PublicID), access.NotFound},
		"unknown customer": {unseated, access.NotFound},
	} {
		if _, err := p.Gateway.AskAs(t.Context(), c.q); access.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
	}
	p.must(p.Control.RevokeShare(t.Context(), p.Owner, p.share.Row.PublicID))
	if _, err := p.Gateway.AskAs(t.Context(), p.inquiry("false")); access.KindOf(err) != access.Revoked {
		t.Errorf("on a revoked link: %v", err)
	}
	if n := p.Faulty.Started(); n != 0 {
		t.Errorf("%d calls reached the provider", n)
	}
	if a, err := p.Gateway.AskAs(t.Context(), user(p.Owner, p.Bot.PublicID)); err != nil || a.Text == "" {
		t.Errorf("the owner: %v", err)
	}
}
