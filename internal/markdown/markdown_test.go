package markdown

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

func TestShows(t *testing.T) {
	code := func(label, body string) string {
		return `<div class="code"><header><span>` + label + `</span></header><pre tabindex="0">` + body + "</pre></div>\n"
	}
	const link = `" rel="nofollow noreferrer noopener" target="_blank">`
	for in, want := range map[string]string{
		"Send it again **with its old key**.": "<p>Send it again <strong>with its old key</strong>.</p>\n",
		"*a* _b_ ~~c~~ `d<e`":                 "<p><em>a</em> <em>b</em> <del>c</del> <code>d&lt;e</code></p>\n",
		"# One\n\n## Two\n\n###### Six":       "<h3>One</h3>\n<h4>Two</h4>\n<h5>Six</h5>\n",
		"1. Wait\n2. Stop\n":                  "<ol>\n<li>Wait</li>\n<li>Stop</li>\n</ol>\n",
		"3. Third\n":                          "<ol start=\"3\">\n<li>Third</li>\n</ol>\n",
		"- a\n- b\n":                          "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n",
		"> said\n":                            "<blockquote>\n<p>said</p>\n</blockquote>\n",
		"a\n\n---\n\nb":                       "<p>a</p>\n<hr>\n<p>b</p>\n",
		"one  \ntwo":                          "<p>one<br>\ntwo</p>\n",
		"See [the docs](https://acme.example/docs?a=1&b=2).": `<p>See <a href="https://acme.example/docs?a=1&amp;b=2` + link + "the docs</a>.</p>\n",
		"https://acme.example and www.acme.example":          `<p><a href="https://acme.example` + link + `https://acme.example</a> and <a href="http://www.acme.example` + link + "www.acme.example</a></p>\n",
		"<mei@acme.example>":                                 `<p><a href="mailto:mei@acme.example` + link + "mei@acme.example</a></p>\n",
		"![A cat](https://evil.example/leak.png?q=secret)":   "<p>A cat</p>\n",
		"Use <b>bold</b> & <br> tags":                        "<p>Use &lt;b&gt;bold&lt;/b&gt; &amp; &lt;br&gt; tags</p>\n",
		"<div onclick=\"x\">\nhi\n</div>":                    code("HTML", `&lt;div onclick=<span class="s">&#34;x&#34;</span>&gt;`+"\nhi\n&lt;/div&gt;"),
		"```http\nPOST /v1/events\nIdempotency-Key: e\n```":  code("HTTP", `<span class="k">POST</span> /v1/events`+"\nIdempotency-Key: e"),
		"```python\nfor e in l(\"x\"): # 编号\n```":            code("Python", `<span class="k">for</span> e <span class="k">in</span> l(<span class="s">&#34;x&#34;</span>): <span class="c"># 编号</span>`),
		"```klingon\nfor </pre><script>\n```":                code("klingon", "for &lt;/pre&gt;&lt;script&gt;"),
		"```\"><img>\nx\n```":                                code("", "x"),
		"    indented <x>":                                   code("", "indented &lt;x&gt;"),
		"```js\nopen":                                        code("JavaScript", "open"),
		"|a|b|\n|:-|-:|\n|1||\n||2|\n": "<div class=\"sheet\" tabindex=\"0\"><table>\n<thead>\n<tr>\n<th align=\"left\">a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n" +
			"<tbody>\n<tr>\n<td align=\"left\">1</td>\n</tr>\n<tr>\n<td align=\"left\"></td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table></div>\n",
		"1. **先回应，后处理。**收到后":               "<ol>\n<li><strong>先回应，后处理。</strong>收到后</li>\n</ol>\n",
		"**逐次加长间隔。**30 秒":                  "<p><strong>逐次加长间隔。</strong>30 秒</p>\n",
		"共3**（三）**items":                   "<p>共3<strong>（三）</strong>items</p>\n",
		"用**“原来的编号”**再发":                   "<p>用<strong>“原来的编号”</strong>再发</p>\n",
		"中文\n换行":                           "<p>中文换行</p>\n",
		"2 * 3 * 4, snake_case_x":          "<p>2 * 3 * 4, snake_case_x</p>\n",
		"[x]: https://acme.example\n\n[x]": `<p>[x]: <a href="https://acme.example` + link + "https://acme.example</a></p>\n<p>[x]</p>\n",
		"a\x00b\xffc":                      "<p>a\ufffdb\ufffdc</p>\n",
		"":                                 "",
	} {
		if got := strings.ReplaceAll(HTML(in), "<br/>", "<br>"); strings.ReplaceAll(got, "<hr/>", "<hr>") != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

var allowedElements = map[string]map[string]*regexp.Regexp{
	"p": {"class": regexp.MustCompile(`^plain$`)}, "br": nil, "hr": nil, "strong": nil, "em": nil, "del": nil, "code": nil, "ul": nil, "li": nil,
	"blockquote": nil, "h3": nil, "h4": nil, "h5": nil, "table": nil, "thead": nil, "tbody": nil, "tr": nil, "header": nil,
	"pre": {"tabindex": regexp.MustCompile(`^0$`)}, "ol": {"start": regexp.MustCompile(`^\d{1,9}$`)},
	"div":  {"class": regexp.MustCompile(`^(code|sheet)$`), "tabindex": regexp.MustCompile(`^0$`)},
	"span": {"class": regexp.MustCompile(`^[ksc]$`)},
	"th":   {"align": regexp.MustCompile(`^(left|center|right)$`)}, "td": {"align": regexp.MustCompile(`^(left|center|right)$`)},
	"a": {
		"href": regexp.MustCompile(`^(https?://[^/\s]|mailto:[^\s])[^\s<>\\]*$`), "target": regexp.MustCompile(`^_blank$`),
		"rel": regexp.MustCompile(`^nofollow noreferrer noopener$`),
	},
}

// harm reads the output as a browser does and names what should not be there.
func harm(output string) string {
	z := html.NewTokenizer(strings.NewReader(output))
	var open []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				return fmt.Sprint("left open: ", open)
			}
			return ""
		case html.CommentToken, html.DoctypeToken:
			return "a comment or doctype: " + z.Token().String()
		case html.EndTagToken:
			name := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				return fmt.Sprintf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			attributes, ok := allowedElements[tag.Data]
			if !ok {
				return "the element " + tag.String()
			}
			for _, a := range tag.Attr {
				if value := attributes[a.Key]; value == nil || !value.MatchString(a.Val) {
					return fmt.Sprintf("%s=%q on %s", a.Key, a.Val, tag.Data)
				}
			}
			if tag.Data == "a" && len(tag.Attr) != 3 {
				return "a link without its rel or target: " + tag.String()
			}
			if tag.Data != "br" && tag.Data != "hr" {
				open = append(open, tag.Data)
			}
		}
	}
}

