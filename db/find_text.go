package db

import (
	"strings"
	"unicode"
)

// trigramLeast is the shortest text that the trigram index of a list can find.
// Shorter ones are found in the index beside it, whose texts are written with a
// mark between any two characters: see spaced.
const trigramLeast = 3

// match is what the trigram index is asked for, and which one.
func (f *find) match() (index, phrase string) {
	index, text := f.index, f.text
	if n := len([]rune(text)); n < trigramLeast {
		index, text = strings.TrimSuffix(index, "_search")+"_short", spaced(text)
		if n == 2 {
			text = text[1 : len(text)-1] // the first character, a mark, the second
		}
	}
	return index, `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// spaced spells a text so that the trigrams of it are its single characters and
// its pairs.
func spaced(text string) string {
	var b strings.Builder
	b.WriteByte(1)
	for _, r := range text {
		b.WriteRune(r)
		b.WriteByte(1)
	}
	return b.String()
}

// likes reports whether LIKE finds a text in the same rows as the trigram index,
// which knows capitals of every script.
func likes(text string) bool {
	for _, r := range text {
		if r >= 0x80 && unicode.SimpleFold(r) != r {
			return false
		}
	}
	return true
}

// plain spells a column so that LIKE compares it as the trigram index does: two
// signs outside of ASCII fold into it.
func plain(column, text string) string {
	if strings.ContainsAny(text, "kK") {
		column = "replace(" + column + ", '\u212a', 'k')"
	}
	if strings.ContainsAny(text, "sS") {
		column = "replace(" + column + ", '\u017f', 's')"
	}
	return column
}

// holds is the condition that the text stands in a row.
func (f *find) holds(q *query) string {
	var either []string
	for _, column := range f.columns {
		either = append(either, plain(column, f.text)+" LIKE "+q.argument("%"+likeText(f.text)+"%")+` ESCAPE '\'`)
	}
	for _, id := range f.bots {
		either = append(either, f.bot+" = "+q.argument(id))
	}
	return "(" + strings.Join(either, " OR ") + ")"
}

func likeText(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// keepShort writes a row's texts into the index of short texts, over what it held
// before.
func (t *Tx) keepShort(index string, id int64, texts ...string) error {
	_, err := t.exec("INSERT OR REPLACE INTO "+index+" (rowid, text) VALUES ($1, $2)", id, spaced(strings.Join(texts, "\x02")))
	return err
}
