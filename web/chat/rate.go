package chat

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// Rate keeps what the reader thinks of an answer.
func (h *Chat) Rate(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		conversation := c.Params("conversation")
		id, _ := strconv.ParseInt(c.Params("question"), 10, 64)
		rating, err := strconv.ParseInt(field(c, "rating"), 10, 64)
		if err != nil {
			rating = 9 // what was sent is no rating: control says so
		}
		var note *string
		if field(c, "noted") != "" {
			text := field(c, "note")
			note = &text
		}
		if err := h.Control.RateAnswer(c.UserContext(), g.Guest, conversation, id, rating, note); err != nil {
			return err
		}
		if !page.IsPart(c) {
			return page.Redirect(c, g.talkHref(conversation)+"#t"+c.Params("question"))
		}
		_, answer, err := h.Control.Question(c.UserContext(), g.Guest, conversation, id)
		if err != nil {
			return err
		}
		v := g.rating(conversation, c.Params("question"), answer)
		v.Thanks = note != nil
		return page.Part(c, views.Rating(*v))
	})
}

// rating is what the reader may think of an answer, nil where there is none.
func (g *guest) rating(conversation, question string, a access.Message) *views.RatingView {
	if a.State == access.Failed || a.State == access.Done && a.Text == "" && g.Keeps() {
		return nil
	}
	return &views.RatingView{
		Action: g.talkHref(conversation) + "/q/" + question + "/rate", ID: question, Value: int(a.Rating), Note: a.RatingNote, MayNote: g.Keeps(),
		MaxLength: strconv.Itoa(access.NoteMax),
	}
}
