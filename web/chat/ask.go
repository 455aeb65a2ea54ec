package chat

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/views"
	"latchkey/web/page"
	"latchkey/web/wire"
)

// stopWait is how long a stopped answer may take to be settled before its
// conversation is deleted.
const stopWait = 5 * time.Second

// Ask takes a question, in a new conversation or in one that there is. The answer
// runs on whoever reads it; the page follows it.
func (h *Chat) Ask(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		replaces, _ := strconv.ParseInt(field(c, "replaces"), 10, 64)
		asked, err := h.Control.AskQuestion(c.UserContext(), g.Guest, control.QuestionForm{
			Conversation: c.Params("conversation"), Question: asks(c), ClientKey: field(c, "key"), Replaces: replaces,
		})
		if err != nil {
			return h.notAsked(c, g, err)
		}
		if err := h.answer(c, g, asked); err != nil {
			return err
		}
		if !page.IsPart(c) {
			return page.Redirect(c, g.talkHref(asked.Conversation.PublicID)+"#t"+strconv.FormatInt(asked.Question.ID, 10))
		}
		return h.showAsked(c, g, asked)
	})
}

// asks is the question that was written, or the suggestion that was pressed.
func asks(c *fiber.Ctx) string {
	if text := field(c, "question"); text != "" {
		return text
	}
	return field(c, "suggestion")
}

// answer lets the gateway begin, unless an earlier submit has seen to that.
func (h *Chat) answer(c *fiber.Ctx, g *guest, asked db.Asked) error {
	if asked.Question.State != access.Pending || asked.Question.Text == "" {
		return nil
	}
	_, before, _, err := h.Control.Thread(c.UserContext(), g.Guest, asked.Conversation.PublicID, asked.Question.Position)
	if err != nil {
		return err
	}
	h.Live.Ask(gateway.Visit{
		ShareID: g.Share.ID, CustomerID: g.Customer.ID, Beta: g.Beta, BotID: g.Bot.ID, QuestionID: asked.Question.ID,
		Turns: gateway.TurnsOf(before, asked.Question.Text), Address: wire.Address(c),
	})
	return nil
}

// notAsked shows why a question was not taken, with the text still in the field.
func (h *Chat) notAsked(c *fiber.Ctx, g *guest, err error) error {
	kind := access.KindOf(err)
	if page.IsPart(c) || kind != access.Invalid && kind != access.Conflict {
		return err
	}
	d := draft{text: field(c, "question"), replaces: field(c, "replaces"), problem: page.Say(c, err)}
	if c.Params("conversation") == "" {
		return h.show(c, page.StatusOf(err), g, access.Conversation{}, nil, false, d)
	}
	return h.showTalk(c, page.StatusOf(err), g, d)
}

// showAsked answers our script: the new turn, and what has changed around it.
func (h *Chat) showAsked(c *fiber.Ctx, g *guest, asked db.Asked) error {
	id := asked.Conversation.PublicID
	question, answer, err := h.Control.Question(c.UserContext(), g.Guest, id, asked.Question.ID)
	if err != nil {
		return err
	}
	turn, running := h.turn(g, id, question, answer)
	if !running {
		g.offerAgain(&turn, id, h.newKey())
	}
	history, err := h.history(c, g, id)
	if err != nil {
		return err
	}
	name := g.talkName(asked.Conversation)
	return page.Part(c, views.Asked(views.AskedView{
		Href: g.talkHref(id), Conversation: id, Name: name, Base: g.base, Replaces: field(c, "replaces"), Turn: turn, Key: h.newKey(),
		Ask: g.askHref(id), Stop: g.talkHref(id) + "/stop", History: history, Title: name + " · " + g.bot.Name,
	}))
}

// Stop ends the answer under way on the customer's word.
func (h *Chat) Stop(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		if err := h.stop(c, g, c.Params("conversation")); err != nil {
			return err
		}
		if page.IsPart(c) {
			return c.SendStatus(fiber.StatusNoContent)
		}
		return page.Redirect(c, g.talkHref(c.Params("conversation")))
	})
}

// stop ends what runs in a conversation and waits until it is settled.
func (h *Chat) stop(c *fiber.Ctx, g *guest, conversation string) error {
	q, err := h.Control.RunningQuestion(c.UserContext(), g.Guest, conversation)
	if access.KindOf(err) == access.NotFound {
		_, err := h.Control.Conversation(c.UserContext(), g.Guest, conversation)
		return err // nothing runs in it, or it is not theirs
	}
	if err != nil {
		return err
	}
	a := h.Live.Answer(q.ID)
	if a == nil {
		return h.Control.StopQuestion(c.UserContext(), g.Guest, conversation, q.ID)
	}
	h.Live.Stop(q.ID)
	late := time.NewTimer(stopWait)
	defer late.Stop()
	for {
		said, more := a.Said()
		if said.Ended() {
			return nil
		}
		select {
		case <-more:
		case <-late.C:
			return nil
		}
	}
}
