package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/control"
)

// An afternoon: the day under way has calls.
var sampleNow = time.Date(2026, 11, 20, 14, 21, 0, 0, time.UTC)

// makeSample runs the command on a folder, and opens the house it made.
func makeSample(t *testing.T) (*house, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "data")
	var out, wrong bytes.Buffer
	sh := &shell{stdin: strings.NewReader("correct horse battery staple\n"), stdout: &out, stderr: &wrong, now: func() time.Time { return sampleNow }}
	if code := sh.run([]string{"--data", folder, "sample", "--password-stdin"}); code != 0 {
		t.Fatalf("exit %d: %s", code, wrong.String())
	}
	h, done, err := sh.beside(t.Context(), &config.Basic{Data: folder}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := done(); err != nil {
			t.Error(err)
		}
	})
	return h, out.String()
}

// The sample is what the product itself could have written: every check of the
// doctor holds, to the unit and to the last row of the audit chain.
func TestSampleIsSound(t *testing.T) {
	h, _ := makeSample(t)
	for name, check := range map[string]func() ([]string, error){
		"file":   func() ([]string, error) { return h.db.CheckFile(t.Context()) },
		"ledger": func() ([]string, error) { return h.db.CheckLedger(t.Context()) },
	} {
		faults, err := check()
		if err != nil || len(faults) > 0 {
			t.Errorf("%s: %v, %v", name, faults, err)
		}
	}
	rows, broken, err := h.db.VerifyAudit(t.Context())
	if err != nil || broken != 0 || rows < 50 {
		t.Errorf("audit: %d rows, broken at %d, %v", rows, broken, err)
	}
}

// Every state that a page can show is there, and the printed password opens it.
func TestSampleShowsEveryState(t *testing.T) {
	h, out := makeSample(t)
	in, err := h.control.SignIn(t.Context(), control.Attempt{Name: "lin", Password: "correct horse battery staple", Door: access.DoorPage, Address: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	by := in.Actor
	if !by.IsAdmin || by.Role != access.Owner {
		t.Errorf("lin is %+v", by)
	}
	for _, status := range []access.Status{access.StatusEnabled, access.StatusDisabled, access.StatusExpired, access.StatusExhausted, access.StatusRevoked} {
		if _, n, err := h.control.Tokens(t.Context(), by, db.Page{Status: status, Limit: 10}); err != nil || n == 0 {
			t.Errorf("%d tokens are %s, %v", n, status, err)
		}
	}
	for _, status := range []access.Status{access.StatusEnabled, access.StatusPaused, access.StatusExpired, access.StatusRevoked} {
		if _, n, err := h.control.Shares(t.Context(), by, db.Page{Status: status, Limit: 10}); err != nil || n == 0 {
			t.Errorf("%d links are %s, %v", n, status, err)
		}
	}
	for _, outcome := range []access.Outcome{access.Answered, access.Partial, access.Refused, access.Broken} {
		if _, n, err := h.control.Requests(t.Context(), by, db.RequestPage{Outcome: outcome, Limit: 10}); err != nil || n == 0 {
			t.Errorf("%d requests were %s, %v", n, outcome, err)
		}
	}
	days, err := h.control.UsageDays(t.Context(), by, 30)
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		if day.Requests == 0 || day.Units == 0 {
			t.Errorf("nothing on %s", day.Key)
		}
	}
	if !strings.Contains(out, "lin with the password: correct horse battery staple") || !strings.Contains(out, "/s/") {
		t.Errorf("it printed %q", out)
	}
}

// A folder that holds a database is left as it is.
func TestSampleWantsAnEmptyFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	for want, try := range []string{"first", "second"} {
		var wrong bytes.Buffer
		sh := &shell{stdin: strings.NewReader(""), stdout: &bytes.Buffer{}, stderr: &wrong, now: func() time.Time { return sampleNow }}
		if code := sh.run([]string{"--data", folder, "sample"}); code != want {
			t.Errorf("%s: exit %d, want %d: %s", try, code, want, wrong.String())
		}
	}
}
