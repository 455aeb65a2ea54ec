package upstream

// What the bytes of an answer say, in the shapes of chat completions, legacy
// completions, embeddings and responses, whole or in chunks: one reading for
// all, since their names do not collide. It is lenient: what has the wrong type
// is not there.

import "bytes"

// maxTokens is the most a usage may plausibly claim; above it, it is absurd.
const maxTokens = 100_000_000

// Usage is what a provider says an answer took, in tokens.
type Usage struct{ Prompt, Completion int64 }

// Chunk is what one JSON object of an answer says.
type Chunk struct {
	Content []byte // text for the reader
	Other   []byte // text that costs as well: reasoning, refusals, calls of tools
	Finish  string // why the answer ended, "" while it goes on

	Usage    Usage
	HasUsage bool // Usage was there and can be believed
	BadUsage bool // usage was there, and is negative, absurd or no number

	Choices int    // how many choices there are
	Odd     bool   // choices is there but is no list of objects: an empty chunk, not to be passed on
	Said    *Fault // the error object, nil without one

	model span // where the model's name stands, quotes included
}

// Empty reports whether the chunk tells its reader nothing.
func (c *Chunk) Empty() bool {
	return len(c.Content) == 0 && len(c.Other) == 0 && c.Finish == "" && !c.HasUsage && c.Said == nil
}

// AppendAs appends data, which c was read from, with the model's name replaced
// by model, which is JSON already (quotes included).
func (c *Chunk) AppendAs(dst, data, model []byte) []byte {
	if c.model.to == 0 || c.model.to > len(data) {
		return append(dst, data...)
	}
	dst = append(dst, data[:c.model.from]...)
	dst = append(dst, model...)
	return append(dst, data[c.model.to:]...)
}

// Fault is a provider's error object as it was sent: clean it before showing.
type Fault struct {
	Message, Type, Code, Param string
	Status                     int // where it names an HTTP status
}

// Parse reads one JSON object; ok is false where data is not exactly one. The
// Chunk keeps nothing of data.
func Parse(data []byte) (c Chunk, ok bool) {
	var p parser
	return p.parse(data)
}

type span struct{ from, to int }

// parser reads chunks one after the other; a chunk's texts are good until the
// next is read.
type parser struct {
	scanner
	chunk          Chunk
	content, other []byte
	kind           []byte // the top-level "type": which event of the responses shape
	fault          Fault
	faulty         bool
}

func (p *parser) parse(data []byte) (Chunk, bool) {
	p.scanner = scanner{data: data}
	p.chunk, p.kind, p.fault, p.faulty = Chunk{}, nil, Fault{}, false
	p.content, p.other = p.content[:0], p.other[:0]
	ok := p.object(p.top) && p.peek() == 0 && p.at == len(data)
	if !ok {
		return Chunk{}, false
	}
	if p.faulty || string(p.kind) == "error" || string(p.kind) == "response.failed" {
		said := p.fault
		p.chunk.Said = &said
	}
	p.chunk.Content, p.chunk.Other = p.content, p.other
	return p.chunk, true
}

func (p *parser) top(key []byte) bool {
	switch string(key) {
	case "choices":
		return p.choices()
	case "usage":
		return p.usage()
	case "error":
		return p.error()
	case "model":
		return p.modelName()
	case "type":
		return p.typeName()
	case "delta": // responses: a piece of text, kept apart by the event's type
		return p.text(!bytes.HasPrefix(p.kind, []byte("response.output_text")) && p.kind != nil)
	case "response":
		return p.ifObject(p.response)
	case "output":
		return p.ifArray(func() bool { return p.ifObject(p.outputItem) })
	case "status":
		return p.status()
	case "message", "code", "param", "detail":
		return p.faultField(key) // of an "error" event, or of a bare error
	default:
		return p.skip()
	}
}

// response is the whole answer inside an event: its text has come in pieces
// before, so only what is said about it counts.
func (p *parser) response(key []byte) bool {
	switch string(key) {
	case "usage", "error", "model", "status":
		return p.top(key)
	default:
		return p.skip()
	}
}

