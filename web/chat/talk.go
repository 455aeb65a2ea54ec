package chat

import (
	"encoding/hex"
	"io"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// historyMost is how many conversations the list shows at once.
const historyMost = 50

// draft is what the composer holds when the page is drawn.
type draft struct{ text, replaces, problem string }

// Share is a link: signed out it asks who it is, signed in it begins a new
// conversation.
func (h *Chat) Share(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		return h.show(c, fiber.StatusOK, g, access.Conversation{}, nil, false, draft{})
	})
}

// Talk is a conversation.
func (h *Chat) Talk(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error { return h.showTalk(c, fiber.StatusOK, g, draft{replaces: c.Query("edit")}) })
}

func (h *Chat) showTalk(c *fiber.Ctx, status int, g *guest, d draft) error {
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64)
	one, messages, more, err := h.Control.Thread(c.UserContext(), g.Guest, c.Params("conversation"), before)
	if err != nil {
		return err
	}
	if d.replaces != "" && d.text == "" {
		if d.text = textOf(messages, d.replaces); d.text == "" {
			d.replaces = ""
		}
	}
	return h.show(c, status, g, one, messages, more, d)
}

func textOf(messages []access.Message, id string) string {
	for _, m := range messages {
		if m.Role == access.RoleQuestion && strconv.FormatInt(m.ID, 10) == id {
			return m.Text
		}
	}
	return ""
}

// show draws the whole page.
func (h *Chat) show(c *fiber.Ctx, status int, g *guest, one access.Conversation, messages []access.Message, more bool, d draft) error {
	history, err := h.history(c, g, one.PublicID)
	if err != nil {
		return err
	}
	v := views.ChatView{
		Title: g.bot.Name, Base: g.base, Path: g.base, Bot: g.bot.Name, From: g.T("chat.from", g.owner), Face: g.face(),
		Account: g.account(), Frame: h.frameView(g, c), LanguageTo: g.languageTo(), History: history, Allowance: g.allowance(), SmallPrint: g.smallPrint(), Styles: g.styles(),
	}
	if one.ID != 0 {
		v.Conversation, v.Name, v.Path = one.PublicID, g.talkName(one), g.talkHref(one.PublicID)
		v.Title = v.Name + " · " + v.Title
	}
	turns, waits := h.turns(g, one.PublicID, messages, h.newKey())
	if v.Thread.Turns = turns; waits {
		// Another query each time: with the fragment alone nothing would be fetched.
		v.Again = v.Path + "?at=" + strconv.FormatInt(g.now.Unix(), 10) + "#t" + turns[len(turns)-1].ID
	}
	for _, m := range messages {
		if live := h.Live.Answer(m.ID); live != nil {
			live.Look()
		}
	}
	h.fillThread(&v, g, one, messages, more)
	if v.Composer = h.composer(g, one.PublicID, waits, d); v.Composer.Closed != "" {
		v.Thread.Suggested = nil // pressed, they would only be refused
	}
	if err := page.Status(c, status, views.ChatPage(v)); err != nil {
		return err
	}
	squeeze(c)
	return nil
}

func (h *Chat) fillThread(v *views.ChatView, g *guest, one access.Conversation, messages []access.Message, more bool) {
	t := &v.Thread
	t.Face, t.Ask, t.Key = v.Face, g.askHref(one.PublicID), h.newKey()
	t.Welcome, t.About = g.welcome()
	t.Suggested = g.bot.Face().Questions
	switch {
	case !g.Keeps():
		t.Notice = g.T("chat.keeps_nothing")
	case g.Embedded():
		t.Notice = g.readsAlong() // nobody was told at a sign-in
	}
	if more {
		t.Earlier = g.talkHref(one.PublicID) + "?before=" + strconv.FormatInt(messages[0].Position, 10)
	}
}

func (h *Chat) composer(g *guest, conversation string, running bool, d draft) views.ComposerView {
	v := views.ComposerView{
		Ask: g.askHref(conversation), Key: h.newKey(), Text: d.text, Problem: d.problem, Replaces: d.replaces,
		Placeholder: g.T("chat.placeholder"), Again: g.base, MaxLength: strconv.Itoa(access.QuestionMax), Cancel: g.talkHref(conversation),
	}
	if conversation != "" {
		v.Placeholder, v.Again = g.T("chat.follow_up"), g.talkHref(conversation)
	}
	if running {
		v.Stop = g.talkHref(conversation) + "/stop"
		return v
	}
	v.Closed, v.Hint = g.closed(h.Control.RefillAt(g.Guest))
	return v
}

