package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenFolderMakesItPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "data")
	f, err := openFolder(path, serving)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string]fs.FileMode{path: 0o700, f.file("lock"): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %04o", name, info.Mode(), err, want)
		}
	}
}

func TestOpenFolderThatOthersCanRead(t *testing.T) {
	cases := []struct {
		name string
		mode fs.FileMode
		file string
		ok   bool
	}{
		{"empty", 0o755, "", true},
		{"ours", 0o755, "latchkey.db", true},
		{"ours by its key", 0o750, "secret.key", true},
		{"a home", 0o755, "letter.txt", false},
		{"a shared folder for temporary files", 0o777 | fs.ModeSticky, "", false},
		{"private and full", 0o700, "letter.txt", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := t.TempDir()
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(path, c.file), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			f, err := openFolder(path, beside)
			info, _ := os.Stat(path)
			if !c.ok {
				if err == nil || !strings.Contains(err.Error(), "chmod 700") || info.Mode().Perm() != c.mode.Perm() {
					t.Errorf("%v, mode %v; want a refusal and no change", err, info.Mode())
				}
				return
			}
			if err != nil || info.Mode().Perm() != 0o700 {
				t.Fatalf("%v, mode %v", err, info.Mode())
			}
			f.Close()
		})
	}
}

func TestOpenFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "data")} {
		if _, err := openFolder(path, beside); err == nil || exitCode(err) != exitFailed {
			t.Errorf("%s: %v", path, err)
		}
	}
	// A lock that leads elsewhere would truncate what it leads to.
	path := t.TempDir()
	if err := os.Symlink(file, filepath.Join(path, lockName)); err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(path, serving); err == nil {
		t.Error("followed a link")
	}
	// The folder itself may be a link.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	f, err := openFolder(link, alone)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestFolderInOneProcess(t *testing.T) {
	path := t.TempDir()
	compatible := map[use]map[use]bool{
		beside:  {beside: true, serving: true, alone: false},
		serving: {beside: true, serving: false, alone: false},
		alone:   {beside: false, serving: false, alone: false},
	}
	for first, others := range compatible {
		for second, want := range others {
			a, err := openFolder(path, first)
			if err != nil {
				t.Fatal(err)
			}
			b, err := openFolder(path, second)
			if (err == nil) != want || err != nil && !errors.Is(err, errInUse) {
				t.Errorf("%d then %d: %v, want %v", first, second, err, want)
			}
			if err == nil {
				b.Close()
			}
			a.Close()
		}
	}
}
