package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"latchkey/internal/access"
)

// SecretKind says which door a secret opens.
type SecretKind string

const (
	TokenSecret    SecretKind = "token"
	BetaSecret     SecretKind = "beta"
	ShareSecret    SecretKind = "share"
	HandoverSecret SecretKind = "handover"
)

// Secret is what the hash of a presented text leads to.
type Secret struct {
	Kind       SecretKind
	SubjectID  int64
	ValidUntil time.Time // zero: as long as its subject
}

// FindSecret looks a presented text up by its hash, whatever kind it is.
func (d *DB) FindSecret(ctx context.Context, hash [32]byte) (Secret, error) {
	return d.caches.secrets.get(hash, func() (s Secret, err error) {
		held, made := d.unknown.holds(hash, d.Now())
		if held {
			return s, notFound("secret")
		}
		var until moment
		err = d.row(ctx, "SELECT kind, subject_id, valid_until FROM secrets WHERE hash = $1", hash[:]).Scan(&s.Kind, &s.SubjectID, &until)
		s.ValidUntil = until.Time
		if errors.Is(err, sql.ErrNoRows) {
			d.unknown.keep(hash, d.Now(), made)
		}
		return s, orNotFound(err, "secret")
	})
}

// keepSecret makes a text findable. A text that is taken already is refused.
func (t *Tx) keepSecret(hash [32]byte, kind SecretKind, subjectID int64) error {
	_, err := t.exec("INSERT INTO secrets (hash, kind, subject_id) VALUES ($1, $2, $3)", hash[:], kind, subjectID)
	if _, taken := isTaken(err); taken {
		return access.Fail(access.Conflict, "secret_taken", "This secret is in use already. Choose another text.").At("secret")
	}
	t.after(func() { t.d.caches.secrets.drop(hash); t.d.unknown.drop(hash) })
	return err
}

// dropSecrets frees the texts of a subject: they are unknown from now on.
func (t *Tx) dropSecrets(subjectID int64, kinds ...SecretKind) error {
	for _, kind := range kinds {
		if _, err := t.exec("DELETE FROM secrets WHERE kind = $1 AND subject_id = $2", kind, subjectID); err != nil {
			return err
		}
	}
	t.after(t.d.caches.secrets.dropAll)
	return nil
}

// retireSecrets lets the present texts of a token live on until a moment, when a
// rotation has made a new one; zero ends them at once.
func (t *Tx) retireSecrets(tokenID int64, until time.Time) error {
	t.after(t.d.caches.secrets.dropAll)
	if until.IsZero() {
		return t.dropSecrets(tokenID, TokenSecret)
	}
	_, err := t.exec(`UPDATE secrets SET valid_until = $1, uses = 0 WHERE kind = 'token' AND subject_id = $2 AND valid_until IS NULL`,
		ms(until), tokenID)
	return err
}

// CountUses adds calls to secrets that were replaced and live on.
func (d *DB) CountUses(ctx context.Context, uses map[[32]byte]int64) error {
	return d.change(ctx, func(t *Tx) error {
		for hash, n := range uses {
			if _, err := t.exec("UPDATE secrets SET uses = uses + $1 WHERE hash = $2 AND valid_until IS NOT NULL", n, hash[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// OldSecret is a text of a token that was replaced and lives on.
type OldSecret struct {
	Until time.Time
	Uses  int64 // calls since it was replaced
}

// OldSecrets lists the texts of a workspace's token that were replaced and still
// work, the one that ends first first.
func (d *DB) OldSecrets(ctx context.Context, workspaceID, tokenID int64) ([]OldSecret, error) {
	var out []OldSecret
	err := d.rows(ctx, list(&out, func(s scanner) (o OldSecret, err error) {
		var until moment
		err = s.Scan(&until, &o.Uses)
		o.Until = until.Time
		return o, err
	}), `SELECT e.valid_until, e.uses FROM secrets e JOIN api_tokens k ON k.id = e.subject_id AND k.workspace_id = $1
		WHERE e.kind = 'token' AND e.subject_id = $2 AND e.valid_until > $3 ORDER BY e.valid_until`, workspaceID, tokenID, d.Now().UnixMilli())
	return out, err
}
