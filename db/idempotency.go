package db

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// FormLife is how long a form's key is remembered.
const FormLife = 24 * time.Hour

// FormClaim is what became of a form's key.
type FormClaim struct {
	Fresh        bool   // nobody sent this form before: carry it out, then EndForm or ReleaseForm
	Done         bool   // it was carried out
	AnswerSealed []byte // what EndForm kept
}

// ClaimForm takes a form's key for its caller, so that a form that is sent twice
// is carried out once. A key that is taken says how far its act came.
func (d *DB) ClaimForm(ctx context.Context, caller, key string) (FormClaim, error) {
	var c FormClaim
	err := d.change(ctx, func(t *Tx) error {
		c = FormClaim{}
		if _, err := t.exec("DELETE FROM idempotency WHERE expires_at <= $1", t.now()); err != nil {
			return err
		}
		n, err := t.exec(`INSERT INTO idempotency (caller, key, request_hash, state, expires_at) VALUES ($1, $2, $3, 'running', $4)
			ON CONFLICT (caller, key) DO NOTHING`, caller, key, []byte{}, t.now()+FormLife.Milliseconds())
		if err != nil || n == 1 {
			c.Fresh = n == 1
			return err
		}
		return t.row("SELECT state = 'done', answer_sealed FROM idempotency WHERE caller = $1 AND key = $2", caller, key).
			Scan(&c.Done, &c.AnswerSealed)
	})
	return c, err
}

// FindForm says how far the act of a form's key came. A key that was released
// meanwhile is fresh, but not claimed.
func (d *DB) FindForm(ctx context.Context, caller, key string) (FormClaim, error) {
	var c FormClaim
	err := d.row(ctx, "SELECT state = 'done', answer_sealed FROM idempotency WHERE caller = $1 AND key = $2 AND expires_at > $3",
		caller, key, d.Now().UnixMilli()).Scan(&c.Done, &c.AnswerSealed)
	if errors.Is(err, sql.ErrNoRows) {
		return FormClaim{Fresh: true}, nil
	}
	return c, err
}

// EndForm keeps the sealed answer of an act that was carried out.
func (d *DB) EndForm(ctx context.Context, caller, key string, answerSealed []byte) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE idempotency SET state = 'done', answer_sealed = $1 WHERE caller = $2 AND key = $3", answerSealed, caller, key)
		return err
	})
}

// ReleaseForm forgets a key whose act changed nothing, so that the corrected form
// can be sent again.
func (d *DB) ReleaseForm(ctx context.Context, caller, key string) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("DELETE FROM idempotency WHERE caller = $1 AND key = $2 AND state = 'running'", caller, key)
		return err
	})
}

// CallClaim is what became of the key of a call that creates something.
type CallClaim struct {
	Fresh        bool      // nobody sent this key before: carry the call out, then EndCall or ReleaseForm
	Same         bool      // the key came with this very call
	Done         bool      // it was carried out
	Since        time.Time // when it was first sent
	Status       int       // of the answer
	AnswerSealed []byte    // what EndCall kept
}

// ClaimCall takes a call's key for its caller, so that a call that is sent twice
// is carried out once. hash is of everything that makes two calls the same.
func (d *DB) ClaimCall(ctx context.Context, caller, key string, hash []byte) (CallClaim, error) {
	var c CallClaim
	err := d.change(ctx, func(t *Tx) error {
		c = CallClaim{}
		if _, err := t.exec("DELETE FROM idempotency WHERE expires_at <= $1", t.now()); err != nil {
			return err
		}
		n, err := t.exec(`INSERT INTO idempotency (caller, key, request_hash, state, expires_at) VALUES ($1, $2, $3, 'running', $4)
			ON CONFLICT (caller, key) DO NOTHING`, caller, key, hash, t.now()+FormLife.Milliseconds())
		if err != nil || n == 1 {
			c.Fresh = n == 1
			return err
		}
		var until moment
		err = t.row("SELECT request_hash = $1, state = 'done', status, answer_sealed, expires_at FROM idempotency WHERE caller = $2 AND key = $3",
			hash, caller, key).Scan(&c.Same, &c.Done, &c.Status, &c.AnswerSealed, &until)
		c.Since = until.Add(-FormLife)
		return err
	})
	return c, err
}

// EndCall keeps the sealed answer of a call that was carried out, and its status.
func (d *DB) EndCall(ctx context.Context, caller, key string, status int, answerSealed []byte) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE idempotency SET state = 'done', status = $1, answer_sealed = $2 WHERE caller = $3 AND key = $4",
			status, answerSealed, caller, key)
		return err
	})
}
