package dashboard

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/views"
	"latchkey/web/page"
)

// whyTokens is how many tokens the page offers, the newest first.
const whyTokens = 100

// Why tries a call that is not made. The question stands in the address, so that
// other pages lead here with what they know and a colleague can be sent it.
func (d *Dashboard) Why(c *fiber.Ctx) error {
	q, problems := d.words(c).readWhy(c)
	v, err := d.whyForm(c, q)
	if err != nil {
		return err
	}
	status := fiber.StatusOK
	if v.Errors = page.FieldErrors(c, problems); problems != nil {
		status = fiber.StatusUnprocessableEntity
	} else if q.Token != "" {
		e, err := d.Gateway.Why(c.UserContext(), d.actor(c), q)
		if err != nil {
			return err
		}
		v.Result = d.words(c).whyResult(e)
	}
	return page.StatusOrPart(c, status, views.WhyPage(v), views.WhyBody(v))
}

// readWhy reads the question from the address.
func (w words) readWhy(c *fiber.Ctx) (q gateway.WhatIf, err error) {
	trimmed := func(name string) string { return strings.TrimSpace(c.Query(name)) }
	q.Token, q.Model = trimmed("token"), trimmed("model")
	if text := trimmed("address"); text != "" {
		if q.Address, err = netip.ParseAddr(text); err != nil {
			return q, access.Fail(access.Invalid, "why_address", "An address is written like 192.0.2.7 or 2001:db8::7.").At("address")
		}
		q.Address = q.Address.Unmap()
	}
	if text := trimmed("at"); text != "" {
		if q.At, err = time.ParseInLocation(endMoment, text, w.zone); err != nil {
			return q, access.Fail(access.Invalid, "date_missing", "Choose a date and a time.").At("at")
		}
	}
	if text := trimmed("length"); text != "" {
		if q.MaxTokens, err = strconv.ParseInt(text, 10, 64); err != nil || q.MaxTokens < 1 {
			return q, access.Fail(access.Invalid, "number_least", "This is a whole number from %d up.", 1).At("max_tokens")
		}
	}
	return q, nil
}

// whyForm fills the form in as it was sent.
func (d *Dashboard) whyForm(c *fiber.Ctx, q gateway.WhatIf) (views.WhyView, error) {
	w, by := d.words(c), d.actor(c)
	v := views.WhyView{
		Shell: d.shell(c, "requests", w.T("why.title")), Address: c.Query("address"), Model: c.Query("model"), At: c.Query("at"),
		AtHelp: w.T("why.at_help", w.zone.String()), Length: c.Query("length"),
		Tokens: []views.OptionView{{Label: w.T("why.choose"), Chosen: q.Token == ""}},
	}
	v.Shell.Crumbs = []views.LinkView{{Text: w.T("requests.title"), Href: "/requests"}, {Text: w.T("why.title")}}
	rows, _, err := d.Control.Tokens(c.UserContext(), by, db.Page{Limit: whyTokens})
	if err != nil {
		return v, err
	}
	offered := false
	for _, k := range rows {
		offered = offered || k.PublicID == q.Token
		v.Tokens = append(v.Tokens, tokenOption(k, q.Token))
	}
	if q.Token != "" && !offered {
		k, err := d.Control.Token(c.UserContext(), by, q.Token)
		if err != nil {
			return v, err
		}
		v.Tokens = append(v.Tokens, tokenOption(k, q.Token))
	}
	return v, nil
}

func tokenOption(k db.TokenRow, chosen string) views.OptionView {
	return views.OptionView{Value: k.PublicID, Label: k.Name + " · …" + k.Hint, Chosen: k.PublicID == chosen}
}

// whyHref leads to the page with what is known of a call.
func whyHref(r db.RequestRow) string {
	q := make([]string, 0, 3)
	for _, one := range [][2]string{{"token", r.TokenPublicID}, {"model", r.Model}, {"address", r.Address}} {
		if one[1] != "" {
			q = append(q, one[0]+"="+url.QueryEscape(one[1]))
		}
	}
	return "/requests/why?" + strings.Join(q, "&")
}

// whyResult spells what would become of a call.
func (w words) whyResult(e gateway.Explanation) *views.WhyResultView {
	v := &views.WhyResultView{Tone: views.Ok, Title: w.T("why.allowed"), Text: w.T("why.allowed_text", e.Token.Name)}
	if p := access.Problems(e.Err); len(p) > 0 {
		v.Tone, v.Title, v.Text = views.Bad, w.T("why.refused", e.Token.Name, w.codeText(p[0].Code)), w.Error(p[0].Code, p[0].Text, p[0].Args...)
		v.Status, v.Code = strconv.Itoa(gateway.Status(e.Err)), p[0].Code
	}
	var passed, refused, later, open int64
	for i, j := range e.Rules {
		s := w.step(db.RequestRow{}, access.Check{Rule: j.Rule, Passed: j.Passed || !j.Known, Call: j.Call, Allowed: j.Allowed})
		s.Number = strconv.Itoa(i + 1)
		switch j.Verdict {
		case gateway.Passes:
			passed++
			s.Result, s.Icon, s.IconTone = w.T("requests.passed"), "circle-check", views.Ok
		case gateway.Fails:
			refused++
			s.Result, s.Icon, s.IconTone, s.Refused = w.T("requests.refused_here"), "circle-x", views.Bad, true
		case gateway.NotAsked:
			open++
			w.setLater(&s, j, w.T("why.not_asked"))
		default:
			later++
			w.setLater(&s, j, w.T("requests.not_reached"))
		}
		v.Steps = append(v.Steps, s)
	}
	parts := []string{w.N("requests.n_passed", passed)}
	for _, one := range []struct {
		key string
		n   int64
	}{{"requests.n_refused", refused}, {"requests.n_later", later}, {"why.n_open", open}} {
		if one.n > 0 {
			parts = append(parts, w.N(one.key, one.n))
		}
	}
	v.Summary = strings.Join(parts, " · ")
	w.whyRooms(e, v)
	return v
}

// setLater marks a rule that the call would not come to, or that nobody asked.
func (w words) setLater(s *views.TraceStepView, j gateway.Judged, result string) {
	s.Later, s.Icon, s.IconTone, s.Result = true, "circle-dashed", views.Off, result
	switch {
	case !j.Known:
		s.Call, s.Relation = "–", ""
	case j.Passed:
		s.Result = w.T("why.would_pass")
	default:
		s.Result = w.T("why.would_refuse")
	}
}

// whyRooms spells what the purses have beside what the call would hold.
func (w words) whyRooms(e gateway.Explanation, v *views.WhyResultView) {
	if len(e.Rooms) == 0 {
		return
	}
	v.Rooms = []views.Definition{{Term: w.T("why.worst"), Text: w.Money(e.Worst, w.per)}}
	for _, r := range e.Rooms {
		one := views.Definition{Term: w.T("why.purse." + r.Of), Text: w.T("requests.no_limit")}
		if !r.Purse.Unlimited {
			one.Text = w.T("requests.left", w.inUnit(r.Purse.Unit, r.Purse.Remain()))
			one.Under = w.T("why.room", w.inUnit(r.Purse.Unit, r.Purse.Quota), w.inUnit(r.Purse.Unit, r.Purse.Used), w.inUnit(r.Purse.Unit, r.Purse.Reserved))
		}
		v.Rooms = append(v.Rooms, one)
	}
	v.RoomsNote = w.T("why.worst_note", w.Number(e.Prompt), w.Number(e.Answer))
	if e.Answer == 0 {
		v.RoomsNote = w.T("why.worst_open")
	}
}
