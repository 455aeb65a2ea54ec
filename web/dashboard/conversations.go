package dashboard

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/markdown"
	"latchkey/views"
	"latchkey/web/page"
)

func conversationHref(id string) string { return "/conversations/" + id }

// Conversations lists what a customer said on all links. The reading is logged.
func (d *Dashboard) Conversations(c *fiber.Ctx) error {
	row, err := d.customer(c)
	if err != nil {
		return err
	}
	p := listing{path: customerHref(row.PublicID) + "/conversations", name: "conversations", page: db.Page{Limit: rowsPerPage + 1}}
	if err := d.readCursor(c, &p); err != nil {
		return err
	}
	p.page.Oldest, p.cursor = false, "" // this list goes by the last change, and only onwards
	talks, err := d.Control.CustomerConversations(c.UserContext(), d.actor(c), row.PublicID, p.page)
	if err != nil {
		return err
	}
	talks, more := cutPage(talks, p)
	return page.Show(c, views.ConversationsPage(d.conversationsView(c, row, p, talks, more)))
}

func (d *Dashboard) conversationsView(c *fiber.Ctx, row db.CustomerRow, p listing, talks []db.CustomerTalk, more bool) views.ConversationsView {
	w := d.words(c)
	title := w.T("conversations.of", row.Username)
	v := views.ConversationsView{
		Shell: d.shell(c, "customers", title), Back: customerHref(row.PublicID), Notice: w.T("conversations.list_logged"),
		Header: views.HeaderView{Title: title, Subtitle: w.T("conversations.of_text"), Face: initials(row.Username)},
		Empty:  views.EmptyView{Icon: "message-square", Title: w.T("conversations.none"), Text: w.T("conversations.none_text")},
	}
	v.Shell.Crumbs = []views.LinkView{{Text: w.T("customers.title"), Href: "/customers"}, {Text: row.Username, Href: v.Back}, {Text: w.T("conversations.short")}}
	for _, t := range talks {
		v.Rows = append(v.Rows, w.talkRow(t))
	}
	if more {
		v.Next = p.path + "?from=" + d.Control.Cursor(d.actor(c), p.name, db.Place{Number: talks[len(talks)-1].ID})
	}
	return v
}

func (w words) talkRow(t db.CustomerTalk) views.CustomerTalkView {
	one := views.CustomerTalkView{Title: w.talkTitle(t), Href: conversationHref(t.PublicID), Link: w.talkLink(t)}
	one.When, one.WhenAt = w.ago(t.UpdatedAt, "tokens.never")
	return one
}

func (w words) talkTitle(t db.CustomerTalk) string { return or(t.Title, w.T("conversations.untitled")) }

func (w words) talkLink(t db.CustomerTalk) string {
	if t.SharePublicID == "" {
		return w.T("conversations.embedded")
	}
	return or(t.ShareName, w.T("conversations.link_ending", t.ShareHint))
}

// Conversation is a transcript. The reading is logged.
func (d *Dashboard) Conversation(c *fiber.Ctx) error {
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64)
	talk, messages, more, err := d.Control.ReadConversation(c.UserContext(), d.actor(c), c.Params("id"), before)
	if err != nil {
		return err
	}
	w := d.words(c)
	v := views.TranscriptView{
		Shell:  d.shell(c, "customers", w.talkTitle(talk)),
		Header: views.HeaderView{Title: w.talkTitle(talk), Subtitle: w.T("conversations.with", w.customerName(talk), talk.BotName)},
		Notice: w.T("conversations.logged"), Facts: w.talkFacts(talk), Empty: w.T("conversations.empty"),
		Back: "/customers", BackTo: w.T("customers.title"),
	}
	crumbs := []views.LinkView{{Text: w.T("customers.title"), Href: "/customers"}}
	if !talk.CustomerDeleted && talk.CustomerPublicID != "" {
		v.Back, v.BackTo = customerHref(talk.CustomerPublicID), w.T("conversations.customer")
		crumbs = append(crumbs, views.LinkView{Text: talk.CustomerName, Href: v.Back})
	}
	v.Shell.Crumbs = append(crumbs, views.LinkView{Text: w.talkTitle(talk)})
	if more {
		v.Earlier = conversationHref(talk.PublicID) + "?before=" + strconv.FormatInt(messages[0].Position, 10)
	}
	v.Turns = w.transcript(messages)
	return page.Show(c, views.TranscriptPage(v))
}

