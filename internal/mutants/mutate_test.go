package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Each thing that can be turned around is found once, at its place.
func TestMutantsOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "law.go")
	const source = "package law\n\nfunc holds(used, reserved, quota int64, unlimited bool) bool {\n\treserved++\n" +
		"\treturn !unlimited && max(used, 0)+reserved <= quota\n}\n"
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := mutantsOf(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all {
		if source[m.from:m.to] != m.before || m.line < 4 {
			t.Errorf("%+v", m)
		}
		got = append(got, m.before+" → "+m.after)
	}
	slices.Sort(got)
	want := []string{"! → ", "&& → ||", "+ → -", "++ → --", "<= → <", "<= → >", "max → min"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What is to be mutated is there.
func TestRoomsAreThere(t *testing.T) {
	t.Chdir("../..")
	for _, r := range rooms {
		if all, err := r.mutants(); err != nil || len(all) < 20 {
			t.Errorf("%s: %d mutants, %v", r.name, len(all), err)
		}
	}
}
