package views

import (
	"strings"

	"github.com/a-h/templ"
)

// swapInto adds htmx to a form only where there is a part to replace.
func swapInto(action, target string) templ.OrderedAttributes {
	if target == "" {
		return nil
	}
	return templ.OrderedAttributes{
		{Key: "hx-post", Value: action},
		{Key: "hx-target", Value: target},
		{Key: "hx-swap", Value: "outerHTML"},
	}
}

type codePiece struct{ class, text string }

// colour cuts code at its quoted strings and its whole-line comments. It knows
// no language: a quote that never closes is plain text.
func colour(code string) []codePiece {
	var pieces []codePiece
	plain := 0
	put := func(class string, from, to int) {
		if plain < from {
			pieces = append(pieces, codePiece{"", code[plain:from]})
		}
		pieces = append(pieces, codePiece{class, code[from:to]})
		plain = to
	}
	for i := 0; i < len(code); {
		switch ch := code[i]; {
		case ch == '"' || ch == '\'':
			end := closing(code, i)
			if end < 0 {
				i++
				continue
			}
			put("s", i, end)
			i = end
		case ch == '#' && (i == 0 || code[i-1] == '\n' || code[i-1] == ' '):
			end := strings.IndexByte(code[i:], '\n')
			if end < 0 {
				end = len(code) - i
			}
			put("c", i, i+end)
			i += end
		default:
			i++
		}
	}
	if plain < len(code) {
		pieces = append(pieces, codePiece{"", code[plain:]})
	}
	return pieces
}

// closing is the index after the quote that ends the string at start, or -1.
func closing(code string, start int) int {
	for i := start + 1; i < len(code); i++ {
		switch code[i] {
		case '\\':
			i++
		case code[start]:
			return i + 1
		}
	}
	return -1
}
