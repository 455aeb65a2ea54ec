package dashboard

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// tokenDraft is the form of a token as it stands in its fields.
type tokenDraft struct {
	name, note, bot, group string
	models, permissions    []string
	limit, budget, refill  string
	expires, expiresOn     string
	addresses              string
	rpm, tpm, concurrent   string
	parameter              string
	showOnce               bool
	version                int64
	whole                  bool // every field was on the form: a box that is missing is not ticked
}

// readToken reads the form as it was sent.
func readToken(c *fiber.Ctx) tokenDraft {
	return tokenDraft{
		name: field(c, "name"), note: field(c, "note"), bot: field(c, "bot"), group: field(c, "group"),
		models: fields(c, "models"), permissions: fields(c, "permissions"), limit: field(c, "limit"), budget: field(c, "budget"),
		refill: field(c, "refill"), expires: field(c, "expires"), expiresOn: field(c, "expires_on"), addresses: field(c, "addresses"),
		rpm: field(c, "rpm"), tpm: field(c, "tpm"), concurrent: field(c, "concurrent"), parameter: field(c, "parameter"),
		showOnce: ticked(c, "show_once"), version: versionOf(c), whole: ticked(c, "version"),
	}
}

// tokenDraftOf is the form of a token as it is.
func (d *Dashboard) tokenDraftOf(c *fiber.Ctx, row db.TokenRow) tokenDraft {
	w := d.words(c)
	f := tokenDraft{
		name: row.Name, note: row.Note, bot: row.BotPublicID, group: row.GroupName, models: row.Models, permissions: row.Permissions,
		limit: "some", budget: w.dollars(row.Purse.Quota), refill: string(row.Purse.Refill), expires: endNever,
		addresses: strings.Join(access.FormatAddresses(row.Addresses), "\n"), rpm: numberText(row.RPM), tpm: numberText(row.TPM),
		concurrent: numberText(row.Concurrent), parameter: row.ParameterName, showOnce: row.ShowOnce, version: row.Version,
	}
	if row.Purse.Unlimited {
		f.limit, f.budget = "none", ""
	}
	if !row.ExpiresAt.IsZero() {
		f.expires = endKeep
	}
	return f
}

// tokenOf turns a draft into the form that control takes. For a token that is
// there only what differs is named, so that what the page cannot show stays.
func (d *Dashboard) tokenOf(c *fiber.Ctx, f tokenDraft, row *db.TokenRow) (control.TokenForm, error) {
	w := d.words(c)
	form := control.TokenForm{Name: &f.name, Note: &f.note, Bot: &f.bot, Group: &f.group, ParameterName: &f.parameter, ShowOnce: f.showOnce, Version: f.version}
	was := tokenDraft{}
	if row != nil {
		was = d.tokenDraftOf(c, *row)
	}
	if !slices.Equal(slices.Sorted(slices.Values(f.models)), slices.Sorted(slices.Values(was.models))) {
		limited := len(f.models) > 0
		form.Models, form.ModelsLimited = &f.models, &limited
	}
	if f.whole && !slices.Equal(f.permissions, was.permissions) || row == nil && len(f.permissions) > 0 {
		form.Permissions = &f.permissions
	}
	if addresses := addressLines(f.addresses); row != nil || len(addresses) > 0 {
		form.Addresses = &addresses
	}
	var wrong []error
	var err error
	if form.ExpiresAt, err = w.readEnd(f.expires, f.expiresOn); err != nil {
		wrong = append(wrong, err)
	}
	for _, n := range []struct {
		text, field string
		into        **int64
	}{{f.rpm, "rpm", &form.RPM}, {f.tpm, "tpm", &form.TPM}, {f.concurrent, "concurrent", &form.Concurrent}} {
		value, err := number(n.text, n.field)
		wrong = append(wrong, err)
		*n.into = &value
	}
	wrong = append(wrong, d.lockedOut(c, f, row))
	form.Quota, err = w.quotaOf(f, was)
	if wrong = append(wrong, err); joined(wrong...) != nil {
		wrong = append(wrong, nameMissing(f.name))
	}
	return form, joined(wrong...)
}

// nameMissing says beside other faults what control would say first.
func nameMissing(name string) error {
	if strings.TrimSpace(name) != "" {
		return nil
	}
	return access.Fail(access.Invalid, "name_missing", "Give it a name.").At("name")
}

// quotaOf reads the budget. An amount that was not touched is not named: it may
// be finer than the page spells it.
func (w words) quotaOf(f, was tokenDraft) (db.QuotaChange, error) {
	var q db.QuotaChange
	refill := access.Refill(f.refill)
	if f.refill != "" && f.refill != was.refill {
		q.Refill = &refill
	}
	if f.limit != "some" {
		if unlimited := true; f.limit != was.limit {
			q.Unlimited = &unlimited
		}
		return q, nil
	}
	if f.limit == was.limit && strings.TrimSpace(f.budget) == was.budget {
		return q, nil
	}
	amount, err := w.amount(f.budget, "quota")
	if err != nil {
		return q, err
	}
	limited := false
	q.Quota, q.Unlimited = &amount, &limited
	return q, nil
}

// saveToken states the edit and returns the row as it is now.
func (d *Dashboard) saveToken(c *fiber.Ctx, row db.TokenRow, form control.TokenForm) (db.TokenRow, error) {
	saved, err := d.Control.EditToken(c.UserContext(), d.actor(c), row.PublicID, form)
	if err != nil {
		return row, err
	}
	return saved, nil
}

// handedOut is what a form that makes a secret keeps, sealed, for its second
// copy: the same answer, not a second secret.
type handedOut struct {
	ID     string
	Secret string
	Once   bool          // kept nowhere: the second copy shows none
	Until  time.Duration // how long an old key lives on
}

// handOut carries out once what hands out a secret.
func (d *Dashboard) handOut(c *fiber.Ctx, act func() (handedOut, error)) (handedOut, error) {
	var fresh handedOut
	answer, again, err := d.once(c, func() (string, error) {
		made, err := act()
		if err != nil {
			return "", err
		}
		fresh = made
		if made.Once {
			made.Secret = ""
		}
		text, err := json.Marshal(made)
		return string(text), err
	})
	if err != nil || !again {
		return fresh, err
	}
	var kept handedOut
	err = json.Unmarshal([]byte(answer), &kept)
	return kept, err
}

// showCreated shows a token with the key that was just made for it.
func (d *Dashboard) showCreated(c *fiber.Ctx, made handedOut, rotated bool) error {
	row, err := d.Control.Token(c.UserContext(), d.actor(c), made.ID)
	if err != nil {
		return err
	}
	v, err := d.tokenCreated(c, row, made, rotated)
	if err != nil {
		return err
	}
	panel := views.TokenCreated(v)
	if !page.IsPart(c) {
		return page.Show(c, views.PanelPage(d.shell(c, "tokens", v.Title), panel))
	}
	fresh := d.tokenRow(c, row)
	fresh.Fresh = true
	switch {
	case !onList(c, "/tokens"):
		return page.Part(c, panel)
	case rotated:
		return page.Part(c, panel, views.TokenRowChanged(fresh))
	case !onWholeList(c, "/tokens"):
		return page.Part(c, panel, views.TokenRowAdded(fresh))
	}
	list, err := d.tokenList(c)
	for i := range list.Rows {
		list.Rows[i].Fresh = list.Rows[i].ID == row.PublicID
	}
	if err != nil {
		return err
	}
	return page.Part(c, panel, views.TokensAgain(list))
}
