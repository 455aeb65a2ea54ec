package db

import (
	"context"
	"time"
)

// forgetRows bounds what one fact removes, so that no other change waits long.
const forgetRows = 500

// ForgetExpired removes rows whose time has passed and that nobody can use any
// more: sessions, login tokens, counted failures, answers kept for repeated
// calls, codes, jobs.
func (d *DB) ForgetExpired(ctx context.Context) error {
	for _, text := range []string{
		"DELETE FROM sessions WHERE id_hash IN (SELECT id_hash FROM sessions WHERE expires_at < $1 OR idle_until < $1 LIMIT $2)",
		"DELETE FROM login_tokens WHERE hash IN (SELECT hash FROM login_tokens WHERE expires_at < $1 LIMIT $2)",
		"DELETE FROM throttle WHERE key IN (SELECT key FROM throttle WHERE expires_at < $1 LIMIT $2)",
		"DELETE FROM idempotency WHERE (caller, key) IN (SELECT caller, key FROM idempotency WHERE expires_at < $1 LIMIT $2)",
		"DELETE FROM reset_codes WHERE hash IN (SELECT hash FROM reset_codes WHERE expires_at < $1 LIMIT $2)",
		"DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE expires_at < $1 LIMIT $2)",
		"DELETE FROM secrets WHERE hash IN (SELECT hash FROM secrets WHERE valid_until < $1 LIMIT $2)",
		"UPDATE handovers SET sealed = NULL WHERE id IN (SELECT id FROM handovers WHERE sealed IS NOT NULL AND expires_at < $1 LIMIT $2)",
	} {
		for {
			var n int64
			err := d.change(ctx, func(t *Tx) (err error) {
				n, err = t.exec(text, t.now(), forgetRows)
				return err
			})
			if err != nil {
				return err
			}
			if n < forgetRows {
				break
			}
		}
	}
	return nil
}

// ForgetRequests removes rows of the request log, and holds that have ended, from
// before a moment, in whole seconds. What they add up to stays in usage_days for ever.
func (d *DB) ForgetRequests(ctx context.Context, before time.Time) error {
	for _, text := range []string{
		"DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE at < $1 ORDER BY id LIMIT $2)",
		"DELETE FROM holds WHERE request_id IN (SELECT request_id FROM holds WHERE ended_at < $1 LIMIT $2)",
	} {
		for {
			var n int64
			err := d.change(ctx, func(t *Tx) (err error) {
				n, err = t.exec(text, before.Unix()*1000, forgetRows)
				return err
			})
			if err != nil {
				return err
			}
			if n < forgetRows {
				break
			}
		}
	}
	return nil
}
