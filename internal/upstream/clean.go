package upstream

import (
	"regexp"
	"strings"
	"unicode"
)

const maxSaid = 300 // characters of a provider's words that are passed on

var (
	links   = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+`)
	secrets = regexp.MustCompile(`(?i)\bbearer\s+\S+|\b(?:sk|pk|rk|key|gsk|xai|api)[-_][a-z0-9*_-]{6,}\S*`)
	hosts   = regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?`)
	codes   = regexp.MustCompile(`^[A-Za-z0-9_.\-\[\]]{1,64}$`)
)

// clean makes a provider's words fit to show: one line, no key, no address, no
// control or direction characters, at most maxSaid characters.
func clean(said, key string) string {
	if len(said) > 8*maxSaid {
		said = said[:8*maxSaid]
	}
	said = strings.ToValidUTF8(said, "")
	if len(key) >= 4 {
		said = strings.ReplaceAll(said, key, "…")
	}
	said = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, said)
	for _, hide := range []*regexp.Regexp{links, secrets, hosts} {
		said = hide.ReplaceAllString(said, "…")
	}
	if len(key) >= 4 { // what the map above may have joined
		said = strings.ReplaceAll(said, key, "…")
	}
	said = strings.Join(strings.Fields(said), " ")
	if r := []rune(said); len(r) > maxSaid {
		said = string(r[:maxSaid-1]) + "…"
	}
	return said
}

// cleanCode passes a code, type or parameter name, and nothing else. The key's
// own shape would pass, so the key is looked for.
func cleanCode(s, key string) string {
	if !codes.MatchString(s) || secrets.MatchString(s) || len(key) >= 4 && strings.Contains(s, key) {
		return ""
	}
	return s
}
