package secret

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func never() (bool, error)   { return false, nil }
func already() (bool, error) { return true, nil }

func TestLoadMakesOneKeyAndKeepsIt(t *testing.T) {
	where := Where{Folder: t.TempDir(), Random: rand.Reader, Sealed: never}
	first, err := Load(where)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(where.Folder, KeyFile)
	if !first.Made() || first.Origin() != path {
		t.Errorf("made %v from %q", first.Made(), first.Origin())
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	where.Sealed = already
	second, err := Load(where)
	if err != nil || second.Made() || second.CheckValue(1) != first.CheckValue(1) {
		t.Fatalf("the second start has another key: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(where.Folder, ".secret-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLoadOrder(t *testing.T) {
	folder, credentials := t.TempDir(), t.TempDir()
	write(t, filepath.Join(folder, KeyFile), fixed(2), 0o600)
	write(t, filepath.Join(credentials, KeyFile), fixed(3), 0o440)
	where := Where{Folder: folder, Environment: fixed(1), Credentials: credentials, Random: rand.Reader, Sealed: already}
	expect := func(b byte, origin string) {
		t.Helper()
		k, err := Load(where)
		if err != nil {
			t.Fatal(err)
		}
		if k.CheckValue(1) != parse(t, fixed(b)).CheckValue(1) || k.Origin() != origin {
			t.Errorf("not key %d but one from %s", b, k.Origin())
		}
	}
	expect(1, "LATCHKEY_SECRET_KEY")
	where.Environment = ""
	expect(2, filepath.Join(folder, KeyFile))
	os.Remove(filepath.Join(folder, KeyFile))
	expect(3, filepath.Join(credentials, KeyFile))
}

func TestLoadRefuses(t *testing.T) {
	fault := errors.New("disk")
	cases := []struct {
		name  string
		setUp func(t *testing.T, w *Where)
		says  string
	}{
		{"sealed rows and no key", func(_ *testing.T, w *Where) { w.Sealed = already }, "no master key"},
		{"nobody to ask", func(_ *testing.T, w *Where) { w.Sealed = nil }, "no master key"},
		{"readable by the group", func(t *testing.T, w *Where) { write(t, filepath.Join(w.Folder, KeyFile), fixed(1), 0o640) }, "chmod 600"},
		{"readable by all", func(t *testing.T, w *Where) { write(t, filepath.Join(w.Folder, KeyFile), fixed(1), 0o604) }, "chmod 600"},
		{"empty file", func(t *testing.T, w *Where) { write(t, filepath.Join(w.Folder, KeyFile), "", 0o600) }, "empty"},
		{"half a key", func(t *testing.T, w *Where) { write(t, filepath.Join(w.Folder, KeyFile), fixed(1)[:20], 0o600) }, "32 bytes"},
		{"a folder", func(t *testing.T, w *Where) { os.Mkdir(filepath.Join(w.Folder, KeyFile), 0o700) }, "not a key file"},
		{"a link to nowhere", func(t *testing.T, w *Where) { os.Symlink("gone", filepath.Join(w.Folder, KeyFile)) }, "link to nowhere"},
		{"bad environment", func(_ *testing.T, w *Where) { w.Environment = "short" }, "LATCHKEY_SECRET_KEY"},
		{"no folder", func(_ *testing.T, w *Where) { w.Folder = filepath.Join(w.Folder, "none") }, "cannot write"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			where := Where{Folder: t.TempDir(), Random: rand.Reader, Sealed: never}
			c.setUp(t, &where)
			before := list(t, where.Folder)
			_, err := Load(where)
			if _, ok := errors.AsType[*KeyError](err); !ok || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want a KeyError about %q", err, c.says)
			}
			if after := list(t, where.Folder); after != before {
				t.Errorf("the folder changed: %s → %s", before, after)
			}
		})
	}
	where := Where{Folder: t.TempDir(), Random: rand.Reader, Sealed: func() (bool, error) { return false, fault }}
	if _, err := Load(where); !errors.Is(err, fault) {
		t.Errorf("%v, want the database's own fault", err)
	}
}

// TestLoadRace: of many first starts exactly one makes the key; the others fail
// or read that one.
func TestLoadRace(t *testing.T) {
	folder := t.TempDir()
	var mu sync.Mutex
	var wg sync.WaitGroup
	checks, made := map[string]bool{}, 0
	for range 16 {
		wg.Go(func() {
			k, err := Load(Where{Folder: folder, Random: rand.Reader, Sealed: never})
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, fs.ErrExist) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			checks[k.CheckValue(1)] = true
			if k.Made() {
				made++
			}
		})
	}
	wg.Wait()
	if len(checks) != 1 || made != 1 {
		t.Errorf("%d keys, %d made", len(checks), made)
	}
}

func TestSave(t *testing.T) {
	folder := t.TempDir()
	keys := NewKeys(rand.Reader).With(rand.Reader)
	if err := keys.Save(folder); err != nil {
		t.Fatal(err)
	}
	more := keys.With(rand.Reader)
	if err := more.Save(folder); err != nil {
		t.Fatal(err)
	}
	back, err := Load(Where{Folder: folder, Sealed: already})
	if err != nil || back.Current() != 3 || back.CheckValue(1) != keys.CheckValue(1) {
		t.Fatalf("%v", err)
	}
	if got := list(t, folder); got != KeyFile {
		t.Errorf("left behind: %s", got)
	}
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
