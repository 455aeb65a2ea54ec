package access

import (
	"encoding/json"
	"testing"
)

// FuzzTrace: what AppendTrace spells reads back as what it was given.
func FuzzTrace(f *testing.F) {
	f.Add("rule", "192.0.2.7", `{"unit":"units"}`, true, false)
	f.Add("", "\x00\n\"\\", "\xff€ü\u2028", false, true)
	f.Fuzz(func(t *testing.T, rule, call, allowed string, passed, dry bool) {
		given := []Check{{rule, passed, dry, call, allowed}, {Rule: "token"}}
		want, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		var a, b []Check
		if err := json.Unmarshal(want, &a); err != nil {
			t.Fatal(err)
		}
		got := AppendTrace(nil, given)
		if err := json.Unmarshal(got, &b); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		for i := range a {
			if a[i] != b[i] {
				t.Errorf("%s reads as %v, want %v", got, b[i], a[i])
			}
		}
	})
}

// The spelling is plain: nothing is escaped that need not be, and what is empty is
// left out.
func TestAppendTrace(t *testing.T) {
	for _, c := range []struct {
		checks []Check
		want   string
	}{
		{nil, `[]`},
		{[]Check{{Rule: "model", Passed: true, Call: `a<b>&"c\`, Allowed: "d é"}}, `[{"rule":"model","passed":true,"call":"a<b>&\"c\\","allowed":"d é"}]`},
		{[]Check{{Rule: "token"}, {Rule: "quota", Dry: true}}, `[{"rule":"token","passed":false},{"rule":"quota","passed":false,"dry":true}]`},
		{[]Check{{Rule: "a\nb"}}, `[{"rule":"a\nb","passed":false}]`},
	} {
		if got := string(AppendTrace(nil, c.checks)); got != c.want {
			t.Errorf("%+v is %s, want %s", c.checks, got, c.want)
		}
	}
}
