package secret

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"
)

// commonText holds the parts that common passwords are made of: words, what
// stands before and behind them, keyboard rows. The list itself, over a million
// entries, is never spelled: isCommon takes a password apart instead.
//
//go:embed common.txt
var commonText string

// parts is commonText read once. It does not change afterwards.
type parts struct {
	words, heads, tails map[string]bool
	rows                []string
}

var commonParts = sync.OnceValue(func() parts {
	p := parts{words: map[string]bool{}, heads: map[string]bool{"": true}, tails: map[string]bool{"": true}}
	for line := range strings.Lines(commonText) {
		class, rest, found := strings.Cut(line, ":")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		for _, part := range strings.Fields(rest) {
			switch class {
			case "heads":
				p.heads[part] = true
			case "tails":
				p.tails[part] = true
			case "rows":
				p.rows = append(p.rows, part)
			default:
				p.words[part] = true
			}
		}
	}
	return p
})

// longestCommon bounds the work; what is longer is common only by repeating.
const longestCommon = 40

// isCommon reports whether a folded password is on the list: a head, a word or a
// stretch of at least three keys of a keyboard row, once or repeated, and a tail
// or a year; letters may be spelled as digits.
func isCommon(folded string) bool {
	p := commonParts()
	if p.cores(folded) {
		return true
	}
	if len(folded) > longestCommon {
		return false
	}
	for from := 0; from < len(folded); from++ {
		if !p.heads[folded[:from]] {
			continue
		}
		for to := from + 1; to <= len(folded); to++ {
			if p.tail(folded[to:]) && p.cores(folded[from:to]) {
				return true
			}
		}
	}
	return false
}

// cores is core for a piece that may repeat itself.
func (p parts) cores(text string) bool {
	unit := repeated(text)
	return p.core(text) || unit != text && (utf8.RuneCountInString(unit) == 1 || p.core(unit))
}

// core reports whether text is a word, also one with digits for letters, or a
// stretch of a row.
func (p parts) core(text string) bool {
	if p.words[text] {
		return true
	}
	for _, spelling := range []*strings.Replacer{leetI, leetL} {
		if p.words[spelling.Replace(text)] {
			return true
		}
	}
	if len(text) < 3 {
		return false
	}
	for _, row := range p.rows {
		if strings.Contains(row, text) {
			return true
		}
	}
	return false
}

var (
	leetI = strings.NewReplacer("@", "a", "4", "a", "3", "e", "0", "o", "$", "s", "5", "s", "7", "t", "1", "i", "!", "i")
	leetL = strings.NewReplacer("@", "a", "4", "a", "3", "e", "0", "o", "$", "s", "5", "s", "7", "t", "1", "l")
)

// tail reports whether text is a usual ending: one of the list, or a year from
// 1950 to 2049 with a sign around it.
func (p parts) tail(text string) bool {
	if p.tails[text] {
		return true
	}
	year := strings.TrimRight(strings.TrimLeft(text, "@#_-."), "!.#")
	if len(year) != 4 || len(text) > 6 {
		return false
	}
	return isDigits(year[2:]) && (year[:2] == "19" && year[2] >= '5' || year[:2] == "20" && year[2] <= '4')
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// repeated returns the shortest piece that text repeats, which is often text.
func repeated(text string) string {
	for n := 1; n <= len(text)/2; n++ {
		if len(text)%n == 0 && utf8.ValidString(text[:n]) && strings.Repeat(text[:n], len(text)/n) == text {
			return text[:n]
		}
	}
	return text
}
