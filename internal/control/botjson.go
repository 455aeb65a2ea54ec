package control

import (
	"encoding/json"
	"math/big"
	"net/url"
	"strings"

	"golang.org/x/text/unicode/norm"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/strict"
)

// SlugMax is the most characters of a bot's short name.
const SlugMax = 60

// slugOf makes a short name of what is Latin in a name: "Acme Help (EU)" becomes
// "acme-help-eu". A name without any makes none.
func slugOf(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		case r < 0x300 || r > 0x36f: // accents go without a trace
			dash = true
		}
		if b.Len() >= SlugMax-16 { // room for what makes it unique
			slug := b.String()
			return strings.TrimRight(slug[:max(strings.LastIndexByte(slug, '-'), SlugMax/2)], "-")
		}
	}
	return b.String()
}

func checkSlug(slug string) error {
	if slug == "" || len(slug) > SlugMax || strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
		strings.HasPrefix(slug, "-") || strings.HasSuffix(slug, "-") {
		return access.Fail(access.Invalid, "slug_invalid",
			"A short name has 1 to %d small letters, digits and hyphens, such as acme-help.", SlugMax).At("slug")
	}
	return nil
}

func checkPrompt(prompt string) error {
	if len(prompt) > access.SystemPromptMax {
		return access.Fail(access.Invalid, "prompt_long", "A system prompt has at most %d KiB.", access.SystemPromptMax>>10).At("system_prompt")
	}
	return checkText(prompt, "system_prompt", access.SystemPromptMax)
}

func checkAvatarURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > 2048 || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || !plain(text, false) {
		return access.Fail(access.Invalid, "avatar_url", "A picture's address starts with https://.").At("avatar_url")
	}
	return nil
}

// checkBotJSON checks parameters and settings: JSON objects that can mean only
// one thing. Names that are not known are kept.
func checkBotJSON(f BotForm, change *db.BotChange) error {
	if f.Params != nil {
		params, err := checkParams(*f.Params)
		if err != nil {
			return err
		}
		change.Params = &params
	}
	if f.Settings != nil {
		settings, _, err := checkObject(*f.Settings, "settings", access.SettingsMax)
		if err != nil {
			return err
		}
		change.Settings = &settings
	}
	return nil
}

func checkObject(text, field string, most int) (string, *strict.Object, error) {
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	o, err := strict.Parse([]byte(text))
	if err != nil {
		return "", nil, access.Fail(access.Invalid, "object_invalid", "This must be one JSON object, each name once, such as {\"name\": 1}.").At(field).Because(err)
	}
	if out := o.Encode(); len(out) <= most {
		return string(out), o, nil
	}
	return "", nil, access.Fail(access.Invalid, "object_large", "This object is larger than %d KiB.", most>>10).At(field)
}

// paramRange is what a parameter that is known may hold.
type paramRange struct {
	least, most int64
	whole       bool
}

var paramRanges = map[string]paramRange{
	"temperature":           {0, 2, false},
	"top_p":                 {0, 1, false},
	"presence_penalty":      {-2, 2, false},
	"frequency_penalty":     {-2, 2, false},
	"max_tokens":            {1, 10_000_000, true},
	"max_completion_tokens": {1, 10_000_000, true},
	"max_output_tokens":     {1, 10_000_000, true},
	"top_k":                 {-1, 1_000_000, true},
	"min_p":                 {0, 1, false},
	"top_logprobs":          {0, 20, true},
	"n":                     {1, 1, true}, // one answer a call
}

// checkParams checks a call's defaults: known numbers in their range, nothing
// that belongs to the call itself.
func checkParams(text string) (string, error) {
	out, o, err := checkObject(text, "params", access.ParamsMax)
	if err != nil {
		return "", err
	}
	for _, m := range o.Members {
		switch m.Key {
		case "model", "messages", "prompt", "input", "stream", "stream_options":
			return "", access.Fail(access.Invalid, "params_reserved", "%s is set by each call, not by the bot's parameters.", m.Key).At("params")
		}
		if r, known := paramRanges[m.Key]; known && !r.holds(m.Value) {
			return "", r.refuse(m.Key)
		}
	}
	return out, nil
}

func (r paramRange) refuse(name string) error {
	if r.whole {
		return access.Fail(access.Invalid, "params_range_whole", "%s is a whole number from %d to %d.", name, r.least, r.most).At("params")
	}
	return access.Fail(access.Invalid, "params_range", "%s is a number from %d to %d.", name, r.least, r.most).At("params")
}

func (r paramRange) holds(value json.RawMessage) bool {
	text := string(value)
	if text == "null" { // the provider's own default
		return true
	}
	const longest = 32 // a number this long is no parameter, and exponents cost time
	if len(text) > longest || strings.ContainsAny(text, `"{[`) || strings.ContainsAny(text, "eE") && len(text) > 5 {
		return false
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok || r.whole && !n.IsInt() {
		return false
	}
	return n.Cmp(big.NewRat(r.least, 1)) >= 0 && n.Cmp(big.NewRat(r.most, 1)) <= 0
}
