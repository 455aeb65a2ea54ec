package ops_test

import (
	"encoding/json"
	"os"
	"testing"

	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web"
	"latchkey/web/ops"
)

// said lists the texts of a door's page, in the order of the page.
func said(v views.DocsView) []string {
	all := []string{v.Title, v.About}
	for _, d := range v.Doors {
		all = append(all, d.Text)
	}
	for _, o := range v.Operations {
		all = append(all, o.Text, o.Who)
		for _, fields := range [][]views.DocsFieldView{o.Parameters, o.Body, o.Answer} {
			for _, f := range fields {
				all = append(all, f.Text)
			}
		}
	}
	return all
}

// Every sentence of the reference's pages has a Chinese one, and nothing is
// translated that no page says.
func TestReferenceIsTranslated(t *testing.T) {
	raw, err := os.ReadFile("../../internal/lang/zh/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var entries map[string]string
	if err := json.Unmarshal(raw, &entries); err != nil {
		t.Fatal(err)
	}
	m, used := web.Manual(), map[string]bool{}
	for _, d := range m {
		english, chinese := said(ops.PresentDoor(lang.English, m, d)), said(ops.PresentDoor(lang.Chinese, m, d))
		for i, sentence := range english {
			key := "reference." + sentence
			translation, ok := entries[key]
			switch {
			case ok && translation != chinese[i]:
				t.Errorf("%s: %q in place of %q", d.Name, chinese[i], translation)
			case !ok && sentence != "" && sentence == chinese[i]:
				t.Errorf("%s: zh/reference.json lacks %q", d.Name, sentence)
			}
			used[key] = true
		}
	}
	for key := range entries {
		if !used[key] {
			t.Errorf("zh/reference.json: no page says %q", key)
		}
	}
}
