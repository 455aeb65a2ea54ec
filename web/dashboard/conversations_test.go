package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
)

// said makes a customer with one conversation that has an answer.
func (s *site) said(question, text string) (customer db.CustomerRow, conversation string) {
	s.t.Helper()
	name, link := "mei.tanaka", "Help desk"
	made, err := s.Control.CreateCustomer(s.t.Context(), s.Owner, control.CustomerForm{Username: &name})
	s.must(err)
	share, err := s.Control.CreateShare(s.t.Context(), s.Owner, control.ShareForm{Name: &link, Bot: &s.Bot.PublicID})
	s.must(err)
	opened, err := s.Control.ShareOf(s.t.Context(), share.Secret)
	s.must(err)
	guest, err := s.Control.EnterShare(s.t.Context(), access.Actor{
		Kind: access.ActorCustomer, ID: made.Row.ID, PublicID: made.Row.PublicID, WorkspaceID: s.Workspace.ID, Door: access.DoorChat,
	}, opened)
	s.must(err)
	asked, err := s.Control.AskQuestion(s.t.Context(), guest, control.QuestionForm{Question: question})
	s.must(err)
	s.must(s.DB.ClaimQuestion(s.t.Context(), asked.Question.ID, secret.NewPublicID(s.Control.Random)))
	s.must(s.DB.EndQuestion(s.t.Context(), db.QuestionEnd{QuestionID: asked.Question.ID, Text: text, State: access.Cut, Reason: "provider_reset"}))
	return made.Row, asked.Conversation.PublicID
}

func TestOwnerReadsATranscript(t *testing.T) {
	s := newSite(t)
	customer, id := s.said("How do I <retry>?", "Send it **again**.<script>alert(1)</script>")
	owner := s.reader(access.Owner)
	page := owner.get("/conversations/" + id)
	if page.status != http.StatusOK {
		t.Fatalf("status %d\n%s", page.status, page.body)
	}
	for _, want := range []string{
		"How do I &lt;retry&gt;?", "<strong>again</strong>", "&lt;script&gt;", "mei.tanaka with Support Bot", "It broke off here (provider_reset)",
		"is in the audit log", "/requests/", "/customers/" + customer.PublicID,
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("%q is missing in\n%s", want, page.body)
		}
	}
	for _, wrong := range []string{"<script>alert", `name="question"`, "data-ask", "?edit="} {
		if strings.Contains(page.body, wrong) {
			t.Errorf("%q is on a page to read", wrong)
		}
	}
	list := owner.get("/customers/" + customer.PublicID + "/conversations")
	if list.status != http.StatusOK || !strings.Contains(list.body, "/conversations/"+id) || !strings.Contains(list.body, "Help desk") {
		t.Errorf("the list: %d\n%s", list.status, list.body)
	}
	rows, err := s.DB.Audit(t.Context(), s.Workspace.ID, 0, 2)
	s.must(err)
	if rows[0].Action != "conversation.list" || rows[1].Action != "conversation.read" {
		t.Errorf("told %s and %s", rows[0].Action, rows[1].Action)
	}
	owner.lang = "zh"
	if page := owner.get("/conversations/" + id); !strings.Contains(page.body, "您的查看已记入审计日志") {
		t.Errorf("in Chinese:\n%s", page.body)
	}
}

// visited makes a visitor without a name who asks in another site's page, and rates
// the answer.
func (s *site) visited(question, answer, note string) (conversation string) {
	s.t.Helper()
	token := s.Token(s.t, control.TokenForm{Bot: &s.Bot.PublicID})
	opened, err := s.Control.EmbedOf(s.t.Context(), token.Beta, "")
	s.must(err)
	guest, err := s.Control.VisitEmbed(s.t.Context(), opened, control.Visitor{Value: s.Control.NewVisitor()})
	s.must(err)
	asked, err := s.Control.AskQuestion(s.t.Context(), guest, control.QuestionForm{Question: question})
	s.must(err)
	s.must(s.DB.ClaimQuestion(s.t.Context(), asked.Question.ID, secret.NewPublicID(s.Control.Random)))
	s.must(s.DB.EndQuestion(s.t.Context(), db.QuestionEnd{QuestionID: asked.Question.ID, Text: answer, State: access.Done}))
	s.must(s.Control.RateAnswer(s.t.Context(), guest, asked.Conversation.PublicID, asked.Question.ID, -1, &note))
	return asked.Conversation.PublicID
}

// Visitors without a name have a place too: the bot's own list, with what they
// thought of the answers.
func TestOwnerReadsVisitors(t *testing.T) {
	s := newSite(t)
	_, known := s.said("Where is my invoice?", "Here.")
	id := s.visited("Where is my parcel?", "On its way.", "It <never> came.")
	owner := s.reader(access.Owner)
	path := "/bots/" + s.Bot.PublicID + "/conversations"
	page := owner.get(path)
	page.want(t, 200, "/conversations/"+id, "/conversations/"+known, "Visitor ", "mei.tanaka", "1 bad", "In another site’s page · Data pipeline", "is in the audit log")
	owner.get(path+"?show=visitors").want(t, 200, "/conversations/"+id, "!/conversations/"+known)
	owner.get(path+"?show=bad").want(t, 200, "/conversations/"+id, "!/conversations/"+known)
	owner.get(path+"?show=nothing").want(t, 200, "/conversations/"+id, "/conversations/"+known)
	owner.get("/bots/"+s.Bot.PublicID).want(t, 200, path)
	owner.get("/conversations/"+id).want(t, 200, "Where is my parcel?", "On its way.", "Bad, says the customer", "It &lt;never&gt; came.", "Visitor ", path)
	owner.lang = "zh"
	owner.get(path).want(t, 200, "访客 ", "1 个差评", "未具名访客")
	for _, role := range []access.Role{access.Editor, access.Viewer} {
		s.reader(role).get(path).want(t, 403, "!parcel")
		s.reader(role).get("/bots/"+s.Bot.PublicID).want(t, 200, "!"+path)
	}
}

func TestOnlyOwnersReadConversations(t *testing.T) {
	s := newSite(t)
	customer, id := s.said("A private matter", "Yes.")
	for _, role := range []access.Role{access.Editor, access.Viewer} {
		for _, path := range []string{"/conversations/" + id, "/customers/" + customer.PublicID + "/conversations"} {
			page := s.reader(role).get(path)
			if page.status != http.StatusForbidden || strings.Contains(page.body, "private matter") {
				t.Errorf("%s reads %s: %d", role, path, page.status)
			}
		}
	}
	if page := s.reader(access.Owner).get("/conversations/00000000000000000000000000000000"); page.status != http.StatusNotFound {
		t.Errorf("an unknown conversation: %d", page.status)
	}
}
