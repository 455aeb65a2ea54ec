package db

import (
	"context"
	"time"
)

// Limit is how many failures a key may have in a window, which begins with the
// first of them.
type Limit struct {
	Key    string
	Most   int64
	Window time.Duration
}

// CountTry counts one try as failed on every key, before it is known whether it
// is, so that any number of tries at once never get past a limit. The first key
// that is full stops it: nothing is counted there or after it, and its place in
// limits is returned with how long it stays full; over is -1 when all had room.
// A window that ends later than a whole window from now was written by a clock
// that has gone back since, and counts as over.
func (d *DB) CountTry(ctx context.Context, limits []Limit) (over int, wait time.Duration, err error) {
	over = -1
	err = d.change(ctx, func(t *Tx) error {
		now := t.now()
		for i, l := range limits {
			end := now + l.Window.Milliseconds()
			var failures int64
			err := t.row(`INSERT INTO throttle (key, failures, expires_at) VALUES ($1, 1, $2)
				ON CONFLICT (key) DO UPDATE SET
					failures = CASE WHEN throttle.expires_at <= $3 OR throttle.expires_at > $2 THEN 1 ELSE throttle.failures + 1 END,
					expires_at = CASE WHEN throttle.expires_at <= $3 OR throttle.expires_at > $2 THEN $2 ELSE throttle.expires_at END
				WHERE throttle.failures < $4 OR throttle.expires_at <= $3 OR throttle.expires_at > $2
				RETURNING failures`, l.Key, end, now, l.Most).Scan(&failures)
			if noRow(err) {
				over = i
				var until int64
				err = t.row("SELECT expires_at FROM throttle WHERE key = $1", l.Key).Scan(&until)
				wait = time.Duration(until-now) * time.Millisecond
				return err
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return over, wait, err
}

// Forgive forgets the failures of some keys and takes one back from others.
func (d *DB) Forgive(ctx context.Context, clear, giveBack []string) error {
	return d.change(ctx, func(t *Tx) error { return t.forgive(clear, giveBack) })
}

func (t *Tx) forgive(clear, giveBack []string) error {
	for _, key := range clear {
		if _, err := t.exec("DELETE FROM throttle WHERE key = $1", key); err != nil {
			return err
		}
	}
	for _, key := range giveBack {
		if _, err := t.exec("UPDATE throttle SET failures = failures - 1 WHERE key = $1 AND failures > 0", key); err != nil {
			return err
		}
	}
	return nil
}
