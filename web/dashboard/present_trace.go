package dashboard

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/views"
)

// trace explains one call.
func (d *Dashboard) trace(c *fiber.Ctx, r db.RequestRow) (views.TraceView, error) {
	w := d.words(c)
	marks, err := d.requestMarks(c, []db.RequestRow{r})
	if err != nil {
		return views.TraceView{}, err
	}
	v := views.TraceView{
		Shell: d.shell(c, "requests", r.RequestID), Facts: w.callFacts(r, marks[r.Model]),
		Over: w.T("requests.over." + string(r.Outcome)), Icon: "circle-check", Tone: outcomeTones[r.Outcome], StatusTone: outcomeTones[r.Outcome],
		Status: w.Number(int64(r.Status)), Repair: d.repair(c, r),
	}
	v.Shell.Crumbs = []views.LinkView{{Text: w.T("requests.title"), Href: "/requests"}, {Text: shortID(r.RequestID)}}
	if r.Outcome != access.Answered {
		v.Icon = "circle-x"
	}
	if r.TokenPublicID != "" && r.TokenName != "" {
		v.Again = whyHref(r)
	}
	v.Title, v.Text = w.answer(r)
	v.Steps, v.Summary = w.steps(r, d.dry(c, r))
	w.told(r, &v)
	v.Copy = traceText(v, r)
	return v, nil
}

// shortID is as much of a request's id as a crumb has room for.
func shortID(id string) string { return id[:min(len(id), 12)] }

// dry tries the rules that a refused call of a token did not reach, as they stand
// now, so that mending one does not uncover the next. What the call could have cost
// is not known any more: the budget is told only where no call at all would fit.
func (d *Dashboard) dry(c *fiber.Ctx, r db.RequestRow) map[string]access.Check {
	out := map[string]access.Check{}
	if r.Outcome != access.Refused || r.TokenPublicID == "" {
		return out
	}
	address, _ := netip.ParseAddr(r.Address)
	why, err := d.Gateway.Why(c.UserContext(), d.actor(c), gateway.WhatIf{Token: r.TokenPublicID, Address: address, Model: r.Model})
	if err != nil {
		return out // a token that is gone has no rules to try
	}
	for _, one := range why.Rules {
		if one.Known && (one.Rule != gateway.RuleHold || !one.Passed) {
			out[one.Rule] = access.Check{Rule: one.Rule, Passed: one.Passed, Call: one.Call, Allowed: one.Allowed}
		}
	}
	return out
}

// answer is the page's title, which is the answer, and the sentence below it.
func (w words) answer(r db.RequestRow) (title, text string) {
	who, _ := w.who(r)
	switch r.Outcome {
	case access.Answered:
		return w.T("requests.title.answered", w.took(r.Total)), w.T("requests.text.answered", who, w.Money(r.Units, w.per))
	case access.Partial:
		return w.T("requests.title.partial", w.because(r)), w.T("requests.text.partial", who, w.Money(r.Units, w.per))
	case access.Broken:
		return w.T("requests.title.failed", w.because(r)), w.T("requests.text.failed")
	}
	subject := w.T("requests.subject.token", who)
	if r.TokenID == 0 {
		subject = w.T("requests.subject.other", who)
	}
	text = w.T("requests.text.refused")
	if detail := "requests.detail." + r.Rule; w.Has(detail) {
		if c := refusedBy(r); c.Allowed != "" {
			text = w.sentences(w.T(detail, or(subjectOf(r), c.Call), c.Allowed), text)
		}
	}
	rule := r.Rule
	if strings.HasSuffix(refusedBy(r).Call, gateway.AtOnce) {
		rule = "call_too_large"
	}
	switch key := "requests.title." + rule; {
	case !w.Has(key):
		return w.T("requests.title.refused", subject, w.because(r)), text
	case rule == "link_spent":
		return w.T(key), text
	case subjectOf(r) != "":
		return w.T(key, subject, subjectOf(r)), text
	default:
		return w.T(key, subject), text
	}
}

// subjectOf is what a rule refused: the model or the address, "" for other rules.
func subjectOf(r db.RequestRow) string {
	switch r.Rule {
	case "model_not_allowed", "group_not_allowed", "model_not_found":
		return or(r.Model, "–")
	case "ip_not_allowed":
		return or(r.Address, "–")
	}
	return ""
}

// refusedBy is the rule that refused, as it was noted.
func refusedBy(r db.RequestRow) access.Check {
	for _, c := range r.Trace {
		if !c.Passed {
			return c
		}
	}
	return access.Check{}
}

// repair leads to where the rule that refused can be changed, for who may.
func (d *Dashboard) repair(c *fiber.Ctx, r db.RequestRow) *views.LinkView {
	w := d.words(c)
	if r.Outcome == access.Broken && r.ProviderPublicID != "" && d.actor(c).May(access.ChangeProviders) {
		return &views.LinkView{Text: w.T("overview.open_provider"), Href: providerHref(r.ProviderPublicID)}
	}
	key := "requests.repair." + r.Rule
	if r.Outcome != access.Refused || !w.Has(key) || !d.actor(c).May(access.ChangeAccess) {
		return nil
	}
	text := w.T(key)
	if subject := subjectOf(r); subject != "" {
		text = w.T(key, subject)
	}
	switch {
	case r.TokenPublicID != "":
		return &views.LinkView{Text: text, Href: tokenHref(r.TokenPublicID) + "/edit"}
	case r.SharePublicID != "":
		return &views.LinkView{Text: text, Href: "/shares/" + r.SharePublicID + "/edit"}
	}
	return nil
}

