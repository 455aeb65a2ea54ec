package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/markdown"
	"latchkey/views"
	"latchkey/web/page"
	"latchkey/web/wire"
)

// How an answer is sent.
const (
	drawEvery  = 100 * time.Millisecond // at most: the block that still grows
	drawShare  = 10                     // drawing takes at most one part in so many of the time
	wireShare  = 25                     // tenths of its markup that an answer may cost on the wire before a draw waits
	drawWaits  = 8                      // how often it is let wait
	quietSign  = 15 * time.Second       // then a comment says that the line is alive
	reconnect  = "retry: 1000\n\n"      // ms until a browser tries again
	blocksMost = 100_000                // that a reader may say to have
)

// Events streams an answer: of the growing block what has changed, finished blocks
// as the rest of what was sent of them, and the end. A piece begins with how much of
// the growing block stays, before what is new and after it, in UTF-16 units as a
// browser counts them: so an answer costs little more on the wire than its markup. A
// reader who comes back goes on after the block that its Last-Event-ID names.
func (h *Chat) Events(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		id, _ := strconv.ParseInt(c.Params("question"), 10, 64)
		question, answer, err := h.Control.Question(c.UserContext(), g.Guest, c.Params("conversation"), id)
		if err != nil {
			return err
		}
		ctx, gone := context.WithCancel(context.Background())
		f := &follower{chat: h, guest: g, conversation: c.Params("conversation"), question: question, ctx: ctx, gone: gone, sent: have(c), leave: func() {}}
		if f.live = h.Live.Answer(id); f.live != nil {
			f.leave = f.live.Follow()
		} else {
			f.stored = gateway.Said{Text: []byte(answer.Text), State: answer.State, Reason: answer.Reason}
			if answer.ID == 0 {
				f.stored.State = access.Cut // stored, and nobody answers it
			}
		}
		return wire.Stream(c, f, h.Now, h.Log)
	})
}

