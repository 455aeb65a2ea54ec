package markdown

import (
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// emphasis reads * and _ as CommonMark does, and also where a mark stands between
// Chinese, Japanese or Korean text and punctuation: those scripts put no space
// there, so CommonMark leaves the stars of **先回应，后处理。**收到 as they are.
type emphasis struct{}

func (emphasis) Trigger() []byte { return []byte{'*', '_'} }

func (emphasis) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if tooMany(pc, emphasisKey, parent) {
		return nil
	}
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	mark := parser.ScanDelimiter(line, before, 1, pairs{})
	if mark == nil {
		return nil
	}
	if rest := line[mark.OriginalLength:]; mark.Char == '*' && len(rest) > 0 {
		after, _ := utf8.DecodeRune(rest)
		mark.CanOpen = mark.CanOpen || util.IsPunctRune(after) && (eastern(before) || wide(after))
		mark.CanClose = mark.CanClose || util.IsPunctRune(before) && (eastern(after) || wide(before))
	}
	mark.Segment = segment.WithStop(segment.Start + mark.OriginalLength)
	block.Advance(mark.OriginalLength)
	pc.PushDelimiter(mark)
	return mark
}

func eastern(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// wide reports punctuation of those scripts, which brings its own space.
func wide(r rune) bool { return r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef }

// pairs says which marks belong together.
type pairs struct{}

func (pairs) IsDelimiter(b byte) bool                             { return b == '*' || b == '_' }
func (pairs) CanOpenCloser(opener, closer *parser.Delimiter) bool { return opener.Char == closer.Char }

func (pairs) OnMatch(consumes int) ast.Node { return ast.NewEmphasis(consumes) }

// links is goldmark's parser of links, which gives up on a block with too many
// brackets.
type links struct {
	parser.InlineParser
	parser.CloseBlocker
}

func newLinks() links {
	p := parser.NewLinkParser()
	return links{p, p.(parser.CloseBlocker)}
}

func (l links) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if tooMany(pc, linksKey, parent) {
		return nil
	}
	return l.InlineParser.Parse(parent, block, pc)
}

var emphasisKey, linksKey = parser.NewContextKey(), parser.NewContextKey()

// marks counts in one block.
type marks struct {
	block ast.Node
	seen  int
}

// tooMany counts a mark of a block: a parser compares each with those before it.
func tooMany(pc parser.Context, key parser.ContextKey, block ast.Node) bool {
	m, _ := pc.Get(key).(*marks)
	if m == nil || m.block != block {
		m = &marks{block: block}
		pc.Set(key, m)
	}
	m.seen++
	return m.seen > marksMost
}
