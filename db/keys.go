package db

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"time"
)

// KeyRow is what the database knows of a master key: its number and a value that
// tells the right key from every other. The key itself is never here.
type KeyRow struct {
	Number     int
	CheckValue string
	CreatedAt  time.Time
	RetiredAt  time.Time
}

const keyColumns = "number, check_value, created_at, retired_at"

func scanKey(s scanner) (KeyRow, error) {
	var k KeyRow
	var created, retired moment
	err := s.Scan(&k.Number, &k.CheckValue, &created, &retired)
	k.CreatedAt, k.RetiredAt = created.Time, retired.Time
	return k, err
}

// Keys lists the master keys by number.
func (d *DB) Keys(ctx context.Context) ([]KeyRow, error) {
	var out []KeyRow
	err := d.rows(ctx, list(&out, scanKey), "SELECT "+keyColumns+" FROM keys ORDER BY number")
	return out, err
}

// KeepKey remembers a key's check value. A number that is known already keeps
// the value that it has.
func (d *DB) KeepKey(ctx context.Context, number int, check string) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("INSERT INTO keys (number, check_value, created_at) VALUES ($1, $2, $3) ON CONFLICT (number) DO NOTHING",
			number, check, t.now())
		return err
	})
}

// anySealed asks every column that holds ciphertexts, and whether a key is known.
const anySealed = `SELECT EXISTS (SELECT 1 FROM keys)
	OR EXISTS (SELECT 1 FROM providers WHERE key_sealed IS NOT NULL)
	OR EXISTS (SELECT 1 FROM api_tokens WHERE sealed IS NOT NULL OR beta_sealed IS NOT NULL)
	OR EXISTS (SELECT 1 FROM shares)
	OR EXISTS (SELECT 1 FROM bots WHERE identity_key_sealed IS NOT NULL)
	OR EXISTS (SELECT 1 FROM users WHERE totp_sealed IS NOT NULL)
	OR EXISTS (SELECT 1 FROM handovers WHERE sealed IS NOT NULL)
	OR EXISTS (SELECT 1 FROM webhooks)
	OR EXISTS (SELECT 1 FROM jobs WHERE result_sealed IS NOT NULL)
	OR EXISTS (SELECT 1 FROM idempotency WHERE answer_sealed IS NOT NULL)`

// AnySealed reports whether the database holds anything that a master key
// sealed, or knows a key number.
func (d *DB) AnySealed(ctx context.Context) (sealed bool, err error) {
	err = d.row(ctx, anySealed).Scan(&sealed)
	return sealed, err
}

// Peeked is what can be known of a database without changing it.
type Peeked struct {
	Keys   []KeyRow
	Sealed bool
}

// Peek reads the key numbers of a database file without opening it for writing,
// so that a wrong master key is found before a migration or anything else
// touches the file. A file that does not exist, or that has no tables yet, holds
// nothing.
func Peek(ctx context.Context, path string) (Peeked, error) {
	var p Peeked
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	pool := sql.OpenDB(open(path, url.Values{"mode": {"rw"}, "_query_only": {"1"}}))
	defer pool.Close()
	var tables int
	err := pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('keys', 'idempotency')").Scan(&tables)
	if err != nil || tables < 2 {
		return p, plainOpenError(err, path)
	}
	if err := pool.QueryRowContext(ctx, anySealed).Scan(&p.Sealed); err != nil {
		return p, plainOpenError(err, path)
	}
	rows, err := pool.QueryContext(ctx, "SELECT "+keyColumns+" FROM keys ORDER BY number")
	if err != nil {
		return p, plainOpenError(err, path)
	}
	defer rows.Close()
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return p, err
		}
		p.Keys = append(p.Keys, k)
	}
	return p, rows.Err()
}
