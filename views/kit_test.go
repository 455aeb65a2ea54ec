package views

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"

	"latchkey/internal/lang"
	"latchkey/static"
)

var update = flag.Bool("update", false, "write the golden files anew")

// hostile is what a name may try; script is what must never come of it.
const (
	hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`
	script  = `javascript:alert(3)`
)

// kit is every component drawn with hostile strings wherever a string goes.
func kit() map[string]templ.Component {
	h := hostile
	action := raw("<i>action</i>")
	options := []OptionView{{Value: h, Label: h, Text: h, Badge: h, Icon: "bot", Chosen: true}, {Value: "2", Label: "Two", Disabled: true}}
	field := FieldView{Name: "name", Label: h, Value: h, Help: h, Placeholder: h, Autocomplete: "off", InputMode: "text", MaxLength: "64", Min: "1", Max: "9", Required: true, Optional: true, Autofocus: true, Mono: true, When: h}
	wrong := field
	wrong.Error = h
	password, money, area := field, field, field
	password.Type, area.Rows = "password", "4"
	shell := ShellView{
		Title: h, Active: "tokens", Workspace: h, Path: h, Query: h, HasProvider: true, Crumbs: []LinkView{{h, script}, {h, ""}},
		Workspaces: []WorkspaceChoice{{ID: h, Name: h, Active: true}}, User: UserView{Name: h, Initials: h, Role: h},
		Counts: CountsView{h, h, h, h, h}, Toasts: []ToastView{{Text: h, Tone: Ok}},
	}
	return map[string]templ.Component{
		"shell":      with(Shell(shell), with(WithAside(action), action)),
		"bare":       with(Bare(BareView{Title: h, NoBrand: true, Wide: true, Path: h, Footer: []string{h}, Styles: []string{"/s/accent.css"}}), action),
		"setup":      with(Setup(SetupView{Title: h, Step: h, Lead: h, Heading: h, Intro: h, Foot: h, Path: h, Steps: []StepView{{h, h, h, true, false}, {h, h, h, false, true}, {h, h, h, false, false}}}), action),
		"error":      ErrorPage(ErrorView{Title: h, Icon: "search", Sentence: h, Hint: h, Actions: []LinkView{{h, script}}, Reference: h, Path: h, Footer: []string{h}}),
		"lost":       ErrorInShell(shell, ErrorView{Icon: "search", Sentence: h, Hint: h, Actions: []LinkView{{h, script}}, Reference: h}),
		"header":     with(PageHeader(HeaderView{Title: h, Subtitle: h, Over: h, Icon: "bot", IconTone: Bad, Face: h, Status: h, Tone: Ok, Mono: h}), action),
		"card":       with(Card(CardView{ID: "id", Title: h, Text: h, Note: h, Count: h, Tone: Warn, Ruled: true}, action), with(Body(), action)),
		"badges":     templ.Join(Badge(Info, h), Status(Bad, h), Tile("bot", Warn), Face(h, Ok, "sm"), Time(h, h, Off), TwoLine(h, script, h), TwoLine(h, "", "")),
		"budget":     templ.Join(Budget(BudgetView{Text: h, Percent: 41, Limited: true}), Budget(BudgetView{Text: h, Percent: 93, Limited: true}), Budget(BudgetView{Text: h, Percent: 180, Limited: true}), Budget(BudgetView{Text: h}), Bar(-5, h)),
		"list":       DefinitionList([]Definition{{Term: h, Text: h, Href: script, Under: h}, {Term: h, Text: h, Mono: true}}),
		"notices":    templ.Join(with(Notice(Bad, h, h), action), Notice(Info, "", h), Waiting(h, h), FormErrors(h), FormErrors("")),
		"toasts":     templ.Join(Toast(ToastView{Text: h, Tone: Bad}), ToastPart(ToastView{Text: h, Tone: Ok, UndoText: h, UndoAction: script}), DialogDone(), with(Partial("#row-1", "outerHTML"), action)),
		"empty":      with(EmptyState(EmptyView{Icon: "bot", Title: h, Text: h}), action),
		"tabs":       templ.Join(Tabs([]TabView{{h, script, h, true}, {h, "/b", "", false}}), Segments([]TabView{{Text: h, Href: script, Active: true}}, "#chart"), Segments([]TabView{{Text: h, Href: "/b"}}, "")),
		"fields":     templ.Join(Field(field), Field(wrong), Field(password), MoneyField(money), TextArea(area)),
		"choices":    templ.Join(Select(SelectView{Name: "bot", Label: h, Help: h, Options: options, Required: true}), Select(SelectView{Name: "bots", Label: h, Error: h, When: h, Options: options, Multiple: true}), CheckList("models", h, h, "", options), CheckList("models", h, h, h, options), RadioCards("kind", h, options), Radios("limited", h, options)),
		"checks":     templ.Join(Checkbox(CheckView{Name: "on", Label: h, Text: h, Checked: true, Switch: true}), Checkbox(CheckView{Name: "on", ID: "other", Value: h, Label: h, Disabled: true}), with(Fold("shield", h, h, true), action), Hidden("next", h), Submit(h)),
		"toolbar":    with(Toolbar(ToolbarView{Action: "/tokens", Target: "tokens", Query: h, Placeholder: h, Note: h, Hidden: []OptionView{{Label: "sort", Value: h}}, Filters: []FilterView{{Name: "status", Label: h, Options: options}}}), action),
		"table":      templ.Join(SortHead(SortView{Text: h, Href: script, Target: "tokens", Dir: "ascending", Number: true}), SortHead(SortView{Text: h, Href: "/t", Target: "tokens", Dir: "descending"}), PickAll(), Pick("bulk", h, h), with(BulkBar("bulk"), action), Pager(PagerView{Text: h, Previous: script, Target: "tokens"})),
		"key":        templ.Join(KeyChip(KeyChipView{Masked: h, Reveal: script, Name: h}), KeyChip(KeyChipView{Masked: h})),
		"menus":      templ.Join(RowMenu(RowMenuView{Name: h, Href: script, Menu: "/m"}), with(Menu("m1", h), MenuLink("bot", h, script), MenuDialog("bot", h, script, true), MenuRule(), MenuAction(MenuActionView{Icon: "ban", Text: h, Action: script, Target: "#row", Danger: true}))),
		"panel":      with(Panel(PanelView{Title: h, Text: h, Icon: "check", Tone: Ok, Size: "wide", Back: script}), with(PanelForm("/tokens"), with(PanelBody(), action), with(PanelFoot(h), Cancel(script), Submit(h)))),
		"dialog":     templ.Join(OpenDialog("plus", h, script, "primary", true), OpenButton("plus", h, "d1", "outline"), LinkButton("plus", h, script, "outline", "sm"), with(Dialog("d1", PanelView{Title: h, Text: h, Size: "slim"}), action)),
		"confirm":    with(Confirm(ConfirmView{Title: h, Reach: h, Text: h, Action: script, Button: h, Target: "#row", Other: h, OtherIcon: "pause", OtherPost: script, Keep: script, Hidden: []OptionView{{Label: "version", Value: h}}}), action),
		"secret":     templ.Join(SecretField(SecretView{ID: "key", Label: h, Value: h, Help: h}), CopyButton(h, "#key", "outline", "sm")),
		"code":       templ.Join(CodeBlock(CodeView{ID: "c1", Code: "curl \\\n  -H \"A: " + h + "\" # it's\nplain", Wraps: true}), CodeBlock(CodeView{ID: "c2", Label: h, Code: h})),
		"charts":     templ.Join(StatCard(StatView{Label: h, Value: h, Delta: h, DeltaTone: Ok, Note: h, Href: script, Spark: &SparkView{Now: []float64{1, 3, 2}, Before: []float64{2, 2, 4, 1}, Tone: Warn}}), StatCard(StatView{Label: h, Value: h, Spark: &SparkView{}}), Bars([]int64{0, 3, 9}, h), Bars(nil, h)),
		"chart":      BarChart(ChartView{Label: h, Days: []ChartDay{{Axis: h, Answered: 5, Refused: 1, Readout: [4]string{h, h, h, h}, Chosen: true}, {Answered: 0}, {Answered: 3, Expected: 8, Today: true, Readout: [4]string{"a", "b", "c", "d"}}}}),
		"chartempty": BarChart(ChartView{Label: "Nothing yet", Money: true}),
		"qr":         QR(QRView{Path: "M0 0h1v1h-1z", ViewBox: "0 0 8 8"}),
	}
}

// forbidden is what the content security policy would refuse.
var forbidden = regexp.MustCompile(`(?i)<[a-z][^>]*\s(?:style|on[a-z]+)\s*=`)

var assetHash = regexp.MustCompile(`(/static/[a-z]+)\.[0-9a-f]{10}\.`)

func TestKit(t *testing.T) {
	for name, component := range kit() {
		for _, l := range lang.All() {
			var out bytes.Buffer
			ctx := templ.WithNonce(WithWorkspace(lang.With(t.Context(), l), hostile), "nonce-of-the-test")
			if err := component.Render(ctx, &out); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got := out.String()
			// What stands inside quotes cannot be an element or an attribute.
			bare := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(got, `""`)
			if strings.Contains(bare, "<script>alert") || strings.Contains(bare, "<img") || forbidden.MatchString(bare) {
				t.Errorf("%s: hostile text became markup", name)
			}
			if strings.Contains(got, `href="javascript:`) || strings.Contains(got, `action="javascript:`) {
				t.Errorf("%s: a script became an address", name)
			}
			golden(t, filepath.Join("testdata", "kit", name+"."+string(l)+".html"), got)
		}
	}
}

// golden compares with a file, one element a line so that a diff can be read.
func golden(t *testing.T, path, got string) {
	t.Helper()
	got = assetHash.ReplaceAllString(got, "$1.HASH.")
	got = strings.ReplaceAll(got, "><", ">\n<") + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v (go test ./views -update writes it)", err)
		return
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test ./views -update, then read the diff):\n%s", path, diff)
	}
}

// A secret typed into a form never comes back.
func TestPasswordsStayOut(t *testing.T) {
	var out bytes.Buffer
	if err := Field(FieldView{Name: "password", Type: "password", Value: "correct horse"}).Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "correct horse") {
		t.Error(out.String())
	}
}

// approvedRaw lists where markup may be inserted as it is, and why.
var approvedRaw = map[string]string{
	"chat_answer.templ": "answers, which internal/markdown has made from text: 120 hostile ones are tried there",
}

// deadAttributes are those of htmx 2 that htmx 4 does not know or that need
// script text, which the policy blocks.
var deadAttributes = regexp.MustCompile(`\b(hx-ext|hx-vars|hx-params|hx-prompt|hx-disinherit|hx-inherit|hx-request|hx-history|hx-disabled-elt|hx-on[:-]?[a-z:]*|sse-connect|sse-swap|sse-close|ws-connect)\s*[=\s{]|hx-[a-z]+=["'{]?js:|hx-trigger="[^"]*\[`)

var templateRule = map[string]*regexp.Regexp{
	"a style attribute":                      regexp.MustCompile(`\sstyle\s*=`),
	"an event attribute":                     regexp.MustCompile(`\son[a-z]+\s*=\s*["'{]`),
	"an attribute that htmx 4 does not have": deadAttributes,
	"an address of another host":             regexp.MustCompile(`(?:src|href|action|hx-get|hx-post)="(?:https?:)?//`),
	"a style element":                        regexp.MustCompile(`<style`),
	"an inline script":                       regexp.MustCompile(`<script>|<script [^>]*>[^<\s]`),
}

func TestTemplatesKeepTheRules(t *testing.T) {
	paths, err := filepath.Glob("*.templ")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for what, rule := range templateRule {
			if found := rule.Find(text); found != nil {
				t.Errorf("%s: %s: %q", path, what, found)
			}
		}
		if bytes.Contains(text, []byte("templ.Raw")) && approvedRaw[path] == "" {
			t.Errorf("%s: templ.Raw without a reason in approvedRaw", path)
		}
	}
}

func TestDeadAttributesAreFound(t *testing.T) {
	for _, bad := range []string{`<a hx-ext="sse">`, `<a hx-on:click="x">`, `<a hx-vals="js:{a:1}">`, `<a hx-disabled-elt="this">`, `<a hx-trigger="click[ctrlKey]">`, `<div sse-connect="/x">`} {
		if !deadAttributes.MatchString(bad) {
			t.Errorf("not found: %s", bad)
		}
	}
	for _, good := range []string{`<a hx-sse:connect="/x">`, `<form hx-disable="find button">`, `<a hx-post="/x" hx-trigger="every 2s">`, `<div hx-history-elt>`} {
		if deadAttributes.MatchString(good) {
			t.Errorf("wrongly found: %s", good)
		}
	}
}

// Every icon that a view or a presenter names is vendored.
func TestIcons(t *testing.T) {
	body, _, _, ok := static.Open(strings.TrimPrefix(static.URL("icons.svg"), static.Prefix), "")
	if !ok {
		t.Fatal("no sprite")
	}
	have := map[string]bool{}
	for _, m := range regexp.MustCompile(`<symbol id="([^"]+)"`).FindAllSubmatch(body, -1) {
		have[string(m[1])] = true
	}
	named := regexp.MustCompile(`(?:Icon|IconSized|Tile|OpenDialog|OpenButton|LinkButton|MenuLink|MenuDialog|Fold)\("([a-z][a-z0-9-]*)"|Icon:\s+"([a-z][a-z0-9-]*)"`)
	for _, pattern := range []string{"*.templ", "*.go", "../web/*/*.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_templ.go") {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllSubmatch(text, -1) {
				if name := string(m[1]) + string(m[2]); !have[name] {
					t.Errorf("%s: no icon %q in static/icons", path, name)
				}
			}
		}
	}
}
