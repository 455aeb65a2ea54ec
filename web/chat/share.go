package chat

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// signInForm is what a refused sign-in shows again.
type signInForm struct{ next, username, problem string }

// SignIn signs a customer in on a link and leads back to it.
func (h *Chat) SignIn(c *fiber.Ctx) error {
	return h.link(c, func(o control.OpenedLink) error {
		w := h.words(c, o)
		in, err := h.Control.SignInCustomer(c.UserContext(), o.Workspace.ID, control.Attempt{
			Name: field(c, "username"), Password: field(c, "password"), Door: access.DoorChat, Address: address(c),
			Agent: c.Get(fiber.HeaderUserAgent), Device: h.Sessions.Device(c),
		})
		next := ownPath(w, field(c, "next"))
		if kind := access.KindOf(err); kind == access.SignedOut || kind == access.Limited {
			return h.showSignIn(c, page.StatusOf(err), w, signInForm{next, field(c, "username"), page.Say(c, err)})
		}
		if err != nil {
			return err
		}
		h.Sessions.SetDevice(c, in.Device)
		if err := h.Sessions.SignInCustomer(c, o.Workspace, in.Value); err != nil {
			return err
		}
		return page.Redirect(c, next)
	})
}

// SignOut ends the customer's session in this browser.
func (h *Chat) SignOut(c *fiber.Ctx) error {
	return h.link(c, func(o control.OpenedLink) error {
		if err := h.Sessions.SignOutCustomer(c, o.Workspace); err != nil {
			return err
		}
		return page.Redirect(c, h.words(c, o).base)
	})
}

func (h *Chat) showSignIn(c *fiber.Ctx, status int, w words, f signInForm) error {
	if f.next == w.base {
		f.next = ""
	}
	return page.Status(c, status, views.ShareSignIn(views.ShareSignInView{
		Title: w.bot.Name, Face: w.face(), Invites: w.T("share.invites", w.owner), Bot: w.bot.Name, About: w.bot.Face().Description,
		Action: w.base + "/login", Next: f.next, Username: f.username, Problem: f.problem,
		Ask: []string{w.T("share.no_account"), w.T("share.ask_owner", w.owner)}, Path: w.base, Styles: w.styles(), Footer: w.promises(),
	}))
}

// showDead says in one sentence why a link does not lead on.
func (h *Chat) showDead(c *fiber.Ctx, w words, p *access.Error) error {
	status := page.StatusOf(p)
	if p.Code == "share_paused" {
		status = fiber.StatusForbidden // it comes back: nothing is gone
	}
	sentence := w.deadSentence(p.Code)
	if page.IsPart(c) {
		if p.Code != "embed_no_cookie" {
			c.Set("X-Dead", "1") // our script loads the page, which says the same
		}
		return page.PartStatus(c, status, views.Toast(views.ToastView{Tone: views.Off, Text: sentence}))
	}
	v := views.ShareDeadView{
		Title: w.bot.Name, Face: views.BotFaceView{Src: w.face().Src, Grey: true, Badge: "link-2-off"}, Sentence: sentence,
		Hint: w.T("share.dead." + p.Code + ".hint"), Again: w.base, Path: w.base, LanguageTo: w.languageTo(), Styles: w.styles(), Footer: w.deadFooter(),
	}
	if v.Title == "" {
		v.Title = sentence
	}
	switch p.Code {
	case "share_not_for_you", "seats_taken", "customer_disabled":
		if v.Face.Badge = "lock"; w.linked {
			v.SignOut = w.base + "/logout"
		}
	case "embed_no_cookie":
		v.NewTab = true
	case "share_paused":
		v.Face.Badge = "pause"
	case "share_expired":
		v.Face.Badge = "clock"
	}
	return page.Status(c, status, views.ShareDead(v))
}

// showGone says that a conversation is not, or not any more, the reader's.
func (h *Chat) showGone(c *fiber.Ctx, w words) error {
	return page.Status(c, fiber.StatusNotFound, views.ShareDead(views.ShareDeadView{
		Title: w.bot.Name, Face: views.BotFaceView{Src: w.face().Src, Grey: true, Badge: "search"}, Sentence: w.T("chat.gone"),
		Hint: w.T("chat.gone_hint"), Again: w.base, Button: w.T("chat.new"), Path: w.base, Styles: w.styles(), Footer: w.footer(),
	}))
}

// Password is the page of a new password.
func (h *Chat) Password(c *fiber.Ctx) error {
	return h.signedIn(c, func(o control.OpenedLink, v access.Visit) error {
		return h.showPassword(c, fiber.StatusOK, h.words(c, o), v, nil)
	})
}

// ChangePassword replaces the customer's own password.
func (h *Chat) ChangePassword(c *fiber.Ctx) error {
	return h.signedIn(c, func(o control.OpenedLink, v access.Visit) error {
		w := h.words(c, o)
		value, err := h.Control.ChangeCustomerPassword(c.UserContext(), v.Actor, field(c, "current"), field(c, "password"))
		if kind := access.KindOf(err); kind == access.Invalid || kind == access.Limited {
			return h.showPassword(c, page.StatusOf(err), w, v, err)
		}
		if err != nil {
			return err
		}
		if err := h.Sessions.SignInCustomer(c, o.Workspace, value); err != nil {
			return err
		}
		return page.Redirect(c, w.base)
	})
}

func (h *Chat) showPassword(c *fiber.Ctx, status int, w words, v access.Visit, err error) error {
	must := v.Customer.MustChange
	view := views.SharePasswordView{
		Title: w.bot.Name, Face: w.face(), Heading: w.T("share.password_change"), Text: w.T("share.password_change_text"),
		Action: w.base + "/password", Must: must && v.Actor.Fresh, Back: w.base, Errors: page.FieldErrors(c, err),
		Name: v.Customer.Username, Path: w.base + "/password", Styles: w.styles(), Footer: w.footer(),
	}
	if must {
		view.Heading, view.Text, view.Back = w.T("share.password_must"), w.T("share.password_must_text", w.owner), ""
	}
	return page.Status(c, status, views.SharePassword(view))
}

// Face is the bot's picture, for whoever has its link.
func (h *Chat) Face(c *fiber.Ctx) error {
	return h.link(c, func(o control.OpenedLink) error {
		picture, err := h.Control.DB.Blob(c.UserContext(), o.Workspace.ID, o.Bot.AvatarID)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, picture.ContentType)
		c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox")
		c.Set(fiber.HeaderCacheControl, "private, max-age=300")
		return c.Send(picture.Body)
	})
}
