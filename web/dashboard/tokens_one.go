package dashboard

import (
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
)

// tokenPage is everything about one token.
func (d *Dashboard) tokenPage(c *fiber.Ctx, row db.TokenRow) (views.TokenView, error) {
	w, by, href := d.words(c), d.actor(c), tokenHref(row.PublicID)
	row.Purse = row.Purse.At(w.now, w.work)
	status := row.Status(row.Purse, w.now)
	v := views.TokenView{
		Shell: d.shell(c, "tokens", row.Name), Href: href, Key: d.tokenKey(c, row), Revoked: !row.RevokedAt.IsZero(),
		Header:   views.HeaderView{Title: row.Name, Mono: control.KeyMask + row.Hint, Subtitle: w.tokenUnder(row)},
		Limits:   d.tokenLimits(c, w, row),
		Facts:    w.tokenFacts(row),
		Notice:   w.tokenNotice(row, status),
		Tone:     views.Warn,
		Requests: "/requests?token=" + url.QueryEscape(row.PublicID),
		Why:      "/requests/why?token=" + url.QueryEscape(row.PublicID),
		ReadOnly: !by.May(access.ChangeAccess),
	}
	v.Shell.Crumbs = []views.LinkView{{Text: w.T("tokens.title"), Href: "/tokens"}, {Text: row.Name}}
	v.Header.Tone, v.Header.Status = w.state(status)
	reach, err := d.Control.TokenReach(c.UserContext(), by, row.PublicID)
	if err != nil {
		return v, err
	}
	v.Stats = w.tokenStats(row, reach)
	old, err := d.Control.OldSecrets(c.UserContext(), by, row)
	if err != nil {
		return v, err
	}
	for _, o := range old {
		v.Limits = append(v.Limits, views.Definition{
			Term: w.T("tokens.old_key"), Text: w.T("tokens.old_key_until", w.Until(o.Until, w.now)), Under: w.N("tokens.old_key_uses", o.Uses),
		})
	}
	v.Acts = w.tokenActs(row, d.reachOfToken(c, reach))
	use, err := d.Control.TokenUse(c.UserContext(), by, row.PublicID, useDays)
	if err != nil {
		return v, err
	}
	v.Chart = w.chart(w.T("tokens.usage"), use)
	v.HandOver = d.copyable(c, row)
	v.Handovers, err = d.handovers(c, row)
	return v, err
}

// useDays is how far back a page looks at what was used.
const useDays = 30

// chart draws days of use; nil where there was none.
func (w words) chart(label string, days []db.DayUse) *views.ChartView {
	v := views.ChartView{Label: label}
	any := false
	for i, u := range days {
		at, err := time.ParseInLocation(time.DateOnly, u.Day, w.work)
		if err != nil {
			continue
		}
		any = any || u.Requests+u.Refused > 0
		one := views.ChartDay{
			Answered: u.Requests, Refused: u.Refused, Today: i == len(days)-1, Chosen: i == len(days)-1,
			Readout: [4]string{w.WeekdayShort(at, w.work), w.Number(u.Requests), w.Number(u.Refused), w.Money(u.Units, w.per)},
		}
		switch {
		case one.Today:
			one.Axis = w.T("kit.today")
		case at.Weekday() == time.Monday && i < len(days)-3:
			one.Axis = w.DayShort(at, w.work)
		}
		v.Days = append(v.Days, one)
	}
	if !any {
		return nil
	}
	return &v
}

func (w words) tokenStats(row db.TokenRow, reach db.TokenReach) []views.StatView {
	used, usedAt := w.ago(row.UsedAt, "tokens.never_used")
	end, endAt, _ := w.end(row.ExpiresAt)
	spent := views.StatView{Label: w.T("tokens.spent"), Value: w.Money(row.Purse.Used, w.per), Note: w.T("tokens.no_limit")}
	if !row.Purse.Unlimited {
		spent.Note = w.T("tokens.spent_note", w.MoneyShort(row.Purse.Quota, w.per))
		if row.Purse.Refill != access.RefillNone {
			spent.Note += " " + w.T("tokens.per."+string(row.Purse.Refill))
		}
	}
	if row.Purse.Reserved > 0 {
		spent.Note = w.T("tokens.reserved_note", w.Money(row.Purse.Reserved, w.per))
	}
	return []views.StatView{
		{Label: w.T("tokens.calls"), Value: w.Number(reach.Calls), Note: w.T("tokens.calls_note")},
		spent,
		{Label: w.T("tokens.last_used"), Value: used, Note: usedAt},
		{Label: w.T("tokens.expires"), Value: end, Note: endAt},
	}
}