func (p *parser) ifObject(member func([]byte) bool) bool {
	if p.peek() != '{' {
		return p.skip()
	}
	return p.object(member)
}

func (p *parser) ifArray(element func() bool) bool {
	if p.peek() != '[' {
		return p.skip()
	}
	return p.array(element)
}

// text reads a string into the content or the other text.
func (p *parser) text(other bool) bool {
	if p.peek() != '"' {
		return p.skip()
	}
	raw, ok := p.str()
	if other {
		p.other = appendText(p.other, raw)
	} else {
		p.content = appendText(p.content, raw)
	}
	return ok
}

func (p *parser) string() (string, bool) {
	if p.peek() != '"' {
		return "", p.skip()
	}
	raw, ok := p.str()
	return word(raw), ok
}

// word is a string's text; the ones that come with every answer cost nothing.
func word(raw []byte) string {
	for _, w := range [...]string{"stop", "length", "tool_calls", "content_filter", "completed", "incomplete", "in_progress"} {
		if string(raw) == w {
			return w
		}
	}
	return string(appendText(nil, raw))
}

func (p *parser) modelName() bool {
	if p.peek() != '"' {
		return p.skip()
	}
	from := p.at
	_, ok := p.str()
	p.chunk.model = span{from, p.at}
	return ok
}

func (p *parser) typeName() bool {
	if p.peek() != '"' {
		return p.skip()
	}
	raw, ok := p.str()
	if p.kind == nil {
		p.kind = raw
	}
	return ok
}

// status is the responses shape's: the end of an answer.
func (p *parser) status() bool {
	s, ok := p.string()
	if s == "completed" || s == "incomplete" {
		p.chunk.Finish = s
	}
	return ok
}

func (p *parser) choices() bool {
	if p.peek() != '[' {
		p.chunk.Odd = true
		return p.skip()
	}
	return p.array(func() bool {
		if p.peek() != '{' {
			p.chunk.Odd = true
			return p.skip()
		}
		p.chunk.Choices++
		return p.object(p.choice)
	})
}

func (p *parser) choice(key []byte) bool {
	switch string(key) {
	case "delta", "message":
		return p.ifObject(p.said)
	case "text":
		return p.text(false)
	case "finish_reason":
		s, ok := p.string()
		if s != "" {
			p.chunk.Finish = s
		}
		return ok
	case "usage": // some providers put it here
		return p.usage()
	default:
		return p.skip()
	}
}

// said reads a delta or a message.
func (p *parser) said(key []byte) bool {
	switch string(key) {
	case "content":
		if p.peek() == '[' {
			return p.array(func() bool { return p.ifObject(p.part) })
		}
		return p.text(false)
	case "reasoning_content", "reasoning", "refusal":
		return p.text(true)
	case "tool_calls":
		return p.ifArray(func() bool { return p.ifObject(p.call) })
	case "function_call":
		return p.ifObject(p.call)
	default:
		return p.skip()
	}
}

// part is one of a message's parts, in the chat and the responses shape.
func (p *parser) part(key []byte) bool {
	switch string(key) {
	case "text":
		return p.text(false)
	case "refusal":
		return p.text(true)
	default:
		return p.skip()
	}
}

func (p *parser) call(key []byte) bool {
	switch string(key) {
	case "function":
		return p.ifObject(p.call)
	case "name", "arguments":
		return p.text(true)
	default:
		return p.skip()
	}
}

// outputItem is one item of a response's output.
func (p *parser) outputItem(key []byte) bool {
	switch string(key) {
	case "content":
		return p.ifArray(func() bool { return p.ifObject(p.part) })
	case "summary":
		return p.ifArray(func() bool {
			return p.ifObject(func(key []byte) bool {
				if string(key) == "text" {
					return p.text(true)
				}
				return p.skip()
			})
		})
	case "name", "arguments":
		return p.text(true)
	default:
		return p.skip()
	}
}
