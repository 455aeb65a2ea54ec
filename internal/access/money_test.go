package access

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

func TestCharge(t *testing.T) {
	unit := Price{Prompt: DefaultPrice, Completion: DefaultPrice}
	for _, c := range []struct {
		name  string
		use   Usage
		price Price
		ratio int64
		want  int64
	}{
		{"nothing", Usage{}, unit, RatioOne, 0},
		{"a unit a token", Usage{Prompt: 10, Completion: 5}, unit, RatioOne, 15},
		{"free", Usage{Prompt: 10, Completion: 5}, Price{}, RatioOne, 0},
		{"rounded up once", Usage{Prompt: 1, Completion: 1}, Price{Prompt: 1, Completion: 1}, RatioOne, 1},
		{"half price", Usage{Prompt: 3}, unit, RatioOne / 2, 2},
		{"a ratio of nothing", Usage{Prompt: 3}, unit, 0, 0},
		{"negative counts are none", Usage{Prompt: -3, Completion: 4}, unit, RatioOne, 4},
		{"beyond all bounds", Usage{Prompt: math.MaxInt64, Completion: math.MaxInt64}, Price{Prompt: math.MaxInt64, Completion: math.MaxInt64}, math.MaxInt64, UnitsMax},
	} {
		if got := Charge(c.use, c.price, c.ratio); got != c.want {
			t.Errorf("%s: %d units, want %d", c.name, got, c.want)
		}
	}
}

func TestChargeAgainstBigIntegers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() int64 { return r.Int64() >> r.IntN(63) }
	for range 200_000 {
		u, p, ratio := Usage{Prompt: draw(), Completion: draw()}, Price{Prompt: draw(), Completion: draw()}, draw()
		sum := new(big.Int).Mul(big.NewInt(u.Prompt), big.NewInt(p.Prompt))
		sum.Add(sum, new(big.Int).Mul(big.NewInt(u.Completion), big.NewInt(p.Completion)))
		sum.Mul(sum, big.NewInt(ratio))
		want, rest := sum.QuoRem(sum, big.NewInt(1e12), new(big.Int))
		if rest.Sign() > 0 {
			want.Add(want, big.NewInt(1))
		}
		if want.Cmp(big.NewInt(UnitsMax)) > 0 {
			want.SetInt64(UnitsMax)
		}
		if got := Charge(u, p, ratio); got != want.Int64() {
			t.Fatalf("Charge(%+v, %+v, %d) = %d, want %s", u, p, ratio, got, want)
		}
	}
}

func TestPeriods(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 17, 30, 0, 0, time.UTC) // Saturday 01:30 in Shanghai
	for _, c := range []struct {
		refill      Refill
		start, next string
	}{
		{RefillDaily, "2026-11-21T00:00:00+08:00", "2026-11-22T00:00:00+08:00"},
		{RefillWeekly, "2026-11-16T00:00:00+08:00", "2026-11-23T00:00:00+08:00"},
		{RefillMonthly, "2026-11-01T00:00:00+08:00", "2026-12-01T00:00:00+08:00"},
	} {
		if got := c.refill.PeriodStart(now, shanghai).Format(time.RFC3339); got != c.start {
			t.Errorf("%s starts %s, want %s", c.refill, got, c.start)
		}
		if got := c.refill.NextRefill(now, shanghai).Format(time.RFC3339); got != c.next {
			t.Errorf("%s refills %s, want %s", c.refill, got, c.next)
		}
	}
	if !RefillNone.PeriodStart(now, shanghai).IsZero() || !RefillNone.NextRefill(now, shanghai).IsZero() {
		t.Error("a purse without refill has a period")
	}
}
