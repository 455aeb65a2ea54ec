// Package markdown turns what a model writes into HTML that can do nothing: it
// shows text.
//
// It promises that no source, however hostile, yields a script, an event handler,
// a style, a form, or anything that a browser fetches by itself; that links lead
// to http, https or mailto alone, in a new tab, telling the other side nothing;
// and that the HTML of a finished block stays the same while the text after it
// still grows. Pictures become their descriptions, raw HTML becomes text.
//
// The tree is drawn by renderers of our own, which escape everything; the result
// then passes an allow-list that knows nothing of how it was made. It refuses to
// be clever with texts that nest without end: those are shown as they are.
//
// Start with Blocks. render.go draws, code.go colours, emphasis.go is what
// CommonMark misses in Chinese.
package markdown

import (
	"bytes"
	"html"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extended "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Limits of what is read as Markdown. They bound the work that a hostile text can
// cause; what is beyond them is shown as it was written.
const (
	sourceMost  = 1 << 20 // bytes
	nestingMost = 16      // quotes and lists that one line opens inside each other
	columnsMost = 32      // of a table
	marksMost   = 500     // of emphasis, and brackets of links, in one block
)

// Blocks returns the HTML of a text, one piece for each of its top-level blocks.
// While the text grows, all pieces but the last stay as they are.
func Blocks(source string) []string { return From(source, 0) }

// From is Blocks without the first pieces, which the reader has already: the
// answer holds those after them alone.
func From(source string, have int) []string {
	source = strings.ToValidUTF8(source, "\uFFFD")
	rest := ""
	if len(source) > sourceMost {
		cut := strings.LastIndexByte(source[:sourceMost], '\n') + 1
		source, rest = source[:cut], source[cut:]
	}
	t := tools()
	raw := []byte(temper(source))
	document := t.markdown.Parser().Parse(text.NewReader(raw))
	var out []string
	var b bytes.Buffer
	at := 0
	for node := document.FirstChild(); node != nil; node = node.NextSibling() {
		at++
		if at <= have {
			continue
		}
		if err := t.markdown.Renderer().Render(&b, raw, node); err != nil {
			return append(out, plain(source)) // a bytes.Buffer does not fail
		}
		if undecided(node, raw) {
			at--
			continue
		}
		out = append(out, t.policy.Sanitize(b.String()))
		b.Reset()
	}
	if rest != "" {
		out = append(out, plain(rest))
	}
	return out
}

// undecided reports that the line which the last block began with has not ended
// and may still turn into more of this block, the one before: `*` becomes `**`,
// `2` becomes `2.`, the line below a table's head becomes words. Until then the
// two are one.
func undecided(block ast.Node, raw []byte) bool {
	last := block.NextSibling()
	if last == nil || last.NextSibling() != nil || raw[len(raw)-1] == '\n' {
		return false
	}
	line := bytes.LastIndexByte(raw, '\n') + 1
	if head, ok := last.(*extended.Table); ok && head.ChildCount() == 1 {
		lines := block.Lines()
		return ast.IsParagraph(block) && bytes.Count(raw[lines.At(lines.Len()-1).Start:], []byte{'\n'}) == 2
	}
	if last.Pos() < line {
		return false
	}
	before := bytes.LastIndexByte(raw[:line-1], '\n') + 1
	if len(bytes.TrimSpace(raw[before:line])) > 0 {
		return true
	}
	_, list := block.(*ast.List)
	return list && bytes.IndexByte([]byte("0123456789-+*"), bytes.TrimSpace(raw[line:])[0]) >= 0
}

// HTML is Blocks in one piece.
func HTML(source string) string { return strings.Join(Blocks(source), "") }

func plain(source string) string {
	return `<p class="plain">` + html.EscapeString(source) + "</p>\n"
}

// temper takes from lines what would make a parser's work, or its result, grow out
// of all proportion: containers without end inside each other, and tables whose
// every short row stands for thousands of cells.
func temper(source string) string {
	var b strings.Builder
	b.Grow(len(source) + 64)
	for line := range strings.Lines(source) {
		if n := containers(line, nestingMost); n > 0 {
			b.WriteString(line[:n])
			b.WriteByte('\\')
			line = line[n:]
		}
		if strings.Count(line, "|") > columnsMost {
			line = strings.ReplaceAll(line, "|", `\|`)
		}
		b.WriteString(line)
	}
	return b.String()
}

// containers returns where a line opens one container more than most, 0 if it
// does not.
func containers(line string, most int) int {
	found := 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t':
			continue
		case c == '>':
		case (c == '-' || c == '*' || c == '+') && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t'):
		case c >= '0' && c <= '9':
			start := i
			for i < len(line) && line[i] >= '0' && line[i] <= '9' {
				i++
			}
			if i-start > 9 || i >= len(line) || line[i] != '.' && line[i] != ')' {
				return 0
			}
		default:
			return 0
		}
		if found++; found > most {
			return i
		}
	}
	return 0
}

type toolset struct {
	markdown goldmark.Markdown
	policy   *bluemonday.Policy
}

// tools are made once and never change.
var tools = sync.OnceValue(func() toolset { return toolset{newMarkdown(), newPolicy()} })

func newMarkdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithParser(parser.NewParser(
			// Dashes below words are a rule, as models mean them: no headings by underlines,
			// which would also unmake the table above them.
			parser.WithBlockParsers(parser.DefaultBlockParsers()[1:]...),
			parser.WithInlineParsers(
				util.Prioritized(parser.NewCodeSpanParser(), 100), util.Prioritized(newLinks(), 200),
				util.Prioritized(parser.NewAutoLinkParser(), 300), util.Prioritized(parser.NewRawHTMLParser(), 400),
				util.Prioritized(emphasis{}, 500),
			),
			// No reference definitions: one at the end would change what was said before it.
		)),
		goldmark.WithExtensions(
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			extension.Strikethrough,
			extension.NewLinkify(extension.WithLinkifyAllowedProtocols([]string{"http:", "https:"})),
			extension.NewCJK(extension.WithEastAsianLineBreaks()),
		),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(drawing{}, 1))),
	)
}

// newPolicy is the allow-list (checklist C42).
func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "strong", "em", "del", "code", "pre", "ul", "ol", "li", "blockquote", "h3", "h4", "h5",
		"table", "thead", "tbody", "tr", "th", "td", "div", "span", "header")
	p.AllowAttrs("class").Matching(classes).OnElements("div", "span", "p")
	p.AllowAttrs("tabindex").Matching(zero).OnElements("pre", "div")
	p.AllowAttrs("start").Matching(digits).OnElements("ol")
	p.AllowAttrs("align").Matching(alignments).OnElements("th", "td")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("target").Matching(blank).OnElements("a")
	p.AllowAttrs("rel").Matching(relation).OnElements("a")
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
}
