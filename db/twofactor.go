package db

import (
	"context"

	"latchkey/internal/access"
)

// SecondFactor is the second thing that somebody signs in with: the time step of a
// code, or the hash of a recovery code. Each is used once.
type SecondFactor struct {
	Step     int64
	Recovery [32]byte // where Step is 0
}

// Totp returns the sealed seed of a user's authenticator app, nil for none, and the
// last time step whose code was used.
func (d *DB) Totp(ctx context.Context, userID int64) (sealed []byte, last int64, err error) {
	err = d.row(ctx, "SELECT totp_sealed, totp_last_step FROM users WHERE id = $1 AND deleted_at IS NULL", userID).Scan(&sealed, &last)
	return sealed, last, orNotFound(err, "user")
}

// SetTotp switches two-factor sign-in on, with the step of the code that proved the
// app and the hashes of the recovery codes.
func (d *DB) SetTotp(ctx context.Context, by access.Actor, userID int64, sealed []byte, step int64, codes [][32]byte) error {
	return d.change(ctx, func(t *Tx) error {
		u, err := scanUser(t.row("UPDATE users SET totp_sealed = $1, totp_last_step = $2, version = version + 1 WHERE id = $3 AND deleted_at IS NULL"+userReturning, sealed, step, userID))
		if err != nil {
			return orNotFound(err, "user")
		}
		if err := t.replaceRecovery(userID, codes); err != nil {
			return err
		}
		return t.tell(by, event{u.HomeID, "user.two-factor-on", object("user", u.PublicID, u.Username), nil})
	})
}

// SetRecoveryCodes replaces the recovery codes of a user who has two-factor sign-in.
func (d *DB) SetRecoveryCodes(ctx context.Context, by access.Actor, userID int64, codes [][32]byte) error {
	return d.change(ctx, func(t *Tx) error {
		u, err := scanUser(t.row("SELECT "+userColumns+" FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL AND u.totp_sealed IS NOT NULL", userID))
		if err != nil {
			return orNotFound(err, "user")
		}
		if err := t.replaceRecovery(userID, codes); err != nil {
			return err
		}
		return t.tell(by, event{u.HomeID, "user.recovery-codes", object("user", u.PublicID, u.Username), nil})
	})
}

func (t *Tx) replaceRecovery(userID int64, codes [][32]byte) error {
	if _, err := t.exec("DELETE FROM recovery_codes WHERE subject_id = $1", userID); err != nil {
		return err
	}
	for _, hash := range codes {
		if _, err := t.exec("INSERT INTO recovery_codes (hash, subject_id, created_at) VALUES ($1, $2, $3)", hash[:], userID, t.now()); err != nil {
			return err
		}
	}
	return nil
}

// ClearTotp switches two-factor sign-in off.
func (d *DB) ClearTotp(ctx context.Context, by access.Actor, publicID string) (access.User, error) {
	var u access.User
	err := d.change(ctx, func(t *Tx) (err error) {
		u, err = scanUser(t.row("UPDATE users SET totp_sealed = NULL, totp_last_step = 0, version = version + 1 WHERE public_id = $1 AND deleted_at IS NULL"+userReturning, publicID))
		if err != nil {
			return orNotFound(err, "user")
		}
		if err := t.replaceRecovery(u.ID, nil); err != nil {
			return err
		}
		return t.tell(by, event{u.HomeID, "user.two-factor-off", object("user", u.PublicID, u.Username), nil})
	})
	return u, err
}

// CountRecoveryCodes counts those of a user that were not used yet.
func (d *DB) CountRecoveryCodes(ctx context.Context, userID int64) (n int64, err error) {
	err = d.row(ctx, "SELECT COUNT(*) FROM recovery_codes WHERE subject_id = $1 AND used_at IS NULL", userID).Scan(&n)
	return n, err
}

// UseSecond uses a second factor up outside a sign-in.
func (d *DB) UseSecond(ctx context.Context, by access.Actor, userID int64, s SecondFactor, name string) error {
	return d.change(ctx, func(t *Tx) error { return t.useSecond(by, userID, s, name) })
}

// useSecond refuses a code that was used before, also between two callers at the
// same moment.
func (t *Tx) useSecond(by access.Actor, userID int64, s SecondFactor, name string) error {
	var n int64
	var err error
	if s.Step != 0 {
		n, err = t.exec("UPDATE users SET totp_last_step = $1 WHERE id = $2 AND totp_sealed IS NOT NULL AND totp_last_step < $1", s.Step, userID)
	} else {
		n, err = t.exec("UPDATE recovery_codes SET used_at = $1 WHERE subject_id = $2 AND hash = $3 AND used_at IS NULL", t.now(), userID, s.Recovery[:])
	}
	if err == nil && n == 0 {
		err = WrongCode()
	}
	if err != nil || s.Step != 0 {
		return err
	}
	return t.tell(by, event{by.WorkspaceID, "user.recovery-code", name, nil})
}

// WrongCode is what a code that opens nothing answers.
func WrongCode() error {
	return access.Fail(access.Invalid, "code_wrong", "This code does not fit, was used already, or there were too many tries. Wait for the next one.").At("code")
}
