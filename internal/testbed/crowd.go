package testbed

import (
	"database/sql"
	"testing"

	_ "github.com/mattn/go-sqlite3" // rows are filled in faster than any door could
)

// Crowd fills the workspace with so many customers, guest-000001 and on, straight
// into the file. Nobody can sign in as one of them; the count of customers follows
// with the next one that is made.
func (h *House) Crowd(tb testing.TB, n int) {
	tb.Helper()
	pool, err := sql.Open("sqlite3", "file:"+h.Path+"?_busy_timeout=5000&_txlock=immediate&_synchronous=OFF")
	must(tb, err)
	defer pool.Close()
	_, err = pool.ExecContext(tb.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO customers (public_id, workspace_id, username, username_key, email, note, password_hash, created_at)
		SELECT printf('%032x', i), $2, printf('guest-%06d', i), printf('guest-%06d', i), printf('guest-%06d@acme.example', i), 'calls on Mondays', 'none', $3 FROM n`,
		n, h.Workspace.ID, h.Now().UnixMilli())
	must(tb, err)
	_, err = pool.ExecContext(tb.Context(), "UPDATE workspaces SET customer_count = customer_count + $1 WHERE id = $2", n, h.Workspace.ID)
	must(tb, err)
}
