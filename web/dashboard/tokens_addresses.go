package dashboard

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
	"latchkey/web/wire"
)

// refusedShown is how many addresses are named whose calls a list would refuse.
const refusedShown = 5

// addressLines are the entries of an address list as they stand in its field.
func addressLines(text string) []string {
	return strings.FieldsFunc(strings.TrimSpace(text), func(r rune) bool { return r == '\n' || r == '\r' || r == ',' })
}

// TestAddresses says what the address list of a form means, before it is saved.
func (d *Dashboard) TestAddresses(c *fiber.Ctx) error {
	var row *db.TokenRow
	if c.Params("id") != "" {
		one, err := d.token(c)
		if err != nil {
			return err
		}
		row = &one
	}
	d.Gateway.Flush()
	draft := readToken(c)
	v, err := d.addressTest(c, draft.addresses, row)
	if err != nil {
		return err
	}
	if page.IsPart(c) {
		return page.Part(c, views.AddressesTested(v))
	}
	form, err := d.tokenForm(c, draft, row)
	if err != nil {
		return err
	}
	form.Tested, form.FoldOpen = v, true
	return d.showTokenForm(c, fiber.StatusOK, form)
}

// addressSeen says which address Latchkey sees for the reader, and who told it.
func (d *Dashboard) addressSeen(c *fiber.Ctx, row *db.TokenRow) views.AddressesView {
	l := page.Lang(c)
	v := views.AddressesView{Action: "/tokens/addresses", Seen: l.T("tokens.address_unseen")}
	if row != nil {
		v.Action = tokenHref(row.PublicID) + "/addresses"
	}
	if own := wire.Address(c); own.IsValid() {
		v.Seen = l.T("tokens.address_seen", own.String())
		if proxy, told := wire.Proxy(c); told {
			v.Seen = l.T("tokens.address_told", own.String(), proxy.String())
		}
	}
	return v
}

func (d *Dashboard) addressTest(c *fiber.Ctx, text string, row *db.TokenRow) (views.AddressesView, error) {
	l, v, id := page.Lang(c), d.addressSeen(c, row), ""
	if row != nil {
		id = row.PublicID
	}
	t, err := d.Control.TestAddresses(c.UserContext(), d.actor(c), id, addressLines(text), wire.Address(c))
	if err != nil {
		return v, err
	}
	v.Tested = true
	for _, e := range t.Entries {
		one := views.AddressView{Text: e.Text, Tone: views.Ok}
		switch {
		case e.Wrong != nil:
			one.Tone, one.Means = views.Bad, page.Say(c, e.Wrong)
		case e.Single:
			one.Means = l.T("tokens.address_one", e.Means)
		default:
			one.Means = l.T("tokens.address_range", e.Means)
		}
		if e.Own {
			one.Means += " " + l.T("tokens.address_yours")
		}
		v.Entries = append(v.Entries, one)
	}
	if len(v.Entries) == 0 {
		v.Says = append(v.Says, views.SaidView{Tone: views.Info, Text: l.T("tokens.address_any")})
	} else if !t.Own {
		v.Says = append(v.Says, views.SaidView{Tone: views.Warn, Text: l.T("tokens.address_out")})
	}
	if row != nil {
		v.Says = append(v.Says, pastCalls(d.words(c), t.Calls, t.Refused, t.From))
	}
	return v, nil
}

func pastCalls(w words, calls, refused int64, from []db.AddressCount) views.SaidView {
	switch {
	case calls == 0:
		return views.SaidView{Tone: views.Info, Text: w.T("tokens.address_no_calls")}
	case refused == 0:
		return views.SaidView{Tone: views.Ok, Text: w.N("tokens.address_none_refused", calls)}
	}
	var named []string
	for _, one := range from[:min(len(from), refusedShown)] {
		named = append(named, or(one.Address, "?")+" ("+w.Number(one.Calls)+")")
	}
	return views.SaidView{Tone: views.Warn, Text: w.T("tokens.address_refused", w.Number(refused), w.Number(calls), strings.Join(named, ", "))}
}

// lockedOut asks before a list is saved that keeps the reader's own address out.
// It asks a form that can answer, and only where the list changes.
func (d *Dashboard) lockedOut(c *fiber.Ctx, f tokenDraft, row *db.TokenRow) error {
	own := wire.Address(c)
	if !ticked(c, "asks_addresses") || ticked(c, "addresses_ok") || !own.IsValid() {
		return nil
	}
	list, err := access.ParseAddresses(addressLines(f.addresses))
	if err != nil || access.AllowsAddress(list, own) || row != nil && f.addresses == d.tokenDraftOf(c, *row).addresses {
		return nil // what cannot be read is said elsewhere
	}
	return access.Fail(access.Conflict, "address_own",
		"Your own address, %s, is not in this list: calls from here would be refused. Add it, or tick that this is meant.", own.String()).At("addresses")
}
