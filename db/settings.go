package db

import (
	"context"
	"database/sql"
	"errors"

	"latchkey/internal/access"
)

// FindSetting returns what is stored under a key, "" when nothing is. It is
// cached.
func (d *DB) FindSetting(ctx context.Context, key string) (string, error) {
	return d.caches.settings.get(key, func() (value string, err error) {
		err = d.row(ctx, "SELECT value FROM settings WHERE key = $1", key).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return value, err
	})
}

// SetSetting stores a value under a key and tells what it was before. Setting
// what is there already changes nothing.
func (d *DB) SetSetting(ctx context.Context, by access.Actor, key, value string) error {
	return d.SetSettings(ctx, by, map[string]string{key: value}, 0)
}

// SettingsVersion is the version of some settings together. It moves with each of
// them and is never 0.
func (d *DB) SettingsVersion(ctx context.Context, keys ...string) (int64, error) {
	sum := int64(1)
	for _, key := range keys {
		var version int64
		if err := d.row(ctx, "SELECT version FROM settings WHERE key = $1", key).Scan(&version); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		sum += version
	}
	return sum, nil
}

// SetSettings stores several values in one fact. Version is SettingsVersion of just
// these as they were when the change was thought of, 0: any.
func (d *DB) SetSettings(ctx context.Context, by access.Actor, values map[string]string, version int64) error {
	return d.change(ctx, func(t *Tx) error {
		before, after, sum := map[string]any{}, map[string]any{}, int64(1)
		for key, value := range values {
			var old string
			var at int64
			err := t.row("SELECT value, version FROM settings WHERE key = $1", key).Scan(&old, &at)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			sum += at
			if err == nil && old == value {
				continue
			}
			if _, err := t.exec(`INSERT INTO settings (key, value) VALUES ($1, $2)
				ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = settings.version + 1`, key, value); err != nil {
				return err
			}
			before[key], after[key] = old, value
			t.after(func() { d.caches.settings.drop(key) })
		}
		if version != 0 && version != sum {
			return stale()
		}
		if len(after) == 0 {
			return nil
		}
		return t.tell(by, event{0, "settings.edit", object("settings", "", ""), changed(before, after)})
	})
}

// KeepSetting stores a value under a key that has none yet and returns what is
// stored there from now on: for what the first start decides for ever.
func (d *DB) KeepSetting(ctx context.Context, key, value string) (kept string, err error) {
	err = d.change(ctx, func(t *Tx) error {
		t.after(func() { d.caches.settings.drop(key) })
		if _, err := t.exec("INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", key, value); err != nil {
			return err
		}
		return t.row("SELECT value FROM settings WHERE key = $1", key).Scan(&kept)
	})
	return kept, err
}
