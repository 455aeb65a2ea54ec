package control

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// Health is how the instance does.
type Health struct {
	Version      string
	SQLite       string
	Schema       int64
	FileSize     int64 // bytes of the database
	LogSize      int64 // bytes of its write-ahead log
	Free, Disk   int64 // bytes of the disk that holds the data folder
	Figures      db.HealthFigures
	Chain        db.ChainState
	Faults       []string  // that the ledger's checks found
	Checked      time.Time // when an admin last had all of it checked, zero: not since the start
	Backup       *BackupRow
	KeyNumber    int
	KeyOrigin    string // the file of the master key by its name alone, or the variable that holds it
	KeyInData    bool   // the file stands in the data folder
	KeyInFile    bool
	LastBackupAt time.Time
}

// ledgerCheck remembers when the ledger was last checked as a whole on demand.
type ledgerCheck struct {
	mu sync.Mutex
	at time.Time
}

// Health looks at what an admin wants to see well.
func (c *Control) Health(ctx context.Context, by access.Actor) (Health, error) {
	h := Health{Version: c.Version, SQLite: db.SQLiteVersion(), KeyNumber: c.Keys.Current()}
	h.KeyOrigin, h.KeyInFile, h.KeyInData = keyOrigin(c.Keys.Origin(), c.Data)
	if err := by.Must(access.RunInstance); err != nil {
		return h, err
	}
	var err error
	if h.Schema, err = c.DB.SchemaVersion(ctx); err != nil {
		return h, err
	}
	if h.Figures, err = c.DB.HealthFigures(ctx); err != nil {
		return h, err
	}
	if h.Chain, err = c.DB.FollowAudit(ctx, followed, false); err != nil {
		return h, err
	}
	h.FileSize, h.LogSize = sizeOf(c.DB.Path), sizeOf(c.DB.Path+"-wal")
	var disk syscall.Statfs_t
	if syscall.Statfs(c.Data, &disk) == nil {
		h.Free, h.Disk = int64(disk.Bavail)*int64(disk.Bsize), int64(disk.Blocks)*int64(disk.Bsize)
	}
	h.Faults = c.DB.Ledger.Findings()
	c.checked.mu.Lock()
	h.Checked = c.checked.at
	c.checked.mu.Unlock()
	rows, _, err := c.Backups(ctx, by)
	if len(rows) > 0 {
		h.Backup = &rows[0]
		h.LastBackupAt, _ = time.Parse(time.RFC3339, rows[0].Manifest.CreatedAt)
	}
	return h, err
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// CheckLedger verifies the invariants of the whole ledger and the whole audit
// chain now.
func (c *Control) CheckLedger(ctx context.Context, by access.Actor) (faults []string, err error) {
	if err := by.Must(access.RunInstance); err != nil {
		return nil, err
	}
	if faults, err = c.DB.CheckLedger(ctx); err != nil {
		return nil, err
	}
	if _, err := c.DB.FollowAudit(ctx, followed, true); err != nil {
		return nil, err
	}
	c.DB.Ledger.Found("whole", faults)
	c.checked.mu.Lock()
	defer c.checked.mu.Unlock()
	c.checked.at = c.Now()
	return faults, nil
}

// keyOrigin says where a master key came from without naming the host's folders.
func keyOrigin(origin, data string) (name string, inFile, inData bool) {
	if !strings.ContainsRune(origin, filepath.Separator) {
		return origin, false, false
	}
	folder, err := filepath.Abs(data)
	if err != nil {
		folder = data
	}
	file, err := filepath.Abs(origin)
	if err != nil {
		file = origin
	}
	return filepath.Base(file), true, filepath.Dir(file) == folder
}
