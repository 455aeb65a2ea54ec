package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"latchkey/internal/access"
)

// AllowPrivateHost adds an entry to the setting "private_hosts". One that is
// there already changes nothing.
func (d *DB) AllowPrivateHost(ctx context.Context, by access.Actor, host string) error {
	const key = "private_hosts"
	return d.change(ctx, func(t *Tx) error {
		var old string
		var hosts []string
		switch err := t.row("SELECT value FROM settings WHERE key = $1", key).Scan(&old); {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case old != "":
			if err := json.Unmarshal([]byte(old), &hosts); err != nil {
				return err
			}
		}
		if slices.Contains(hosts, host) {
			return nil
		}
		value, err := json.Marshal(append(hosts, host))
		if err != nil {
			return err
		}
		t.after(func() { d.caches.settings.drop(key) })
		if _, err := t.exec(`INSERT INTO settings (key, value) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = settings.version + 1`, key, string(value)); err != nil {
			return err
		}
		return t.tell(by, event{0, "settings.edit", object("settings", "", key), map[string]any{"added": host}})
	})
}
