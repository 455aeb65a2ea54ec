package gateway

import (
	"sync"

	"github.com/tiktoken-go/tokenizer"
)

// counter counts tokens where a provider reports none. Its vocabulary is loaded
// at the first use.
type counter struct {
	once  sync.Once
	codec tokenizer.Codec
}

// count is how many tokens a text has, about: providers other than OpenAI cut
// differently, which is why such answers are marked as estimated.
func (c *counter) count(text string) int64 {
	if text == "" {
		return 0
	}
	c.once.Do(func() { c.codec, _ = tokenizer.Get(tokenizer.O200kBase) })
	if c.codec != nil {
		if n, err := c.codec.Count(text); err == nil {
			return int64(n)
		}
	}
	return roughly(len(text))
}

// roughly is a cheap estimate for checkpoints.
func roughly(bytes int) int64 { return int64(bytes+3) / 4 }
