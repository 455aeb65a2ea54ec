package db

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
)

// backup copies the desk's file and opens an inspection of it.
func (k *desk) backup() (file string, m Manifest) {
	k.t.Helper()
	i, err := Inspect(k.t.Context(), Options{Path: k.Path, Now: k.now})
	k.must(err)
	defer i.Close()
	file = filepath.Join(k.t.TempDir(), "monday.db")
	m, err = i.Backup(k.t.Context(), file, "test")
	k.must(err)
	return file, m
}

func TestVerifyBackup(t *testing.T) {
	k := newDesk(t)
	k.share("Help desk", nil)
	k.unbound("pipeline")
	file, m := k.backup()
	got, faults, err := VerifyBackup(t.Context(), file)
	k.must(err)
	if len(faults) != 0 || got.SHA256 != m.SHA256 {
		t.Errorf("a good backup: %v, %+v", faults, got)
	}
	if left, err := filepath.Glob(file + "-*"); err != nil || len(left) != 0 {
		t.Errorf("it left %v behind, %v", left, err)
	}
	whole, err := os.ReadFile(file)
	k.must(err)
	for name, change := range map[string]func() error{
		"a byte differs": func() error {
			cut := bytes.Clone(whole)
			cut[len(cut)/2] ^= 1
			return os.WriteFile(file, cut, 0o600)
		},
		"cut short": func() error { return os.WriteFile(file, whole[:len(whole)-4096], 0o600) },
		"empty":     func() error { return os.WriteFile(file, nil, 0o600) },
	} {
		k.must(change())
		if _, faults, err := VerifyBackup(t.Context(), file); err != nil || len(faults) != 1 || !strings.HasPrefix(faults[0], "file: ") {
			t.Errorf("%s: %v, %v", name, faults, err)
		}
	}
	k.must(os.WriteFile(file, whole, 0o600))
	m.Figures["users"]++
	text, err := json.Marshal(m)
	k.must(err)
	k.must(os.WriteFile(file+ManifestSuffix, text, 0o600))
	if _, faults, err := VerifyBackup(t.Context(), file); err != nil || len(faults) != 1 || !strings.Contains(faults[0], "users") {
		t.Errorf("another figure: %v, %v", faults, err)
	}
	k.must(os.Remove(file))
	if _, _, err := VerifyBackup(t.Context(), file); access.KindOf(err) != access.NotFound {
		t.Errorf("without the file: %v", err)
	}
	k.must(os.WriteFile(file+ManifestSuffix, []byte("{}"), 0o600))
	if _, _, err := VerifyBackup(t.Context(), file); access.KindOf(err) != access.Invalid {
		t.Errorf("a manifest of nothing: %v", err)
	}
	k.must(os.Remove(file + ManifestSuffix))
	if _, _, err := VerifyBackup(t.Context(), file); access.KindOf(err) != access.NotFound {
		t.Errorf("without a manifest: %v", err)
	}
}

