package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runIn runs a command on a data folder and returns its code and what it said.
func runIn(folder string, args ...string) (int, string) {
	var said bytes.Buffer
	sh := &shell{stdin: strings.NewReader(""), stdout: &said, stderr: &said, now: time.Now}
	code := sh.run(append([]string{"--data", folder}, args...))
	return code, said.String()
}

// A file with a damaged page is found out, and no damage gets into a backup.
func TestDoctorFindsDamage(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	run := func(args ...string) (int, string) { return runIn(folder, args...) }
	if code, said := run("setup", "--username", "lin"); code != 0 {
		t.Fatal(said)
	}
	if code, said := run("doctor"); code != 0 {
		t.Fatal(said)
	}
	path := filepath.Join(folder, databaseName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	found := 0
	for at := page; at+page <= len(whole); at += 7 * page {
		broken := bytes.Clone(whole)
		for i := range page {
			broken[at+i] = 0xA5
		}
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		code, said := run("doctor")
		if code != 1 || !strings.Contains(said, "fault: ") && !strings.Contains(said, "damaged") {
			t.Errorf("page at %d: exit %d: %s", at, code, said)
			continue
		}
		found++
		checkCopy(t, folder, at)
	}
	if found < 10 {
		t.Errorf("only %d pages were tried", found)
	}
}

// checkCopy makes a backup of a damaged database. Where the damage is in what a
// copy makes anew, such as an index, the copy is a whole one; elsewhere there is
// none.
func checkCopy(t *testing.T, folder string, at int) {
	t.Helper()
	restored := filepath.Join(t.TempDir(), "restored")
	if err := os.Mkdir(restored, 0o700); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(restored, databaseName)
	if code, _ := runIn(folder, "backup", copied); code != 0 {
		if left, err := os.ReadDir(restored); err != nil || len(left) != 0 {
			t.Errorf("page at %d: a failed backup left %v (%v)", at, left, err)
		}
		return
	}
	key, err := os.ReadFile(filepath.Join(folder, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(restored, "secret.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := runIn(restored, "doctor"); code != 0 {
		t.Errorf("page at %d: the backup is damaged too: %s", at, said)
	}
}
