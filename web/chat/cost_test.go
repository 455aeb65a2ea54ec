package chat_test

import (
	"bufio"
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/markdown"
	"latchkey/web/chat"
)

// longAnswers are shapes whose end could make much of what was sent before be sent
// again.
var longAnswers = map[string]string{
	"a long paragraph": strings.Repeat("A refund goes back to **the card that paid**, and takes *three* to five working days; 退款会退回到原支付方式。 ", 30),
	"a tight list":     lines(30, func(i int) string { return fmt.Sprintf("- item %d opens `Orders` and presses **Refund**\n", i) }),
	"a loose list":     lines(25, func(i int) string { return fmt.Sprintf("%d. Open *Orders* and choose the one in question\n\n", i+1) }),
	"a nested list": lines(15, func(i int) string {
		return fmt.Sprintf("- part %d\n  - first, with some words to it\n  - second\n    1. and below\n", i)
	}),
	"items of more than one paragraph": lines(30, func(i int) string {
		return fmt.Sprintf("%d. First **words** of it\n\n   and a paragraph that belongs to it\n\n", i+1)
	}),
	"a table": "| order | paid | days |\n|---|--:|---|\n" + lines(30, func(i int) string { return fmt.Sprintf("| %d | %d.00 | three to five |\n", 1000+i, i) }),
	"code": "```go\n" + lines(40, func(i int) string {
		return fmt.Sprintf("\tif err := refund(%d, \"order\"); err != nil { // again\n", i)
	}) + "```\n",
	"a quote":            lines(25, func(i int) string { return fmt.Sprintf("> line %d of what somebody **said** about it\n", i) }),
	"a little of each":   longAnswer, // as TestWireCost sends it, however slow the machine
	"headings and words": lines(15, func(i int) string { return fmt.Sprintf("## Part %d\n\nSome words on it, and `code`.\n\n---\n\n", i) }),
}

func lines(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
	}
	return b.String()
}

// However an answer is shaped, and however fast it comes, it costs at most three
// times its final markup, and arrives whole.
func TestWireCostOfShapes(t *testing.T) {
	for name, text := range longAnswers {
		want := markdown.HTML(text)
		for _, step := range []int{3, 12, 40} { // bytes in a tenth of a second
			sent := chat.DrawStep(text, step)
			read := &stream{t: t, events: make(chan event, 2*len(text))}
			read.read(bufio.NewReader(strings.NewReader(sent)))
			var all []event
			for e := range read.events {
				all = append(all, e)
			}
			if blocks(all) != want {
				t.Errorf("%s by %d arrives as\n%.2000s\nwant\n%.2000s", name, step, blocks(all), want)
			}
			if ratio := float64(len(sent)) / float64(len(want)); ratio > 3 {
				t.Errorf("%s by %d: %d bytes for %d of markup, %.2f times", name, step, len(sent), len(want), ratio)
			} else {
				t.Logf("%s by %d: %.2f times", name, step, ratio)
			}
		}
	}
}
