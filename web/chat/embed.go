package chat

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
	"latchkey/web/wire"
)

// opened finds what the address of a page leads to: a share link, or a chat in
// another site's page.
func (h *Chat) opened(c *fiber.Ctx) (control.OpenedLink, error) {
	if beta := c.Params("beta"); beta != "" {
		return h.Control.EmbedOf(c.UserContext(), beta, c.Params("bot"))
	}
	return h.Control.ShareOf(c.UserContext(), c.Params("share"))
}

// frame says who may show this answer in a frame: the sites that the bot's owner
// named, and nobody else.
func (h *Chat) frame(c *fiber.Ctx, o control.OpenedLink) {
	ancestors := "'none'"
	if len(o.Bot.AllowedOrigins) > 0 {
		ancestors = strings.Join(o.Bot.AllowedOrigins, " ")
	}
	c.Set(fiber.HeaderContentSecurityPolicy, page.Policy(page.Nonce(c), ancestors))
	h.dressFrame(c, o)
}

// dressFrame takes the language that the page around asked for, and remembers it.
func (h *Chat) dressFrame(c *fiber.Ctx, o control.OpenedLink) {
	looks := h.Sessions.Looks(c, o.Token)
	name, _, _ := strings.Cut(looks, ".")
	if l, known := lang.Parse(name); known {
		page.SetLang(c, l)
	}
	if c.Query("locale") == "" && c.Query("visible_avatar") == "" {
		return
	}
	if l, known := lang.Parse(c.Query("locale")); known {
		page.SetLang(c, l)
		name = string(l)
	}
	face := ".face"
	if c.Query("visible_avatar") == "1" { // that is how RAGFlow spells "hide it"
		face = ".plain"
	}
	h.Sessions.SetLooks(c, o.Token, name+face)
	c.Locals(plainLocal, face == ".plain")
}

const plainLocal = "chat.plain"

// plain reports whether the bot's face is left out.
func (h *Chat) plain(c *fiber.Ctx, o control.OpenedLink) bool {
	if chosen, ok := c.Locals(plainLocal).(bool); ok {
		return chosen
	}
	return strings.HasSuffix(h.Sessions.Looks(c, o.Token), ".plain")
}

// Embed is RAGFlow's address of an embedded chat: it leads to ours.
func (h *Chat) Embed(c *fiber.Ctx) error {
	h.hideAddress(c)
	beta, bot := c.Query("auth"), c.Query("shared_id")
	o, err := h.Control.EmbedOf(c.UserContext(), beta, bot)
	if o.Embedded() {
		h.frame(c, o)
	}
	if err != nil {
		return h.fail(c, o, err)
	}
	to := embedBase(beta, o)
	kept := url.Values{}
	for _, key := range []string{"locale", "visible_avatar"} {
		if value := c.Query(key); value != "" {
			kept.Set(key, value)
		}
	}
	if len(kept) > 0 {
		to += "?" + kept.Encode()
	}
	return page.Redirect(c, to)
}

// embedBase is the address of an embedded chat. A token of no bot says which.
func embedBase(beta string, o control.OpenedLink) string {
	if o.Token.BotID == 0 && o.Bot.ID != 0 {
		return "/embed/" + beta + "/bots/" + o.Bot.PublicID
	}
	return "/embed/" + beta
}

// visiting lets a visitor of an embedded chat pass.
func (h *Chat) visiting(c *fiber.Ctx, o control.OpenedLink, do func(*guest) error) error {
	v, err := h.visitor(c, o)
	if err != nil {
		return err
	}
	g, err := h.Control.VisitEmbed(c.UserContext(), o, v)
	if access.KindOf(err) == access.SignedOut {
		return h.showNameless(c, o)
	}
	if err != nil {
		return err
	}
	return do(&guest{g, h.words(c, o)})
}

// visitor is who the cookies say sits there. Whoever opens the chat gets one; where
// the browser keeps none, a question would be lost, and is not taken.
func (h *Chat) visitor(c *fiber.Ctx, o control.OpenedLink) (control.Visitor, error) {
	v := control.Visitor{Address: address(c)}
	if o.NeedsName() {
		visit, err := h.Sessions.EmbedVisit(c, o.Workspace, o.Token)
		wire.Known(c, err)
		if access.KindOf(err) == access.SignedOut {
			return v, nil
		}
		v.Visit, v.Known = visit, err == nil
		return v, err
	}
	if v.Value = h.Sessions.Visitor(c, o.Token); v.Met() {
		return v, nil
	}
	if c.Method() != fiber.MethodGet || c.Params("conversation") != "" || page.IsPart(c) {
		return v, access.Fail(access.Forbidden, "embed_no_cookie",
			"Your browser keeps no cookie for this chat inside another page. Open it in a new tab.")
	}
	v.Value = h.meet(c, o)
	return v, nil
}