func TestHostile(t *testing.T) {
	payloads := hostile()
	if len(payloads) < 120 {
		t.Fatalf("only %d payloads", len(payloads))
	}
	for _, p := range payloads {
		for _, frame := range []string{"%s", "- %s", "> %s", "**%s**", "|a|b|\n|-|-|\n|%s|x|", "text %s text", "[%s](https://acme.example)", "# %s", "```\n%s\n```", "`%s`"} {
			source := fmt.Sprintf(frame, p)
			if what := harm(HTML(source)); what != "" {
				t.Errorf("%q: %s\n%s", source, what, HTML(source))
			}
		}
	}
}

// No text makes the work grow out of all proportion.
func TestBounded(t *testing.T) {
	const n = 8_000 // what is quadratic would hold the whole suite up
	ticks := func() string {
		var b strings.Builder
		for i := range 400 {
			b.WriteString(strings.Repeat("`", i+1) + "x ")
		}
		return b.String()
	}
	steps := func() string {
		var b strings.Builder
		for i := range 300 {
			b.WriteString(strings.Repeat("  ", i) + "- x\n")
		}
		return b.String()
	}
	sources := []string{
		"|" + strings.Repeat("a|", n) + "\n|" + strings.Repeat("-|", n) + "\n" + strings.Repeat("|\n", n),
		strings.Repeat("a|", 31) + "\n" + strings.Repeat("-|", 31) + "\n" + strings.Repeat("|\n", n), ticks(), steps(),
		strings.Repeat(strings.Repeat(">", 100)+"x\n", 300), strings.Repeat("[", n) + strings.Repeat("]", n), strings.Repeat("[x]: y\n", n),
		strings.Repeat("a.", n) + "@b", "[a]" + strings.Repeat("(", n),
	}
	for _, piece := range []string{
		"[", "![", "[a](", "*", "*a ", "*a_", "a**b ", "**a *a ", ">", "> ", "- ", "1. ", "`", "<", "<a ", "<!--", "a<![CDATA[", "a<?", "~~a ", "&amp",
		"http://", "www.", "a@", "\\", "a\n", "#", "-\n", "|", "\t", "\n", "__a", "<!A", "]", ")", "!", "([a]", "**文。",
	} {
		sources = append(sources, strings.Repeat(piece, n))
	}
	for _, source := range sources {
		got := HTML(source)
		if len(got) > 60*len(source) {
			t.Errorf("%.20q: %d bytes became %d", source, len(source), len(got))
		}
		if what := harm(got); what != "" {
			t.Errorf("%.20q: %s", source, what)
		}
	}
}

