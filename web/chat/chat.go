// Package chat is the customer's pages: a share link, signing in, the chat, and the
// same chat in another site's page.
//
// It promises that whoever opens a link learns in one plain sentence, in their
// language, whose it is and why it does not lead on if it does not; that the
// text of a link is never logged and never leaves in a Referer; that a customer
// sees their own conversations of this link and nothing else; and that everything
// works without script, only later: the page comes again until the answer is
// there.
//
// It holds no rule: control says who may come in and stores what is asked, the
// gateway answers. Start with inside here, which stands before every page; ask.go
// is a question's way, follow.go the stream of its answer, embed.go the frame,
// present.go the words.
package chat

import (
	"log/slog"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
	"latchkey/web/session"
	"latchkey/web/wire"
)

// Chat is the room. Its fields are set once and not changed.
type Chat struct {
	Control  *control.Control
	Live     *gateway.Live
	Sessions *session.Sessions
	Now      func() time.Time
	Log      *slog.Logger
}

// guest is a customer on a link, and how this answer speaks to them.
type guest struct {
	control.Guest
	words
}

// link finds what the text in an address leads to. A link that does not lead on is
// answered here, and do is not called.
func (h *Chat) link(c *fiber.Ctx, do func(control.OpenedLink) error) error {
	h.hideAddress(c)
	o, err := h.opened(c)
	if o.Embedded() {
		h.frame(c, o)
	}
	if err == nil {
		err = do(o)
	}
	if err != nil {
		return h.fail(c, o, err)
	}
	return nil
}

// hideAddress keeps the page's address, which opens the chat, from other sites. Over
// plain HTTP a browser tells where a form comes from in Origin alone, which
// no-referrer would blank: same-origin tells other sites as little.
func (h *Chat) hideAddress(c *fiber.Ctx) {
	policy := "no-referrer"
	if !h.Sessions.Secure {
		policy = "same-origin"
	}
	c.Set(fiber.HeaderReferrerPolicy, policy)
}

// inside lets customers pass who are signed in and may use the link. Others get
// the sign-in page, or the sentence that says why not.
func (h *Chat) inside(c *fiber.Ctx, do func(*guest) error) error {
	return h.link(c, func(o control.OpenedLink) error {
		if o.Embedded() {
			return h.visiting(c, o, do)
		}
		return h.known(c, o, func(o control.OpenedLink, v access.Visit) error { return h.enter(c, o, v, do) })
	})
}

// enter lets a customer in who is signed in.
func (h *Chat) enter(c *fiber.Ctx, o control.OpenedLink, v access.Visit, do func(*guest) error) error {
	if v.Customer.MustChange {
		return page.Redirect(c, h.words(c, o).base+"/password")
	}
	enter := h.Control.VisitShare
	if c.Method() == fiber.MethodGet && c.Params("conversation") == "" && !page.IsPart(c) {
		enter = h.Control.EnterShare
	}
	g, err := enter(c.UserContext(), v.Actor, o)
	if err != nil {
		return err
	}
	return do(&guest{g, h.words(c, o)})
}

// signedIn lets customers pass who are signed in, whatever they may do here.
func (h *Chat) signedIn(c *fiber.Ctx, do func(control.OpenedLink, access.Visit) error) error {
	return h.link(c, func(o control.OpenedLink) error { return h.known(c, o, do) })
}

func (h *Chat) known(c *fiber.Ctx, o control.OpenedLink, do func(control.OpenedLink, access.Visit) error) error {
	v, err := h.Sessions.CustomerVisit(c, o.Workspace)
	wire.Known(c, err)
	if access.KindOf(err) == access.SignedOut {
		return h.signedOut(c, o)
	}
	if err != nil {
		return err
	}
	if l, known := lang.Parse(v.Customer.Language); known && v.Customer.Language != "" && c.Cookies(languageCookie) == "" {
		page.SetLang(c, l)
	}
	return do(o, v)
}

// languageCookie is set by the language switch: who chose there is not asked again.
const languageCookie = "latchkey-language"

// signedOut shows the sign-in page to readers, tells our script that sends a
// question, and leads everything else there.
func (h *Chat) signedOut(c *fiber.Ctx, o control.OpenedLink) error {
	w := h.words(c, o)
	if c.Method() == fiber.MethodPost && page.IsPart(c) {
		// What was typed stays in its field: signing in happens in another tab.
		return page.PartStatus(c, fiber.StatusUnauthorized, views.SignedOut(w.base))
	}
	if c.Method() != fiber.MethodGet || page.IsPart(c) {
		return page.Redirect(c, w.base)
	}
	return h.showSignIn(c, fiber.StatusOK, w, signInForm{next: ownPath(w, c.OriginalURL())})
}

// ownPath is path if it is a page of the link, else the link itself.
func ownPath(w words, path string) string {
	if path = page.ReturnTo(path); path == w.base || strings.HasPrefix(path, w.base+"/c/") {
		return path
	}
	return w.base
}

// fail shows what went wrong: a dead link in words of its own, a fault under its
// reference, anything else as the house does, without the house's name.
func (h *Chat) fail(c *fiber.Ctx, o control.OpenedLink, err error) error {
	w := h.words(c, o)
	for _, p := range access.Problems(err) {
		if w.Has("share.dead." + p.Code) {
			return h.showDead(c, w, p)
		}
	}
	if access.KindOf(err) == access.NotFound && o.Workspace.ID != 0 && !page.IsPart(c) {
		return h.showGone(c, w)
	}
	f := page.Failure{NoBrand: true, Footer: w.footer()}
	if access.KindOf(err) == 0 {
		f.Reference = c.GetRespHeader("X-Request-Id")
		h.Log.Error("fault in a customer's page", "request", f.Reference, "route", c.Route().Path, "error", err)
	}
	return page.Error(c, err, f)
}

// field is what a field of the posted form holds.
func field(c *fiber.Ctx, name string) string {
	if c.Method() != fiber.MethodPost {
		return ""
	}
	if strings.HasPrefix(string(c.Request().Header.ContentType()), fiber.MIMEMultipartForm) {
		form, err := c.Context().MultipartForm()
		if err != nil || len(form.Value[name]) == 0 {
			return ""
		}
		return form.Value[name][0]
	}
	return strings.ToValidUTF8(string(c.Context().PostArgs().Peek(name)), "\uFFFD")
}

// address is where a call comes from, "" when it cannot be told.
func address(c *fiber.Ctx) string {
	if a := wire.Address(c); a.IsValid() {
		return a.String()
	}
	return ""
}
