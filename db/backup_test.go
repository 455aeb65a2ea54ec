package db

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A copy that lost something is no backup, whatever else it is.
func TestCompareFigures(t *testing.T) {
	same := func(changes ...any) map[string]int64 {
		m := map[string]int64{}
		for _, f := range figures {
			m[f.name] = 10
		}
		for i := 0; i+1 < len(changes); i += 2 {
			m[changes[i].(string)] = int64(changes[i+1].(int))
		}
		return m
	}
	for _, c := range []struct {
		name               string
		before, got, after map[string]int64
		says               string
	}{
		{"quiet", same(), same(), same(), ""},
		{"quiet, a row lost", same(), same("users", 9), same(), "users 9"},
		{"quiet, the ledger differs", same(), same("ledger_used", 11), same(), "ledger_used 11"},
		{"written meanwhile", same(), same("audit", 11), same("audit", 12), ""},
		{"written meanwhile, a row lost", same(), same("audit", 9), same("audit", 12), "audit 9"},
		{"written meanwhile, more than there is", same(), same("usage_units", 13), same("usage_units", 12), "usage_units 13"},
		{"written meanwhile, sessions came and went", same("secrets", 10), same("secrets", 4, "audit", 11), same("secrets", 7, "audit", 12), ""},
	} {
		err := compareFigures(c.before, c.got, c.after)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

// Backups under load hold what was acknowledged before they began, and their
// manifests tell the truth about them.
func TestBackupWhileWriting(t *testing.T) {
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "latchkey.db"), Now: time.Now, Random: rand.Reader, BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stop := make(chan struct{})
	var writers sync.WaitGroup
	writers.Go(func() {
		for n := int64(0); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := d.KeepSetting(t.Context(), "n"+hex.EncodeToString([]byte{byte(n >> 8), byte(n)}), "x"); err != nil {
				t.Error(err)
				return
			}
		}
	})
	i, err := Inspect(t.Context(), Options{Path: d.Path, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, name := range []string{"one.db", "two.db", "three.db"} {
		before, err := i.figures(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m, err := i.Backup(t.Context(), filepath.Join(folder, name), "test")
		if err != nil {
			t.Fatal(err)
		}
		body, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if m.SHA256 != hex.EncodeToString(sum[:]) || m.Size != int64(len(body)) || m.Figures["settings"] < before["settings"] || m.Schema != NewestSchema() {
			t.Errorf("%s: %+v", name, m)
		}
		var kept Manifest
		text, err := os.ReadFile(filepath.Join(folder, name+ManifestSuffix))
		if err != nil || json.Unmarshal(text, &kept) != nil || kept.SHA256 != m.SHA256 || kept.File != name {
			t.Errorf("%s: %v %s", name, err, text)
		}
	}
	close(stop)
	writers.Wait()
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 6 {
		t.Errorf("%d files are left (%v), want three backups with their manifests", len(left), err)
	}
}

// Looking changes nothing: neither an older file nor a foreign one.
func TestInspectChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	if _, err := Inspect(t.Context(), Options{Path: path, Now: time.Now}); err == nil {
		t.Error("a missing file was opened")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a missing file was made")
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(t.Context(), Options{Path: path, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "not a Latchkey database") {
		t.Errorf("a foreign file: %v", err)
	}
}