// have is how many blocks the reader has.
func have(c *fiber.Ctx) int {
	text := c.Get("Last-Event-ID")
	if text == "" {
		text = c.Query("from")
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > blocksMost {
		return 0
	}
	return n
}

// follower is one reader of one answer.
type follower struct {
	chat         *Chat
	guest        *guest
	conversation string
	question     access.Message
	live         *gateway.LiveAnswer // nil: it ended before, and is stored
	stored       gateway.Said
	ctx          context.Context
	gone         context.CancelFunc
	leave        func()

	began        bool
	sent         int       // blocks
	seen, looked int       // bytes of the text that were drawn, and that were there when a draw was put off
	open         string    // the growing block as the reader has it
	waits        int       // draws that were put off
	markup, wire int       // bytes of the finished blocks, and of all that was sent
	next         time.Time // not before then is the open block drawn again
}

// Gone ends the waiting of a reader who left.
func (f *follower) Gone() { f.gone() }

// Close counts the reader out.
func (f *follower) Close() error {
	f.gone()
	f.leave()
	return nil
}

// Fill writes what has come since.
func (f *follower) Fill(into []byte) ([]byte, error) {
	if !f.began {
		f.began = true
		into = append(into, reconnect...)
		if f.live != nil {
			return into, nil // the reader knows at once that it is connected
		}
	}
	for {
		said, more := f.said()
		switch {
		case said.Ended():
			into = f.draw(into, said)
			into, err := f.end(into, said)
			if err == nil {
				err = io.EOF
			}
			return into, err
		case len(said.Text) > f.seen:
			if !f.sleep(f.next.Sub(f.chat.Now())) {
				return into, io.EOF
			}
			said, _ = f.said()
			if into = f.draw(into, said); len(into) > 0 {
				return into, nil
			}
			continue // too little to send yet
		}
		quiet := time.NewTimer(quietSign)
		select {
		case <-more:
			quiet.Stop()
		case <-f.ctx.Done():
			quiet.Stop()
			return into, io.EOF
		case <-quiet.C:
			return append(into, ": still here\n\n"...), nil
		}
	}
}

func (f *follower) said() (gateway.Said, <-chan struct{}) {
	if f.live == nil {
		return f.stored, nil
	}
	return f.live.Said()
}

// sleep waits, and reports whether the reader is still there.
func (f *follower) sleep(d time.Duration) bool {
	if d <= 0 {
		return f.ctx.Err() == nil
	}
	timer := time.NewTimer(min(d, time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-f.ctx.Done():
		return false
	}
}

// draw writes the blocks that are finished, and the one that grows.
func (f *follower) draw(into []byte, said gateway.Said) []byte {
	began := f.chat.Now()
	// What ends in the middle of a character is drawn with the rest of it.
	blocks := markdown.From(string(bytes.ToValidUTF8(said.Text, nil)), f.sent)
	open := ""
	if n := len(blocks); n > 0 && !said.Ended() {
		blocks, open = blocks[:n-1], blocks[n-1]
	}
	now := f.chat.Now()
	f.next = now.Add(max(drawEvery, drawShare*now.Sub(began)))
	whole, had := strings.Join(blocks, ""), len(into)
	before := f.open
	if whole != "" {
		into = appendEvent(into, "block", f.sent+len(blocks), f.piece(whole))
		f.open = ""
	}
	if !said.Ended() && open != f.open {
		into = appendEvent(into, "", 0, f.piece(open))
	}
	markup, wire := f.markup+len(whole), f.wire+len(into)-had
	more := len(said.Text) > f.looked
	f.looked = len(said.Text)
	if f.seen > 0 && more && !said.Ended() && wire > wireShare*(markup+len(open))/10 && f.waits < drawWaits {
		f.open = before
		f.waits++
		return into[:had] // the more comes with the next draw, the less each letter costs
	}
	f.seen, f.waits, f.sent, f.markup, f.wire, f.open = len(said.Text), 0, f.sent+len(blocks), markup, wire, open
	return into
}

// piece spells markup as what stays of the growing block at its beginning and at its
// end, and what stands between.
func (f *follower) piece(html string) string {
	old, before, after := f.open, 0, 0
	for old != "" && html != "" {
		r, n := utf8.DecodeRuneInString(html)
		if !strings.HasPrefix(old, html[:n]) {
			break
		}
		old, html, before = old[n:], html[n:], before+utf16.RuneLen(r)
	}
	for old != "" && html != "" {
		r, n := utf8.DecodeLastRuneInString(html)
		if !strings.HasSuffix(old, html[len(html)-n:]) {
			break
		}
		old, html, after = old[:len(old)-n], html[:len(html)-n], after+utf16.RuneLen(r)
	}
	return strconv.Itoa(before) + " " + strconv.Itoa(after) + " " + html
}

// ending is what the page is told at the end.
type ending struct {
	State     access.MessageState `json:"state"`
	Foot      string              `json:"foot"`      // markup under the answer
	Left      string              `json:"left"`      // text under the field
	Allowance string              `json:"allowance"` // markup of the card
	Composer  string              `json:"composer"`  // markup in the composer's place, where nothing can be asked any more
	Dead      bool                `json:"dead"`      // the link does not lead on: the page says why
	Edit      string              `json:"edit"`      // address under which the question can be edited
}

func (f *follower) end(into []byte, said gateway.Said) ([]byte, error) {
	own := *f.guest
	g := &own
	e := ending{State: said.State, Dead: g.Has("share.dead."+said.Reason) && said.Reason != disabled}
	if !g.Embedded() {
		if fresh, err := f.chat.Control.VisitShare(context.Background(), g.Actor, g.OpenedLink); err == nil {
			g.Guest = fresh
		}
	}
	id := strconv.FormatInt(f.question.ID, 10)
	turn := views.TurnView{ID: id, Question: f.question.Text}
	if turn.Question == "" && f.live != nil {
		turn.Question = f.live.Asked()
	}
	answer := access.Message{State: said.State, Reason: said.Reason, Text: string(said.Text)}
	turn.Answer.Foot = g.foot(id, turn.Question, answer)
	turn.Answer.Foot.Rating = g.rating(f.conversation, id, answer)
	g.offerAgain(&turn, f.conversation, f.chat.newKey())
	e.Edit = turn.Edit
	allowance := g.allowance()
	e.Left = allowance.Text
	for _, part := range []struct {
		into *string
		draw page.Drawn
	}{
		{&e.Foot, page.Draw(g.Lang, views.AnswerFoot(turn.Answer.Foot))},
		{&e.Allowance, page.Draw(g.Lang, views.Allowance(allowance))},
		{&e.Composer, f.closed(g, said.Reason)},
	} {
		if part.draw.Err != nil {
			return into, part.draw.Err
		}
		*part.into = part.draw.HTML
	}
	text, err := json.Marshal(e)
	return appendEvent(into, "end", f.sent, string(text)), err
}

// disabled is why an answer ends whose customer was disabled. With the account went
// the session, so that no other page can say it.
const disabled = "customer_disabled"

func (f *follower) closed(g *guest, reason string) page.Drawn {
	v := f.chat.composer(g, f.conversation, false, draft{})
	if reason == disabled {
		v.Closed, v.Hint = g.deadSentence(reason), g.T("share.dead."+reason+".hint")
	}
	if v.Closed == "" {
		return page.Drawn{}
	}
	return page.Draw(g.Lang, views.Composer(v))
}

// appendEvent spells one server-sent event; id 0 has none.
func appendEvent(into []byte, name string, id int, data string) []byte {
	if name != "" {
		into = append(append(append(into, "event: "...), name...), '\n')
	}
	if id > 0 {
		into = strconv.AppendInt(append(into, "id: "...), int64(id), 10)
		into = append(into, '\n')
	}
	// A carriage return would end the line as well; no markup of ours needs one.
	for line := range strings.SplitSeq(strings.ReplaceAll(data, "\r", ""), "\n") {
		into = append(append(append(into, "data: "...), line...), '\n')
	}
	return append(into, '\n')
}
