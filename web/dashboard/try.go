package dashboard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/internal/markdown"
	"latchkey/views"
	"latchkey/web/page"
	"latchkey/web/wire"
)

// tryTurnsMax is how many questions and answers a trial remembers.
const tryTurnsMax = 20

// TryPanel is the panel of a bot with nothing said yet.
func (d *Dashboard) TryPanel(c *fiber.Ctx) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	if !page.IsPart(c) {
		return page.Redirect(c, botHref(row.PublicID))
	}
	v := d.tryView(row.Bot)
	v.Fresh = true
	return page.Part(c, views.BotTry(v))
}

// StopTry answers what Stop asks for after it has cut the answer off, which is
// what stops the provider: it says so in place.
func (d *Dashboard) StopTry(c *fiber.Ctx) error {
	id := c.Query("answer")
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		id = ""
	}
	return page.Part(c, views.TryStopped(id, page.Lang(c).T("bots.try_stopped")))
}

// TryBot asks a bot as its owner tries it. With script the answer streams.
func (d *Dashboard) TryBot(c *fiber.Ctx) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	turn := views.TryTurnView{Initials: initials(row.Name), Question: tryQuestion(c)}
	if turn.Question == "" || len(turn.Question) > access.QuestionMax {
		return access.Fail(access.Invalid, "try_question", "A question has 1 to %d bytes of text.", access.QuestionMax).At("question")
	}
	return d.ask(c, row.Bot, trySaid(c), turn)
}

// tryQuestion is what was typed, or the suggested question whose button was
// pressed: both have the same name, and the other is empty.
func tryQuestion(c *fiber.Ctx) string {
	for _, text := range fields(c, "question") {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}

// ask streams the answer into the panel, or shows the page with the whole of it.
func (d *Dashboard) ask(c *fiber.Ctx, b access.Bot, said []gateway.Turn, turn views.TryTurnView) error {
	s := &trial{lang: page.Lang(c), turn: turn, href: botHref(b.PublicID), began: d.Now(), now: d.Now, units: d.Control.UnitsPerDollar}
	live := page.IsPart(c)
	a, err := wire.Ask(c, func(ctx context.Context) (a *gateway.Answer, err error) {
		a, err = d.Gateway.TryBot(ctx, d.actor(c), b.PublicID, append(said, gateway.Turn{Role: "user", Text: turn.Question}))
		if s.answer = a; err == nil && !live {
			s.whole()
		}
		return a, err
	})
	if err != nil {
		return d.tryRefused(c, b, said, turn, err)
	}
	s.turn.ID = "try-" + a.RequestID
	s.Reading = a
	if live {
		return wire.Stream(c, s, d.Now, d.Log)
	}
	if err := a.Close(); err != nil {
		return err
	}
	s.turn.Blocks = s.blocks()
	return d.tryWhole(c, b, said, s.turn)
}

// trySaid is what was said before, out of the form.
func trySaid(c *fiber.Ctx) []gateway.Turn {
	texts := fields(c, "turn")
	if n := len(texts) - 2*tryTurnsMax; n > 0 {
		texts = texts[n+n%2:]
	}
	turns := make([]gateway.Turn, 0, len(texts))
	for i, text := range texts {
		turns = append(turns, gateway.Turn{Role: [...]string{"user", "assistant"}[i%2], Text: text})
	}
	return turns
}

// tryRefused shows why a question was not asked, where its answer would stand.
func (d *Dashboard) tryRefused(c *fiber.Ctx, b access.Bot, said []gateway.Turn, turn views.TryTurnView, err error) error {
	if access.KindOf(err) == 0 {
		return err
	}
	turn.ID, turn.Problem = "try-"+d.Gateway.NewRequestID(), page.Say(c, err)
	if page.IsPart(c) {
		return page.Part(c, views.TryRefused(turn))
	}
	return d.tryWhole(c, b, said, turn)
}

// tryWhole is the bot's page with the answer, for readers without script.
func (d *Dashboard) tryWhole(c *fiber.Ctx, b access.Bot, said []gateway.Turn, last views.TryTurnView) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), b.PublicID)
	if err != nil {
		return err
	}
	try := d.tryView(b)
	try.Fresh = true
	for i := 0; i+1 < len(said); i += 2 {
		try.Turns = append(try.Turns, views.TryTurnView{Initials: last.Initials, Question: said[i].Text, Answer: said[i+1].Text, Blocks: markdown.Blocks(said[i+1].Text)})
	}
	try.Turns = append(try.Turns, last)
	form, err := d.botForm(c, row)
	if err != nil {
		return err
	}
	return d.showBot(c, fiber.StatusOK, row, form, &try, d.botPicture(row))
}

