package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

const loginColumns = "l.hash, l.kind, l.subject_id, l.door, l.created_at, l.seen_at, l.expires_at, l.address"

func scanLogin(s scanner) (access.LoginToken, error) {
	var l access.LoginToken
	var created, seen, expires moment
	err := s.Scan(&l.Hash, &l.Kind, &l.SubjectID, &l.Door, &created, &seen, &expires, &l.Address)
	l.CreatedAt, l.SeenAt, l.ExpiresAt = created.Time, seen.Time, expires.Time
	return l, err
}

func (t *Tx) insertLoginToken(l access.LoginToken) error {
	_, err := t.exec(`INSERT INTO login_tokens (hash, kind, subject_id, door, created_at, seen_at, expires_at, address)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		l.Hash, l.Kind, l.SubjectID, l.Door, ms(l.CreatedAt), ms(l.SeenAt), ms(l.ExpiresAt), l.Address)
	return err
}

// FindLoginToken returns a live login token. It is not cached: what ends an
// account ends here with the next request.
func (d *DB) FindLoginToken(ctx context.Context, hash [32]byte) (access.LoginToken, error) {
	l, err := scanLogin(d.row(ctx, "SELECT "+loginColumns+` FROM login_tokens l
		WHERE l.hash = $1 AND (l.expires_at IS NULL OR l.expires_at > $2)`, hash[:], d.Now().UnixMilli()))
	return l, orNotFound(err, "login token")
}

// TouchLoginToken remembers that a login token was used, at most once a minute.
func (d *DB) TouchLoginToken(ctx context.Context, hash []byte, address string) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE login_tokens SET seen_at = $1, address = $2 WHERE hash = $3 AND seen_at <= $4",
			t.now(), address, hash, d.Now().Add(-seenEvery).UnixMilli())
		return err
	})
}

// LoginTokens lists the live login tokens of an account, the last used first.
func (d *DB) LoginTokens(ctx context.Context, kind access.SubjectKind, subjectID int64) ([]access.LoginToken, error) {
	var out []access.LoginToken
	err := d.rows(ctx, list(&out, scanLogin), "SELECT "+loginColumns+` FROM login_tokens l
		WHERE l.kind = $1 AND l.subject_id = $2 AND (l.expires_at IS NULL OR l.expires_at > $3)
		ORDER BY l.seen_at DESC, l.hash`, kind, subjectID, d.Now().UnixMilli())
	return out, err
}

// EndLoginToken ends one login token of an account.
func (d *DB) EndLoginToken(ctx context.Context, by access.Actor, kind access.SubjectKind, subjectID int64, hash []byte) error {
	return d.change(ctx, func(t *Tx) error {
		n, err := t.exec("DELETE FROM login_tokens WHERE hash = $1 AND kind = $2 AND subject_id = $3", hash, kind, subjectID)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound("login token")
		}
		return t.tell(by, event{by.WorkspaceID, string(kind) + ".sign-out", object(string(kind), by.PublicID, by.Name), nil})
	})
}

// ReplaceAccessToken gives a user the one access token that New API knows of a
// user: without an end, and the old one is dead at once.
func (d *DB) ReplaceAccessToken(ctx context.Context, by access.Actor, userID int64, hash [32]byte) error {
	return d.change(ctx, func(t *Tx) error {
		if _, err := t.exec("DELETE FROM login_tokens WHERE kind = 'user' AND subject_id = $1 AND door = $2", userID, access.DoorNewAPIAccess); err != nil {
			return err
		}
		now := time.UnixMilli(t.now())
		if err := t.insertLoginToken(access.LoginToken{
			Hash: hash[:], Kind: access.SubjectUser, SubjectID: userID, Door: access.DoorNewAPIAccess,
			CreatedAt: now, SeenAt: now, Address: by.Address,
		}); err != nil {
			return err
		}
		return t.tell(by, event{by.WorkspaceID, "user.access-token", object("user", by.PublicID, by.Name), nil})
	})
}
