package views

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/a-h/templ"

	"latchkey/internal/lang"
)

var gallery = flag.String("gallery", "", "write whole sample pages as HTML to this folder, to look at them")

func samplePages() map[string]templ.Component {
	dialog := func(panel templ.Component) templ.Component {
		return sampleTokensPage(with(raw(`<div hidden></div>`)), raw(`<dialog class="dialog" open>`), panel, raw(`</dialog>`))
	}
	return map[string]templ.Component{
		"tokens": sampleTokensPage(), "create": dialog(sampleForm("")), "refused": dialog(sampleForm("Another token of this workspace has that name.")),
		"created": dialog(sampleCreated()), "overview": sampleOverview(), "shares": sampleShares(), "setup": sampleSetup(), "login": sampleLogin(),
		"error":   ErrorPage(ErrorView{Title: "Not found", Icon: "search", Sentence: "There is nothing here.", Hint: "It may have been deleted, or it belongs to a workspace that you are not in.", Actions: []LinkView{{"Go to the overview", "/"}}, Reference: "Reference 7Qf2mVt9"}),
		"empty":   with(Shell(sampleShell("Bots", "bots")), with(Content(), PageHeader(HeaderView{Title: "Bots"}), with(Card(CardView{}, nil), with(EmptyState(EmptyView{Icon: "bot", Title: "No bots yet", Text: "A bot is a name and a prompt on one of your models. Make one, then hand out links and tokens for it."}), OpenDialog("plus", "New bot", "/bots/new", "primary", true))))),
		"newpage": with(Shell(sampleShell("New token", "tokens")), with(Content(), sampleForm(""))),
	}
}

// TestPagesDraw draws every sample page in both languages.
func TestPagesDraw(t *testing.T) {
	for name, page := range samplePages() {
		for _, l := range lang.All() {
			var out bytes.Buffer
			ctx := templ.WithNonce(WithWorkspace(lang.With(t.Context(), l), "a1"), "test-nonce")
			if err := page.Render(ctx, &out); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !bytes.Contains(out.Bytes(), []byte(`lang="`+l.Tag()+`"`)) {
				t.Errorf("%s: not in %s", name, l.Tag())
			}
			if *gallery == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(*gallery, name+"."+string(l)+".html"), out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A list of 50 rows stays under 60 KB before compression, in both languages.
func TestAListStaysSmall(t *testing.T) {
	for _, l := range lang.All() {
		var page, rows bytes.Buffer
		ctx := WithWorkspace(lang.With(t.Context(), l), "0123456789abcdef0123456789abcdef")
		if err := sampleTokensPage().Render(ctx, &page); err != nil {
			t.Fatal(err)
		}
		for _, token := range sampleTokens {
			if err := sampleRow(token).Render(ctx, &rows); err != nil {
				t.Fatal(err)
			}
		}
		row := rows.Len() / len(sampleTokens)
		if total := page.Len() - rows.Len() + 50*row; total > 60_000 {
			t.Errorf("%s: 50 rows weigh %d bytes, %d a row", l, total, row)
		}
	}
}