func (d *Dashboard) tokenLimits(c *fiber.Ctx, w words, row db.TokenRow) []views.Definition {
	models := w.T("tokens.all_models")
	if row.ModelsLimited {
		models = or(strings.Join(row.Models, ", "), w.T("tokens.no_models"))
	}
	bot := views.Definition{Term: w.T("tokens.bot"), Text: or(row.BotName, w.T("tokens.any_bot"))}
	if row.BotPublicID != "" {
		bot.Href = "/bots/" + row.BotPublicID
	}
	all := []views.Definition{
		bot,
		{Term: w.T("tokens.group"), Text: or(row.GroupName, w.T("tokens.group_own", d.workspace(c).GroupName))},
		{Term: w.T("tokens.models"), Text: models},
		{Term: w.T("tokens.budget"), Text: w.budget(row.Purse).Text},
		{Term: w.T("tokens.addresses"), Text: or(strings.Join(access.FormatAddresses(row.Addresses), ", "), w.T("tokens.fold.any_address"))},
		{Term: w.T("tokens.rates"), Text: w.tokenRates(row.Token)},
		{Term: w.T("tokens.permissions"), Text: w.Enumerate(w.permissionNames(row.Permissions))},
	}
	if next := row.Purse.Refill.NextRefill(w.now, w.work); !next.IsZero() {
		all[3].Under = w.T("tokens.next_refill_at", w.Moment(next, w.zone))
	}
	if row.ParameterName != "" {
		all = append(all, views.Definition{Term: w.T("tokens.parameter"), Text: "?" + row.ParameterName + "=", Mono: true})
	}
	return all
}

func (w words) tokenRates(k access.Token) string {
	var parts []string
	for _, one := range []struct {
		n   int64
		key string
	}{{k.RPM, "tokens.group_requests"}, {k.TPM, "tokens.group_tokens"}, {k.Concurrent, "tokens.at_once"}} {
		if one.n > 0 {
			parts = append(parts, w.N(one.key, one.n))
		}
	}
	return or(w.Enumerate(parts), w.T("tokens.no_limit"))
}

func (w words) permissionNames(all access.Permissions) []string {
	if len(all) == 0 {
		all = access.Permissions{string(access.PermChat)}
	}
	var names []string
	for _, name := range all {
		if key := "tokens.perm." + name; w.Has(key) {
			name = w.T(key)
		}
		names = append(names, name)
	}
	return names
}

func (w words) tokenFacts(row db.TokenRow) []views.Definition {
	all := []views.Definition{
		{Term: w.T("tokens.created_by"), Text: or(row.MadeBy, w.T("tokens.by_program"))},
		{Term: w.T("tokens.created_at"), Text: w.Moment(row.CreatedAt, w.zone)},
		{Term: w.T("tokens.changed_at"), Text: w.Moment(row.UpdatedAt, w.zone)},
		{Term: w.T("tokens.number"), Text: numberText(row.ID)},
		{Term: w.T("tokens.public_id"), Text: row.PublicID, Mono: true},
	}
	if row.Note != "" {
		all = append(all, views.Definition{Term: w.T("tokens.note"), Text: row.Note})
	}
	return all
}

// tokenNotice says why a token does not work, "" when it does.
func (w words) tokenNotice(row db.TokenRow, status access.Status) string {
	switch status {
	case access.StatusRevoked:
		return w.T("tokens.why.revoked", w.Moment(row.RevokedAt, w.zone))
	case access.StatusExpired:
		at := row.ExpiresAt
		if at.IsZero() || at.After(w.now) {
			at = row.ExpiredSeenAt
		}
		return w.T("tokens.why.expired", w.Moment(at, w.zone))
	case access.StatusDisabled, access.StatusExhausted:
		return w.T("tokens.why." + string(status))
	}
	return ""
}

func (w words) tokenActs(row db.TokenRow, reach string) []views.ActView {
	href := tokenHref(row.PublicID)
	remove := views.ActView{Title: w.T("tokens.act.delete"), Text: w.T("tokens.delete_text"), Button: w.T("tokens.ask.delete"), Ask: href + "/delete", Danger: true}
	if !row.RevokedAt.IsZero() {
		return []views.ActView{remove}
	}
	toggle := views.ActView{Title: w.T("tokens.act.disable"), Text: w.T("tokens.disable_text"), Button: w.T("tokens.ask.disable"), Ask: href + "/disable"}
	if !row.Enabled {
		toggle = views.ActView{Title: w.T("tokens.enable"), Text: w.T("tokens.why.disabled"), Button: w.T("tokens.enable"), Action: href + "/enable"}
	}
	return []views.ActView{
		{Title: w.T("tokens.rotate"), Text: w.T("tokens.rotate_text"), Button: w.T("tokens.ask.rotate"), Ask: href + "/rotate"},
		toggle,
		{Title: w.T("tokens.act.revoke"), Text: reach, Button: w.T("tokens.ask.revoke"), Ask: href + "/revoke", Danger: true},
		remove,
	}
}