func (d *Dashboard) tryView(b access.Bot) views.TryView {
	return views.TryView{Href: botHref(b.PublicID), Initials: initials(b.Name), Welcome: b.Welcome, Questions: b.SuggestedQuestions}
}

// trial spells an answer as parts of the panel.
type trial struct {
	*wire.Reading
	answer *gateway.Answer
	lang   lang.Lang
	turn   views.TryTurnView
	href   string
	began  time.Time
	first  time.Time
	now    func() time.Time
	units  int64
	open   bool
	said   strings.Builder
	sent   int // blocks that are finished and in the page
	events []gateway.Event
}

// Fill writes what has come as one event, and the end as the last one.
func (s *trial) Fill(into []byte) ([]byte, error) {
	if !s.open {
		s.open = true
		s.turn.Running = true
		return page.AppendEvent(into, s.lang, views.TryBegins(s.href, s.turn))
	}
	came, err := s.next()
	if errors.Is(err, gateway.ErrQuiet) {
		return append(into, ": keep-alive\n\n"...), nil
	}
	if err != nil {
		s.end(err)
		into, fault := page.AppendEvent(into, s.lang, views.TryEnds(s.turn, s.blocks()))
		if fault != nil {
			return into, fault
		}
		return into, io.EOF
	}
	blocks := s.blocks()
	if !came || len(blocks) == 0 {
		return into, nil
	}
	last := len(blocks) - 1
	s.sent += last
	return page.AppendEvent(into, s.lang, views.TryMore(s.turn.ID, blocks[:last], blocks[last]))
}

// blocks are those of the answer that the page does not have for good.
func (s *trial) blocks() []string {
	return markdown.From(string(bytes.ToValidUTF8([]byte(s.said.String()), nil)), s.sent)
}

// next waits for more of the answer and reports whether any text came.
func (s *trial) next() (came bool, err error) {
	s.events, err = s.answer.Next(s.events[:0])
	for _, e := range s.events {
		came = came || len(e.Text) > 0
		s.said.Write(e.Text)
	}
	if came && s.first.IsZero() {
		s.first = s.now()
	}
	return came, err
}

// whole reads the answer to its end.
func (s *trial) whole() {
	for {
		if _, err := s.next(); err != nil && !errors.Is(err, gateway.ErrQuiet) {
			s.end(err)
			return
		}
	}
}

// end says how the answer ended and what it took.
func (s *trial) end(err error) {
	s.turn.Running, s.turn.Answer = false, strings.ToValidUTF8(s.said.String(), "")
	if !errors.Is(err, io.EOF) {
		s.turn.Problem = s.lang.T("bots.try_broke")
		if problems := access.Problems(err); len(problems) > 0 {
			s.turn.Problem = s.lang.Error(problems[0].Code, problems[0].Text, problems[0].Args...)
		}
	}
	if s.first.IsZero() {
		return
	}
	u := s.answer.Usage
	s.turn.Note = s.lang.T("bots.try_note", s.lang.Duration(s.first.Sub(s.began)), s.lang.Number(u.Prompt+u.Completion), s.lang.Money(s.answer.Units, s.units))
}
