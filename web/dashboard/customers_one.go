package dashboard

import (
	"encoding/hex"

	"github.com/gofiber/fiber/v2"
	"github.com/mileusna/useragent"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
)

// talksShown is how many conversations stand on a customer's page.
const talksShown = 5

// customerPage is everything about one customer.
func (d *Dashboard) customerPage(c *fiber.Ctx, row db.CustomerRow) (views.CustomerView, error) {
	ctx, by, w, href := c.UserContext(), d.actor(c), d.words(c), customerHref(row.PublicID)
	v := views.CustomerView{
		Shell: d.shell(c, "customers", row.Username), Href: href, SignInText: href + "/sign-in-text", BarsLabel: w.T("customers.bars"),
		Header: views.HeaderView{Title: row.Username, Face: initials(row.Username), Subtitle: w.customerUnder(row)},
		Facts:  w.customerFacts(row), ReadOnly: !by.May(access.ChangeAccess),
	}
	v.Shell.Crumbs = []views.LinkView{{Text: w.T("customers.title"), Href: "/customers"}, {Text: row.Username}}
	v.Header.Tone, v.Header.Status = w.state(customerStatus(row.Customer))
	if !row.Enabled {
		v.Notice = w.T("customers.why.disabled")
	}
	reach, err := d.Control.CustomerReach(ctx, by, row.PublicID)
	if err != nil {
		return v, err
	}
	v.Acts = w.customerActs(row, reach)
	days, err := d.Control.CustomerUse(ctx, by, row.PublicID, useDays)
	if err != nil {
		return v, err
	}
	v.Stats, v.Bars = w.customerStats(days)
	if err := d.customerLinks(c, row, &v); err != nil {
		return v, err
	}
	if err := d.customerSessions(c, row, &v); err != nil {
		return v, err
	}
	return v, d.customerTalks(c, row, reach, &v)
}

func (w words) customerUnder(row db.CustomerRow) string {
	text := w.T("customers.added_by", or(row.MadeBy, w.T("tokens.by_program")), w.DayShort(row.CreatedAt, w.zone))
	if row.Email != "" {
		text = row.Email + " · " + text
	}
	return text
}

// customerStats counts questions; the days are the workspace's own.
func (w words) customerStats(days []db.DayUse) (stats []views.StatView, bars []int64) {
	var month, cost, all int64
	since := db.DayOf(w.monthStart(), w.work)
	for _, u := range days {
		bars, all = append(bars, u.Requests), all+u.Requests
		if u.Day >= since {
			month, cost = month+u.Requests, cost+u.Units
		}
	}
	return []views.StatView{
		{Label: w.T("customers.today"), Value: w.Number(days[len(days)-1].Requests), Note: w.T("customers.today_note")},
		{Label: w.T("customers.month"), Value: w.Number(month), Note: w.T("customers.month_note", w.DayShort(w.monthStart(), w.work))},
		{Label: w.T("customers.cost"), Value: w.Money(cost, w.per), Note: w.T("customers.cost_note")},
		{Label: w.T("customers.days30"), Value: w.Number(all), Note: w.T("customers.days30_note", w.Number((all+int64(len(days))/2)/int64(len(days))))},
	}, bars
}

func (d *Dashboard) customerLinks(c *fiber.Ctx, row db.CustomerRow, v *views.CustomerView) error {
	w := d.words(c)
	links, err := d.Control.CustomerLinks(c.UserContext(), d.actor(c), row.PublicID)
	if err != nil {
		return err
	}
	for _, s := range links {
		one := views.CustomerLinkView{Name: shareName(w.Lang, s.Share), Href: shareHref(s.Share.PublicID), Bot: s.BotName}
		one.Tone, one.Status = w.state(s.Share.Status(w.now))
		one.Opened, one.OpenedAt = w.ago(s.LastOpenedAt, "customers.not_opened")
		if s.PurseID != 0 {
			b := w.allowance(s.Purse)
			one.Used, one.Percent, one.Limited = b.Text, b.Percent, b.Limited
		}
		if s.Share.Restricted && s.Allowed && !v.ReadOnly {
			one.Take = v.Href + "/links/" + s.Share.PublicID + "/take"
		}
		v.Links = append(v.Links, one)
	}
	if v.ReadOnly {
		return nil
	}
	give, err := d.linksToGive(c, row)
	if len(give) > 0 {
		v.Give = v.Href + "/give"
	}
	return err
}

