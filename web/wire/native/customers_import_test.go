package native

import (
	"strings"
	"testing"
)

func TestImportCustomers(t *testing.T) {
	w := newWorld(t)
	csv := func(caller, path, file string) answer {
		return w.call(caller, "POST", "/customers/import"+path, file, "Content-Type", "text/csv; charset=utf-8")
	}
	file := "\ufeffusername;email\nmei;mei@example.com\n王芳;\n"
	csv("owner", "?dry_run=1", file).is(200).has("dry_run", true, "made", 0, "wrong", 0)
	w.owner(200, "GET", "/customers", "").has("total", 1) // who was there
	bad := csv("owner", "", "mei\nMEI\nana,nowhere\n").is(422).has("made", 0, "wrong", 2)
	if !strings.Contains(bad.text, `"line":2`) || !strings.Contains(bad.text, `"code":"customer_twice"`) || !strings.Contains(bad.text, `"code":"email_invalid"`) {
		t.Errorf("the lines say %s", bad.text)
	}
	made := csv("owner", "", file).is(201).has("made", 2, "wrong", 0)
	if strings.Count(made.text, `"password":"`) != 2 {
		t.Errorf("the passwords that were made: %s", made.text)
	}
	w.owner(200, "GET", "/customers", "").has("total", 3)
	csv("owner", "", file).is(422).has("wrong", 2)
	csv("owner", "", "").refused(400, "import_empty")
	w.call("owner", "POST", "/customers/import", `{}`, "Content-Type", "application/json").refused(415, "content_type")
	csv("plain viewer", "", file).refused(403, "forbidden")
}
