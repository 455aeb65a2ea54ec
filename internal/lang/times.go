package lang

import (
	"fmt"
	"strconv"
	"time"
)

const day = 24 * time.Hour

var weekdays = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

// Ago says how long before now a moment was: "just now", "2 min ago", "3 h
// ago", "9 days ago". A moment to come is spelled by Until.
func (l Lang) Ago(then, now time.Time) string {
	d := now.Sub(then)
	switch {
	case d < -time.Minute:
		return l.Until(then, now)
	case d < time.Minute:
		return l.T("time.now")
	case d < time.Hour:
		return l.N("time.minutes_ago", int64(d/time.Minute))
	case d < day:
		return l.N("time.hours_ago", int64(d/time.Hour))
	case d < 2*365*day:
		return l.N("time.days_ago", int64(d/day))
	}
	return l.N("time.years_ago", int64(d/(365*day)))
}

// Until says how long after now a moment will be, rounded to the nearest:
// "in 5 min", "in 19 hours", "in 12 days". A moment gone by is spelled by Ago.
func (l Lang) Until(then, now time.Time) string {
	d := then.Sub(now)
	switch {
	case d < 0:
		return l.Ago(then, now)
	case d < 90*time.Second:
		return l.T("time.soon")
	case d < time.Hour-30*time.Second:
		return l.N("time.in_minutes", int64(d.Round(time.Minute)/time.Minute))
	case d < 2*day-30*time.Minute:
		return l.N("time.in_hours", max(int64(d.Round(time.Hour)/time.Hour), 1))
	case d < 2*365*day:
		return l.N("time.in_days", int64(d.Round(day)/day))
	}
	return l.N("time.in_years", int64(d/(365*day)))
}

// Moment is the exact time in a zone: "Thu 18 Feb 2027, 14:21" and
// "2027年2月18日 周四 14:21". A nil zone means UTC.
func (l Lang) Moment(t time.Time, zone *time.Location) string {
	t = in(t, zone)
	if l == Chinese {
		return l.Day(t, zone) + " " + weekdays[t.Weekday()] + " " + t.Format("15:04")
	}
	return t.Format("Mon 2 Jan 2006, 15:04")
}

// Day is the date: "18 Feb 2027", "2027年2月18日".
func (l Lang) Day(t time.Time, zone *time.Location) string {
	t = in(t, zone)
	if l == Chinese {
		return fmt.Sprintf("%d年%d月%d日", t.Year(), int(t.Month()), t.Day())
	}
	return t.Format("2 Jan 2006")
}

// DayShort is the date without its year, for charts: "16 Nov", "11月16日".
func (l Lang) DayShort(t time.Time, zone *time.Location) string {
	t = in(t, zone)
	if l == Chinese {
		return fmt.Sprintf("%d月%d日", int(t.Month()), t.Day())
	}
	return t.Format("2 Jan")
}

// WeekdayShort is the day of a chart's read-out: "Mon 16 Nov", "11月16日 周一".
func (l Lang) WeekdayShort(t time.Time, zone *time.Location) string {
	t = in(t, zone)
	if l == Chinese {
		return l.DayShort(t, zone) + " " + weekdays[t.Weekday()]
	}
	return t.Format("Mon 2 Jan")
}

// Clock is the time of day: "14:21".
func (l Lang) Clock(t time.Time, zone *time.Location) string {
	return in(t, zone).Format("15:04")
}

// When is a moment of a log as seen from now: "today 14:18:32", "yesterday
// 18:12:21", else the day and the time.
func (l Lang) When(t, now time.Time, zone *time.Location) string {
	t, now = in(t, zone), in(now, zone)
	clock := t.Format("15:04:05")
	switch {
	case sameDay(t, now):
		return l.T("time.today", clock)
	case sameDay(t, now.AddDate(0, 0, -1)):
		return l.T("time.yesterday", clock)
	case t.Year() == now.Year():
		return l.DayShort(t, zone) + " " + clock
	}
	return l.Day(t, zone) + " " + clock
}

// Duration spells a length: "38 ms", "1.2 s", "2 min 5 s", "3 h", "10 days".
func (l Lang) Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "−" + l.Duration(-d)
	case d < time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(int64(d/time.Millisecond), 10) + " ms"
	case d < time.Minute:
		return l.T("time.seconds", trimmed(float64(d.Truncate(100*time.Millisecond))/float64(time.Second)))
	case d < time.Hour:
		return l.pair("time.minutes", int64(d/time.Minute), "time.seconds", int64(d%time.Minute/time.Second))
	case d < day:
		return l.pair("time.hours", int64(d/time.Hour), "time.minutes", int64(d%time.Hour/time.Minute))
	}
	return l.N("time.days", int64(d/day))
}

func (l Lang) pair(major string, a int64, minor string, b int64) string {
	text := l.T(major, l.Number(a))
	if b == 0 {
		return text
	}
	return text + " " + l.T(minor, l.Number(b))
}

func in(t time.Time, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone)
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}
