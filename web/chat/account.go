package chat

import (
	"encoding/hex"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/mileusna/useragent"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// onLink is inside for what only a customer of a share link has: an account.
func (h *Chat) onLink(c *fiber.Ctx, do func(*guest) error) error {
	return h.inside(c, func(g *guest) error {
		if g.Embedded() {
			return access.Fail(access.NotFound, "page_unknown", "There is nothing at this address.")
		}
		return do(g)
	})
}

// Account is the customer's own page.
func (h *Chat) Account(c *fiber.Ctx) error {
	return h.onLink(c, func(g *guest) error {
		sessions, err := h.Control.OwnSessions(c.UserContext(), g.Actor)
		if err != nil {
			return err
		}
		href := g.base + "/account"
		v := views.ShareAccountView{
			Title: g.T("chat.account") + " · " + g.bot.Name, Name: g.Customer.Username, Under: g.Customer.Email, Initials: initials(g.Customer.Username),
			Href: href, Back: g.base, Password: g.base + "/password", Allowance: g.allowance(), Kept: g.readsAlong(), MayDelete: !g.Brand.NoDelete,
			From: g.owner, Said: g.T("account.done." + c.Query("done")), Path: href, Styles: g.styles(), Footer: g.footer(),
		}
		if c.Query("done") == "" || !g.Has("account.done."+c.Query("done")) {
			v.Said = ""
		}
		if v.Allowance.Text != "" {
			v.Returns = g.returns(h.Control.RefillAt(g.Guest))
		}
		for _, l := range lang.All() {
			v.Languages = append(v.Languages, views.OptionView{Value: string(l), Label: l.Name(), Chosen: l == g.Lang})
		}
		for _, s := range sessions {
			v.Sessions = append(v.Sessions, g.session(s, string(s.Hash) == string(g.Actor.SessionHash)))
		}
		return page.Show(c, views.ShareAccount(v))
	})
}

// returns says when an allowance comes back.
func (w words) returns(refill time.Time) string {
	if refill.IsZero() {
		return w.T("account.never_back", w.owner)
	}
	return w.T("chat.spent_until", w.Moment(refill, w.zone))
}

func (g *guest) session(s access.Session, current bool) views.CustomerSessionView {
	ua := useragent.Parse(s.Agent)
	v := views.CustomerSessionView{Icon: "monitor", Name: ua.Name, Under: g.T("account.seen", g.Ago(s.SeenAt, g.now), s.Address)}
	if ua.Mobile || ua.Tablet {
		v.Icon = "smartphone"
	}
	switch {
	case v.Name == "":
		v.Name = g.T("settings.browser")
	case ua.OS != "":
		v.Name = g.T("settings.browser_on", ua.Name, ua.OS)
	}
	if current {
		v.Under = g.T("settings.this_device")
		return v
	}
	v.End = g.base + "/account/sessions/" + hex.EncodeToString(s.Hash) + "/end"
	return v
}

// ChooseLanguage keeps the customer's language for every device, and for this one
// at once.
func (h *Chat) ChooseLanguage(c *fiber.Ctx) error {
	return h.onLink(c, func(g *guest) error {
		if err := h.Control.ChooseLanguage(c.UserContext(), g.Actor, field(c, "lang")); err != nil {
			return err
		}
		c.Cookie(&fiber.Cookie{
			Name: languageCookie, Value: field(c, "lang"), Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
			Secure: h.Sessions.Secure, HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
		})
		return page.Redirect(c, g.base+"/account")
	})
}

// EndSession ends one of the customer's other sign-ins.
func (h *Chat) EndSession(c *fiber.Ctx) error {
	return h.onLink(c, func(g *guest) error {
		hash, err := hex.DecodeString(c.Params("session"))
		if err != nil {
			return access.Fail(access.NotFound, "page_unknown", "There is nothing at this address.")
		}
		if err := h.Control.EndOwnSession(c.UserContext(), g.Actor, hash); err != nil {
			return err
		}
		return page.Redirect(c, g.base+"/account?done=ended")
	})
}

// EndOtherSessions signs the customer out everywhere else.
func (h *Chat) EndOtherSessions(c *fiber.Ctx) error {
	return h.onLink(c, func(g *guest) error {
		if err := h.Control.EndOtherOwnSessions(c.UserContext(), g.Actor); err != nil {
			return err
		}
		return page.Redirect(c, g.base+"/account?done=ended")
	})
}

// AskDeleteAll asks before all conversations are deleted.
func (h *Chat) AskDeleteAll(c *fiber.Ctx) error {
	return h.onLink(c, func(g *guest) error {
		href := g.base + "/account"
		panel := views.ConfirmAll(href, g.owner)
		return page.StatusOrPart(c, fiber.StatusOK, views.BarePanel(g.T("account.delete"), href+"/delete", g.styles(), panel), panel)
	})
}

// DeleteAll takes all of the customer's conversations away.
func (h *Chat) DeleteAll(c *fiber.Ctx) error {
	return h.onLink(c, func(g *guest) error {
		if _, err := h.Control.DeleteConversations(c.UserContext(), g.Guest); err != nil {
			return err
		}
		return page.Redirect(c, g.base+"/account?done=deleted")
	})
}
