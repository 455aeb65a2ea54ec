package dashboard

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/mileusna/useragent"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

func (d *Dashboard) customerRow(c *fiber.Ctx, row db.CustomerRow) views.CustomerRowView {
	w, href := d.words(c), customerHref(row.PublicID)
	v := views.CustomerRowView{
		ID: row.PublicID, Name: row.Username, Href: href, Under: row.Email, Initials: initials(row.Username), FaceTone: faceTone(row.ID),
		Links: w.Number(row.Links), Sessions: w.Number(row.Sessions), Note: strings.Join(strings.Fields(row.Note), " "),
		Menu:     views.RowMenuView{Name: row.Username, Href: href, Menu: href + "/menu"},
		ReadOnly: !d.actor(c).May(access.ChangeAccess),
	}
	v.Tone, v.Status = w.state(customerStatus(row.Customer))
	v.Login, v.LoginAt = w.ago(row.LastLoginAt, "customers.never_login")
	v.Created, v.CreatedAt = w.ago(row.CreatedAt, "tokens.never")
	return v
}

func customerStatus(m access.Customer) access.Status {
	if m.Enabled {
		return access.StatusEnabled
	}
	return access.StatusDisabled
}

// customerForm is the form as it was sent, or of the customer as they are.
func (d *Dashboard) customerForm(c *fiber.Ctx, row *db.CustomerRow) views.CustomerFormView {
	l := page.Lang(c)
	v := views.CustomerFormView{
		Title: l.T("customers.new"), Text: l.T("customers.new_text"), Action: "/customers", Back: "/customers", Submit: l.T("customers.create"),
		Once: d.formKey(c), Username: field(c, "username"), Email: field(c, "email"), Note: field(c, "note"), Passwords: d.passwordChoices(c),
	}
	if row == nil {
		return v
	}
	v.Title, v.Text, v.Submit, v.Once = l.T("customers.edit_title", row.Username), l.T("customers.edit_text"), l.T("customers.save"), ""
	v.Action, v.Back, v.Editing, v.Version = customerHref(row.PublicID)+"/edit", customerHref(row.PublicID), true, version(or64(versionOf(c), row.Version))
	if c.Method() == fiber.MethodGet {
		v.Username, v.Email, v.Note = row.Username, row.Email, row.Note
	}
	return v
}

func (d *Dashboard) passwordChoices(c *fiber.Ctx) []views.OptionView {
	l, by := page.Lang(c), or(field(c, "password_by"), "made")
	return []views.OptionView{
		{Value: "made", Label: l.T("customers.by.made"), Chosen: by == "made"},
		{Value: "chosen", Label: l.T("customers.by.chosen"), Chosen: by == "chosen"},
	}
}

func (d *Dashboard) showReset(c *fiber.Ctx, status int, row db.CustomerRow, problem error) error {
	reach, err := d.Control.CustomerReach(c.UserContext(), d.actor(c), row.PublicID)
	if err != nil {
		return err
	}
	l, href := page.Lang(c), customerHref(row.PublicID)
	v := views.CustomerResetView{
		Title: l.T("customers.reset_title", row.Username), Text: l.N("customers.act.reset_text", reach.Sessions), Action: href + "/reset", Back: href,
		Failed: problem != nil, Errors: page.FieldErrors(c, problem), Once: d.formKey(c), Passwords: d.passwordChoices(c),
	}
	form := views.CustomerResetForm(v)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "customers", v.Title), form), form)
}

