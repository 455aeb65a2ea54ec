package views

import (
	"context"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"latchkey/internal/lang"
)

type sparkShape struct{ before, now, dotX, dotY string }

// sparkLines puts both series on one scale of 100 by 32, with room for the dot.
func sparkLines(v SparkView) sparkShape {
	steps := max(len(v.Before), len(v.Now), 2) - 1
	top := 0.0
	for _, series := range [][]float64{v.Before, v.Now} {
		for _, value := range series {
			top = max(top, value)
		}
	}
	if top == 0 {
		top = 1
	}
	x := func(i int) string { return decimal(3 + 94*float64(i)/float64(steps)) }
	y := func(value float64) string { return decimal(29 - 26*max(value, 0)/top) }
	line := func(series []float64) string {
		points := make([]string, len(series))
		for i, value := range series {
			points[i] = x(i) + "," + y(value)
		}
		return strings.Join(points, " ")
	}
	shape := sparkShape{before: line(v.Before), now: line(v.Now)}
	if last := len(v.Now) - 1; last >= 0 {
		shape.dotX, shape.dotY = x(last), y(v.Now[last])
	}
	return shape
}

type rect struct{ class, x, y, width, height string }

const barStep, barWidth = 24, 19

func barsBox(values []int64) string {
	return "0 0 " + strconv.Itoa(max(len(values), 1)*barStep-(barStep-barWidth)) + " 100"
}

func bars(values []int64) []rect {
	top := int64(1)
	for _, value := range values {
		top = max(top, value)
	}
	all := make([]rect, 0, len(values))
	for i, value := range values {
		if value <= 0 {
			continue
		}
		class := "ok"
		if i == len(values)-1 {
			class = "now"
		}
		// A day with anything at all is never invisible.
		height := max(100*float64(value)/float64(top), 3)
		all = append(all, upright(class, i*barStep, 100-height, height))
	}
	return all
}

func upright(class string, x int, y, height float64) rect {
	return rect{class, strconv.Itoa(x), decimal(y), strconv.Itoa(barWidth), decimal(height)}
}

// chartRules are the five lines of the scale, top to bottom.
var chartRules = [...]string{"0", "250", "500", "750", "1000"}

func chartWidth(v ChartView) string { return strconv.Itoa(max(len(v.Days), 1) * barStep) }

func chartBox(v ChartView) string { return "0 0 " + chartWidth(v) + " 1000" }

// chartTop is the smallest round number that is a multiple of four steps and
// holds the highest bar.
func chartTop(v ChartView) int64 {
	high := int64(4)
	for _, d := range v.Days {
		high = max(high, d.Answered+d.Refused, d.Expected+d.Refused)
	}
	for unit := int64(1); ; unit *= 10 {
		for _, step := range []int64{1, 2, 3, 4, 5, 6, 7, 8} {
			if 4*step*unit >= high {
				return 4 * step * unit
			}
		}
	}
}

func scale(ctx context.Context, v ChartView) []string {
	top, l := chartTop(v), lang.From(ctx)
	ticks := make([]string, 0, len(chartRules))
	for i := int64(4); i >= 0; i-- {
		if v.Money {
			ticks = append(ticks, l.MoneyShort(top*i/4, 100))
			continue
		}
		ticks = append(ticks, l.Compact(top*i/4))
	}
	return ticks
}

type axisText struct {
	text  string
	minor bool // left out where the chart is narrow
}

// axisRoom is how many of its texts a narrow axis has room for.
const axisRoom = 5.5

// axis are the texts under the bars; from the present day backwards, the ones that
// would touch on a phone are minor.
func axis(v ChartView) []axisText {
	all := make([]axisText, len(v.Days))
	next := 2 * len(v.Days)
	for i := len(v.Days) - 1; i >= 0; i-- {
		all[i].text = v.Days[i].Axis
		if all[i].text == "" {
			continue
		}
		if all[i].minor = float64(next-i) < float64(len(v.Days))/axisRoom; !all[i].minor {
			next = i
		}
	}
	return all
}

type chartDay struct {
	ChartDay
	hitX, readout string
	rects         []rect
}

func chartDays(v ChartView) []chartDay {
	top := float64(chartTop(v))
	days := make([]chartDay, 0, len(v.Days))
	for i, d := range v.Days {
		x := i*barStep + (barStep-barWidth)/2
		answered, refused := 1000*float64(d.Answered)/top, 1000*float64(d.Refused)/top
		if d.Refused > 0 {
			refused = max(refused, 7)
		}
		day := chartDay{ChartDay: d, hitX: strconv.Itoa(i * barStep), readout: strings.Join(d.Readout[:], "|")}
		// What is still expected stands on what there is: refused calls do not use it up.
		if rest := 1000 * float64(d.Expected-d.Answered) / top; rest > 0 {
			day.rects = append(day.rects, upright("expected", x, 1000-answered-refused-rest, rest))
		}
		if d.Answered > 0 {
			day.rects = append(day.rects, upright("ok", x, 1000-answered, answered))
		}
		if d.Refused > 0 {
			day.rects = append(day.rects, upright("refused", x, max(1000-answered-refused-5, 0), refused))
		}
		days = append(days, day)
	}
	return days
}

// chosenDay is the one read out before a pointer moves: marked, else the last.
func chosenDay(v ChartView) ChartDay {
	for _, d := range v.Days {
		if d.Chosen {
			return d
		}
	}
	if len(v.Days) == 0 {
		return ChartDay{}
	}
	return v.Days[len(v.Days)-1]
}

func dayOf(d ChartDay) templ.Attributes {
	if d.Date == "" {
		return nil
	}
	return templ.Attributes{"data-day": d.Date}
}

// zooms reports whether days can be dragged over.
func zooms(v ChartView) bool { return len(v.Days) > 1 && v.Days[0].Date != "" }

func hasExpected(v ChartView) bool {
	for _, d := range v.Days {
		if d.Expected > 0 {
			return true
		}
	}
	return false
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