// What was ended after a backup was made stays ended, whoever signs in with what.
func TestRestoredEndsAgain(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	revoked, deleted, disabled, rotated, kept := k.unbound("revoked"), k.unbound("deleted"), k.unbound("disabled"), k.unbound("rotated"), k.unbound("kept")
	s, paused := k.share("Help desk", nil), k.share("Paused", nil)
	mei, jonas := k.customer("mei"), k.customer("jonas")
	k.signIn(mei)
	file, m := k.backup()
	must := func(_ any, err error) { t.Helper(); k.must(err) }
	must(k.RevokeToken(ctx, k.owner, k.workspace, revoked.PublicID))
	must(k.DeleteToken(ctx, k.owner, k.workspace, deleted.PublicID))
	must(k.SetTokenEnabled(ctx, k.owner, k.workspace, disabled.PublicID, false))
	must(k.RotateToken(ctx, k.owner, k.workspace, rotated.PublicID, sha256.Sum256([]byte("another")), []byte("x"), "2Xe9", time.Time{}))
	must(k.RevokeShare(ctx, k.owner, k.workspace, s.PublicID, time.Second))
	must(k.PauseShare(ctx, k.owner, k.workspace, paused.PublicID))
	must(k.DeleteCustomer(ctx, k.owner, k.workspace, jonas.PublicID))

	replaced, err := Inspect(ctx, Options{Path: k.Path, Now: k.now})
	k.must(err)
	defer replaced.Close()
	if later, err := replaced.Succeeds(ctx, m); err != nil || !later {
		t.Fatalf("the file is later: %v, %v", later, err)
	}
	other := m
	other.AuditHead.Hash = strings.Repeat("0", 64)
	if later, err := replaced.Succeeds(ctx, other); err != nil || later {
		t.Fatalf("of another log: %v, %v", later, err)
	}
	d, err := Open(ctx, Options{Path: file, Now: k.now, Random: rand.Reader, BootID: "restored"})
	k.must(err)
	defer d.Close()
	d.UseAuditKey(1, func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] })
	again, err := d.Restored(ctx, k.owner, m, replaced)
	k.must(err)
	if again != (Reapplied{Tokens: 3, Shares: 2, Customers: 1, Secrets: 1}) {
		t.Errorf("ended again: %+v", again)
	}
	for _, name := range []string{"rotated", "deleted"} {
		if _, err := d.FindSecret(ctx, sha256.Sum256([]byte(name))); access.KindOf(err) != access.NotFound {
			t.Errorf("the key of %s came back: %v", name, err)
		}
	}
	if row, err := d.Token(ctx, k.workspace, revoked.PublicID); err != nil || row.RevokedAt.IsZero() {
		t.Errorf("the revoked token: %v", err)
	}
	if row, err := d.Token(ctx, k.workspace, kept.PublicID); err != nil || !row.Enabled {
		t.Errorf("the kept token: %v", err)
	}
	if all, err := d.Sessions(ctx, access.SubjectCustomer, mei.ID); err != nil || len(all) != 0 {
		t.Errorf("somebody is signed in: %d, %v", len(all), err)
	}
	for name, check := range map[string]func() ([]string, error){
		"file": func() ([]string, error) { return d.CheckFile(ctx) }, "ledger": func() ([]string, error) { return d.CheckLedger(ctx) },
	} {
		if faults, err := check(); err != nil || len(faults) != 0 {
			t.Errorf("%s: %v, %v", name, faults, err)
		}
	}
	if rows, broken, err := d.VerifyAudit(ctx); err != nil || broken != 0 || rows <= m.AuditHead.Seq {
		t.Errorf("the audit log: %d rows, broken at %d, %v", rows, broken, err)
	}
}

// A rotation goes on where it was cut off, and misses nothing.
func TestResealGoesOn(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	old := func(text string) []byte { return append([]byte{1, 0, 0, 0, 1}, text...) }
	for n := range resealBatch + 30 {
		token := k.unbound("token " + string(rune('a'+n%26)) + k.id())
		_, err := k.RotateToken(ctx, k.owner, k.workspace, token.PublicID, sha256.Sum256([]byte(token.PublicID)), old(token.PublicID), "2Xe9", time.Time{})
		k.must(err)
	}
	k.must(k.change(ctx, func(t *Tx) error {
		_, err := t.exec("INSERT INTO settings (key, value) VALUES ('password_key', 'AQAAAAFwcml2YXRl')")
		return err
	}))
	cut, calls := errors.New("cut off"), 0
	seal := func(v SealedValue) ([]byte, error) {
		if calls++; calls == resealBatch+10 {
			return nil, cut
		}
		if v.Sealed[4] != 1 {
			t.Errorf("%+v is sealed anew twice", v)
		}
		return append([]byte{1, 0, 0, 0, 2}, v.Sealed[5:]...), nil
	}
	n, err := k.Reseal(ctx, 2, seal)
	if !errors.Is(err, cut) || n != resealBatch {
		t.Fatalf("cut off after %d: %v", n, err)
	}
	more, err := k.Reseal(ctx, 2, seal)
	k.must(err)
	if want := int64(31 + 1); n+more-resealBatch != want-1 {
		t.Errorf("%d and %d values, want %d in all", n, more, resealBatch+want-1)
	}
	left := 0
	k.must(k.EachSealed(ctx, func(v SealedValue) error {
		if v.Sealed[4] != 2 {
			left++
		}
		if v.Table == "api_tokens" && string(v.Sealed[5:]) != v.Row {
			t.Errorf("%s holds what was sealed for another row", v.Row)
		}
		return nil
	}))
	if left != 0 {
		t.Errorf("%d values are under the old key", left)
	}
	if again, err := k.Reseal(ctx, 2, seal); err != nil || again != 0 {
		t.Errorf("nothing to do: %d, %v", again, err)
	}
}
