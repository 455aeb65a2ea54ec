package dashboard

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/views"
	"latchkey/web/page"
	"latchkey/web/wire"
)

// AskKey is the page where whoever holds an API token looks it up. Nobody is
// signed in there.
func (d *Dashboard) AskKey(c *fiber.Ctx) error {
	return page.Show(c, views.HolderAskPage(views.HolderAskView{}))
}

// Key shows the holder how the pasted token stands. The token came in the body and
// goes nowhere from here.
func (d *Dashboard) Key(c *fiber.Ctx) error {
	text := strings.TrimSpace(field(c, "key"))
	text = strings.TrimSpace(strings.TrimPrefix(text, "Bearer "))
	if text == "" {
		err := access.Fail(access.Invalid, "key_missing", "Paste the token first.")
		return page.Status(c, page.StatusOf(err), views.HolderAskPage(views.HolderAskView{Failed: page.Say(c, err)}))
	}
	s, err := d.Gateway.Standing(c.UserContext(), text, wire.Address(c))
	if access.KindOf(err) != 0 {
		return page.Status(c, page.StatusOf(err), views.HolderAskPage(views.HolderAskView{Failed: page.Say(c, err)}))
	}
	if err != nil {
		return err
	}
	return page.Show(c, views.HolderPage(d.holder(c, s)))
}

// holder spells a standing. Its times are those of the workspace: the reader has
// told none.
func (d *Dashboard) holder(c *fiber.Ctx, s gateway.Standing) views.HolderView {
	zone := s.Workspace.Location()
	w := words{Lang: page.Lang(c), now: d.Now(), zone: zone, work: zone, per: d.Control.UnitsPerDollar}
	s.Purse = s.Purse.At(w.now, zone)
	v := views.HolderView{
		Name: s.Token.Name, Key: control.KeyMask + s.Token.Hint, Under: w.T("holder.of", s.Workspace.Name),
		Stats: w.holderStats(s), Limits: w.holderLimits(s, address(c)), Chart: w.chart(w.T("tokens.usage"), s.Days),
	}
	v.Tone, v.Status = w.state(s.Token.Status(s.Purse, w.now))
	if s.Why != nil {
		v.Why = page.Say(c, s.Why)
	}
	if !s.Until.IsZero() {
		v.Until = w.T("holder.replaced", w.Moment(s.Until, zone))
	}
	for _, m := range s.Models {
		if m.Requests == 0 {
			continue
		}
		v.Models = append(v.Models, views.HolderModelView{
			Name: or(m.Key, w.T("holder.no_model_named")), Requests: w.Number(m.Requests),
			Tokens: w.T("requests.in_out", w.Number(m.Prompt), w.Number(m.Completion)), Cost: w.Money(m.Units, w.per),
		})
	}
	for _, r := range s.Refusals {
		v.Refusals = append(v.Refusals, views.HolderRefusalView{
			When: w.Ago(r.At, w.now), WhenAt: w.Moment(r.At, zone), Model: r.Model, Reason: or(w.because(r), r.Rule), Code: r.Rule, ID: r.RequestID,
		})
	}
	return v
}

func (w words) holderStats(s gateway.Standing) []views.StatView {
	left := views.StatView{Label: w.T("holder.left"), Value: w.T("tokens.no_limit"), Note: w.T("holder.left_free", w.Money(s.Purse.Used, w.per))}
	if !s.Purse.Unlimited {
		left.Value = w.Money(max(s.Purse.Remain(), 0), w.per)
		left.Note = w.T("holder.left_note", w.Money(s.Purse.Used, w.per), w.MoneyShort(s.Purse.Quota, w.per))
	}
	refill := views.StatView{Label: w.T("holder.refill"), Value: w.T("holder.never")}
	if next := s.Purse.Refill.NextRefill(w.now, w.work); !next.IsZero() && !s.Purse.Unlimited {
		refill.Value, refill.Note = w.Until(next, w.now), w.Moment(next, w.zone)
	}
	used, usedAt := w.ago(s.Token.UsedAt, "tokens.never_used")
	end, endAt, _ := w.end(s.Token.ExpiresAt)
	return []views.StatView{
		left, refill,
		{Label: w.T("tokens.last_used"), Value: used, Note: usedAt},
		{Label: w.T("tokens.expires"), Value: end, Note: endAt},
	}
}

func (w words) holderLimits(s gateway.Standing, from string) []views.Definition {
	k := s.Token
	models := w.T("tokens.all_models")
	if k.ModelsLimited {
		models = or(strings.Join(k.Models, ", "), w.T("tokens.no_models"))
	}
	k.RPM, k.TPM = tighter(k.RPM, s.Group.RPM), tighter(k.TPM, s.Group.TPM)
	addresses := views.Definition{Term: w.T("tokens.addresses"), Text: or(strings.Join(access.FormatAddresses(k.Addresses), ", "), w.T("tokens.fold.any_address"))}
	if from != "" {
		addresses.Under = w.T("holder.your_address", from)
	}
	return []views.Definition{
		{Term: w.T("tokens.models"), Text: models},
		{Term: w.T("tokens.budget"), Text: w.budget(s.Purse).Text},
		addresses,
		{Term: w.T("tokens.rates"), Text: w.tokenRates(k)},
		{Term: w.T("tokens.permissions"), Text: w.Enumerate(w.permissionNames(k.Permissions))},
		{Term: w.T("tokens.created_at"), Text: w.Day(k.CreatedAt, w.zone)},
	}
}

// tighter is the lower of two limits, where 0 is none.
func tighter(a, b int64) int64 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
