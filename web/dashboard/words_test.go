package dashboard

import (
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/lang"
)

func TestDollars(t *testing.T) {
	w := words{Lang: lang.English, per: 500_000}
	for text, want := range map[string]int64{
		"50": 25_000_000, "12.50": 6_250_000, "$1,234.5": 617_250_000, " .5 ": 250_000, "0": 0, "0.000002": 1, "0.000001": 1, "0.0000009": 0, "3.": 1_500_000,
	} {
		if got, ok := w.units(text); !ok || got != want {
			t.Errorf("%q is %d units (%v), want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", " ", ".", "-1", "1e3", "a lot", "1.2.3", "99999999999999999999", "20000000000", "0.1234567890123", "１２"} {
		if got, ok := w.units(text); ok {
			t.Errorf("%q passes for %d units", text, got)
		}
	}
	for units, want := range map[int64]string{25_000_000: "50", 6_250_000: "12.50", 1: "0.000002", 1_234_567: "2.469134", 0: "0", 250_000: "0.50"} {
		got := w.dollars(units)
		if want == "12.50" || want == "0.50" {
			// One decimal becomes two, as money is written.
			if got != want {
				t.Errorf("%d units are %q, want %q", units, got, want)
			}
		} else if got != want {
			t.Errorf("%d units are %q, want %q", units, got, want)
		}
		if back, ok := w.units(got); !ok || back != units {
			t.Errorf("%d units became %q and %d", units, got, back)
		}
	}
}

func FuzzDollars(f *testing.F) {
	f.Add("12.50", int64(500_000))
	f.Add("0.000000000001", int64(1))
	f.Add("18014398509", int64(500_000))
	f.Fuzz(func(t *testing.T, text string, per int64) {
		if per < 1 || per > 1_000_000_000_000 {
			return
		}
		w := words{per: per}
		if units, ok := w.units(text); ok && (units < 0 || units > access.UnitsMax) {
			t.Errorf("%q at %d is %d units", text, per, units)
		}
	})
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        int
	}{{0, 10, 0}, {5, 10, 50}, {10, 10, 100}, {11, 10, 100}, {0, 0, 100}, {1, access.UnitsMax, 0}, {access.UnitsMax - 1, access.UnitsMax, 99}} {
		if got := percent(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d is %d percent, want %d", c.part, c.whole, got, c.want)
		}
	}
}

func TestReadEnd(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	w := words{now: time.Date(2026, 11, 20, 14, 21, 0, 0, time.UTC), zone: tokyo}
	for _, c := range []struct {
		choice, on string
		want       time.Time
		none, bad  bool
	}{
		{choice: "", none: true},
		{choice: "keep", none: true},
		{choice: "never", want: time.Time{}},
		{choice: "90d", want: time.Date(2027, 2, 18, 14, 21, 0, 0, time.UTC)},
		{choice: "on", on: "2027-01-01T09:00", want: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		{choice: "on", on: "tomorrow", bad: true},
		{choice: "0d", bad: true},
		{choice: "99999d", bad: true},
		{choice: "soon", bad: true},
	} {
		got, err := w.readEnd(c.choice, c.on)
		switch {
		case c.bad != (err != nil), c.none != (got == nil) && !c.bad:
			t.Errorf("%q %q: %v, %v", c.choice, c.on, got, err)
		case got != nil && !got.Equal(c.want):
			t.Errorf("%q %q is %s, want %s", c.choice, c.on, got, c.want)
		}
	}
}