// newKey makes what a form calls itself, so that sent twice it is one question.
func (h *Chat) newKey() string {
	var b [12]byte
	if _, err := io.ReadFull(h.Control.Random, b[:]); err != nil {
		panic("the system's random source failed: " + err.Error())
	}
	return hex.EncodeToString(b[:])
}

// history is the list of the customer's conversations on this link.
func (h *Chat) history(c *fiber.Ctx, g *guest, active string) (views.HistoryView, error) {
	p := db.Page{Query: c.Query("q"), Limit: historyMost + 1}
	if len(p.Query) > 200 {
		p.Query = ""
	}
	if id := c.Query("before"); id != "" && c.Params("conversation") == "" {
		last, err := h.Control.Conversation(c.UserContext(), g.Guest, id)
		if err != nil {
			return views.HistoryView{}, err
		}
		p.Before = last.ID
	}
	all, err := h.Control.Conversations(c.UserContext(), g.Guest, p)
	more := len(all) > historyMost
	return g.words.history(all[:min(len(all), historyMost)], more, active, p.Query), err
}

// History is the list alone: what searching and "Older" ask for.
func (h *Chat) History(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		if !page.IsPart(c) {
			return h.show(c, fiber.StatusOK, g, access.Conversation{}, nil, false, draft{})
		}
		v, err := h.history(c, g, "")
		if err != nil {
			return err
		}
		if c.Query("before") != "" {
			return page.Part(c, views.HistoryGroups(v))
		}
		return page.Part(c, views.History(v))
	})
}

// TalkMenu is what can be done with a conversation.
func (h *Chat) TalkMenu(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		one, err := h.Control.Conversation(c.UserContext(), g.Guest, c.Params("conversation"))
		if err != nil {
			return err
		}
		return page.Part(c, views.TalkMenu(g.talkHref(one.PublicID), !g.Brand.NoDelete))
	})
}

// AskRename is the form of a conversation's title.
func (h *Chat) AskRename(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		one, err := h.Control.Conversation(c.UserContext(), g.Guest, c.Params("conversation"))
		if err != nil {
			return err
		}
		return h.showRename(c, fiber.StatusOK, g, views.RenameView{Href: g.talkHref(one.PublicID), Name: g.talkName(one), MayDelete: !g.Brand.NoDelete})
	})
}

func (h *Chat) showRename(c *fiber.Ctx, status int, g *guest, v views.RenameView) error {
	panel := views.RenameTalk(v)
	return page.StatusOrPart(c, status, views.BarePanel(g.T("chat.rename"), v.Href, g.styles(), panel), panel)
}

// RenameTalk gives a conversation another title.
func (h *Chat) RenameTalk(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		href := g.talkHref(c.Params("conversation"))
		err := h.Control.RenameConversation(c.UserContext(), g.Guest, c.Params("conversation"), field(c, "name"))
		if access.KindOf(err) == access.Invalid {
			return h.showRename(c, page.StatusOf(err), g, views.RenameView{Href: href, Name: field(c, "name"), Problem: page.Say(c, err)})
		}
		if err != nil {
			return err
		}
		return page.Redirect(c, href)
	})
}

// AskDelete asks before a conversation is deleted.
func (h *Chat) AskDelete(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		one, err := h.Control.Conversation(c.UserContext(), g.Guest, c.Params("conversation"))
		if err != nil {
			return err
		}
		panel := views.ConfirmTalk(g.talkHref(one.PublicID), g.talkName(one))
		return page.StatusOrPart(c, fiber.StatusOK, views.BarePanel(g.T("chat.delete"), g.talkHref(one.PublicID), g.styles(), panel), panel)
	})
}

// DeleteTalk stops what runs in a conversation and takes it away.
func (h *Chat) DeleteTalk(c *fiber.Ctx) error {
	return h.inside(c, func(g *guest) error {
		if err := h.stop(c, g, c.Params("conversation")); err != nil {
			return err
		}
		if err := h.Control.DeleteConversation(c.UserContext(), g.Guest, c.Params("conversation")); err != nil {
			return err
		}
		return page.Redirect(c, g.base)
	})
}