func (d *Dashboard) customerSessions(c *fiber.Ctx, row db.CustomerRow, v *views.CustomerView) error {
	w := d.words(c)
	sessions, err := d.Control.CustomerSessions(c.UserContext(), d.actor(c), row.PublicID)
	for _, s := range sessions {
		one := views.CustomerSessionView{Icon: "monitor", Name: w.device(s.Agent), Under: w.T("customers.session_under", s.Address, w.Ago(s.SeenAt, w.now))}
		if useragent.Parse(s.Agent).Mobile {
			one.Icon = "smartphone"
		}
		if !v.ReadOnly {
			one.End = v.Href + "/sessions/" + hex.EncodeToString(s.Hash) + "/end"
			v.EndAll = v.Href + "/end-sessions"
		}
		v.Sessions = append(v.Sessions, one)
	}
	return err
}

// device is what a browser says it is: "Safari on iPhone".
func (w words) device(agent string) string {
	ua := useragent.Parse(agent)
	on := or(ua.Device, ua.OS)
	switch {
	case ua.Name == "":
		return w.T("customers.unknown_device")
	case on == "":
		return ua.Name
	}
	return w.T("customers.device", ua.Name, on)
}

// customerTalks lists the last conversations, for those who may read them.
func (d *Dashboard) customerTalks(c *fiber.Ctx, row db.CustomerRow, reach db.CustomerReach, v *views.CustomerView) error {
	if !d.actor(c).May(access.ReadConversations) || reach.Conversations == 0 {
		return nil
	}
	w := d.words(c)
	talks, err := d.Control.CustomerConversations(c.UserContext(), d.actor(c), row.PublicID, db.Page{Limit: talksShown})
	for _, t := range talks {
		one := views.CustomerTalkView{
			Title: or(t.Title, w.T("customers.untitled")), Href: "/conversations/" + t.PublicID, Link: or(t.ShareName, w.T("shares.untitled", t.ShareHint)),
		}
		one.When, one.WhenAt = w.ago(t.UpdatedAt, "tokens.never")
		v.Conversations = append(v.Conversations, one)
	}
	v.TalksNote = w.N("customers.talks_of", reach.Conversations)
	return err
}

func (w words) customerFacts(row db.CustomerRow) []views.Definition {
	language := w.T("customers.language_any")
	if row.Language != "" {
		language = map[string]string{"en": "English", "zh": "简体中文"}[row.Language]
	}
	password := w.T("customers.must_change_no")
	if row.MustChange {
		password = w.T("customers.must_change_yes")
	}
	login, loginAt := w.ago(row.LastLoginAt, "customers.never_login")
	all := []views.Definition{
		{Term: w.T("customers.last_login"), Text: login, Under: loginAt},
		{Term: w.T("customers.must_change"), Text: password},
		{Term: w.T("customers.language"), Text: language},
		{Term: w.T("customers.public_id"), Text: row.PublicID, Mono: true},
	}
	if row.Note != "" {
		all = append(all, views.Definition{Term: w.T("customers.note"), Text: row.Note})
	}
	return all
}

func (w words) customerActs(row db.CustomerRow, reach db.CustomerReach) []views.ActView {
	href := customerHref(row.PublicID)
	toggle := views.ActView{
		Title: w.T("customers.act.disable", row.Username), Button: w.T("customers.ask.disable"), Ask: href + "/disable", Danger: true,
		Text: w.stops(reach),
	}
	if !row.Enabled {
		toggle = views.ActView{Title: w.T("customers.act.enable", row.Username), Text: w.T("customers.act.enable_text"), Button: w.T("customers.enable"), Action: href + "/enable"}
	}
	return []views.ActView{
		{Title: w.T("customers.act.reset"), Text: w.N("customers.act.reset_text", reach.Sessions), Button: w.T("customers.ask.reset"), Ask: href + "/reset"},
		toggle,
		{Title: w.T("customers.act.delete", row.Username), Text: w.N("customers.act.delete_text", reach.Conversations), Button: w.T("customers.ask.delete"), Ask: href + "/delete", Danger: true},
	}
}

// stops says what disabling a customer ends, and nothing of what there is none of.
func (w words) stops(reach db.CustomerReach) string {
	links, sessions, today := w.N("customers.n_links", reach.Links), w.N("customers.n_sessions", reach.Sessions), w.N("customers.n_questions", reach.Today)
	switch {
	case reach.Links > 0 && reach.Sessions > 0:
		return w.T("customers.act.stops_both", links, sessions, today)
	case reach.Links > 0:
		return w.T("customers.act.stops_one", links, today)
	case reach.Sessions > 0:
		return w.T("customers.act.stops_one", sessions, today)
	}
	return w.T("customers.act.stops_none", today)
}
