// Package lang holds every word that a person reads, in English and Chinese,
// and the wording of money, numbers and times in both.
//
// It promises that a key has a text in both languages with the same
// placeholders (a test fails otherwise), that numbers of money are spelled
// from integers without floating point, and that an unknown key shows itself
// rather than nothing. It reads no clock: "now" is always handed in.
//
// Catalogues are the files en/<noun>.json and zh/<noun>.json: flat maps of key
// to text, or to {"one": …, "other": …} where English needs a plural; "zero" is
// for how a person says none. What code says in English has Chinese entries alone:
// "error.<code>" and "reference.<sentence>". Texts are fmt formats; T spells them with its
// arguments, N chooses the plural.
// Start with T and N here, then money.go and times.go.
package lang

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Lang is a language that Latchkey speaks. The zero value speaks English.
type Lang string

const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// All lists the languages in the order of the switch.
func All() []Lang { return []Lang{English, Chinese} }

// Parse returns the language of a code such as "zh", "zh-CN" or "en_GB".
func Parse(code string) (Lang, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(code, "_", "-")), "-")
	for _, l := range All() {
		if primary == string(l) {
			return l, true
		}
	}
	return English, false
}

// Name is the language's own name for itself.
func (l Lang) Name() string {
	if l == Chinese {
		return "简体中文"
	}
	return "English"
}

// Tag is the value of the html lang attribute.
func (l Lang) Tag() string {
	if l == Chinese {
		return "zh-Hans"
	}
	return "en"
}

// Has reports whether the catalogue of l knows key.
func (l Lang) Has(key string) bool {
	_, ok := l.catalogue()[key]
	return ok
}

// T is the text of key, spelled with args as fmt does. An unknown key is its
// own text.
func (l Lang) T(key string, args ...any) string {
	m, ok := l.catalogue()[key]
	if !ok {
		return key
	}
	return spell(m.other, args)
}

// N is the text of key for n things: the form that n asks for, with n
// itself, grouped, as the first argument (%s) and args after it.
func (l Lang) N(key string, n int64, args ...any) string {
	m, ok := l.catalogue()[key]
	if !ok {
		return key
	}
	text := m.other
	switch {
	case n == 0 && m.zero != "":
		return spellUpTo(m.zero, append([]any{l.Number(n)}, args...))
	case n == 1 && m.one != "":
		text = m.one
	}
	return spell(text, append([]any{l.Number(n)}, args...))
}

// Error is the sentence for a failure whose English is text, as access.Fail
// spelled it from args: the translation of "error.<code>", or text where there
// is none. A code that several texts share has "error.<code>.2" and so on, and
// then English entries too, by which the right one is found.
func (l Lang) Error(code, text string, args ...any) string {
	if l != Chinese || code == "" {
		return text
	}
	for key := range variants(code) {
		m, ok := catalogues[Chinese][key]
		if !ok {
			break
		}
		english, shared := catalogues[English][key]
		if shared && spellUpTo(english.other, args) != text {
			continue
		}
		if said := spellUpTo(m.other, args); said != "" {
			return said
		}
	}
	return text
}

// Reference is a sentence of the API reference, which its doors write in English:
// the translation "reference.<sentence>", or the sentence where there is none.
func (l Lang) Reference(sentence string) string {
	m, ok := l.catalogue()["reference."+sentence]
	if !ok {
		return sentence
	}
	return m.other
}

// Enumerate puts names in a row.
func (l Lang) Enumerate(names []string) string {
	if l == Chinese {
		return strings.Join(names, "、")
	}
	return strings.Join(names, ", ")
}

// variants are the keys under which the sentences of a code may stand.
func variants(code string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield("error." + code) {
			return
		}
		for i := 2; i < 20 && yield("error."+code+"."+strconv.Itoa(i)); i++ {
		}
	}
}

// spellUpTo spells text with as many of args as it asks for, or says "" where
// it asks for more or for others.
func spellUpTo(text string, args []any) string {
	needed := 0
	for _, p := range placeholders(text) {
		needed = max(needed, p.argument)
	}
	if needed > len(args) {
		return ""
	}
	said := fmt.Sprintf(text, args[:needed]...)
	if strings.Contains(said, "%!") {
		return ""
	}
	return said
}

func (l Lang) catalogue() map[string]message {
	if l == Chinese {
		return catalogues[Chinese]
	}
	return catalogues[English]
}

func spell(text string, args []any) string {
	if len(args) == 0 {
		return strings.ReplaceAll(text, "%%", "%")
	}
	return fmt.Sprintf(text, args...)
}

type contextKey struct{}

// With returns a context that carries l, for the components of a page.
func With(ctx context.Context, l Lang) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From returns the language that ctx carries, or English.
func From(ctx context.Context) Lang {
	if l, ok := ctx.Value(contextKey{}).(Lang); ok {
		return l
	}
	return English
}
