package db

import (
	"path/filepath"
	"testing"
)

func TestSettingsAreCachedExactly(t *testing.T) {
	d, _ := peopleFile(t)
	want := func(key, value string) {
		t.Helper()
		if got, err := d.FindSetting(t.Context(), key); err != nil || got != value {
			t.Fatalf("%s: %q %v, want %q", key, got, err, value)
		}
	}
	want("x", "")
	if err := d.SetSetting(t.Context(), shell, "x", "1"); err != nil {
		t.Fatal(err)
	}
	want("x", "1")
	rows := must[[]AuditRow](t)(d.Audit(t.Context(), 0, 0, 10))
	if err := d.SetSetting(t.Context(), shell, "x", "1"); err != nil {
		t.Fatal(err)
	}
	if again := must[[]AuditRow](t)(d.Audit(t.Context(), 0, 0, 10)); len(again) != len(rows) {
		t.Fatal("setting what is there already was told")
	}
	if kept := must[string](t)(d.KeepSetting(t.Context(), "x", "2")); kept != "1" {
		t.Fatalf("kept %q", kept)
	}
	if kept := must[string](t)(d.KeepSetting(t.Context(), "y", "2")); kept != "2" {
		t.Fatalf("kept %q", kept)
	}
	want("y", "2")
}

func TestKeysAndPeek(t *testing.T) {
	d, _ := peopleFile(t)
	peek := func() Peeked {
		t.Helper()
		return must[Peeked](t)(Peek(t.Context(), d.Path))
	}
	if p := must[Peeked](t)(Peek(t.Context(), filepath.Join(t.TempDir(), "none.db"))); p.Sealed || p.Keys != nil {
		t.Fatalf("%+v", p)
	}
	if p := peek(); p.Sealed || len(p.Keys) != 0 {
		t.Fatalf("a new file: %+v", p)
	}
	for number, check := range map[int]string{1: "one", 2: "two"} {
		if err := d.KeepKey(t.Context(), number, check); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.KeepKey(t.Context(), 1, "another"); err != nil {
		t.Fatal(err)
	}
	p := peek()
	if !p.Sealed || len(p.Keys) != 2 || p.Keys[0].CheckValue != "one" || p.Keys[1].Number != 2 || !p.Keys[1].RetiredAt.IsZero() {
		t.Fatalf("%+v", p)
	}
	if keys := must[[]KeyRow](t)(d.Keys(t.Context())); len(keys) != 2 || keys[0] != p.Keys[0] {
		t.Fatalf("%+v", keys)
	}
	if sealed := must[bool](t)(d.AnySealed(t.Context())); !sealed {
		t.Fatal("nothing sealed")
	}
}
