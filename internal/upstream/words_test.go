package upstream

import (
	"encoding/json"
	"os"
	"testing"
)

// Every row of the table is in both catalogues, in English word for word.
func TestWords(t *testing.T) {
	for _, l := range []string{"en", "zh"} {
		raw, err := os.ReadFile("../lang/" + l + "/upstream.json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(raw, &texts); err != nil {
			t.Fatal(err)
		}
		for code, r := range rules {
			if got := texts["error."+code]; got == "" || l == "en" && got != r.text {
				t.Errorf("%s %s: %q", l, code, got)
			}
		}
	}
}
