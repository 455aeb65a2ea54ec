package lang

import (
	"strconv"
	"strings"
)

// Number groups thousands: 18,204.
func (l Lang) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Money spells quota units as dollars with cents: "$41.20". Less than a cent
// keeps its first two figures ("$0.0021"), so that nothing spent is never shown
// as nothing. unitsPerDollar below 1 counts as 1.
func (l Lang) Money(units, unitsPerDollar int64) string {
	sign, whole, rest, per := split(units, unitsPerDollar)
	if whole == 0 && rest > 0 && rest < per/100+min(per%100, 1) {
		return sign + small(rest, per)
	}
	cents := (rest*100 + per/2) / per
	if cents == 100 {
		whole, cents = whole+1, 0
	}
	text := strconv.FormatInt(cents, 10)
	if cents < 10 {
		text = "0" + text
	}
	return sign + "$" + l.Number(whole) + "." + text
}

// MoneyShort is Money without ".00": the limit in "$41.20 of $100".
func (l Lang) MoneyShort(units, unitsPerDollar int64) string {
	return strings.TrimSuffix(l.Money(units, unitsPerDollar), ".00")
}

// split keeps the rest below unitsPerDollar, so that rest*100 cannot overflow
// for any price a settings page accepts.
func split(units, unitsPerDollar int64) (sign string, whole, rest, per int64) {
	per = max(unitsPerDollar, 1)
	whole, rest = units/per, units%per
	if units < 0 {
		sign, whole, rest = "−", -whole, -rest
	}
	return sign, whole, rest, per
}

// small spells rest/per, which is below one cent, to two figures.
func small(rest, per int64) string {
	scale := int64(100)
	for decimals := 3; decimals <= 8; decimals++ {
		scale *= 10
		figure := (rest*scale + per/2) / per
		if figure >= 10 || decimals == 8 && figure > 0 {
			digits := strconv.FormatInt(figure, 10)
			digits = strings.Repeat("0", max(decimals-len(digits), 0)) + digits
			return "$0." + strings.TrimRight(digits, "0")
		}
	}
	return "<$0.00000001"
}

// Bytes spells a size in decimal units: "18.2 MB".
func (l Lang) Bytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.95 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit]
}

// Compact spells a number for a chart's axis: 950, 7k, 1.5M.
func (l Lang) Compact(n int64) string {
	switch {
	case n < 1000 && n > -1000:
		return strconv.FormatInt(n, 10)
	case n < 1_000_000 && n > -1_000_000:
		return trimmed(float64(n)/1000) + "k"
	case n < 1_000_000_000 && n > -1_000_000_000:
		return trimmed(float64(n)/1_000_000) + "M"
	}
	return trimmed(float64(n)/1_000_000_000) + "G"
}

func trimmed(value float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(value, 'f', 1, 64), ".0")
}
