package lang

import (
	"strconv"
	"strings"
)

// Negotiate picks the language that an Accept-Language header likes best, or
// fallback where it names none of ours.
func Negotiate(acceptLanguage string, fallback Lang) Lang {
	best, weight := fallback, 0.0
	if len(acceptLanguage) > 1024 {
		return fallback
	}
	for part := range strings.SplitSeq(acceptLanguage, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		l, ok := Parse(strings.TrimSpace(tag))
		if !ok {
			continue
		}
		if q := quality(params); q > weight {
			best, weight = l, q
		}
	}
	return best
}

func quality(params string) float64 {
	value, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
	if !found {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}
