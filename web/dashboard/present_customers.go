package dashboard

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

func (d *Dashboard) customerRow(c *fiber.Ctx, row db.CustomerRow) views.CustomerRowView {
	w, href := d.words(c), customerHref(row.PublicID)
	v := views.CustomerRowView{
		Row: customerRowID(row), ID: row.PublicID, Name: row.Username, Href: href, Under: row.Email, Initials: initials(row.Username), FaceTone: faceTone(row.ID),
		Links: w.Number(row.Links), Sessions: w.Number(row.Sessions), Note: oneLine(row.Note),
		Menu:     views.RowMenuView{Name: row.Username, Href: href, Menu: href + "/menu"},
		ReadOnly: !d.actor(c).May(access.ChangeAccess),
	}
	v.Tone, v.Status = w.state(customerStatus(row.Customer))
	v.Login, v.LoginAt = w.ago(row.LastLoginAt, "customers.never_login")
	v.Created, v.CreatedAt = w.ago(row.CreatedAt, "tokens.never")
	return v
}

// customerRowID is the id of a customer's row in the list.
func customerRowID(row db.CustomerRow) string { return "c" + strconv.FormatInt(row.ID, 10) }

// noteColumns is how much of a note its column shows; a Chinese sign takes two.
const noteColumns = 42

// oneLine is the beginning of a note; the page of what it belongs to has the rest.
func oneLine(note string) string {
	note = strings.Join(strings.Fields(note), " ")
	columns := 0
	for at, r := range note {
		if columns++; r >= 0x1100 {
			columns++
		}
		if columns > noteColumns {
			return note[:at] + "…"
		}
	}
	return note
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
