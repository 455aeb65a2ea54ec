package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Dragging over the days of the chart makes them the span of the page: its form,
// its address, its table and its CSV.
func TestDragOverDays(t *testing.T) {
	s, _, _, _ := sampled(t)
	b := open(t, desktop)
	messages := chromedp.Console(b.ctx)
	signIn(b, s)
	b.visit(s.url + "/usage")
	b.until("the chart", `document.querySelectorAll("[data-day]").length > 20`)
	day := func(i int) string {
		return b.value(`[...document.querySelectorAll("[data-day]")].at(` + strconv.Itoa(i) + `).dataset.day`)
	}
	from, to := day(-9), day(-3)
	mouse := func(kind input.DispatchMouseEventType, i int) {
		at := func(side, size string) float64 {
			text := b.value(`(r => r.` + side + ` + r.` + size + ` / 2)([...document.querySelectorAll("[data-day] > .hit")].at(` + strconv.Itoa(i) + `).getBoundingClientRect())`)
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		b.do(chromedp.MouseEvent(kind, at("left", "width"), at("top", "height"), chromedp.ButtonLeft))
	}
	mouse(chromedp.MousePressed, -3)
	mouse(chromedp.MouseMoved, -6)
	mouse(chromedp.MouseMoved, -9)
	b.until("the days are marked", `document.querySelectorAll(".day.picked").length === 7`)
	b.picture("usage-drag")
	mouse(chromedp.MouseReleased, -9)
	b.until("the span", `location.search.includes("from=`+from+`") && location.search.includes("to=`+to+`")`)
	b.until("the chart of the span", `document.querySelectorAll("[data-day]").length === 7 && !document.querySelector(".day.picked")`)
	if csv := b.value(`document.querySelector('[href*="usage.csv"]').href`); !strings.Contains(csv, from) || !strings.Contains(csv, to) {
		t.Errorf("the CSV is of %s", csv)
	}
	b.quiet(messages)
}
