package dashboard

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/page"
)

// soon is when an end draws near enough to be amber.
const soon = 7 * 24 * time.Hour

// words spells nouns for one reader at one moment.
type words struct {
	lang.Lang
	now  time.Time
	zone *time.Location // the reader's
	work *time.Location // the workspace's: periods follow it
	per  int64          // units in a dollar
}

type wordsKey struct{}

// words are the same for all rows of an answer: zones are read from files.
func (d *Dashboard) words(c *fiber.Ctx) words {
	w, ok := c.Locals(wordsKey{}).(words)
	if !ok {
		w = words{zone: d.zone(c), work: d.workspace(c).Location(), per: d.Control.UnitsPerDollar}
		c.Locals(wordsKey{}, w)
	}
	w.Lang, w.now = page.Lang(c), d.Now()
	return w
}

// state is a status as a word with its colour.
func (w words) state(s access.Status) (views.Tone, string) {
	tone := views.Off
	switch s {
	case access.StatusEnabled:
		tone = views.Ok
	case access.StatusExhausted:
		tone = views.Warn
	case access.StatusExpired, access.StatusRevoked:
		tone = views.Bad
	}
	return tone, w.T("tokens.state." + string(s))
}

// ago says how long ago a moment was, never for none, with the exact moment.
func (w words) ago(t time.Time, never string) (text, exact string) {
	if t.IsZero() {
		return w.T(never), ""
	}
	return w.Ago(t, w.now), w.Moment(t, w.zone)
}

// end says when something ends and colours what is near or past.
func (w words) end(t time.Time) (text, exact string, tone views.Tone) {
	switch {
	case t.IsZero():
		return w.T("tokens.never"), "", views.Off
	case !t.After(w.now):
		tone = views.Bad
	case t.Sub(w.now) <= soon:
		tone = views.Warn
	default:
		tone = views.Off
	}
	return w.Until(t, w.now), w.Moment(t, w.zone), tone
}

// budget spells a purse in dollars.
func (w words) budget(p access.Purse) views.BudgetView {
	p = p.At(w.now, w.work)
	if p.Unlimited {
		return views.BudgetView{Text: w.T("tokens.unlimited", w.Money(p.Used, w.per))}
	}
	text := w.T("tokens.of", w.Money(p.Used, w.per), w.MoneyShort(p.Quota, w.per))
	if p.Refill != access.RefillNone {
		text += " " + w.T("tokens.per."+string(p.Refill))
	}
	return views.BudgetView{Text: text, Percent: percent(p.Used, p.Quota), Limited: true}
}

// allowance spells what is used of an allowance, in its own unit.
func (w words) allowance(p access.Purse) views.BudgetView {
	p = p.At(w.now, w.work)
	spell := func(n int64) string { return w.Money(n, w.per) }
	limit := func(n int64) string { return w.MoneyShort(n, w.per) }
	if p.Unit == access.Messages {
		spell, limit = w.Number, w.Number
	}
	switch {
	case p.Unlimited && p.Unit == access.Messages:
		return views.BudgetView{Text: w.N("shares.questions", p.Used)}
	case p.Unlimited:
		return views.BudgetView{Text: spell(p.Used)}
	}
	return views.BudgetView{Text: w.T("shares.used_of", spell(p.Used), limit(p.Quota)), Percent: percent(p.Used, p.Quota), Limited: true}
}

// percent is part of whole, full when there is nothing to have.
func percent(part, whole int64) int {
	if whole <= 0 || part >= whole {
		return 100
	}
	hi, lo := bits.Mul64(uint64(max(part, 0)), 100)
	share, _ := bits.Div64(hi, lo, uint64(whole))
	return int(share)
}

// dollars spells units as an amount to edit: exact, without a sign.
func (w words) dollars(units int64) string {
	whole, rest := units/w.per, units%w.per
	text := strconv.FormatInt(whole, 10)
	if rest == 0 {
		return text
	}
	var decimals strings.Builder
	for range 12 {
		rest *= 10
		decimals.WriteByte(byte('0' + rest/w.per))
		if rest %= w.per; rest == 0 {
			break
		}
	}
	if decimals.Len() == 1 {
		decimals.WriteByte('0')
	}
	return text + "." + decimals.String()
}

