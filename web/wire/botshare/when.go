package botshare

import (
	"strings"
	"time"
	"unicode/utf8"
)

// parseMoment reads an end as the original does: Z stands for +00:00, the rest is
// what Python's datetime.fromisoformat takes, and a time without an offset is in
// UTC. ok is false for anything else, and for what no door can spell.
func parseMoment(text string) (t time.Time, ok bool) {
	text = strings.ReplaceAll(text, "Z", "+00:00")
	at := dateEnd(text)
	if at < 0 || at > len(text) {
		return t, false
	}
	day, ok := parseDay(text[:at])
	if !ok {
		return t, false
	}
	var clock, offset time.Duration
	if rest := text[at:]; rest != "" {
		separator, size := utf8.DecodeRuneInString(rest)
		if separator == utf8.RuneError {
			return t, false
		}
		if clock, offset, ok = parseClock(rest[size:]); !ok {
			return t, false
		}
	}
	t = day.Add(clock - offset)
	// The first moment of the year 1 is what the house takes for never.
	return t, !t.IsZero() && t.Year() >= 1 && t.Year() <= 9999
}

// dateEnd is where the date ends and one character parts it from the time, -1
// where there is no date.
func dateEnd(text string) int {
	const week, basic, long = 7, 8, 10
	switch {
	case len(text) < week:
		return -1
	case len(text) == week:
		return week
	case text[4] == '-' && text[5] == 'W':
		if len(text) > basic && text[basic] == '-' && len(text) != basic+1 && (len(text) == long || !isDigit(text[long])) {
			return long
		}
		return basic
	case text[4] == '-':
		return long
	case text[4] != 'W':
		return basic
	}
	digits := week
	for digits < len(text) && isDigit(text[digits]) {
		digits++
	}
	if digits < basic+1 {
		return digits
	}
	return week + digits%2
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// number takes n digits from the front of a text.
func number(text string, n int) (value int, rest string, ok bool) {
	if len(text) < n {
		return 0, text, false
	}
	for i := range n {
		if !isDigit(text[i]) {
			return 0, text, false
		}
		value = value*10 + int(text[i]-'0')
	}
	return value, text[n:], true
}

// parseDay reads YYYY-MM-DD, YYYYMMDD, YYYY-Www, YYYYWww and, with a weekday,
// YYYY-Www-D and YYYYWwwD.
func parseDay(text string) (day time.Time, ok bool) {
	year, rest, ok := number(text, 4)
	if !ok || year < 1 {
		return day, false
	}
	rest, parted := strings.CutPrefix(rest, "-")
	if rest, ok := strings.CutPrefix(rest, "W"); ok {
		return parseWeek(year, rest, parted)
	}
	month, rest, ok := number(rest, 2)
	if !ok {
		return day, false
	}
	rest, again := strings.CutPrefix(rest, "-")
	date, rest, ok := number(rest, 2)
	if !ok || again != parted || rest != "" || month < 1 || month > 12 {
		return day, false
	}
	day = time.Date(year, time.Month(month), date, 0, 0, 0, 0, time.UTC)
	return day, day.Month() == time.Month(month) && date > 0
}

// parseWeek reads a week and a weekday, 1 for Monday where none is given.
func parseWeek(year int, text string, parted bool) (day time.Time, ok bool) {
	week, rest, ok := number(text, 2)
	if !ok {
		return day, false
	}
	weekday := 1
	if rest != "" {
		bare, again := strings.CutPrefix(rest, "-")
		if weekday, rest, ok = number(bare, 1); !ok || again != parted || rest != "" {
			return day, false
		}
	}
	// The fourth of January is in the first week, whose Monday begins the year.
	fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	day = monday.AddDate(0, 0, (week-1)*7+weekday-1)
	if weekday < 1 || weekday > 7 || week < 1 {
		return day, false
	}
	inYear, inWeek := day.ISOWeek()
	return day, inYear == year && inWeek == week
}

// parseClock reads a time of day and its offset from UTC, 0 where none is given.
func parseClock(text string) (clock, offset time.Duration, ok bool) {
	zone := strings.IndexByte(text, '-')
	if zone < 0 {
		zone = strings.IndexByte(text, '+')
	}
	if zone < 0 {
		clock, ok = parseHours(text)
		return clock, 0, ok && clock < 24*time.Hour
	}
	if clock, ok = parseHours(text[:zone]); !ok || clock >= 24*time.Hour {
		return 0, 0, false
	}
	if offset, ok = parseHours(text[zone+1:]); !ok || offset >= 24*time.Hour {
		return 0, 0, false
	}
	if text[zone] == '-' {
		offset = -offset
	}
	return clock, offset, true
}

// parseHours reads HH, HHMM, HHMMSS and the same with colons, with a fraction
// after the seconds, of which microseconds count.
func parseHours(text string) (sum time.Duration, ok bool) {
	parted := len(text) > 2 && text[2] == ':'
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		var n int
		if n, text, ok = number(text, 2); !ok || i > 0 && n > 59 {
			return 0, false
		}
		sum += time.Duration(n) * unit
		if text == "" || unit == time.Second {
			break
		}
		if parted {
			if text, ok = strings.CutPrefix(text, ":"); !ok {
				return 0, false
			}
		}
	}
	if text == "" {
		return sum, true
	}
	digits := text[1:]
	if text[0] != '.' && text[0] != ',' || digits == "" {
		return 0, false
	}
	unit := time.Second
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			return 0, false
		}
		if unit > time.Microsecond {
			unit /= 10
			sum += time.Duration(digits[i]-'0') * unit
		}
	}
	return sum, true
}
