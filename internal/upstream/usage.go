package upstream

import (
	"slices"
	"strconv"
)

func (p *parser) usage() bool {
	if p.peek() == 'n' {
		return p.skip()
	}
	if p.peek() != '{' {
		p.chunk.BadUsage = true
		return p.skip()
	}
	counts := [3]int64{-1, -1, -1} // prompt, completion, total
	bad := false
	ok := p.object(func(key []byte) bool {
		i := slices.Index([]string{"prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"}, string(key))
		if i < 0 || p.peek() == 'n' {
			return p.skip()
		}
		n, fine, ok := p.count()
		counts[i%3] = n // input counts as prompt, output as completion
		bad = bad || !fine
		return ok
	})
	if counts[1] < 0 && counts[0] >= 0 && counts[2] >= counts[0] {
		counts[1] = counts[2] - counts[0]
	}
	switch {
	case bad:
		p.chunk.BadUsage, p.chunk.HasUsage = true, false
	case counts[0] >= 0:
		p.chunk.Usage, p.chunk.HasUsage = Usage{counts[0], max(counts[1], 0)}, true
	}
	return ok
}

// count reads a number of tokens; fine is false where it can be none.
func (p *parser) count() (n int64, fine, ok bool) {
	if b := p.peek(); b != '-' && (b < '0' || b > '9') {
		return -1, false, p.skip()
	}
	raw, ok := p.number()
	f, err := strconv.ParseFloat(string(raw), 64)
	if !ok || err != nil || f < 0 || f > maxTokens || f != float64(int64(f)) {
		return -1, false, ok
	}
	return int64(f), true, true
}

// error reads an error object, or an error that is just a sentence.
func (p *parser) error() bool {
	switch p.peek() {
	case '{':
		return p.object(func(key []byte) bool { p.faulty = true; return p.faultField(key) })
	case '"':
		s, ok := p.string()
		p.fault.Message, p.faulty = s, p.faulty || s != ""
		return ok
	case 't':
		p.faulty = true
	}
	return p.skip()
}

func (p *parser) faultField(key []byte) bool {
	if b := p.peek(); string(key) == "code" || string(key) == "status" {
		if b >= '0' && b <= '9' {
			raw, ok := p.number()
			if n, err := strconv.Atoi(string(raw)); err == nil && n >= 400 && n <= 599 {
				p.fault.Status = n
			}
			return ok
		}
	}
	var to *string
	switch string(key) {
	case "message", "detail":
		to = &p.fault.Message
	case "type":
		to = &p.fault.Type
	case "code":
		to = &p.fault.Code
	case "param":
		to = &p.fault.Param
	default:
		return p.skip()
	}
	s, ok := p.string()
	if s != "" {
		*to = s
	}
	return ok
}
