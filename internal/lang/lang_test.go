package lang

import (
	"context"
	"math"
	"testing"
	"time"
)

func TestTextAndPlural(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{English.T("kit.copy"), "Copy"},
		{Chinese.T("kit.copy"), "复制"},
		{English.T("no.such.key"), "no.such.key"},
		{English.N("no.such.key", 1), "no.such.key"},
		{English.T("kit.more", `"><script>`), `More for "><script>`},
		{English.N("time.days_ago", 1), "1 day ago"},
		{English.N("time.days_ago", 2), "2 days ago"},
		{English.N("time.days_ago", 0), "0 days ago"},
		{Chinese.N("time.days_ago", 1), "1 天前"},
		{English.N("tokens.reach", 0), "No calls in the last 24 hours."},
		{Chinese.N("tokens.reach", 0), "最近 24 小时内没有调用。"},
		{Lang("").T("kit.copy"), "Copy"},
		{Lang("fr").T("kit.copy"), "Copy"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestErrorFallsBack(t *testing.T) {
	if got := Chinese.Error("no_such_code", "Plain text."); got != "Plain text." {
		t.Errorf("got %q", got)
	}
	if got := Chinese.Error("", "Plain text."); got != "Plain text." {
		t.Errorf("got %q", got)
	}
	for _, test := range []struct {
		code, text string
		args       []any
		want       string
	}{
		{"number_range", "This is a whole number from 0 (no limit) up.", nil, "请填写 0（不限）或以上的整数。"},
		{"number_range", "Messages is a whole number from 1 to 30.", []any{"Messages", 30}, "Messages 须为 1 到 30 的整数。"},
		{"number_range", "Messages is a whole number from 1 up.", []any{"Messages"}, "Messages 须为 1 或以上的整数。"},
		{"number_range", "Something that nobody translated.", nil, "Something that nobody translated."},
		{"name_long", "A name has at most 64 characters.", []any{64}, "名称最多 64 个字符。"},
		{"name_long", "No argument came along.", nil, "No argument came along."},
		{"not_found", "There is no such token here.", []any{"token"}, "这里没有您要找的内容。"},
	} {
		if got := Chinese.Error(test.code, test.text, test.args...); got != test.want {
			t.Errorf("%s %q: got %q, want %q", test.code, test.text, got, test.want)
		}
		if got := English.Error(test.code, test.text, test.args...); got != test.text {
			t.Errorf("%s: English says %q", test.code, got)
		}
	}
}

func TestNegotiate(t *testing.T) {
	for _, test := range []struct {
		header string
		want   Lang
	}{
		{"", Chinese},
		{"en", English},
		{"zh-CN,zh;q=0.9,en;q=0.8", Chinese},
		{"en-US,en;q=0.9,zh-CN;q=0.8", English},
		{"fr, zh;q=0.2", Chinese},
		{"fr, de;q=0.2", Chinese},
		{"en;q=0.1, zh-TW;q=0.7", Chinese},
		{"en;q=0", Chinese},
		{"en;q=x", Chinese},
		{";;;,,=", Chinese},
		{"ZH_hans", Chinese},
	} {
		if got := Negotiate(test.header, Chinese); got != test.want {
			t.Errorf("%q: got %s, want %s", test.header, got, test.want)
		}
	}
	if got := Negotiate("", English); got != English {
		t.Errorf("fallback: %s", got)
	}
}

func TestMoney(t *testing.T) {
	const per = 500_000
	for _, test := range []struct {
		units int64
		want  string
	}{
		{0, "$0.00"},
		{20_600_000, "$41.20"},
		{50_000_000, "$100.00"},
		{5_000, "$0.01"},
		{4_999, "$0.01"},
		{1_050, "$0.0021"},
		{50, "$0.0001"},
		{1, "$0.000002"},
		{499_999, "$1.00"},
		{617_000_000_000, "$1,234,000.00"},
		{-20_600_000, "−$41.20"},
		{-1_050, "−$0.0021"},
		{math.MaxInt64, "$18,446,744,073,709.55"},
	} {
		if got := English.Money(test.units, per); got != test.want {
			t.Errorf("Money(%d) = %q, want %q", test.units, got, test.want)
		}
	}
	if got := English.MoneyShort(50_000_000, per); got != "$100" {
		t.Errorf("short: %q", got)
	}
	if got := English.MoneyShort(20_600_000, per); got != "$41.20" {
		t.Errorf("short: %q", got)
	}
	if got := English.Money(3, 0); got != "$3.00" {
		t.Errorf("no price: %q", got)
	}
	if got := English.Money(1, 1_000_000_000_000); got != "<$0.00000001" {
		t.Errorf("dust: %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{English.Number(18204), "18,204"},
		{English.Number(0), "0"},
		{English.Number(999), "999"},
		{English.Number(-1000), "−1,000"},
		{English.Number(math.MinInt64), "−9,223,372,036,854,775,808"},
		{English.Bytes(18_200_000), "18.2 MB"},
		{English.Bytes(999), "999 B"},
		{English.Bytes(999_999), "1.0 MB"},
		{English.Compact(28_000), "28k"},
		{English.Compact(1_500_000), "1.5M"},
		{English.Compact(950), "950"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, time.November, 20, 14, 21, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return now.Add(d) }
	tokyo := time.FixedZone("Tokyo", 9*3600)
	for _, test := range []struct{ got, want string }{
		{English.Ago(at(-30*time.Second), now), "just now"},
		{English.Ago(at(20*time.Second), now), "just now"},
		{English.Ago(at(-2*time.Minute), now), "2 min ago"},
		{English.Ago(at(-59*time.Minute-59*time.Second), now), "59 min ago"},
		{English.Ago(at(-3*time.Hour), now), "3 h ago"},
		{English.Ago(at(-24*time.Hour), now), "1 day ago"},
		{English.Ago(at(-9*24*time.Hour), now), "9 days ago"},
		{English.Ago(at(-800*24*time.Hour), now), "2 years ago"},
		{Chinese.Ago(at(-2*time.Minute), now), "2 分钟前"},
		{English.Ago(at(5*time.Minute), now), "in 5 min"},
		{English.Until(at(-14*24*time.Hour), now), "14 days ago"},
		{English.Until(at(30*time.Second), now), "in a moment"},
		{English.Until(at(59*time.Minute+50*time.Second), now), "in 1 hour"},
		{English.Until(at(19*time.Hour), now), "in 19 hours"},
		{English.Until(at(90*24*time.Hour-time.Second), now), "in 90 days"},
		{English.Until(at(1000*24*time.Hour), now), "in 2 years"},
		{Chinese.Until(at(12*24*time.Hour), now), "12 天后"},
		{English.Moment(time.Date(2027, 2, 18, 14, 21, 0, 0, time.UTC), nil), "Thu 18 Feb 2027, 14:21"},
		{Chinese.Moment(time.Date(2027, 2, 18, 14, 21, 0, 0, time.UTC), time.UTC), "2027年2月18日 周四 14:21"},
		{English.Moment(now, tokyo), "Fri 20 Nov 2026, 23:21"},
		{English.Day(now, tokyo), "20 Nov 2026"},
		{Chinese.Day(now, nil), "2026年11月20日"},
		{English.WeekdayShort(now, nil), "Fri 20 Nov"},
		{Chinese.WeekdayShort(now, nil), "11月20日 周五"},
		{English.Clock(now, tokyo), "23:21"},
		{English.When(at(-time.Minute), now, nil), "today 14:20:00"},
		{Chinese.When(at(-24*time.Hour), now, nil), "昨天 14:21:00"},
		{English.When(at(-48*time.Hour), now, nil), "18 Nov 14:21:00"},
		{English.When(at(-400*24*time.Hour), now, nil), "16 Oct 2025 14:21:00"},
		{English.When(at(10*time.Hour), now, tokyo), "21 Nov 09:21:00"},
		{English.Duration(38 * time.Millisecond), "38 ms"},
		{English.Duration(310 * time.Microsecond), "0.31 ms"},
		{English.Duration(1290 * time.Millisecond), "1.2 s"},
		{English.Duration(125 * time.Second), "2 min 5 s"},
		{English.Duration(3 * time.Hour), "3 h"},
		{English.Duration(240 * time.Hour), "10 days"},
		{Chinese.Duration(125 * time.Second), "2 分 5 秒"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestContext(t *testing.T) {
	if got := From(context.Background()); got != English {
		t.Errorf("without a language: %s", got)
	}
	if got := From(With(context.Background(), Chinese)); got != Chinese {
		t.Errorf("with Chinese: %s", got)
	}
}
