package db

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/access"
)

// clock is a time that tests move by hand.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMilli(c.ms.Load()).UTC() }

func (c *clock) forward(d time.Duration) { c.ms.Add(d.Milliseconds()) }

var shell = access.Actor{Kind: access.ActorShell, Name: "shell", Door: access.DoorShell}

// peopleFile opens a new database in a folder of the test's own.
func peopleFile(t *testing.T) (*DB, *clock) {
	t.Helper()
	c := &clock{}
	c.ms.Store(time.Date(2026, 11, 20, 14, 21, 0, 0, time.UTC).UnixMilli())
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "latchkey.db"), Now: c.now, Random: rand.Reader, BootID: "test"})
	if err != nil {
		t.Fatal(err)
	}
	d.UseAuditKey(1, func(b []byte) []byte {
		m := hmac.New(sha256.New, []byte("audit"))
		m.Write(b)
		return m.Sum(nil)
	})
	t.Cleanup(func() {
		if rows, broken, err := d.VerifyAudit(context.Background()); err != nil || broken != 0 {
			t.Errorf("audit chain: %d rows hold, broken at %d, %v", rows, broken, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, c
}

func hexID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func person(name string) NewUser {
	return NewUser{
		User:      access.User{PublicID: hexID(), Username: name, UsernameKey: name, Email: name + "@acme.example", EmailKey: name + "@acme.example", PasswordHash: "hash of " + name},
		Workspace: name + "'s", TimeZone: "Asia/Shanghai",
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func makePerson(t *testing.T, d *DB, name string) (access.User, access.Workspace) {
	t.Helper()
	u, w, err := d.MakeUser(t.Context(), shell, person(name))
	if err != nil {
		t.Fatal(err)
	}
	return u, w
}

func wantCode(t *testing.T, err error, kind access.Kind, code string) {
	t.Helper()
	problems := access.Problems(err)
	if len(problems) != 1 || problems[0].Kind != kind || problems[0].Code != code {
		t.Fatalf("got %v, want %v %s", err, kind, code)
	}
}
