package db

import (
	"crypto/sha256"
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/testbed/foreign"
)

func TestReadNewAPI(t *testing.T) {
	path := foreign.File(t, foreign.NewAPI,
		`INSERT INTO users (id, username, password, display_name, role, status, email, quota, used_quota, "group", aff_code, created_at)
			VALUES (1, 'root', 'hash', 'Root User', 100, 1, 'root@acme.example', 5000, 70, 'vip', 'aB3d', 1700000000)`,
		`INSERT INTO users (id, username, password, deleted_at) VALUES (2, 'gone', '', '2025-01-02 03:04:05.678+00:00')`,
		`INSERT INTO users (id, username, password, status) VALUES (7, NULL, '', NULL)`,
		`INSERT INTO tokens VALUES (3, 1, 'KEY', 2, 'main', 1700000001, 1700000002, 1800000000, 10, 0, 1, 'a,b', '10.0.0.1', 4, 'vip', 0, NULL)`,
		`INSERT INTO tokens (id, user_id, key) VALUES (4, 1, 'OTHER')`,
		`INSERT INTO tokens VALUES (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2025-01-02')`,
		`INSERT INTO tokens VALUES (6, '1', x'4b4559ff', '1', 55, '1700000001', 1.9, 'soon', 1e30, 'true', 'false', 7, x'31302e302e302e31', '-1e30', '', 0, NULL)`,
		`INSERT INTO options VALUES ('GroupRatio', '{"default":1}'), ('QuotaPerUnit', '1000'), ('Secret', 'x')`,
	)
	f, err := ReadForeign(t.Context(), path, NewAPI)
	if err != nil {
		t.Fatal(err)
	}
	users := []ForeignUser{
		{
			Number: 1, Username: "root", Nickname: "Root User", Email: "root@acme.example", Group: "vip", Mark: "aB3d", Role: 100, Status: 1,
			Remain: 5000, Used: 70, Created: 1_700_000_000,
		},
		{Number: 2, Username: "gone", Group: "default", Role: 1, Status: 1, Deleted: true},
		{Number: 7, Group: "default", Role: 1, Status: 1},
	}
	tokens := []ForeignToken{
		{
			Number: 3, UserNumber: 1, Key: "KEY", Name: "main", Group: "vip", Status: 2, Created: 1_700_000_001, Accessed: 1_700_000_002,
			Expires: 1_800_000_000, Remain: 10, Used: 4, ModelsLimited: true, Models: "a,b", Addresses: "10.0.0.1",
		},
		{Number: 4, UserNumber: 1, Key: "OTHER", Status: 1, Expires: -1},
		{Number: 5, Status: 1, Expires: -1, Deleted: true},
		{
			Number: 6, UserNumber: 1, Key: "KEY\uFFFD", Name: "55", Status: 1, Created: 1_700_000_001, Accessed: 1, Expires: 0,
			Remain: 1<<63 - 1, Used: -1 << 63, Unlimited: true, Models: "7", Addresses: "10.0.0.1",
		},
	}
	if !reflect.DeepEqual(f.Users, users) {
		t.Errorf("users\n%+v, want\n%+v", f.Users, users)
	}
	if !reflect.DeepEqual(f.Tokens, tokens) {
		t.Errorf("tokens\n%+v, want\n%+v", f.Tokens, tokens)
	}
	if want := map[string]string{OptionRatios: `{"default":1}`, OptionUnits: "1000"}; !reflect.DeepEqual(f.Options, want) {
		t.Errorf("options %v", f.Options)
	}
}

