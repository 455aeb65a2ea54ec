package control

import (
	"encoding/json"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/strict"
)

// JoinParams puts the two parameters that pages ask for in fields of their own
// into the object with the others. An object that cannot be read is returned as it
// is: saving the bot says what is wrong with it.
func JoinParams(text, temperature, maxTokens string) (string, error) {
	o := &strict.Object{}
	if strings.TrimSpace(text) != "" {
		var err error
		if o, err = strict.Parse([]byte(text)); err != nil {
			return text, nil
		}
	}
	for _, one := range [][2]string{{"temperature", temperature}, {"max_tokens", maxTokens}} {
		number := strings.TrimSpace(one[1])
		if number == "" {
			continue
		}
		if !json.Valid([]byte(number)) || !isNumber(number) {
			return "", access.Fail(access.Invalid, "params_number", "%s must be a number such as 0.7.", one[0]).At("params")
		}
		o.Set(one[0], json.RawMessage(number))
	}
	return string(o.Encode()), nil
}

// SplitParams is the reverse of JoinParams.
func SplitParams(params string) (rest, temperature, maxTokens string) {
	o, err := strict.Parse([]byte(params))
	if err != nil {
		return params, "", ""
	}
	take := func(key string) string {
		value := string(o.Get(key))
		if !isNumber(value) {
			return ""
		}
		o.Delete(key)
		return value
	}
	temperature, maxTokens = take("temperature"), take("max_tokens")
	if len(o.Members) > 0 {
		rest = string(o.Encode())
	}
	return rest, temperature, maxTokens
}

// isNumber reports whether a JSON value is a number.
func isNumber(value string) bool {
	return value != "" && strings.Contains("-0123456789", value[:1])
}

// ParamWords spells each of a bot's parameters: "temperature 0.3".
func ParamWords(params string) []string {
	o, err := strict.Parse([]byte(params))
	if err != nil {
		return nil
	}
	words := make([]string, 0, len(o.Members))
	for _, m := range o.Members {
		words = append(words, m.Key+" "+string(m.Value))
	}
	return words
}