// units reads an amount in dollars, to the nearest unit.
func (w words) units(text string) (int64, bool) {
	text = strings.TrimSpace(strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(text), "$"), ",", ""))
	whole, decimals, _ := strings.Cut(text, ".")
	if whole == "" && decimals == "" || len(decimals) > 12 || !digits(whole) || !digits(decimals) {
		return 0, false
	}
	dollars, err := strconv.ParseInt(or(whole, "0"), 10, 64)
	if err != nil || dollars > math.MaxInt64/w.per-1 {
		return 0, false
	}
	total, scale := dollars*w.per, int64(1)
	var part int64
	for _, r := range decimals {
		part, scale = part*10+int64(r-'0'), scale*10
	}
	hi, lo := bits.Mul64(uint64(part), uint64(w.per))
	lo, carry := bits.Add64(lo, uint64(scale/2), 0)
	fraction, _ := bits.Div64(hi+carry, lo, uint64(scale))
	if total += int64(fraction); total > access.UnitsMax {
		return 0, false
	}
	return total, true
}

func digits(text string) bool {
	return strings.Trim(text, "0123456789") == ""
}

// amount reads a field in dollars that must say something.
func (w words) amount(text, field string) (int64, error) {
	if strings.TrimSpace(text) == "" {
		return 0, access.Fail(access.Invalid, "amount_missing", "Say how much, or choose no limit.").At(field)
	}
	n, ok := w.units(text)
	if !ok {
		return 0, access.Fail(access.Invalid, "amount_invalid", "Write an amount such as 50 or 12.50.").At(field)
	}
	return n, nil
}

// number reads a field that holds a whole number, 0 when it is empty.
func number(text, field string) (int64, error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), ",", "")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, access.Fail(access.Invalid, "number_whole", "This must be a whole number.").At(field)
	}
	return n, nil
}

// numberText spells a number for its field, "" for none.
func numberText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// The ends that forms offer.
const (
	endNever = "never"
	endKeep  = "keep"
	endOn    = "on"
	endYear  = "365d"
)

var endDays = []int{7, 30, 90}

// ends offers when something may end; each says the moment it means. now is the
// present end of what is edited, chosen what the form held.
func (w words) ends(editing bool, present time.Time, chosen string) []views.OptionView {
	var all []views.OptionView
	add := func(value, label string) {
		all = append(all, views.OptionView{Value: value, Label: label, Chosen: value == chosen})
	}
	if editing && !present.IsZero() {
		add(endKeep, w.T("tokens.in.keep", w.Day(present, w.zone)))
	}
	add(endNever, w.T("tokens.in.never"))
	for _, days := range endDays {
		add(strconv.Itoa(days)+"d", w.N("tokens.in.days", int64(days), w.Day(w.now.AddDate(0, 0, days), w.zone)))
	}
	add(endYear, w.T("tokens.in.year", w.Day(w.now.AddDate(0, 0, 365), w.zone)))
	add(endOn, w.T("tokens.in.on"))
	return all
}

// endMoment is how a date field spells a moment.
const endMoment = "2006-01-02T15:04"

// readEnd reads the choice of an end: nil leaves it as it is.
func (w words) readEnd(choice, on string) (*time.Time, error) {
	switch choice {
	case "", endKeep:
		return nil, nil
	case endNever:
		return &time.Time{}, nil
	case endOn:
		at, err := time.ParseInLocation(endMoment, strings.TrimSpace(on), w.zone)
		if err != nil {
			return nil, access.Fail(access.Invalid, "date_missing", "Choose a date and a time.").At("expires_at")
		}
		return &at, nil
	}
	days, err := strconv.Atoi(strings.TrimSuffix(choice, "d"))
	if err != nil || days < 1 || days > 3660 {
		return nil, access.Fail(access.Invalid, "date_missing", "Choose a date and a time.").At("expires_at")
	}
	at := w.now.AddDate(0, 0, days)
	return &at, nil
}

// refills offers how often something starts afresh.
func (w words) refills(chosen access.Refill) []views.OptionView {
	var all []views.OptionView
	for _, r := range []access.Refill{access.RefillNone, access.RefillDaily, access.RefillWeekly, access.RefillMonthly} {
		all = append(all, views.OptionView{Value: string(r), Label: w.T("tokens.refill." + string(r)), Chosen: r == chosen})
	}
	return all
}