// meet gives a browser the cookie of a visitor without a name.
func (h *Chat) meet(c *fiber.Ctx, o control.OpenedLink) string {
	value := h.Control.NewVisitor()
	h.Sessions.SetVisitor(c, o.Token, value)
	return value
}

// showNameless waits for the page around to say who the visitor is: our script
// listens for it. A part leads there.
func (h *Chat) showNameless(c *fiber.Ctx, o control.OpenedLink) error {
	w := h.words(c, o)
	if c.Method() != fiber.MethodGet || page.IsPart(c) {
		return page.Redirect(c, w.base)
	}
	if h.Sessions.Visitor(c, o.Token) == "" {
		h.meet(c, o) // tells our script whether the browser keeps cookies here
	}
	return page.Status(c, fiber.StatusOK, views.ShareDead(views.ShareDeadView{
		Title: w.bot.Name, Face: w.face(), Sentence: w.T("chat.nameless", w.owner), Hint: w.T("chat.nameless_hint"),
		Again: w.base, Path: w.base, LanguageTo: w.base + "/language", Styles: w.styles(), Footer: w.footer(), Frame: h.frameView(&guest{words: w, Guest: control.Guest{OpenedLink: o}}, c),
	}))
}

// frameView is what our script in the frame needs to know.
func (h *Chat) frameView(g *guest, c *fiber.Ctx) *views.FrameView {
	if !g.Embedded() {
		return nil
	}
	return &views.FrameView{
		Base: g.base, Origins: strings.Join(g.bot.AllowedOrigins, " "), Subject: g.Subject, NeedsName: g.NeedsName(), Plain: h.plain(c, g.OpenedLink),
	}
}

// Probe tells our script whether the browser keeps cookies in this frame.
func (h *Chat) Probe(c *fiber.Ctx) error {
	return h.link(c, func(o control.OpenedLink) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		_, err := h.Sessions.EmbedVisit(c, o.Workspace, o.Token)
		if err == nil || h.Sessions.Visitor(c, o.Token) != "" {
			return c.SendStatus(fiber.StatusNoContent)
		}
		return c.SendStatus(fiber.StatusForbidden)
	})
}

// Introduce takes what the owner's server signed of a visitor. Our script hears of
// a refusal by its code, for whoever builds the page around; a visitor is told only
// that it did not work.
func (h *Chat) Introduce(c *fiber.Ctx) error {
	return h.link(c, func(o control.OpenedLink) error {
		value, err := h.Control.Introduce(c.UserContext(), o, field(c, "token"), control.Attempt{
			Address: address(c), Agent: c.Get(fiber.HeaderUserAgent),
		})
		if kind := access.KindOf(err); err != nil && kind != 0 {
			return h.notIntroduced(c, o, err)
		}
		if err != nil {
			return err
		}
		if err := h.Sessions.SignInEmbed(c, o.Workspace, o.Token, value); err != nil {
			return err
		}
		if page.IsPart(c) {
			return c.SendStatus(fiber.StatusNoContent)
		}
		return page.Redirect(c, h.words(c, o).base)
	})
}

func (h *Chat) notIntroduced(c *fiber.Ctx, o control.OpenedLink, err error) error {
	p := access.Problems(err)[0]
	if p.Code != "customer_disabled" {
		p = access.Fail(p.Kind, "identity_refused", "The site around this chat could not say who you are. Reload it.").Because(err)
	}
	if page.IsPart(c) {
		c.Set("X-Reason", access.Problems(err)[0].Code)
		return c.Status(page.StatusOf(p)).SendString(h.words(c, o).deadSentence(p.Code))
	}
	return p
}

// Forget ends the session of a visitor whom the page around knows no more.
func (h *Chat) Forget(c *fiber.Ctx) error {
	return h.link(c, func(o control.OpenedLink) error {
		if err := h.Sessions.SignOutEmbed(c, o.Workspace, o.Token); err != nil {
			return err
		}
		return c.SendStatus(fiber.StatusNoContent)
	})
}

// FrameLanguage changes the language of an embedded chat, which gets no cookie of
// the house.
func (h *Chat) FrameLanguage(c *fiber.Ctx) error {
	return h.link(c, func(o control.OpenedLink) error {
		w := h.words(c, o)
		l, known := lang.Parse(field(c, "lang"))
		if !known {
			l = w.Lang
		}
		face := ".face"
		if h.plain(c, o) {
			face = ".plain"
		}
		h.Sessions.SetLooks(c, o.Token, string(l)+face)
		return page.Redirect(c, ownPath(w, field(c, "next")))
	})
}
