package whole

import (
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"latchkey/web"
)

// isPage reports whether people look at an address, or their browsers.
func isPage(path string) bool {
	for _, prefix := range []string{"/v1/", "/api/", "/json", "/dashboard/billing/", "/healthz", "/readyz", "/metrics", "/openapi.json"} {
		if strings.HasPrefix(path, prefix) {
			return false
		}
	}
	return true
}

// refuses reports whether a route is there to refuse what no other serves.
func refuses(r fiber.Route) bool {
	name := runtime.FuncForPC(reflect.ValueOf(r.Handlers[len(r.Handlers)-1]).Pointer()).Name()
	return strings.HasSuffix(name, ".NotFound-fm") || strings.HasSuffix(name, ".WrongMethod-fm")
}

// addresses lists the routes that programs call, one spelling each: parameters have
// no name, and a slash at the end says nothing.
func addresses(app *fiber.App) (all []string) {
	for _, r := range app.GetRoutes(true) {
		if isPage(r.Path) || refuses(r) || r.Method == fiber.MethodHead || r.Method == fiber.MethodOptions {
			continue
		}
		path := regexp.MustCompile(`:[a-z]+|\*`).ReplaceAllString(strings.TrimSuffix(r.Path, "/"), "{}")
		all = append(all, r.Method+" "+path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// The manual has every address that programs call, and no other.
func TestManualHasEveryRoute(t *testing.T) {
	s := New(t)
	served := addresses(s.App)
	var told []string
	ids := map[string]bool{}
	for _, d := range web.Manual() {
		for _, o := range d.Operations {
			told = append(told, o.Method+" "+regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(o.Path, "{}"))
			if o.Text == "" {
				t.Errorf("%s %s has no words", o.Method, o.Path)
			}
			ids[o.ID()] = true
		}
	}
	slices.Sort(told)
	told = slices.Compact(told)
	for _, a := range served {
		if !slices.Contains(told, a) {
			t.Errorf("the manual does not have %s", a)
		}
	}
	for _, a := range told {
		if !slices.Contains(served, a) {
			t.Errorf("the manual has %s, which is not served", a)
		}
	}
	if len(served) < 150 || len(ids) != len(told) {
		t.Errorf("%d routes, %d operations, %d names of them", len(served), len(told), len(ids))
	}
}
