package dashboard

import (
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// shareName is what a link is called: its name, else its last characters.
func shareName(l lang.Lang, s access.Share) string {
	if s.Name != "" {
		return s.Name
	}
	return l.T("shares.untitled", s.Hint)
}

func pathOf(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

func numberZero(n int64) string { return strconv.FormatInt(n, 10) }

// mayCopyShare reports whether a link can be asked for.
func (d *Dashboard) mayCopyShare(c *fiber.Ctx, s access.Share) bool {
	return d.actor(c).May(access.ChangeAccess) && d.Control.Reveal != control.RevealNever && s.RevokedAt.IsZero()
}

func (d *Dashboard) shareRow(c *fiber.Ctx, row db.ShareRow) views.ShareRowView {
	w, href := d.words(c), shareHref(row.PublicID)
	v := views.ShareRowView{
		Row: shareRowID(row), ID: row.PublicID, Name: shareName(w.Lang, row.Share), Href: href, Bot: row.BotName, Hint: "…" + row.Hint,
		Opens: w.Number(row.Opens), Customers: w.Number(row.Customers),
		Menu:     views.RowMenuView{Name: shareName(w.Lang, row.Share), Href: href, Menu: href + "/menu"},
		ReadOnly: !d.actor(c).May(access.ChangeAccess),
	}
	if d.mayCopyShare(c, row.Share) {
		v.Copy = href + "/copy"
	}
	v.Tone, v.Status = w.state(row.Status(w.now))
	v.Ends, v.EndsAt, v.Late = w.end(row.ExpiresAt)
	if !row.RevokedAt.IsZero() {
		v.Ends, v.EndsAt, v.Late = w.Ago(row.RevokedAt, w.now), w.Moment(row.RevokedAt, w.zone), views.Off
	}
	return v
}

// shareRowID is the id of a link's row in the list.
func shareRowID(row db.ShareRow) string { return "s" + strconv.FormatInt(row.ID, 10) }

// shareSummary says in one line what a link allows.
func (w words) shareSummary(row db.ShareRow) string {
	parts := []string{row.BotName, w.each(row.Share)}
	if row.Restricted {
		parts = append(parts, w.N("shares.who_named", row.Named))
	}
	if !row.ExpiresAt.IsZero() {
		parts = append(parts, w.T("tokens.until", w.Day(row.ExpiresAt, w.zone)))
	}
	return strings.Join(parts, " · ")
}

// each is what every customer may ask.
func (w words) each(s access.Share) string {
	if s.Allowance == nil {
		return w.T("shares.each_free")
	}
	amount := w.N("shares.questions", *s.Allowance)
	if s.AllowanceUnit == access.Units {
		amount = w.MoneyShort(*s.Allowance, w.per)
	}
	return w.T("shares.each", amount, w.T("tokens.per."+string(s.Refill)))
}

// lastDays is how many days of a link's use are drawn.
const lastDays = 14

// sharePage is everything about one link.
func (d *Dashboard) sharePage(c *fiber.Ctx, row db.ShareRow) (views.ShareView, error) {
	ctx, by, w := c.UserContext(), d.actor(c), d.words(c)
	v := views.ShareView{
		ID: row.PublicID, Name: shareName(w.Lang, row.Share), Href: shareHref(row.PublicID), Bot: row.BotName, Under: w.shareUnder(row),
		Link: d.maskedLink(c, row), SeatsTitle: w.T("shares.seats"), SeatsNote: w.each(row.Share), Rest: w.shareRest(row),
		Paused: !row.PausedAt.IsZero(), Revoked: !row.RevokedAt.IsZero(), ReadOnly: !by.May(access.ChangeAccess), Back: d.shareBack(c),
	}
	status := row.Status(w.now)
	v.Tone, v.Status = w.state(status)
	v.Notice = w.shareNotice(row, status)
	v.Ends, v.EndsAt = w.shareEnds(row)
	seats, err := d.Control.ShareSeats(ctx, by, row.PublicID)
	if err != nil {
		return v, err
	}
	v.Seats, v.SeatsMore = w.seatLines(seats, max(row.Customers, int64(len(seats))))
	days, err := d.Control.ShareUse(ctx, by, row.PublicID, lastDays)
	if err != nil {
		return v, err
	}
	w.shareUse(row, days, &v)
	return v, nil
}

// shareBack is the list as it stood when the link was opened.
func (d *Dashboard) shareBack(c *fiber.Ctx) string {
	if p, err := d.readListing(c, "shares", shareStatuses...); err == nil {
		return p.at("/shares")
	}
	return "/shares"
}

func (w words) shareUnder(row db.ShareRow) string {
	return w.T("shares.under", row.BotName, or(row.MadeBy, w.T("tokens.by_program")), w.DayShort(row.CreatedAt, w.zone)) + " · " + w.N("shares.opened", row.Opens)
}

func (w words) shareEnds(row db.ShareRow) (text, exact string) {
	if row.ExpiresAt.IsZero() {
		return w.T("shares.ends_never"), ""
	}
	key := "shares.ends_at"
	if !row.ExpiresAt.After(w.now) {
		key = "shares.ended_at"
	}
	exact = w.Moment(row.ExpiresAt, w.zone)
	return w.T(key, exact, w.Until(row.ExpiresAt, w.now)), exact
}

func (w words) shareNotice(row db.ShareRow, status access.Status) string {
	switch status {
	case access.StatusRevoked:
		return w.T("shares.why.revoked", w.Moment(row.RevokedAt, w.zone))
	case access.StatusExpired:
		return w.T("shares.why.expired", w.Moment(row.ExpiresAt, w.zone))
	case access.StatusPaused:
		return w.T("shares.why.paused", w.Moment(row.PausedAt, w.zone))
	}
	return ""
}

// shareUse fills in today, the link's own purse and the last days.
func (w words) shareUse(row db.ShareRow, days []db.DayUse, v *views.ShareView) {
	today := days[len(days)-1]
	v.Today = views.ShareTodayView{Title: w.T("shares.today"), Text: w.N("shares.asked", today.Requests), Money: w.Money(today.Units, w.per)}
	if !row.Purse.Unlimited {
		budget := w.allowance(row.Purse)
		v.Today.Title = w.T("shares.allowance_" + map[access.Refill]string{
			access.RefillDaily: "today", access.RefillWeekly: "week", access.RefillMonthly: "month", access.RefillNone: "total",
		}[row.Purse.Refill])
		v.Today.Money, v.Today.Percent, v.Today.Limited = budget.Text, budget.Percent, true
	}
	var questions, units int64
	for _, u := range days {
		v.Bars = append(v.Bars, u.Requests)
		questions, units = questions+u.Requests, units+u.Units
	}
	if questions == 0 {
		v.Bars = nil
	}
	v.BarsTitle, v.BarsNote = w.T("shares.last14"), w.T("shares.last14_note", w.N("shares.questions", questions), w.Money(units, w.per))
}

// seatsShown is how many customers stand beside the list.
const seatsShown = 12

func (w words) seatLines(seats []db.SeatRow, all int64) (lines []views.SeatLineView, more string) {
	if len(seats) == 0 {
		return nil, w.T("shares.nobody")
	}
	for _, s := range seats[:min(len(seats), seatsShown)] {
		lines = append(lines, w.seatLine(s, s.Customer.Username, "/customers/"+s.Customer.PublicID, faceTone(s.Customer.ID)))
	}
	if rest := all - int64(len(lines)); rest > 0 {
		more = w.N("shares.seats_more", rest)
	}
	return lines, more
}

func (w words) seatLine(s db.SeatRow, name, href string, tone views.Tone) views.SeatLineView {
	line := views.SeatLineView{Name: name, Href: href, Initials: initials(name), Tone: tone, Text: w.T("shares.not_opened")}
	if s.PurseID != 0 {
		b := w.allowance(s.Purse)
		line.Text, line.Percent, line.Limited = b.Text, b.Percent, b.Limited
	}
	return line
}

// faceTone gives a person a colour that stays.
func faceTone(id int64) views.Tone {
	return []views.Tone{views.Info, views.Ok, views.Warn, views.Off}[id%4]
}

func (w words) shareRest(row db.ShareRow) []views.Definition {
	who := w.T("shares.who_all")
	if row.Restricted {
		who = w.N("shares.who_named", row.Named)
	}
	places := w.T("shares.no_limit")
	if row.MaxCustomers != nil {
		places = w.T("shares.seats_taken", w.Number(row.Customers), w.Number(*row.MaxCustomers))
	}
	rate := w.T("shares.no_limit")
	if row.RPM > 0 {
		rate = w.N("shares.rate_each", row.RPM)
	}
	return []views.Definition{
		{Term: w.T("shares.who_may"), Text: who},
		{Term: w.T("shares.places"), Text: places},
		{Term: w.T("shares.rate"), Text: rate},
		{Term: w.T("shares.made"), Text: w.Moment(row.CreatedAt, w.zone)},
		{Term: w.T("shares.public_id"), Text: row.PublicID, Mono: true},
	}
}

// shareConfirm is the question before a link is ended: its reach first.
func (d *Dashboard) shareConfirm(c *fiber.Ctx, row db.ShareRow, verb string) (views.ConfirmView, error) {
	l, href := page.Lang(c), shareHref(row.PublicID)
	reach, err := d.Control.ShareReach(c.UserContext(), d.actor(c), row.PublicID)
	v := views.ConfirmView{
		Title: l.T("shares." + verb + "_title"), Text: l.T("shares." + verb + "_text"), Action: href + "/" + verb, Button: l.T("shares.act." + verb),
		Reach:  l.T("shares.reach", l.N("shares.reach_customers", reach.Customers), l.N("shares.reach_questions", reach.Today)),
		Target: "#dialog", Keep: backToShare(c, row.PublicID),
	}
	if verb == "revoke" && row.PausedAt.IsZero() {
		v.Other, v.OtherIcon, v.OtherPost = l.T("shares.pause_instead"), "pause", href+"/pause"
	}
	return v, err
}

// maskedLink is the link before it is asked for.
func (d *Dashboard) maskedLink(c *fiber.Ctx, row db.ShareRow) views.ShareLinkView {
	href := shareHref(row.PublicID)
	v := views.ShareLinkView{Masked: d.Origin(c) + "/s/…" + row.Hint}
	if d.mayCopyShare(c, row.Share) {
		v.Show, v.Copy = href+"/show", href+"/copy"
	}
	return v
}

// shownLink is the link that was asked for, with its QR code.
func (d *Dashboard) shownLink(c *fiber.Ctx, row db.ShareRow, text string) (views.ShareLinkView, error) {
	w := d.words(c)
	v := d.maskedLink(c, row)
	v.URL = d.Origin(c) + "/s/" + text
	v.Open, v.File = v.URL, shareHref(row.PublicID)+"/qr"
	v.Shown = w.T("shares.shown", w.Clock(w.now, w.zone))
	v.HandOver = w.T("shares.hand_over_text", row.BotName, v.URL)
	var err error
	v.QR, err = qr(v.URL)
	return v, err
}

// qrFile is a QR code as a file by itself.
func qrFile(v views.QRView) string {
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="` + v.ViewBox + `" width="512" height="512" shape-rendering="crispEdges">` +
		`<path fill="#fff" d="M0 0h999v999h-999z"/><path d="` + v.Path + `"/></svg>`
}

// monthStart is the first moment of the workspace's month.
func (w words) monthStart() time.Time {
	y, m, _ := w.now.In(w.work).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, w.work)
}
