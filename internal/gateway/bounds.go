package gateway

import (
	"bytes"
	"encoding/json"
	"strconv"

	"latchkey/internal/access"
	"latchkey/internal/strict"
)

// How long an answer may be. The cap is always sent to the provider, unless
// nobody limits the call at all and the model's own maximum is not known.
const (
	outputDefault = 8192    // tokens, for a caller who names none and a model of unknown maximum
	outputMost    = 131_072 // tokens that any caller may ask for
	outputLeast   = 256     // tokens: a call whose budget holds less is refused
	choicesMost   = 16      // answers of one call ("n")
)

// The prompt of a call is bounded from above without a tokenizer: no tokenizer
// makes more tokens than there are bytes. Inlined pictures are not text and are
// taken at a fixed bound each.
const (
	messageOverhead = 64
	pictureTokens   = 20_000
	pictureLeast    = 1 << 10 // bytes from which a data: text counts as a picture
)

// bounds is the most that a call can cost, and what it is estimated at.
type bounds struct {
	price    access.Price
	ratio    int64
	prompt   int64  // tokens at most
	estimate int64  // tokens of the prompt, roughly
	cap      int64  // tokens of the answer at most, 0: nobody limits it
	capKey   string // the name under which the cap goes up
	choices  int64
}

// capKeys are the names that callers give the cap.
func capKeys(p Path) []string {
	switch p {
	case Responses:
		return []string{"max_output_tokens"}
	case Embeddings:
		return nil
	}
	return []string{"max_tokens", "max_completion_tokens"}
}

// measure reads the caller's limits and bounds the prompt.
func (c *call) measure(defaults *strict.Object) error {
	c.choices = 1
	for _, n := range []struct {
		key  string
		most int64
		into *int64
	}{{"n", choicesMost, &c.choices}, {"best_of", choicesMost, &c.choices}} {
		v, ok, err := whole(c.body, n.key)
		if err != nil || ok && (v < 1 || v > n.most) {
			return access.Fail(access.Invalid, "number_range", "%s is a whole number from 1 to %d.", n.key, n.most).At(n.key)
		}
		if ok {
			*n.into = max(*n.into, v)
		}
	}
	body := c.body.Encode()
	pictures, bytesOf := pictureBytes(body)
	c.prompt = int64(len(body)-bytesOf) + pictures*pictureTokens + messageOverhead + int64(len(c.bot.SystemPrompt))
	c.estimate = (int64(len(body)-bytesOf)+int64(len(c.bot.SystemPrompt)))/4 + pictures*256
	return c.readCap(defaults)
}

func (c *call) readCap(defaults *strict.Object) error {
	keys := capKeys(c.path)
	if len(keys) == 0 {
		return nil
	}
	c.capKey = keys[0]
	own := int64(0)
	for _, o := range []*strict.Object{c.body, defaults} {
		if o == nil {
			continue
		}
		for _, key := range keys {
			v, ok, err := whole(o, key)
			if err != nil || ok && v < 1 {
				return access.Fail(access.Invalid, "number_range", "%s is a whole number from 1 up.", key).At(key)
			}
			if ok && (own == 0 || v < own) {
				own, c.capKey = v, key
			}
		}
	}
	c.cap = min(own, outputMost)
	return nil
}

// whole reads a whole number; ok is false where it is absent or null.
func whole(o *strict.Object, key string) (n int64, ok bool, err error) {
	raw := o.Get(key)
	if raw == nil || string(raw) == "null" {
		return 0, false, nil
	}
	n, err = strconv.ParseInt(string(raw), 10, 64)
	return n, true, err
}

// limitOutput settles the cap: the caller's, the model's and what the purses hold.
// left is the least that any purse of units has, ok false when none is limited.
func (c *call) limitOutput(m access.Model, left int64, limited bool) {
	if c.path == Embeddings {
		return
	}
	own := c.cap
	if m.MaxOutput > 0 && (c.cap == 0 || c.cap > m.MaxOutput) {
		c.cap = m.MaxOutput
	}
	if !limited {
		return
	}
	if c.cap == 0 {
		c.cap = outputDefault
	}
	if own == 0 {
		c.cap = max(min(c.cap, outputLeast), min(c.cap, c.affordable(left)))
	}
}

// affordable is how many tokens of answer fit beside the prompt.
func (c *call) affordable(left int64) int64 {
	low, high := int64(0), c.cap
	for low < high {
		mid := (low + high + 1) / 2
		if c.worst(mid) <= left {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

// worst is what the call costs at most with an answer of n tokens.
func (c *call) worst(n int64) int64 {
	return access.Charge(access.Usage{Prompt: c.prompt, Completion: n * c.choices}, c.price, c.ratio)
}

func (c *call) charge(u access.Usage) int64 { return access.Charge(u, c.price, c.ratio) }

// pictureBytes finds inlined data in a body: how many pieces, and their bytes.
func pictureBytes(body []byte) (pieces int64, size int) {
	for rest := body; ; {
		at := bytes.Index(rest, []byte(`"data:`))
		if at < 0 {
			return pieces, size
		}
		rest = rest[at+1:]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return pieces, size
		}
		if end >= pictureLeast {
			pieces++
			size += end
		}
		rest = rest[end:]
	}
}

// addDefaults fills in the bot's parameters where the caller names none.
func (c *call) addDefaults(o *strict.Object) {
	for _, m := range c.defaults().Members {
		if !o.Has(m.Key) && m.Key != "model" && m.Key != "messages" && m.Key != "stream" {
			o.Set(m.Key, m.Value)
		}
	}
	for _, key := range capKeys(c.path) {
		if key != c.capKey {
			o.Delete(key)
		}
	}
}

// defaults are the bot's parameters, empty without a bot.
func (c *call) defaults() *strict.Object {
	if c.bot.Params != "" {
		if o, err := strict.Parse([]byte(c.bot.Params)); err == nil {
			return o
		}
	}
	return &strict.Object{}
}

// addPrompt puts the bot's system prompt before what the caller says.
func (c *call) addPrompt(o *strict.Object) {
	if c.bot.SystemPrompt == "" {
		return
	}
	switch c.path {
	case Chat:
		message := append([]byte(`{"role":"system","content":`), quote(c.bot.SystemPrompt)...)
		message = append(message, '}')
		rest := bytes.TrimPrefix(o.Get("messages"), []byte("["))
		if len(rest) > 0 && rest[0] != ']' {
			message = append(message, ',')
		}
		o.Set("messages", append(append([]byte("["), message...), rest...))
	case Completions:
		var prompt string
		if json.Unmarshal(o.Get("prompt"), &prompt) == nil {
			o.Set("prompt", quote(c.bot.SystemPrompt+"\n\n"+prompt))
		}
	case Responses:
		var own string
		_ = json.Unmarshal(o.Get("instructions"), &own)
		if own != "" {
			own = "\n\n" + own
		}
		o.Set("instructions", quote(c.bot.SystemPrompt+own))
	}
}
