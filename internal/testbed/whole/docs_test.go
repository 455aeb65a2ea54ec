package whole

import (
	"strings"
	"testing"

	"latchkey/web"
)

// The reference has a page for each door with each of its operations, in both
// languages, from this host alone and without anything of the instance.
func TestReferencePages(t *testing.T) {
	s := New(t)
	for _, d := range web.Manual() {
		for language, title := range map[string]string{"en": "API reference", "zh": "API 参考"} {
			a := s.Do("GET", "/docs/"+d.Name, "", "Accept-Language", language).Is(200)
			if !strings.Contains(a.Text, "<h1>"+title) && !strings.Contains(a.Text, title) {
				t.Errorf("%s: no title", a.Call)
			}
			for _, o := range d.Operations {
				if !strings.Contains(a.Text, `id="`+o.ID()+`"`) || !strings.Contains(a.Text, o.Path) {
					t.Errorf("%s: no %s %s", a.Call, o.Method, o.Path)
				}
			}
			for _, wrong := range []string{s.Workspace.Name, s.Workspace.PublicID, `src="http`, `href="http`} {
				if strings.Contains(a.Text, wrong) {
					t.Errorf("%s holds %s", a.Call, wrong)
				}
			}
		}
	}
	if a, b := s.Do("GET", "/docs", "").Is(200), s.Do("GET", "/docs/"+web.Manual()[0].Name, "").Is(200); len(a.Text) < 1000 || len(a.Text) > 2*len(b.Text) {
		t.Errorf("the first page has %d bytes", len(a.Text))
	}
	s.Do("GET", "/docs/nowhere", "").Is(404)
}
