package chat

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// words spells a link for one reader at one moment.
type words struct {
	lang.Lang
	base   string // address of the link
	owner  string // as customers know them
	bot    access.Bot
	share  access.Share
	brand  control.Brand
	now    time.Time
	zone   *time.Location
	linked bool // the link is known
}

func (h *Chat) words(c *fiber.Ctx, o control.OpenedLink) words {
	base := "/s/" + c.Params("share")
	if beta := c.Params("beta"); beta != "" {
		base = embedBase(beta, o)
	}
	return words{
		Lang: page.Lang(c), base: base, owner: o.Brand.Name, bot: o.Bot, share: o.Share, brand: o.Brand,
		now: h.Now(), zone: o.Workspace.Location(), linked: o.Share.ID != 0,
	}
}

// languageTo is where the language is chosen: in a frame without the house's cookie.
func (w words) languageTo() string {
	if strings.HasPrefix(w.base, "/embed/") {
		return w.base + "/language"
	}
	return "/language"
}

// face is the bot's picture.
func (w words) face() views.BotFaceView {
	if w.bot.AvatarID == 0 {
		return views.BotFaceView{}
	}
	return views.BotFaceView{Src: w.base + "/face"}
}

// styles are the owner's colour, where they chose one.
func (w words) styles() []string {
	if colour, ok := parseColour(w.brand.Colour); ok {
		return []string{"/accent/" + colour.hex() + ".css"}
	}
	return nil
}

// credit is the owner's own line, and ours, which they may switch off.
func (w words) credit() []string {
	var lines []string
	if w.brand.Legal != "" {
		lines = append(lines, w.brand.Legal)
	}
	if !w.brand.NoCredit {
		lines = append(lines, w.T("kit.powered"))
	}
	return lines
}

// footer stands under the small pages of a link.
func (w words) footer() []string { return w.credit() }

// promises says before anyone signs in who reads along, and until when it works.
func (w words) promises() []string {
	lines := []string{w.readsAlong()}
	if !w.share.ExpiresAt.IsZero() {
		lines = append(lines, w.T("share.works_until", w.Day(w.share.ExpiresAt, w.zone)))
	}
	return append(lines, w.credit()...)
}

// readsAlong says what becomes of what is written.
func (w words) readsAlong() string {
	switch days := w.bot.RetentionDays; {
	case days == nil:
		return w.T("share.reads", w.owner)
	case *days == 0:
		return w.T("share.keeps_nothing")
	default:
		return w.N("share.reads_for", *days, w.owner)
	}
}

// deadFooter helps to tell the owner which link it was, and when.
func (w words) deadFooter() []string {
	var lines []string
	moment := w.Day(w.now, w.zone) + " " + w.Clock(w.now, w.zone)
	if w.linked {
		lines = append(lines, w.T("share.link_ending", w.share.Hint, moment))
	}
	return append(lines, w.credit()...)
}

func (w words) deadSentence(code string) string { return w.naming("share.dead." + code) }

// naming is a text that may name the owner.
func (w words) naming(key string) string { return strings.ReplaceAll(w.T(key), "%s", w.owner) }

// reason says why an answer is not what it should be.
func (w words) reason(code string) string {
	if w.Has("share.dead." + code) {
		return w.deadSentence(code)
	}
	switch code {
	case "insufficient_quota", "quota_too_low":
		code = "link_spent"
	case "token_revoked", "token_disabled", "token_expired", "invalid_api_key":
		return w.deadSentence("embed_off")
	case "too_many_concurrent":
		code = "rate_limit_exceeded"
	}
	if strings.HasPrefix(code, "provider_") {
		code = "provider"
	}
	if !w.Has("chat.reason." + code) {
		code = "fault"
	}
	return w.naming("chat.reason." + code)
}

// note is what stands under an answer that is not whole.
func (w words) note(state access.MessageState, reason string) (text string, tone views.Tone) {
	switch state {
	case access.Stopped:
		return w.T("chat.stopped"), views.Off
	case access.Cut:
		return w.T("chat.cut", w.reason(reason)), views.Warn
	case access.Failed:
		return w.T("chat.failed", w.reason(reason)), views.Bad
	}
	return "", ""
}

// period is the word for a time in which an allowance holds.
func (w words) period(r access.Refill) string {
	if r == "" || r == access.RefillNone {
		return ""
	}
	return "." + string(r)
}
