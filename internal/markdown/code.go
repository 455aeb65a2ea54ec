package markdown

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/util"
)

// languages are the names that code blocks are labelled with, by what models call
// them, and which marks begin a comment there.
var languages = map[string]language{
	"bash": {"Bash", "#"}, "sh": {"Shell", "#"}, "shell": {"Shell", "#"}, "zsh": {"Shell", "#"}, "console": {"Shell", "#"}, "powershell": {"PowerShell", "#"},
	"c": {"C", "//"}, "cpp": {"C++", "//"}, "c++": {"C++", "//"}, "csharp": {"C#", "//"}, "cs": {"C#", "//"}, "go": {"Go", "//"}, "golang": {"Go", "//"},
	"java": {"Java", "//"}, "javascript": {"JavaScript", "//"}, "js": {"JavaScript", "//"}, "jsx": {"JSX", "//"}, "kotlin": {"Kotlin", "//"},
	"php": {"PHP", "//"}, "rust": {"Rust", "//"}, "rs": {"Rust", "//"}, "swift": {"Swift", "//"}, "ts": {"TypeScript", "//"}, "tsx": {"TSX", "//"},
	"typescript": {"TypeScript", "//"}, "python": {"Python", "#"}, "py": {"Python", "#"}, "ruby": {"Ruby", "#"}, "rb": {"Ruby", "#"},
	"sql": {"SQL", "--"}, "yaml": {"YAML", "#"}, "yml": {"YAML", "#"}, "toml": {"TOML", "#"}, "ini": {"INI", ";"}, "dockerfile": {"Dockerfile", "#"},
	"makefile": {"Makefile", "#"}, "http": {"HTTP", ""}, "json": {"JSON", ""}, "css": {"CSS", ""}, "html": {"HTML", ""}, "xml": {"XML", ""},
	"diff": {"Diff", ""}, "markdown": {"Markdown", ""}, "md": {"Markdown", ""}, "text": {"Text", ""}, "txt": {"Text", ""}, "csv": {"CSV", ""},
}

type language struct{ label, comment string }

// keywords are common to what people ask about. One set for all is right often
// enough for a colour that carries no meaning.
var keywords = setOf(`and as async await break case catch class const continue def default defer delete do elif else end enum except export
	extends false final finally fn for foreach from func function go if impl implements import in interface is lambda let match mod module
	mut new nil none not null or package pass private protected pub public raise range return select self static struct super switch then
	this throw throws trait true try type undefined use using var void where while with yield
	SELECT FROM WHERE INSERT INTO VALUES UPDATE SET DELETE JOIN LEFT RIGHT INNER ON GROUP BY ORDER LIMIT CREATE TABLE ALTER DROP INDEX AND OR
	NOT NULL AS DISTINCT HAVING UNION PRIMARY KEY GET POST PUT PATCH HEAD OPTIONS True False None`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// drawCode draws a code block under its label. The copy button is the page's.
func drawCode(w util.BufWriter, name, code string) {
	lang, known := languages[strings.ToLower(name)]
	if !known {
		lang.label = label(name)
	}
	w.WriteString(`<div class="code"><header><span>` + html.EscapeString(lang.label) + `</span></header><pre tabindex="0">`)
	code = strings.TrimRight(code, "\n")
	switch {
	case !known || lang.label == "Text" || lang.label == "CSV" || lang.label == "Markdown" || len(code) > colourMost:
		w.WriteString(html.EscapeString(code))
	default:
		colour(w, code, lang)
	}
	w.WriteString("</pre></div>\n")
}

// colourMost is how much code is coloured.
const colourMost = 64 << 10

// label is a language's name as the model wrote it, if it looks like one.
func label(name string) string {
	const most = 20
	if len(name) > most || strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+#.-_", r)
	}) {
		return ""
	}
	return name
}

// colour marks strings, comments and keywords.
func colour(w util.BufWriter, code string, lang language) {
	for i := 0; i < len(code); {
		end, class := i, ""
		switch c := code[i]; {
		case c == '"' || c == '\'' || c == '`':
			end, class = stringEnd(code, i), "s"
		case lang.comment != "" && strings.HasPrefix(code[i:], lang.comment) && (i == 0 || strings.ContainsRune(" \t\n;(){}", rune(code[i-1]))):
			end, class = lineEnd(code, i), "c"
		case strings.HasPrefix(code[i:], "/*") && lang.comment == "//":
			end, class = blockEnd(code, i), "c"
		case letter(code[i:]):
			if end = wordEnd(code, i); keywords[code[i:end]] {
				class = "k"
			}
		}
		if end == i {
			_, size := utf8.DecodeRuneInString(code[i:])
			end, class = i+size, ""
		}
		if class != "" {
			w.WriteString(`<span class="` + class + `">`)
		}
		w.WriteString(html.EscapeString(code[i:end]))
		if class != "" {
			w.WriteString("</span>")
		}
		i = end
	}
}

func letter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '_' || unicode.IsLetter(r)
}

// wordEnd includes digits and joints, so that "for" in "wait-for" and "for2" is no
// keyword.
func wordEnd(code string, i int) int {
	for i < len(code) {
		r, size := utf8.DecodeRuneInString(code[i:])
		if r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		i += size
	}
	return i
}

// stringEnd is the index after the closing quote on the same line, or i.
func stringEnd(code string, i int) int {
	for j := i + 1; j < len(code); j++ {
		switch code[j] {
		case '\\':
			j++
		case '\n':
			return i
		case code[i]:
			return j + 1
		}
	}
	return i
}

func lineEnd(code string, i int) int {
	if n := strings.IndexByte(code[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(code)
}

func blockEnd(code string, i int) int {
	if n := strings.Index(code[i+2:], "*/"); n >= 0 {
		return i + 2 + n + 2
	}
	return len(code)
}
