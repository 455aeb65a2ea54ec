package chat

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/markdown"
	"latchkey/views"
)

// talkHref is the address of a conversation.
func (w words) talkHref(id string) string { return w.base + "/c/" + id }

func (w words) askHref(conversation string) string {
	if conversation == "" {
		return w.base + "/ask"
	}
	return w.talkHref(conversation) + "/ask"
}

// welcome is the bot's greeting: its first line large, the rest under it. {name}
// stands for the customer.
func (g *guest) welcome() (headline, about string) {
	face := g.bot.Face()
	if face.Welcome == "" {
		if g.shown() == "" {
			return g.T("chat.hello_anyone"), face.Description
		}
		return g.T("chat.hello", g.shown()), face.Description
	}
	headline, about, _ = strings.Cut(g.greet(face.Welcome), "\n")
	if about = strings.TrimSpace(about); about == "" {
		about = face.Description
	}
	return strings.TrimSpace(headline), about
}

// shown is what the customer is called, "" for a visitor without a name.
func (g *guest) shown() string {
	if g.Name != "" {
		return g.Name
	}
	return g.Customer.Username
}

// nameless matches the place of a name with what stands before it.
var nameless = regexp.MustCompile(`[\s,，、]*\{name\}`)

// greet puts the name into a greeting, or leaves its place out.
func (g *guest) greet(text string) string {
	if g.shown() == "" {
		return nameless.ReplaceAllLiteralString(text, "")
	}
	return strings.ReplaceAll(text, "{name}", g.shown())
}

// allowance says what is left to the customer.
func (g *guest) allowance() views.AllowanceView {
	p := g.Seat.Purse
	if p.Unlimited || p.ID == 0 {
		return views.AllowanceView{}
	}
	left := max(0, p.Remain())
	v := views.AllowanceView{Percent: 100}
	if p.Quota > 0 {
		v.Percent = int((p.Quota - left) * 100 / p.Quota)
	}
	if p.Unit == access.Messages {
		v.Text = g.N("chat.left"+g.period(p.Refill), left, g.Number(p.Quota))
		v.Used, v.Left = g.N("chat.used"+g.period(p.Refill), p.Quota-left), g.T("chat.still", g.Number(left))
		return v
	}
	share := strconv.Itoa(100-v.Percent) + "%"
	v.Text = g.T("chat.left_share"+g.period(p.Refill), share)
	v.Used, v.Left = g.T("chat.used_share"+g.period(p.Refill), strconv.Itoa(v.Percent)+"%"), g.T("chat.still_share", share)
	return v
}

// closed says why nothing can be asked now.
func (g *guest) closed(refill time.Time) (sentence, hint string) {
	p := g.Seat.Purse
	if p.Unlimited || p.ID == 0 || !p.Exhausted() {
		return "", ""
	}
	sentence = g.T("chat.spent" + g.period(p.Refill))
	if refill.IsZero() {
		return sentence, g.T("chat.spent_ask", g.owner)
	}
	return sentence, g.T("chat.spent_until", g.Moment(refill, g.zone))
}

// turns pairs questions with their answers.
func (h *Chat) turns(g *guest, conversation string, messages []access.Message, key string) (all []views.TurnView, running bool) {
	for i, m := range messages {
		if m.Role != access.RoleQuestion {
			continue
		}
		var answer access.Message
		if i+1 < len(messages) && messages[i+1].Role == access.RoleAnswer {
			answer = messages[i+1]
		}
		last := i+2 >= len(messages)
		t, runs := h.turn(g, conversation, m, answer)
		if last && !runs {
			g.offerAgain(&t, conversation, key)
		}
		all, running = append(all, t), running || runs
	}
	return all, running
}

// turn draws a question and its answer, from memory where it still runs or has
// just ended.
func (h *Chat) turn(g *guest, conversation string, q, a access.Message) (views.TurnView, bool) {
	id := strconv.FormatInt(q.ID, 10)
	v := views.TurnView{ID: id, Question: q.Text, Moment: g.Moment(q.CreatedAt, g.zone), Face: g.face()}
	live := h.Live.Answer(q.ID)
	if live != nil && v.Question == "" {
		v.Question = live.Asked()
	}
	if v.Question == "" {
		v.Unkept = g.T("chat.question_unkept")
	}
	if live != nil && (a.ID == 0 || a.Text == "") {
		said, _ := live.Said()
		if !said.Ended() {
			v.Answer = g.running(conversation, id, said)
			return v, true
		}
		a.Text, a.State, a.Reason = string(said.Text), said.State, said.Reason
	}
	if a.ID == 0 && !a.State.Final() && !q.State.Final() {
		// Stored, and nobody answers it: it can be stopped.
		v.Answer = views.AnswerView{Running: true}
		return v, true
	}
	v.Answer = g.ended(conversation, id, v.Question, a)
	return v, false
}

