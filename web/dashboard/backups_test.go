package dashboard_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// done waits until no backup is worked on.
func (r *reader) done() answer {
	r.t.Helper()
	var a answer
	testbed.Eventually(r.t, "the work on a backup has ended", func() bool {
		a = r.get("/settings/backups")
		return !strings.Contains(a.body, `hx-trigger="every 1s"`)
	})
	return a
}

var madeBackup = regexp.MustCompile(`latchkey-\d{8}-\d{6}\.db`)

func TestBackupsAreMadeCheckedAndSent(t *testing.T) {
	s := newSite(t)
	token, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("Nightly report")})
	s.must(err)
	r := s.reader(access.Owner)
	first := r.get("/settings/backups")
	first.want(t, 200, "No backup yet", "latchkey restore --data ./data")
	ws := first.value(t, "workspace")
	r.post("/settings/backups", "workspace", ws).want(t, 200)
	list := r.done()
	name := madeBackup.FindString(list.body)
	list.want(t, 200, name, "Not checked", "1 API tokens", "Restore drill", "!The last one failed")
	path := "/settings/backups/" + name
	r.post(path+"/verify", "workspace", ws).want(t, 200)
	r.done().want(t, 200, "Verified", "whole, in balance")
	r.post(path+"/drill", "workspace", ws).want(t, 200)
	r.done().want(t, 200, "Restore works", "1 API tokens", "secrets readable", "!Verified")
	folder := filepath.Join(filepath.Dir(s.Path), "backups")
	if left, err := filepath.Glob(filepath.Join(folder, ".*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	whole, err := os.ReadFile(filepath.Join(folder, name))
	s.must(err)
	sent := r.post(path+"/download", "workspace", ws)
	if sent.status != 200 || sent.body != string(whole) || !strings.Contains(sent.header.Get("Content-Disposition"), name) || sent.header.Get("Cache-Control") != "no-store" {
		t.Errorf("sent %d bytes of %d, %v", len(sent.body), len(whole), sent.header)
	}
	if strings.Contains(sent.body, token.Secret) {
		t.Error("a backup holds a key in clear")
	}
	r.post(path+"/download", "workspace", ws, "manifest", "1").want(t, 200, `"sha256"`)
	if got := len(s.auditOf(t, "backup.download")); got != 2 {
		t.Errorf("%d downloads in the audit log", got)
	}

	// A byte that differs is found, and what was a good result is gone.
	whole[len(whole)/2] ^= 1
	s.must(os.WriteFile(filepath.Join(folder, name), whole, 0o600))
	r.post(path+"/drill", "workspace", ws).want(t, 200)
	r.done().want(t, 200, "1 fault", "file: ", "!Restore works")
	r.get(path+"/delete").want(t, 200, "Delete "+name)
	r.post(path+"/delete", "workspace", ws).want(t, 200, "is deleted.", "No backup yet")
	r.post(path+"/verify", "workspace", ws).want(t, 404)
}

func TestBackupsLeaveTheirFolderToNobody(t *testing.T) {
	s := newSite(t)
	r := s.reader(access.Owner)
	ws := r.get("/settings/backups").value(t, "workspace")
	for _, name := range []string{"..%2flatchkey.db", "%2e%2e%2flatchkey.db", "latchkey.db", "x", "secret.key", "..%5clatchkey.db", "a.db%00"} {
		for _, verb := range []string{"/verify", "/drill", "/download", "/delete"} {
			if a := r.post("/settings/backups/"+name+verb, "workspace", ws); a.status != 404 {
				t.Errorf("%s%s: %d", name, verb, a.status)
			}
		}
	}
	editor := s.reader(access.Editor)
	editor.get("/settings/backups").want(t, 403)
	editor.get("/settings/health").want(t, 403)
	editor.post("/settings/backups").want(t, 403)
	s.Wait(11 * time.Minute)
	r.post("/settings/backups", "workspace", ws).want(t, 200)
	name := madeBackup.FindString(r.done().body)
	if a := r.post("/settings/backups/"+name+"/download", "workspace", ws); a.path != "/confirm" {
		t.Errorf("sent without a fresh password, at %s", a.path)
	}
}

func TestHealthSaysWhatIsNotWell(t *testing.T) {
	s := newSite(t)
	r := s.reader(access.Owner)
	page := r.get("/settings/health")
	page.want(t, 200, "Every purse holds", "There is none in the backups folder", "SQLite", "free of", "!does not add up", "!"+s.Control.Data)
	ws := page.value(t, "workspace")
	r.post("/settings/health", "workspace", ws).want(t, 200, "Everything adds up.", "All of it was last checked")
	s.DB.Ledger.Found("whole", []string{"ledger I1: purse 7: 12, should be 10"})
	r.get("/settings/health").want(t, 200, "The ledger does not add up.", "purse 7: 12, should be 10", "latchkey doctor")
	if bytes.Contains([]byte(r.post("/settings/health", "workspace", ws).body), []byte("purse 7")) {
		t.Error("what was mended is still told")
	}
}
