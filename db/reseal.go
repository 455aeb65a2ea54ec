package db

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"latchkey/internal/access"
)

// SealedValue is a ciphertext and the place it stands in.
type SealedValue struct {
	Table, Row, Column string
	Sealed             []byte
}

// sealedColumn is a column that holds ciphertexts. key is what names a row in its
// place, and in the order of which rows are walked.
type sealedColumn struct{ table, key, column string }

var sealedColumns = []sealedColumn{
	{"providers", "public_id", "key_sealed"},
	{"api_tokens", "public_id", "sealed"},
	{"api_tokens", "public_id", "beta_sealed"},
	{"shares", "public_id", "sealed"},
	{"bots", "public_id", "identity_key_sealed"},
	{"users", "public_id", "totp_sealed"},
	{"handovers", "public_id", "sealed"},
	{"webhooks", "public_id", "secret_sealed"},
	{"jobs", "public_id", "result_sealed"},
	{"idempotency", "caller || ' ' || key", "answer_sealed"},
}

// sealedSettings are settings whose value is a ciphertext in base64.
var sealedSettings = []string{"password_key"}

// resealBatch is how many values one fact seals anew.
const resealBatch = 200

// sealedRows reads the values of a column after a row, by the order of rows. With
// a key number it leaves out what is sealed under that key.
func (c sealedColumn) query(other bool) string {
	text := "SELECT " + c.key + ", " + c.column + " FROM " + c.table + " WHERE " + c.column + " IS NOT NULL AND " + c.key + " > $1"
	if other {
		text += " AND substr(" + c.column + ", 2, 4) <> $2 ORDER BY 1 LIMIT " + strconv.Itoa(resealBatch)
	} else {
		text += " ORDER BY 1 LIMIT " + strconv.Itoa(resealBatch)
	}
	return text
}

func (c sealedColumn) values(out *[]SealedValue) func(scanner) error {
	return list(out, func(s scanner) (SealedValue, error) {
		v := SealedValue{Table: c.table, Column: c.column}
		return v, s.Scan(&v.Row, &v.Sealed)
	})
}

// EachSealed hands over every ciphertext that the database holds.
func (d *DB) EachSealed(ctx context.Context, take func(SealedValue) error) error {
	for _, c := range sealedColumns {
		for after := ""; ; {
			var batch []SealedValue
			if err := d.rows(ctx, c.values(&batch), c.query(false), after); err != nil {
				return err
			}
			for _, v := range batch {
				if err := take(v); err != nil {
					return err
				}
				after = v.Row
			}
			if len(batch) < resealBatch {
				break
			}
		}
	}
	for _, key := range sealedSettings {
		v, err := d.sealedSetting(ctx, key)
		if err == nil && v.Sealed != nil {
			err = take(v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) sealedSetting(ctx context.Context, key string) (SealedValue, error) {
	v := SealedValue{Table: "settings", Row: key, Column: "value"}
	text, err := d.FindSetting(ctx, key)
	if err == nil && text != "" {
		v.Sealed, err = base64.StdEncoding.DecodeString(text)
	}
	return v, err
}

// Reseal replaces every ciphertext that another key than number sealed by what
// again makes of it, in small facts: one that is cut off goes on where it stopped.
// It returns how many were replaced. No server may be at work on the file.
func (d *DB) Reseal(ctx context.Context, number int, again func(SealedValue) ([]byte, error)) (int64, error) {
	var n int64
	mark := binary.BigEndian.AppendUint32(nil, uint32(number))
	for _, c := range sealedColumns {
		for after, full := "", true; full; {
			var batch []SealedValue
			err := d.change(ctx, func(t *Tx) error {
				batch = nil
				if err := t.rows(c.values(&batch), c.query(true), after, mark); err != nil {
					return err
				}
				return t.reseal(c, batch, again)
			})
			if err != nil {
				return n, err
			}
			n += int64(len(batch))
			if full = len(batch) == resealBatch; full {
				after = batch[len(batch)-1].Row
			}
		}
	}
	more, err := d.resealSettings(ctx, number, again)
	return n + more, err
}

func (t *Tx) reseal(c sealedColumn, batch []SealedValue, again func(SealedValue) ([]byte, error)) error {
	t.after(func() {
		t.d.caches.tokens.dropAll()
		t.d.caches.shares.dropAll()
		t.d.caches.bots.dropAll()
		t.d.caches.providers.dropAll()
	})
	for _, v := range batch {
		sealed, err := again(v)
		if err != nil {
			return err
		}
		if _, err := t.exec("UPDATE "+c.table+" SET "+c.column+" = $1 WHERE "+c.key+" = $2", sealed, v.Row); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) resealSettings(ctx context.Context, number int, again func(SealedValue) ([]byte, error)) (n int64, err error) {
	for _, key := range sealedSettings {
		v, err := d.sealedSetting(ctx, key)
		if err != nil || v.Sealed == nil || len(v.Sealed) > 5 && binary.BigEndian.Uint32(v.Sealed[1:5]) == uint32(number) {
			if err != nil {
				return n, err
			}
			continue
		}
		sealed, err := again(v)
		if err != nil {
			return n, err
		}
		err = d.change(ctx, func(t *Tx) error {
			t.after(func() { d.caches.settings.drop(key) })
			_, err := t.exec("UPDATE settings SET value = $1, version = version + 1 WHERE key = $2", base64.StdEncoding.EncodeToString(sealed), key)
			return err
		})
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// RetireKeys remembers that nothing is sealed any more under keys older than
// number, and tells that the key was changed.
func (d *DB) RetireKeys(ctx context.Context, by access.Actor, number int) error {
	return d.change(ctx, func(t *Tx) error {
		n, err := t.exec("UPDATE keys SET retired_at = $1 WHERE number < $2 AND retired_at IS NULL", t.now(), number)
		if err != nil || n == 0 {
			return err
		}
		return t.tell(by, event{0, "instance.rotate-key", object("key", strconv.Itoa(number), "master key"), map[string]any{"number": number}})
	})
}
