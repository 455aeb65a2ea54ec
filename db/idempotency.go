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