func (w words) running(conversation, id string, said gateway.Said) views.AnswerView {
	blocks, open := split(said)
	return views.AnswerView{
		Blocks: blocks, Open: open, Running: true, From: strconv.Itoa(len(blocks)), Follow: w.talkHref(conversation) + "/q/" + id + "/events",
	}
}

// split parts the finished blocks from the one that may still grow.
func split(said gateway.Said) (blocks []string, open string) {
	blocks = markdown.Blocks(string(said.Text))
	if n := len(blocks); n > 0 && !said.Ended() {
		blocks, open = blocks[:n-1], blocks[n-1]
	}
	return blocks, open
}

func (g *guest) ended(conversation, id, question string, a access.Message) views.AnswerView {
	v := views.AnswerView{Blocks: markdown.Blocks(a.Text), Foot: g.foot(id, question, a)}
	if a.Text == "" && a.State == access.Done && question == "" {
		v.Unkept = g.T("chat.answer_unkept")
	}
	v.Foot.Rating = g.rating(conversation, id, a)
	return v
}

// foot says how an answer ended. One without a word to a question that is known is
// empty; where neither is there, nothing was kept.
func (w words) foot(id, question string, a access.Message) views.AnswerFootView {
	v := views.AnswerFootView{ID: id, Copy: a.Text != ""}
	if v.Note, v.Tone = w.note(a.State, a.Reason); a.State == access.Done && a.Text == "" && question != "" {
		v.Note, v.Tone = w.T("chat.empty"), views.Off
	}
	return v
}

// offerAgain adds to the last turn what can be done with it.
func (g *guest) offerAgain(t *views.TurnView, conversation, key string) {
	if p := g.Seat.Purse; t.Question == "" || p.ID != 0 && p.Exhausted() {
		return // nothing was kept that could be asked again, or nothing can be asked now
	}
	t.Answer.Foot.Retry, t.Answer.Foot.Key = g.askHref(conversation), key
	if !g.Keeps() {
		t.Answer.Foot.Text = t.Question
	}
	t.Edit = g.talkHref(conversation) + "?edit=" + t.ID
}

// history groups conversations by how long ago they were changed.
func (w words) history(all []access.Conversation, more bool, active, query string) views.HistoryView {
	v := views.HistoryView{Base: w.base, Query: query, None: w.T("chat.none")}
	if query != "" {
		v.None = w.T("chat.none_found")
	}
	for _, one := range all {
		name := w.ago(one.UpdatedAt)
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Name != name {
			v.Groups = append(v.Groups, views.HistoryGroup{Name: name})
		}
		group := &v.Groups[len(v.Groups)-1]
		group.Talks = append(group.Talks, views.TalkView{
			ID: one.PublicID, Name: w.talkName(one), Href: w.talkHref(one.PublicID), Menu: w.talkHref(one.PublicID) + "/menu",
			Moment: w.Moment(one.UpdatedAt, w.zone), Active: one.PublicID == active,
		})
	}
	if more {
		v.More = w.base + "/history?before=" + all[len(all)-1].PublicID
	}
	return v
}

// talkName is a conversation's title, or its time where no text is kept.
func (w words) talkName(one access.Conversation) string {
	if one.Title != "" {
		return one.Title
	}
	return w.T("chat.untitled", w.DayShort(one.CreatedAt, w.zone)+" "+w.Clock(one.CreatedAt, w.zone))
}

// ago names the group of a moment.
func (w words) ago(t time.Time) string {
	now := w.now.In(w.zone)
	y, m, d := now.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, w.zone)
	switch t = t.In(w.zone); {
	case !t.Before(today):
		return w.T("chat.today")
	case !t.Before(today.AddDate(0, 0, -1)):
		return w.T("chat.yesterday")
	case !t.Before(today.AddDate(0, 0, -7)):
		return w.T("chat.week")
	case !t.Before(today.AddDate(0, 0, -30)):
		return w.T("chat.month")
	case t.Year() == now.Year():
		return w.T("chat.earlier_this_year")
	}
	return strconv.Itoa(t.Year())
}

// account is who is signed in.
func (g *guest) account() views.AccountView {
	v := views.AccountView{Name: g.shown(), Initials: initials(g.shown()), Under: g.Customer.Email}
	if !g.Embedded() {
		v.Href, v.SignOut = g.base+"/account", g.base+"/logout"
	}
	return v
}

// initials are what stands in a person's circle.
func initials(name string) string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '.' || r == '_' || r == '-' || r == '@' })
	if len(parts) == 0 {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(parts[0])
	if len(parts) == 1 || first > 0x2e80 {
		return strings.ToUpper(string(first))
	}
	second, _ := utf8.DecodeRuneInString(parts[1])
	return strings.ToUpper(string([]rune{first, second}))
}

// smallPrint stands under the composer.
func (w words) smallPrint() []string {
	return append([]string{w.T("chat.check"), strings.TrimRight(w.readsAlong(), ".。")}, w.credit()...)
}
