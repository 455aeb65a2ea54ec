package dashboard

import (
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
)

// offeredCustomers is how many customers the list of a restricted link offers.
const offeredCustomers = 100

// shareDraft is the form of a link as it stands in its fields.
type shareDraft struct {
	name, bot                string
	expires, expiresOn       string
	unit, allowance, dollars string // unit: none, messages, units
	refill                   string
	cap, seats, rpm          string
	who                      string // all, named
	named                    []string
	version                  int64
}

// readShare reads the form as it was sent.
func readShare(c *fiber.Ctx) shareDraft {
	return shareDraft{
		name: field(c, "name"), bot: field(c, "bot"), expires: field(c, "expires"), expiresOn: field(c, "expires_on"),
		unit: field(c, "allowance_unit"), allowance: field(c, "allowance"), dollars: field(c, "allowance_money"), refill: field(c, "refill"),
		cap: field(c, "cap"), seats: field(c, "max_customers"), rpm: field(c, "rpm"), who: field(c, "who"), named: fields(c, "customers"),
		version: versionOf(c),
	}
}

// shareDraftOf is the form of a link as it is.
func (d *Dashboard) shareDraftOf(c *fiber.Ctx, row db.ShareRow) (shareDraft, error) {
	w := d.words(c)
	f := shareDraft{
		name: row.Name, bot: row.BotPublicID, expires: endNever, unit: "none", refill: string(row.Refill), rpm: numberText(row.RPM),
		who: "all", version: row.Version,
	}
	if !row.ExpiresAt.IsZero() {
		f.expires = endKeep
	}
	if row.Allowance != nil {
		f.unit = string(row.AllowanceUnit)
		if row.AllowanceUnit == access.Messages {
			f.allowance = numberZero(*row.Allowance)
		} else {
			f.dollars = w.dollars(*row.Allowance)
		}
	}
	if row.MaxCustomers != nil {
		f.seats = numberZero(*row.MaxCustomers)
	}
	if !row.Purse.Unlimited {
		f.cap = w.dollars(row.Purse.Quota)
	}
	named, err := d.Control.ShareCustomers(c.UserContext(), d.actor(c), row.Share)
	if named != nil {
		f.who, f.named = "named", *named
	}
	return f, err
}

