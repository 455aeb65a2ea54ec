package dashboard

import (
	"encoding/hex"
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

func talksHref(bot string) string { return botHref(bot) + "/conversations" }

// BotConversations is the tab of what anybody said to a bot: customers, and
// visitors without a name. The reading is logged.
func (d *Dashboard) BotConversations(c *fiber.Ctx) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	p := listing{path: talksHref(row.PublicID), name: "bot-conversations", page: db.Page{Limit: rowsPerPage + 1}}
	if err := d.readCursor(c, &p); err != nil {
		return err
	}
	p.page.Oldest, p.cursor = false, "" // this list goes by the last change, and only onwards
	v := views.BotTalksView{Notice: page.Lang(c).T("conversations.list_logged")}
	var which db.Talks
	v.Filters, which = d.talkFilters(c, p.path)
	talks, err := d.Control.BotConversations(c.UserContext(), d.actor(c), row.PublicID, which, p.page)
	if err != nil {
		return err
	}
	talks, more := cutPage(talks, p)
	w := d.words(c)
	for _, t := range talks {
		v.Rows = append(v.Rows, w.talkRow(t))
	}
	if more {
		v.Next = p.path + "?show=" + string(which) + "&from=" + d.Control.Cursor(d.actor(c), p.name, db.Place{Number: talks[len(talks)-1].ID})
	}
	v.Empty = views.EmptyView{Icon: "message-square", Title: w.T("conversations.none"), Text: w.T("conversations.none_of_bot")}
	if which != "" {
		v.Empty = views.EmptyView{Icon: "search", Title: w.T("conversations.none_such"), Text: w.T("conversations.none_such_text")}
	}
	return page.Show(c, views.BotTalksPage(d.botFrame(c, row, "conversations"), v))
}

// talkFilters are the ways to narrow the list, and which of them the address says.
func (d *Dashboard) talkFilters(c *fiber.Ctx, href string) (all []views.TabView, chosen db.Talks) {
	for _, which := range []db.Talks{"", db.TalksOfVisitors, db.TalksRatedBad} {
		one := views.TabView{Text: page.Lang(c).T("conversations.show." + or(string(which), "all")), Href: href, Active: string(which) == c.Query("show")}
		if which != "" {
			one.Href += "?show=" + string(which)
		}
		if one.Active {
			chosen = which
		}
		all = append(all, one)
	}
	all[0].Active = chosen == "" // also for a word that is none of these
	return all, chosen
}

func (w words) talkRow(t db.CustomerTalk) views.CustomerTalkView {
	one := views.CustomerTalkView{Title: w.talkTitle(t), Href: conversationHref(t.PublicID), Link: w.talkLink(t), Who: w.customerName(t)}
	one.When, one.WhenAt = w.ago(t.UpdatedAt, "tokens.never")
	if !t.CustomerDeleted && t.CustomerPublicID != "" {
		one.WhoHref = customerHref(t.CustomerPublicID)
	}
	if t.Good > 0 {
		one.Good = w.T("conversations.rated_good", w.Number(t.Good))
	}
	if t.Bad > 0 {
		one.Bad = w.T("conversations.rated_bad", w.Number(t.Bad))
	}
	return one
}

func (w words) talkTitle(t db.CustomerTalk) string { return or(t.Title, w.T("conversations.untitled")) }

func (w words) talkLink(t db.CustomerTalk) string {
	if t.SharePublicID == "" {
		return w.T("conversations.embedded", t.TokenName)
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
		Shell:  d.shell(c, talkRoom(talk), w.talkTitle(talk)),
		Header: views.HeaderView{Title: w.talkTitle(talk), Subtitle: w.T("conversations.with", w.customerName(talk), talk.BotName)},
		Notice: w.T("conversations.logged"), Facts: w.talkFacts(talk), Empty: w.T("conversations.empty"),
	}
	w.placeTalk(&v, talk)
	if more {
		v.Earlier = conversationHref(talk.PublicID) + "?before=" + strconv.FormatInt(messages[0].Position, 10)
	}
	v.Turns = w.transcript(messages)
	return page.Show(c, views.TranscriptPage(v))
}

// talkRoom is the part of the menu that a conversation belongs to.
func talkRoom(t db.CustomerTalk) string {
	if t.CustomerID == 0 {
		return "bots"
	}
	return "customers"
}

// placeTalk says where a conversation hangs: at its customer, or at the bot for a
// visitor without a name.
func (w words) placeTalk(v *views.TranscriptView, t db.CustomerTalk) {
	v.Back, v.BackTo = "/customers", w.T("customers.title")
	crumbs := []views.LinkView{{Text: v.BackTo, Href: v.Back}}
	switch {
	case t.CustomerID == 0:
		v.Back, v.BackTo = talksHref(t.BotPublicID), w.T("conversations.of_bot")
		crumbs = []views.LinkView{{Text: w.T("bots.title"), Href: "/bots"}, {Text: t.BotName, Href: v.Back}}
	case !t.CustomerDeleted:
		v.Back, v.BackTo = customerHref(t.CustomerPublicID), w.T("conversations.customer")
		crumbs = append(crumbs, views.LinkView{Text: t.CustomerName, Href: v.Back})
	}
	v.Shell.Crumbs = append(crumbs, views.LinkView{Text: w.talkTitle(t)})
}

// visitorMark is how many bytes of what is known of a visitor tell them apart.
const visitorMark = 3

// customerName is whose conversation it is; of a deleted customer the name stays,
// shown as deleted. A visitor without a name has a mark.
func (w words) customerName(t db.CustomerTalk) string {
	if t.CustomerID == 0 {
		return w.T("conversations.visitor", hex.EncodeToString(t.VisitorHash[:min(visitorMark, len(t.VisitorHash))]))
	}
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