func TestReadOneAPI(t *testing.T) {
	const user = `INSERT INTO users (id, username, password, quota, "group") VALUES (1, 'mei', 'hash', 5000, 'vip')`
	path := foreign.File(t, foreign.OneAPI, user,
		`INSERT INTO tokens (id, user_id, key, name, unlimited_quota, models, subnet, used_quota) VALUES (3, 1, 'KEY', 'main', 1, 'a,b', '10.0.0.0/8', 9)`,
		`INSERT INTO tokens (id, user_id, key, models, subnet) VALUES (4, 1, 'OTHER', NULL, NULL)`,
	)
	f, err := ReadForeign(t.Context(), path, OneAPI)
	if err != nil {
		t.Fatal(err)
	}
	want := []ForeignToken{
		{Number: 3, UserNumber: 1, Key: "KEY", Name: "main", Status: 1, Expires: -1, Used: 9, Unlimited: true, ModelsLimited: true, Models: "a,b", Addresses: "10.0.0.0/8"},
		{Number: 4, UserNumber: 1, Key: "OTHER", Status: 1, Expires: -1},
	}
	if !reflect.DeepEqual(f.Tokens, want) || len(f.Users) != 1 || f.Users[0].Group != "vip" || f.Users[0].Remain != 5000 {
		t.Errorf("%+v", f)
	}

	path = foreign.File(t, foreign.OldOneAPI, user, `INSERT INTO tokens (id, user_id, key, remain_quota) VALUES (3, 1, 'KEY', 5)`)
	if f, err = ReadForeign(t.Context(), path, OneAPI); err != nil {
		t.Fatal(err)
	}
	if want := (ForeignToken{Number: 3, UserNumber: 1, Key: "KEY", Status: 1, Expires: -1, Remain: 5}); len(f.Tokens) != 1 || f.Tokens[0] != want || len(f.Options) != 0 {
		t.Errorf("of an old file: %+v", f)
	}
}

// What cannot be read is refused in a sentence, and stays as it is.
func TestReadForeignRefuses(t *testing.T) {
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, err := os.ReadFile(foreign.File(t, foreign.OneAPI, `INSERT INTO users (username, password) VALUES ('mei', '')`))
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole...)
	for i := 4096; i < len(damaged); i++ {
		damaged[i] ^= 0x5a
	}
	own := filepath.Join(t.TempDir(), "latchkey.db")
	if err := openFile(t, own).Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		system     System
		code       string
		kind       access.Kind
	}{
		{"no file", filepath.Join(t.TempDir(), "none.db"), NewAPI, "foreign_missing", access.NotFound},
		{"a folder", t.TempDir(), NewAPI, "foreign_missing", access.NotFound},
		{"garbage", write("a.db", []byte(strings.Repeat("no database ", 1000))), NewAPI, "foreign_unreadable", access.Invalid},
		{"a few bytes", write("b.db", []byte("SQLite format 3\x00")), NewAPI, "foreign_unreadable", access.Invalid},
		{"cut short", write("c.db", whole[:5000]), OneAPI, "foreign_unreadable", access.Invalid},
		{"damaged", write("d.db", damaged), OneAPI, "foreign_unreadable", access.Invalid},
		{"nothing", write("e.db", nil), NewAPI, "foreign_schema", access.Invalid},
		{"other tables", foreign.File(t, "CREATE TABLE users (id integer)", "CREATE TABLE tokens (id integer)"), NewAPI, "foreign_schema", access.Invalid},
		{"no tokens", foreign.File(t, foreign.NewAPI, "DROP TABLE tokens"), NewAPI, "foreign_schema", access.Invalid},
		{"Latchkey's own", own, NewAPI, "foreign_schema", access.Invalid},
		{"One API for New API", foreign.File(t, foreign.OneAPI), NewAPI, "foreign_other", access.Invalid},
		{"New API for One API", foreign.File(t, foreign.NewAPI), OneAPI, "foreign_other", access.Invalid},
	} {
		before := digest(c.path)
		f, err := ReadForeign(t.Context(), c.path, c.system)
		p := access.Problems(err)
		if len(p) == 0 || p[0].Code != c.code || p[0].Kind != c.kind || len(f.Users)+len(f.Tokens) > 0 {
			t.Errorf("%s: %v with %d users", c.name, err, len(f.Users))
		}
		if digest(c.path) != before {
			t.Errorf("%s: the file was changed", c.name)
		}
	}
}

func digest(path string) [32]byte {
	data, _ := os.ReadFile(path) // what cannot be read has none
	return sha256.Sum256(data)
}

// The other system may still run, or have been killed: what it had committed
// counts.
func TestReadForeignBesideItsOwner(t *testing.T) {
	path := foreign.File(t, foreign.OneAPI)
	owner, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	if _, err := owner.Exec(`INSERT INTO users (username, password) VALUES ('mei', '')`); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range map[string]string{"while it runs": path, "after it was killed": copied} {
		if f, err := ReadForeign(t.Context(), file, OneAPI); err != nil || len(f.Users) != 1 {
			t.Errorf("%s: %d users (%v)", name, len(f.Users), err)
		}
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 { // nothing is closed to root
		if _, err := ReadForeign(t.Context(), path, OneAPI); access.KindOf(err) != access.Invalid {
			t.Errorf("without the right to read: %v", err)
		}
	}
}
