package dashboard

import (
	"errors"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// copyable reports whether a key can be asked for again.
func (d *Dashboard) copyable(c *fiber.Ctx, row db.TokenRow) bool {
	return d.actor(c).May(access.ChangeAccess) && d.Control.Reveal != control.RevealNever && !row.ShowOnce && row.RevokedAt.IsZero()
}

func (d *Dashboard) tokenRow(c *fiber.Ctx, row db.TokenRow) views.TokenRowView {
	w, href := d.words(c), tokenHref(row.PublicID)
	row.Purse = row.Purse.At(w.now, w.work)
	v := views.TokenRowView{
		Row: tokenRowID(row), ID: row.PublicID, Name: row.Name, Href: href, Under: w.tokenUnder(row), Key: d.tokenKey(c, row), Budget: w.budget(row.Purse),
		Menu:     views.RowMenuView{Name: row.Name, Href: href, Menu: href + "/menu"},
		ReadOnly: !d.actor(c).May(access.ChangeAccess),
	}
	v.Tone, v.Status = w.state(row.Status(row.Purse, w.now))
	v.Models, v.More, v.MoreTitle = w.models(row.Token)
	v.Models = short(v.Models)
	v.Used, v.UsedAt = w.ago(row.UsedAt, "tokens.never_used")
	v.Expires, v.ExpiresAt, v.Late = w.end(row.ExpiresAt)
	return v
}

func (d *Dashboard) tokenKey(c *fiber.Ctx, row db.TokenRow) views.KeyChipView {
	v := views.KeyChipView{Masked: control.KeyMask + row.Hint, Name: row.Name}
	if d.copyable(c, row) {
		v.Reveal = tokenHref(row.PublicID) + "/reveal"
	}
	return v
}

// tokenUnder is whose bot it asks, and who made it.
func (w words) tokenUnder(row db.TokenRow) string {
	text := or(row.BotName, w.T("tokens.any_bot"))
	if row.MadeBy != "" {
		text += " · " + row.MadeBy
	}
	return text
}

// short cuts a name that would make a row wider than its page.
func short(name string) string {
	const most = 32
	if r := []rune(name); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return name
}

func (w words) models(k access.Token) (first, more, title string) {
	switch {
	case !k.ModelsLimited:
		return w.T("tokens.all_models"), "", ""
	case len(k.Models) == 0:
		return w.T("tokens.no_models"), "", ""
	case len(k.Models) == 1:
		return k.Models[0], "", ""
	}
	return k.Models[0], "+" + w.Number(int64(len(k.Models)-1)), strings.Join(k.Models[1:], ", ")
}

// joined is errors.Join without the nils of it being an error.
func joined(all ...error) error { return errors.Join(all...) }

func inFold(problems map[string]string, names ...string) bool {
	for _, name := range names {
		if problems[name] != "" {
			return true
		}
	}
	return false
}

// tokenForm draws a draft; row is the token that is edited, nil for a new one.
func (d *Dashboard) tokenForm(c *fiber.Ctx, f tokenDraft, row *db.TokenRow) (views.TokenFormView, error) {
	w := d.words(c)
	v := views.TokenFormView{
		Title: w.T("tokens.new"), Text: w.T("tokens.new_text"), Action: "/tokens", Back: "/tokens", Submit: w.T("tokens.create"),
		FootNote: w.T("tokens.key_next"), Once: d.formKey(c), Name: f.name, Note: f.note, Budget: f.budget, BudgetHelp: w.T("tokens.budget_help"),
		Limits: []views.OptionView{
			{Value: "some", Label: w.T("tokens.limited"), Chosen: f.limit == "some"},
			{Value: "none", Label: w.T("tokens.unlimited_choice"), Chosen: f.limit != "some"},
		},
		Refills: w.refills(access.Refill(or(f.refill, string(access.RefillNone)))), ExpiresOn: f.expiresOn, ExpiresHelp: w.zoneHelp(),
		Addresses: f.addresses, RPM: f.rpm, TPM: f.tpm, Concurrent: f.concurrent, Parameter: f.parameter,
		Permissions: w.permissions(f.permissions), ShowOnce: f.showOnce, FoldNow: w.foldNow(f),
	}
	var present time.Time
	if row != nil {
		present = row.ExpiresAt
		v.Title, v.Text, v.Submit, v.FootNote = w.T("tokens.edit_title", row.Name), w.T("tokens.edit_text"), w.T("tokens.save"), ""
		v.Action, v.Back, v.Editing, v.Once = tokenHref(row.PublicID)+"/edit", tokenHref(row.PublicID), true, ""
		v.Version = version(or64(f.version, row.Version))
		if least := row.Purse.Used + row.Purse.Reserved; least > 0 {
			v.BudgetHelp = w.T("tokens.budget_least", w.Money(least, w.per))
		}
	}
	v.Tested = d.addressSeen(c, row)
	v.Expires = w.ends(row != nil, present, or(f.expires, endNever))
	return v, d.tokenChoices(c, f, &v)
}

func or64(n, otherwise int64) int64 {
	if n != 0 {
		return n
	}
	return otherwise
}

func (w words) zoneHelp() string { return w.T("tokens.zone_help", w.zone.String()) }

// foldNow names what stands in the folded fields.
func (w words) foldNow(f tokenDraft) string {
	parts := []string{w.T("tokens.fold.any_address"), w.T("tokens.fold.copy"), w.T("tokens.fold.header")}
	if n := len(strings.Fields(strings.ReplaceAll(f.addresses, ",", "\n"))); n > 0 {
		parts[0] = w.N("tokens.fold.addresses", int64(n))
	}
	if f.showOnce {
		parts[1] = w.T("tokens.fold.once")
	}
	if f.parameter != "" {
		parts[2] = w.T("tokens.fold.parameter", f.parameter)
	}
	return strings.Join(parts, " · ")
}

// permissions offers the four that mean something, and what is written beside.
func (w words) permissions(chosen []string) []views.OptionView {
	var all []views.OptionView
	known := map[string]bool{}
	for _, p := range []access.Permission{access.PermChat, access.PermRead, access.PermManage, access.PermAdmin} {
		known[string(p)] = true
		all = append(all, views.OptionView{
			Value: string(p), Label: w.T("tokens.perm." + string(p)), Chosen: contains(chosen, string(p)) || len(chosen) == 0 && p == access.PermChat,
		})
	}
	for _, name := range chosen {
		if !known[name] {
			all = append(all, views.OptionView{Value: name, Label: name, Chosen: true})
		}
	}
	return all
}

func contains(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

// The choices for how long an old key lives on.
var keepOld = []string{"24h", "0s", "1h", "168h", "720h"}

func readKeepOld(text string) (time.Duration, error) {
	if text == "" {
		text = keepOld[0]
	}
	keep, err := time.ParseDuration(text)
	if err != nil {
		return 0, access.Fail(access.Invalid, "keep_old_range", "The old secret may live on for 0 to %d days.", int(control.KeepOldMax.Hours()/24)).At("keep_old")
	}
	return keep, nil
}

func (d *Dashboard) showRotate(c *fiber.Ctx, status int, row db.TokenRow, problem error) error {
	l, href := page.Lang(c), tokenHref(row.PublicID)
	v := views.RotateView{
		Title: l.T("tokens.rotate_title", row.Name), Text: l.T("tokens.rotate_text"), Action: href + "/rotate", Back: href, Once: d.formKey(c),
		Errors: page.FieldErrors(c, problem),
	}
	for i, keep := range keepOld {
		v.Keep = append(v.Keep, views.OptionView{Value: keep, Label: l.T("tokens.keep." + keep), Chosen: i == 0})
	}
	form := views.RotateForm(v)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "tokens", v.Title), form), form)
}