// What is longer than anything a model says is shown to its end.
func TestTooLong(t *testing.T) {
	source := strings.Repeat("0123456789 abcdef\n", sourceMost/18) + "\nthe <end>"
	got := HTML(source)
	if !strings.HasSuffix(got, "the &lt;end&gt;</p>\n") || harm(got) != "" {
		t.Errorf("ends with %q", got[len(got)-60:])
	}
}

// fragments are what texts are made of in the tests of growth.
var fragments = []string{
	"word", " ", "\n", "\n\n", "# ", "- ", "1. ", "> ", "```", "```go\n", "|a|b|", "|-|-|", "---", "===", "**", "*", "_", "`", "[x]", "(https://a.example)",
	"[x]: https://b.example", "<div>", "</div>", "<!--", "-->", "<script>", "    ", "\t", "~~", "![i](http://x.example/y)", "文。", "：", "&lt;", "\\", "https://c.example ",
}

// While a text grows, what was sent of it stays right: with anything in it, and with
// what makes a line change what stands above it.
func TestFinishedBlocksStay(t *testing.T) {
	heads := []string{"word", "\n", "\n", "|-|", "-|", "|", ":-", "---", "===", " ", "> ", "- ", "# ", "*", "+", "2", ".", ")", "`", "~", "<", "\\", "\r"}
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom([][]string{fragments, heads}).Draw(t, "from")
		source := strings.Join(rapid.SliceOfN(rapid.SampledFrom(from), 1, 40).Draw(t, "fragments"), "")
		var sent []string
		for i := range len(source) + 1 {
			blocks := Blocks(source[:i])
			for at, one := range sent {
				if at < len(blocks)-1 && blocks[at] != one {
					t.Fatalf("block %d of %q was %q and is %q", at, source[:i], one, blocks[at])
				}
			}
			if len(blocks) > 0 && len(blocks)-1 > len(sent) {
				sent = append(sent, blocks[len(sent):len(blocks)-1]...)
			}
			if rest := From(source[:i], len(sent)); len(rest) > 0 && rest[0] != blocks[len(sent)] {
				t.Fatalf("the rest of %q begins with %q", source[:i], rest[0])
			}
		}
	})
}

func FuzzHTML(f *testing.F) {
	for _, p := range hostile() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 4<<10 {
			return
		}
		if what := harm(HTML(source)); what != "" {
			t.Errorf("%q: %s\n%s", source, what, HTML(source))
		}
	})
}
