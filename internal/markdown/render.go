package markdown

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// What the allow-list accepts as values.
var (
	classes    = regexp.MustCompile(`^(code|sheet|plain|k|s|c)$`)
	zero       = regexp.MustCompile(`^0$`)
	digits     = regexp.MustCompile(`^[0-9]{1,9}$`)
	alignments = regexp.MustCompile(`^(left|center|right)$`)
	blank      = regexp.MustCompile(`^_blank$`)
	relation   = regexp.MustCompile(`^[a-z ]{1,40}$`)
)

// drawing is our renderer for all nodes that could carry more than text, and for
// those that our pages draw in their own way.
type drawing struct{}

// RegisterFuncs takes over what goldmark's own renderer would draw.
func (d drawing) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, d.heading)
	r.Register(ast.KindFencedCodeBlock, d.fenced)
	r.Register(ast.KindCodeBlock, d.indented)
	r.Register(ast.KindHTMLBlock, d.htmlBlock)
	r.Register(ast.KindRawHTML, d.rawHTML)
	r.Register(ast.KindImage, d.image)
	r.Register(ast.KindLink, d.link)
	r.Register(ast.KindAutoLink, d.autoLink)
	r.Register(ast.KindList, d.list)
	r.Register(east.KindTable, d.table)
	r.Register(east.KindTableCell, d.cell)
}

// heading begins two levels down: the page has headings of its own.
func (drawing) heading(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	level := strconv.Itoa(min(n.(*ast.Heading).Level+2, 5))
	if entering {
		w.WriteString("<h" + level + ">")
	} else {
		w.WriteString("</h" + level + ">\n")
	}
	return ast.WalkContinue, nil
}

func (drawing) fenced(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		drawCode(w, string(n.(*ast.FencedCodeBlock).Language(source)), linesOf(n, source))
	}
	return ast.WalkSkipChildren, nil
}

func (drawing) indented(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		drawCode(w, "", linesOf(n, source))
	}
	return ast.WalkSkipChildren, nil
}

// htmlBlock shows markup as what it is: code.
func (drawing) htmlBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		text := linesOf(n, source)
		if block := n.(*ast.HTMLBlock); block.HasClosure() {
			text += string(block.ClosureLine.Value(source))
		}
		drawCode(w, "html", text)
	}
	return ast.WalkSkipChildren, nil
}

func (drawing) rawHTML(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		segments := n.(*ast.RawHTML).Segments
		for i := range segments.Len() {
			at := segments.At(i)
			w.Write(util.EscapeHTML(at.Value(source)))
		}
	}
	return ast.WalkSkipChildren, nil
}

// image is its description: nothing is fetched from anywhere.
func (drawing) image(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
	return ast.WalkContinue, nil
}

func (drawing) link(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	to, ok := address(string(n.(*ast.Link).Destination))
	switch {
	case !ok:
	case entering:
		openLink(w, to)
	default:
		w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

func (drawing) autoLink(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	link := n.(*ast.AutoLink)
	to := string(link.URL(source))
	if link.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(strings.ToLower(to), "mailto:") {
		to = "mailto:" + to
	}
	to, ok := address(to)
	if ok {
		openLink(w, to)
	}
	w.Write(util.EscapeHTML(link.Label(source)))
	if ok {
		w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

func openLink(w util.BufWriter, to string) {
	w.WriteString(`<a href="`)
	w.Write(util.EscapeHTML([]byte(to)))
	w.WriteString(`" rel="nofollow noreferrer noopener" target="_blank">`)
}

// address is where a link may lead: a whole address of one of three schemes.
func address(to string) (string, bool) {
	for _, r := range to {
		if r <= ' ' || r == 0x7f || r == '\\' {
			return "", false
		}
	}
	u, err := url.Parse(to)
	if err != nil {
		return "", false
	}
	switch u.Scheme {
	case "http", "https":
		return quoted.Replace(u.String()), u.Hostname() != "" && u.Opaque == "" && !strings.ContainsAny(u.Host, "<>\"'`^|{}")
	case "mailto":
		return quoted.Replace(u.String()), u.Opaque != ""
	}
	return "", false
}

// quoted spells what has no place in an address, and might in markup.
var quoted = strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", "`", "%60")

func (drawing) list(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	list := n.(*ast.List)
	tag := "ul"
	if list.IsOrdered() {
		tag = "ol"
	}
	switch {
	case !entering:
		w.WriteString("</" + tag + ">\n")
	case list.IsOrdered() && list.Start != 1:
		w.WriteString(`<ol start="` + strconv.Itoa(list.Start) + "\">\n")
	default:
		w.WriteString("<" + tag + ">\n")
	}
	return ast.WalkContinue, nil
}

// table can be wider than a phone: its box scrolls.
func (drawing) table(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		w.WriteString("<div class=\"sheet\" tabindex=\"0\"><table>\n")
	} else {
		w.WriteString("</table></div>\n")
	}
	return ast.WalkContinue, nil
}

// cell leaves out those that only fill a row up.
func (drawing) cell(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if fills(n) {
		return ast.WalkContinue, nil
	}
	tag := "td"
	if n.Parent().Kind() == east.KindTableHeader {
		tag = "th"
	}
	switch align := n.(*east.TableCell).Alignment; {
	case !entering:
		w.WriteString("</" + tag + ">\n")
	case align == east.AlignNone:
		w.WriteString("<" + tag + ">")
	default:
		w.WriteString("<" + tag + ` align="` + align.String() + `">`)
	}
	return ast.WalkContinue, nil
}

// fills reports an empty cell with none but empty ones after it.
func fills(n ast.Node) bool {
	for ; n != nil; n = n.NextSibling() {
		if n.HasChildren() || n.Parent().Kind() == east.KindTableHeader {
			return false
		}
	}
	return true
}

func linesOf(n ast.Node, source []byte) string {
	var b strings.Builder
	lines := n.Lines()
	for i := range lines.Len() {
		at := lines.At(i)
		b.Write(at.Value(source))
	}
	return b.String()
}