// tokenCreated is the panel of a new key.
func (d *Dashboard) tokenCreated(c *fiber.Ctx, row db.TokenRow, made handedOut, rotated bool) (views.TokenCreatedView, error) {
	w := d.words(c)
	v := views.TokenCreatedView{
		Title: w.T("tokens.created", row.Name), Summary: w.tokenSummary(row), Href: tokenHref(row.PublicID), Back: "/tokens", Rotated: rotated,
		Secret:  views.SecretView{ID: "key", Label: w.T("tokens.key"), Value: made.Secret, Help: w.T("tokens.key_help")},
		Waiting: d.waiting(c, row),
	}
	switch {
	case row.ShowOnce:
		v.Secret.Help = w.T("tokens.key_help_once")
	case d.Control.Reveal == control.RevealNever:
		v.Secret.Help = w.T("tokens.key_help_never")
	}
	if rotated {
		v.Title = w.T("tokens.rotated", row.Name)
		v.Summary = w.T("tokens.old_gone")
		if made.Until > 0 {
			v.Summary = w.T("tokens.old_until", w.Moment(w.now.Add(made.Until), w.zone))
		}
	}
	var err error
	v.Snippet, err = d.snippet(c, row, "")
	return v, err
}

// tokenSummary says in one line what a token may do.
func (w words) tokenSummary(row db.TokenRow) string {
	models := w.T("tokens.all_models")
	if row.ModelsLimited {
		models = strings.Join(row.Models, ", ")
	}
	budget := w.T("tokens.no_limit")
	if !row.Purse.Unlimited {
		budget = w.Money(row.Purse.Quota, w.per)
	}
	parts := []string{or(row.BotName, w.T("tokens.any_bot")), models, budget}
	if !row.ExpiresAt.IsZero() {
		parts = append(parts, w.T("tokens.until", w.Day(row.ExpiresAt, w.zone)))
	}
	return strings.Join(parts, " · ")
}

func (d *Dashboard) waiting(c *fiber.Ctx, row db.TokenRow) views.WaitingView {
	w := d.words(c)
	if row.UsedAt.IsZero() {
		return views.WaitingView{Poll: tokenHref(row.PublicID) + "/first-call", Title: w.T("tokens.waiting"), Text: w.T("tokens.waiting_text")}
	}
	return views.WaitingView{Title: w.T("tokens.came", w.Ago(row.UsedAt, w.now)), Text: w.T("tokens.came_text")}
}