func (w words) callFacts(r db.RequestRow, marked bool) []views.Definition {
	link := func(key, name, base, id string) views.Definition {
		d := views.Definition{Term: w.T("requests." + key), Text: or(name, w.T("requests.gone"))}
		if id != "" && name != "" {
			d.Href = base + id
		}
		return d
	}
	all := []views.Definition{{Term: w.T("requests.time"), Text: w.When(r.At, w.now, w.zone), Under: w.Moment(r.At, w.zone)}}
	if r.TokenID != 0 {
		all = append(all, link("token", r.TokenName, "/tokens/", r.TokenPublicID))
	}
	if r.ShareID != 0 {
		all = append(all, link("share", or(r.ShareName, w.T("overview.unnamed")), "/shares/", r.SharePublicID), link("customer", r.CustomerName, "/customers/", r.CustomerPublicID))
	}
	door := w.door(r.Door)
	if r.Stream {
		door = w.T("requests.streamed", door)
	}
	all = append(all, views.Definition{Term: w.T("requests.from"), Text: or(r.Address, "–"), Mono: true}, views.Definition{Term: w.T("requests.door"), Text: door})
	if r.BotID != 0 {
		all = append(all, link("bot", r.BotName, "/bots/", r.BotPublicID))
	}
	if r.Model != "" {
		all = append(all, views.Definition{Term: w.T("requests.model"), Text: r.Model, Mono: true})
	}
	if r.ProviderID != 0 {
		all = append(all, link("provider", r.ProviderName, "/providers/", r.ProviderPublicID))
	}
	return append(append(all, w.costFacts(r, marked)...), views.Definition{Term: w.T("requests.id"), Text: r.RequestID, Mono: true})
}

func (w words) costFacts(r db.RequestRow, marked bool) []views.Definition {
	if !charged(r) {
		return []views.Definition{{Term: w.T("requests.cost"), Text: w.T("requests.not_charged")}}
	}
	tokens := views.Definition{Term: w.T("requests.tokens"), Text: w.T("requests.tokens_text", w.Number(r.Usage.Prompt), w.Number(r.Usage.Completion))}
	if r.Usage.Estimated {
		tokens.Under = w.T("requests.estimated")
	}
	cost := views.Definition{Term: w.T("requests.cost"), Text: w.Money(r.Units, w.per)}
	if marked {
		cost.Under = w.T("requests.default_price")
	}
	return []views.Definition{
		tokens, cost, {Term: w.T("requests.first"), Text: w.took(r.FirstByte)}, {Term: w.T("requests.total"), Text: w.took(r.Total)},
	}
}

// toldCodes are refusals whose sentence holds nothing but the call's own values.
var toldCodes = map[string]func(db.RequestRow) []any{
	"model_not_allowed": func(r db.RequestRow) []any { return []any{r.Model} },
	"ip_not_allowed":    func(r db.RequestRow) []any { return []any{r.Address} },
	"bot_not_allowed":   nil, "permission_denied": nil, "insufficient_quota": nil, "quota_too_low": nil, "allowance_used": nil, "link_spent": nil,
	"share_paused": nil, "share_revoked": nil, "share_expired": nil, "token_expired": nil, "token_revoked": nil, "token_disabled": nil,
}

// told is what a program got for an answer, or what a customer read.
func (w words) told(r db.RequestRow, v *views.TraceView) {
	if charged(r) {
		return
	}
	sentence := ""
	if args, known := toldCodes[r.Rule]; known {
		var values []any
		if args != nil {
			values = args(r)
		}
		sentence = w.T("told."+r.Rule, values...)
	}
	if r.TokenID == 0 {
		v.ToldTitle, v.ToldText = w.T("requests.told_customer"), or(sentence, w.because(r))
		return
	}
	v.ToldTitle = w.T("requests.told")
	body := map[string]any{"code": r.Rule, "type": "new_api_error", "param": nil}
	if r.Status == fiber.StatusBadRequest || r.Status == fiber.StatusNotFound {
		body["type"] = "invalid_request_error"
	}
	if sentence != "" {
		body["message"] = sentence + " (request id: " + r.RequestID + ")"
	}
	text, err := json.MarshalIndent(map[string]any{"error": body}, "", "  ")
	if err == nil {
		v.Told = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
	}
}

// traceText is the page as plain text, to be pasted somewhere.
func traceText(v views.TraceView, r db.RequestRow) string {
	var b strings.Builder
	b.WriteString(v.Title + "\n" + v.Text + "\n\n")
	for _, f := range v.Facts {
		b.WriteString(f.Term + ": " + f.Text + "\n")
	}
	b.WriteString("\n")
	for _, s := range v.Steps {
		b.WriteString(s.Number + ". " + s.Rule + ": " + strings.Join(strings.Fields(s.Call+" "+s.Relation+" "+s.Allowed), " ") + " → " + s.Result + "\n")
	}
	if v.Told != "" {
		b.WriteString("\nHTTP " + v.Status + "\n" + v.Told + "\n")
	}
	return b.String()
}
