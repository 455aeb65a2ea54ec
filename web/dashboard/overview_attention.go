package dashboard

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
)

// attention lists what somebody should mend, the most urgent first. A row leaves
// once it is mended.
func (d *Dashboard) attention(c *fiber.Ctx, o control.Overview, failing []access.Provider) []views.AttentionView {
	w := d.words(c)
	may := func(a views.AttentionView, act access.Act) views.AttentionView {
		if !d.actor(c).May(act) {
			a.Button, a.Href = "", ""
		}
		return a
	}
	var all []views.AttentionView
	if len(o.Faults) > 0 {
		all = append(all, views.AttentionView{
			Icon: "triangle-alert", Tone: views.Bad, Title: w.N("overview.ledger", int64(len(o.Faults))),
			Text: w.sentences(o.Faults[0]+".", w.T("overview.ledger_text")), When: w.T("overview.now"),
		})
	}
	told := map[int64]bool{} // providers whose row names their bots
	for _, p := range o.Stopped {
		told[p.ID] = true
		all = append(all, may(w.stopped(p, botsOf(o, p.ID)), access.ChangeProviders))
	}
	for _, p := range failing {
		told[p.ID] = true
		all = append(all, may(d.failing(c, p), access.ChangeProviders))
	}
	for _, b := range o.Stuck {
		if !told[b.Provider.ID] {
			all = append(all, may(w.stuck(b), access.ChangeAccess))
		}
	}
	for _, t := range o.Spent {
		all = append(all, may(w.spent(t), access.ChangeAccess))
	}
	var tokens []db.Ending
	for _, e := range o.Ending {
		if !e.Share {
			tokens = append(tokens, e)
			continue
		}
		all = append(all, may(w.endingShare(e), access.ChangeAccess))
	}
	if len(tokens) > 0 {
		all = append(all, may(w.endingTokens(tokens), access.ChangeAccess))
	}
	return all
}

func botsOf(o control.Overview, provider int64) []string {
	var names []string
	for _, b := range o.Stuck {
		if b.Provider.ID == provider {
			names = append(names, b.Name)
		}
	}
	return names
}

// stopped is a provider that Latchkey paused because it refuses its key.
func (w words) stopped(p access.Provider, bots []string) views.AttentionView {
	reason := w.T("overview.pause." + p.PauseReason)
	if !w.Has("overview.pause." + p.PauseReason) {
		reason = p.PauseReason
	}
	if len(bots) > 0 {
		reason = w.sentences(reason, w.N("overview.bots_stopped", int64(len(bots)), w.Enumerate(bots)))
	}
	return views.AttentionView{
		Icon: "server", Tone: views.Bad, Title: w.T("overview.paused", p.Name), Text: reason,
		When: w.T("overview.since", w.since(p.PausedAt)), Button: w.T("overview.open_provider"), Href: providerHref(p.PublicID),
	}
}

// failing is a provider that calls are kept from until a probe succeeds.
func (d *Dashboard) failing(c *fiber.Ctx, p access.Provider) views.AttentionView {
	w, h := d.words(c), d.Gateway.Health(p.ID)
	text := w.T("overview.failing_text", w.Number(int64(h.Failed)), w.Number(int64(h.Calls)))
	if h.Failed == 0 {
		text = w.T("overview.failing_probe")
	}
	return views.AttentionView{
		Icon: "server", Tone: views.Bad, Title: w.T("overview.failing", p.Name), Text: text,
		When: w.T("overview.now"), Button: w.T("overview.open_provider"), Href: providerHref(p.PublicID),
	}
}

// stuck is a bot that no provider answers for.
func (w words) stuck(b control.StuckBot) views.AttentionView {
	text := w.T("overview.stuck_model", b.Model)
	if b.Provider.ID != 0 && !b.Provider.Enabled {
		text = w.T("overview.stuck_off", b.Provider.Name)
	}
	return views.AttentionView{
		Icon: "bot", Tone: views.Bad, Title: w.T("overview.stuck", b.Name), Text: text,
		Button: w.T("overview.open_bot"), Href: "/bots/" + b.PublicID,
	}
}

func (w words) spent(t db.SpentToken) views.AttentionView {
	text := w.T("overview.spent_text", w.Money(t.Purse.Used, w.per), w.MoneyShort(t.Purse.Quota, w.per))
	if t.Refused > 0 {
		text = w.sentences(text, w.N("overview.refused_today", t.Refused))
	}
	v := views.AttentionView{
		Icon: "wallet", Tone: views.Bad, Title: w.T("overview.spent", t.Name), Text: text,
		Button: w.T("overview.raise"), Href: tokenHref(t.PublicID) + "/edit", Dialog: true,
	}
	if !t.UsedAt.IsZero() {
		v.When = w.T("overview.since", w.since(t.UsedAt))
	}
	return v
}

func (w words) endingShare(e db.Ending) views.AttentionView {
	name := e.Name
	if name == "" {
		name = w.T("overview.unnamed")
	}
	text := w.sentences(w.N("overview.share_customers", e.Customers), w.N("overview.share_questions", e.Questions))
	return views.AttentionView{
		Icon: "clock", Tone: views.Warn, Title: w.T("overview.share_ends", name, w.Until(e.At, w.now)), Text: text,
		When: w.Until(e.At, w.now), Button: w.T("overview.extend"), Href: "/shares/" + e.PublicID + "/edit", Dialog: true,
	}
}

// endingTokens is one row for all API tokens that expire soon.
func (w words) endingTokens(all []db.Ending) views.AttentionView {
	v := views.AttentionView{Icon: "clock", Tone: views.Warn, When: w.Until(all[0].At, w.now)}
	if len(all) == 1 {
		v.Title = w.T("overview.token_ends", all[0].Name, w.Until(all[0].At, w.now))
		used, _ := w.ago(all[0].UsedAt, "tokens.never_used")
		v.Text = w.T("overview.last_used", used)
		v.Button, v.Href, v.Dialog = w.T("overview.extend"), tokenHref(all[0].PublicID)+"/edit", true
		return v
	}
	const named = 3
	var parts []string
	for _, e := range all[:min(len(all), named)] {
		parts = append(parts, w.T("overview.one_ends", e.Name, w.Until(e.At, w.now)))
	}
	v.Title = w.N("overview.tokens_end", int64(len(all)))
	v.Text = w.Enumerate(parts)
	if more := len(all) - named; more > 0 {
		v.Text += " " + w.N("overview.and_more", int64(more))
	}
	v.Text += w.fullStop()
	v.Button, v.Href = w.T("overview.see_tokens"), "/tokens?status=enabled"
	return v
}

// since says from when on: the hour, and the day where it is not today.
func (w words) since(t time.Time) string {
	if at, now := t.In(w.zone), w.now.In(w.zone); at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return w.Clock(t, w.zone)
	}
	return w.DayShort(t, w.zone)
}

// sentences puts one after the other.
func (w words) sentences(all ...string) string {
	if w.Lang == lang.Chinese {
		return strings.Join(all, "")
	}
	return strings.Join(all, " ")
}

func (w words) fullStop() string {
	if w.Lang == lang.Chinese {
		return "。"
	}
	return "."
}
