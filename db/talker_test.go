package db

import (
	"fmt"
	"strings"

	"latchkey/internal/access"
)

// talker is a customer on a link.
type talker struct {
	*desk
	of access.Seat
}

func (k *desk) talker(name string, s access.Share) talker {
	k.t.Helper()
	m := k.customer(name)
	k.open(s, m)
	return talker{k, access.Seat{WorkspaceID: k.workspace, ShareID: s.ID, CustomerID: m.ID}}
}

func (p talker) store(n NewQuestion) (Asked, error) {
	p.t.Helper()
	n.Seat, n.BotID, n.NewID = p.of, p.bot, p.id()
	if n.Title == "" {
		n.Title = n.Text
	}
	return p.StoreQuestion(p.t.Context(), n)
}

func (p talker) ask(conversation, text string) Asked {
	p.t.Helper()
	a, err := p.store(NewQuestion{Conversation: conversation, Text: text, Keeps: true})
	p.must(err)
	return a
}

func (p talker) end(a Asked, text string, state access.MessageState) {
	p.t.Helper()
	p.must(p.ClaimQuestion(p.t.Context(), a.Question.ID, p.id()))
	p.must(p.EndQuestion(p.t.Context(), QuestionEnd{QuestionID: a.Question.ID, Text: text, State: state}))
}

func (p talker) thread(c access.Conversation) string {
	p.t.Helper()
	all, _, err := p.Thread(p.t.Context(), c, 0)
	p.must(err)
	var lines []string
	for _, m := range all {
		lines = append(lines, fmt.Sprintf("%s %s %s", m.Role, m.State, m.Text))
	}
	return strings.Join(lines, "\n")
}