// shareOf turns a draft into the form that control takes. For a link that is
// there only what differs is named.
func (d *Dashboard) shareOf(c *fiber.Ctx, f shareDraft, row *db.ShareRow) (control.ShareForm, error) {
	w := d.words(c)
	form := control.ShareForm{Name: &f.name, Version: f.version}
	was := shareDraft{unit: "none", who: "all"}
	if row == nil {
		form.Bot = &f.bot
	} else {
		var err error
		if was, err = d.shareDraftOf(c, *row); err != nil {
			return form, err
		}
	}
	var wrong []error
	note := func(err error) { wrong = append(wrong, err) }
	var err error
	if form.ExpiresAt, err = w.readEnd(f.expires, f.expiresOn); err != nil {
		note(err)
	}
	note(w.allowanceOf(f, was, &form))
	if f.cap != was.cap {
		form.Cap, err = w.optionalAmount(f.cap, "cap")
		note(err)
	}
	if f.seats != was.seats {
		form.MaxCustomers, err = optionalNumber(f.seats, "max_customers")
		note(err)
	}
	rpm, err := number(f.rpm, "rpm")
	note(err)
	form.RPM = &rpm
	if f.who == "named" && (was.who != "named" || !slices.Equal(f.named, was.named)) {
		named := nonNil(f.named)
		list := &named
		form.Customers = &list
	} else if f.who == "all" && was.who != "all" {
		form.Customers = new(*[]string)
	}
	return form, joined(wrong...)
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// allowanceOf reads what each customer may ask.
func (w words) allowanceOf(f, was shareDraft, form *control.ShareForm) error {
	if refill := access.Refill(f.refill); f.refill != "" && f.refill != was.refill {
		form.Refill = &refill
	}
	switch f.unit {
	case "messages":
		if was.unit == f.unit && f.allowance == was.allowance {
			return nil
		}
		if strings.TrimSpace(f.allowance) == "" {
			return access.Fail(access.Invalid, "amount_missing", "Say how much, or choose no limit.").At("allowance")
		}
		n, err := number(f.allowance, "allowance")
		return setAllowance(form, n, access.Messages, err)
	case "units":
		if was.unit == f.unit && f.dollars == was.dollars {
			return nil
		}
		n, err := w.amount(f.dollars, "allowance")
		return setAllowance(form, n, access.Units, err)
	case "none":
		if was.unit != "none" {
			form.Allowance = new(*int64)
		}
	}
	return nil
}

func setAllowance(form *control.ShareForm, n int64, unit access.Unit, err error) error {
	allowance := &n
	form.Allowance, form.AllowanceUnit = &allowance, &unit
	return err
}

// optionalNumber reads a number that may be missing: no limit.
func optionalNumber(text, field string) (**int64, error) {
	var none *int64
	if strings.TrimSpace(text) == "" {
		return &none, nil
	}
	n, err := number(text, field)
	limit := &n
	return &limit, err
}

func (w words) optionalAmount(text, field string) (**int64, error) {
	var none *int64
	if strings.TrimSpace(text) == "" {
		return &none, nil
	}
	n, err := w.amount(text, field)
	limit := &n
	return &limit, err
}

// shareForm draws a draft; row is the link that is edited, nil for a new one.
func (d *Dashboard) shareForm(c *fiber.Ctx, f shareDraft, row *db.ShareRow) (views.ShareFormView, error) {
	w := d.words(c)
	v := views.ShareFormView{
		Title: w.T("shares.new"), Text: w.T("shares.new_text"), Action: "/shares", Back: "/shares", Submit: w.T("shares.create"),
		FootNote: w.T("shares.link_next"), Once: d.formKey(c), Name: f.name, ExpiresOn: f.expiresOn, ExpiresHelp: w.zoneHelp(),
		Allowance: f.allowance, AllowanceMoney: f.dollars, Refills: w.refills(access.Refill(or(f.refill, string(access.RefillNone)))),
		Cap: f.cap, CapHelp: w.T("shares.cap_help"), MaxCustomers: f.seats, RPM: f.rpm, FoldNow: w.shareFold(f),
	}
	for _, unit := range []string{"none", "messages", "units"} {
		v.Allowances = append(v.Allowances, views.OptionView{Value: unit, Label: w.T("shares.allow." + unit), Chosen: or(f.unit, "none") == unit})
	}
	for _, who := range []string{"all", "named"} {
		v.Who = append(v.Who, views.OptionView{Value: who, Label: w.T("shares.who." + who), Chosen: or(f.who, "all") == who})
	}
	var present time.Time
	if row != nil {
		present = row.ExpiresAt
		v.Title, v.Text, v.Submit, v.FootNote = w.T("shares.edit_title", shareName(w.Lang, row.Share)), w.T("shares.edit_text"), w.T("shares.save"), ""
		v.Action, v.Back, v.Editing, v.Once = shareHref(row.PublicID)+"/edit", shareHref(row.PublicID), true, ""
		v.Version, v.BotName = version(or64(f.version, row.Version)), row.BotName
	}
	v.Expires = w.ends(row != nil, present, or(f.expires, endNever))
	return v, d.shareChoices(c, f, &v)
}

// shareChoices fills in what there is to choose from.
func (d *Dashboard) shareChoices(c *fiber.Ctx, f shareDraft, v *views.ShareFormView) error {
	ctx, by, w := c.UserContext(), d.actor(c), d.words(c)
	bots, err := d.Control.BotChoices(ctx, by)
	if err != nil {
		return err
	}
	if f.bot == "" && len(bots) != 1 {
		v.Bots = []views.OptionView{{Label: w.T("shares.bot_choose"), Chosen: true}}
	}
	for _, b := range bots {
		v.Bots = append(v.Bots, views.OptionView{Value: b.PublicID, Label: b.Name, Chosen: f.bot == b.PublicID})
	}
	customers, total, err := d.Control.Customers(ctx, by, db.Page{Limit: offeredCustomers})
	if err != nil {
		return err
	}
	offered := map[string]bool{}
	for _, m := range customers {
		offered[m.PublicID] = true
		v.Customers = append(v.Customers, views.OptionView{Value: m.PublicID, Label: m.Username, Chosen: contains(f.named, m.PublicID)})
	}
	for _, id := range f.named {
		if offered[id] {
			continue
		}
		if m, err := d.Control.Customer(ctx, by, id); err == nil {
			v.Customers = append(v.Customers, views.OptionView{Value: id, Label: m.Username, Chosen: true})
		}
	}
	switch {
	case total == 0:
		v.CustomersMore = w.T("shares.named_none")
	case total > int64(len(customers)):
		v.CustomersMore = w.T("shares.named_more", w.Number(int64(len(customers))))
	}
	return nil
}

// shareFold names what stands in the folded fields.
func (w words) shareFold(f shareDraft) string {
	who, cap := w.T("shares.fold.all"), w.T("shares.fold.no_cap")
	if f.who == "named" {
		who = w.N("shares.fold.named", int64(len(f.named)))
	}
	if units, ok := w.units(f.cap); ok {
		cap = w.T("shares.fold.cap", w.MoneyShort(units, w.per))
	}
	return who + " · " + cap
}