// showReady shows a customer with the password that was made, this once.
func (d *Dashboard) showReady(c *fiber.Ctx, made handedOut, fresh bool) error {
	row, err := d.Control.Customer(c.UserContext(), d.actor(c), made.ID)
	if err != nil {
		return err
	}
	l := page.Lang(c)
	v := views.CustomerReadyView{
		Title: l.T("customers.ready", row.Username), Summary: l.T("customers.ready_text"), Href: customerHref(row.PublicID), Back: "/customers",
		Secret:  views.SecretView{ID: "password", Label: l.T("customers.password"), Value: made.Secret, Help: l.T("customers.password_once")},
		Another: fresh, Text: d.textToSend(c, row, made.Secret, ""),
	}
	if made.Secret == "" {
		v.Summary = l.T("customers.ready_chosen")
	}
	panel := views.CustomerReady(v)
	if !page.IsPart(c) {
		return page.Show(c, views.PanelPage(d.shell(c, "customers", v.Title), panel))
	}
	shown := d.customerRow(c, row)
	shown.Fresh = true
	switch {
	case !onList(c, "/customers"):
		return page.Part(c, panel)
	case !fresh:
		return page.Part(c, panel, views.CustomerRowChanged(shown))
	case !onWholeList(c, "/customers"):
		return page.Part(c, panel, views.CustomerRowAdded(shown))
	}
	list, err := d.customerList(c)
	for i := range list.Rows {
		list.Rows[i].Fresh = list.Rows[i].ID == row.PublicID
	}
	if err != nil {
		return err
	}
	return page.Part(c, panel, views.CustomersAgain(list))
}

// signInText is what to send to a customer: with the newest link that is open to
// them, which is shown for it and so told to the audit log.
func (d *Dashboard) signInText(c *fiber.Ctx, row db.CustomerRow, password string) (string, error) {
	links, err := d.Control.CustomerLinks(c.UserContext(), d.actor(c), row.PublicID)
	if err != nil {
		return "", err
	}
	link := ""
	for _, s := range links {
		if s.Share.Usable(d.Now()) != nil || s.Share.UsableBy(row.Customer, s.Seat) != nil || d.Control.Reveal == control.RevealNever {
			continue
		}
		text, err := d.Control.RevealShare(c.UserContext(), d.actor(c), s.Share.PublicID)
		if err != nil {
			return "", err
		}
		link = d.Origin(c) + "/s/" + text
		break
	}
	return d.textToSend(c, row, password, link), nil
}

func (d *Dashboard) textToSend(c *fiber.Ctx, row db.CustomerRow, password, link string) string {
	l := page.Lang(c)
	lines := []string{l.T("customers.text_name", row.Username)}
	switch {
	case password != "":
		lines = append(lines, l.T("customers.text_password", password))
	default:
		lines = append(lines, l.T("customers.text_known"))
	}
	if link != "" {
		lines = append(lines, l.T("customers.text_link", link))
	} else {
		lines = append(lines, l.T("customers.text_where"))
	}
	if password != "" {
		lines = append(lines, l.T("customers.text_first"))
	}
	return strings.Join(lines, "\n")
}

// linksToGive are the restricted links that do not name the customer yet.
func (d *Dashboard) linksToGive(c *fiber.Ctx, row db.CustomerRow) ([]views.OptionView, error) {
	has, err := d.Control.CustomerLinks(c.UserContext(), d.actor(c), row.PublicID)
	if err != nil {
		return nil, err
	}
	named := map[int64]bool{}
	for _, s := range has {
		named[s.ShareID] = s.Allowed || !s.Share.Restricted
	}
	rows, _, err := d.Control.Shares(c.UserContext(), d.actor(c), db.Page{Limit: db.ListMax})
	var all []views.OptionView
	for _, s := range rows {
		if s.Restricted && !named[s.ID] && s.RevokedAt.IsZero() {
			all = append(all, views.OptionView{Value: s.PublicID, Label: shareName(page.Lang(c), s.Share) + " · " + s.BotName})
		}
	}
	return all, err
}

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
		Text: w.T("customers.act.disable_text", w.N("customers.n_links", reach.Links), w.N("customers.n_sessions", reach.Sessions), w.N("customers.n_questions", reach.Today)),
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

// customerHead and customerCells are the columns of the CSV.
var customerHead = []string{"id", "username", "email", "note", "enabled", "links", "sessions", "last_login_at", "created_at", "created_by"}

func customerCells(r db.CustomerRow) []string {
	return []string{
		r.PublicID, r.Username, r.Email, r.Note, strconv.FormatBool(r.Enabled), strconv.FormatInt(r.Links, 10), strconv.FormatInt(r.Sessions, 10),
		csvTime(r.LastLoginAt), csvTime(r.CreatedAt), r.MadeBy,
	}
}