// customerName is whose conversation it is; of a deleted customer the name stays,
// shown as deleted.
func (w words) customerName(t db.CustomerTalk) string {
	if t.CustomerDeleted {
		return w.T("conversations.deleted_customer", t.CustomerName)
	}
	return t.CustomerName
}

func (w words) talkFacts(t db.CustomerTalk) []views.Definition {
	began, beganAt := w.ago(t.CreatedAt, "tokens.never")
	changed, changedAt := w.ago(t.UpdatedAt, "tokens.never")
	customer := views.Definition{Term: w.T("conversations.customer"), Text: w.customerName(t)}
	if !t.CustomerDeleted && t.CustomerPublicID != "" {
		customer.Href = customerHref(t.CustomerPublicID)
	}
	link := views.Definition{Term: w.T("conversations.link"), Text: w.talkLink(t), Href: "/shares/" + t.SharePublicID}
	if t.SharePublicID == "" {
		link.Href = embedHref(t.BotPublicID)
	}
	return []views.Definition{
		customer,
		{Term: w.T("conversations.bot"), Text: t.BotName, Href: botHref(t.BotPublicID)},
		link,
		{Term: w.T("conversations.questions"), Text: w.Number(t.Questions)},
		{Term: w.T("conversations.began"), Text: began, Under: beganAt},
		{Term: w.T("conversations.changed"), Text: changed, Under: changedAt},
	}
}

// transcript pairs questions with their answers.
func (w words) transcript(messages []access.Message) []views.TranscriptTurnView {
	var all []views.TranscriptTurnView
	for i, m := range messages {
		if m.Role != access.RoleQuestion {
			continue
		}
		one := views.TranscriptTurnView{Turn: views.TurnView{ID: strconv.FormatInt(m.ID, 10), Question: m.Text}}
		if m.Text == "" {
			one.Turn.Unkept = w.T("conversations.unkept")
		}
		one.Asked, one.AskedAt = w.ago(m.CreatedAt, "tokens.never")
		if m.RequestID != "" {
			one.Call = "/requests/" + m.RequestID
		}
		if i+1 < len(messages) && messages[i+1].Role == access.RoleAnswer {
			one.Turn.Answer = w.transcriptAnswer(messages[i+1])
		} else {
			one.Turn.Answer.Unkept = w.T("conversations.running")
		}
		all = append(all, one)
	}
	return all
}

func (w words) transcriptAnswer(m access.Message) views.AnswerView {
	v := views.AnswerView{Blocks: markdown.Blocks(m.Text)}
	switch m.State {
	case access.Stopped:
		v.Foot.Note, v.Foot.Tone = w.T("conversations.stopped"), views.Off
	case access.Cut:
		v.Foot.Note, v.Foot.Tone = w.T("conversations.cut", m.Reason), views.Warn
	case access.Failed:
		v.Foot.Note, v.Foot.Tone = w.T("conversations.failed", m.Reason), views.Bad
	case access.Done:
		if m.Text == "" {
			v.Unkept = w.T("conversations.unkept")
		}
	}
	switch m.Rating {
	case 1:
		v.Foot.Verdict = &views.VerdictView{Tone: views.Ok, Text: w.T("conversations.good"), Note: m.RatingNote}
	case -1:
		v.Foot.Verdict = &views.VerdictView{Tone: views.Warn, Text: w.T("conversations.bad"), Note: m.RatingNote}
	}
	return v
}
