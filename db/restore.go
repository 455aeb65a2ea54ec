package db

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/access"
)

// Reapplied is what was ended after a backup was made, and was ended again in what
// was restored from it.
type Reapplied struct {
	Tokens, Shares, Customers, Users int64
	Secrets                          int64 // keys that a rotation or a deletion had ended
}

// ended is something that may not come back with a backup.
type ended struct {
	workspaceID                 int64
	publicID                    string
	revoked, deleted, suspended bool
}

// endedKinds say how each kind is found ended, and is ended again. A fact that
// finds nothing to end was told of something made after the backup.
var endedKinds = []struct {
	text string
	end  func(*DB, context.Context, access.Actor, ended) error
	to   func(*Reapplied) *int64
}{
	{
		"SELECT workspace_id, public_id, revoked_at IS NOT NULL, deleted_at IS NOT NULL, enabled = 0 FROM api_tokens WHERE revoked_at IS NOT NULL OR deleted_at IS NOT NULL OR enabled = 0",
		endToken, func(r *Reapplied) *int64 { return &r.Tokens },
	},
	{
		"SELECT workspace_id, public_id, revoked_at IS NOT NULL, deleted_at IS NOT NULL, paused_at IS NOT NULL FROM shares WHERE revoked_at IS NOT NULL OR deleted_at IS NOT NULL OR paused_at IS NOT NULL",
		endShare, func(r *Reapplied) *int64 { return &r.Shares },
	},
	{
		"SELECT workspace_id, public_id, 0, deleted_at IS NOT NULL, enabled = 0 FROM customers WHERE deleted_at IS NOT NULL OR enabled = 0",
		endCustomer, func(r *Reapplied) *int64 { return &r.Customers },
	},
	{
		"SELECT 0, public_id, 0, deleted_at IS NOT NULL, enabled = 0 FROM users WHERE deleted_at IS NOT NULL OR enabled = 0",
		endUser, func(r *Reapplied) *int64 { return &r.Users },
	},
}

func endToken(d *DB, ctx context.Context, by access.Actor, e ended) (err error) {
	old, err := d.Token(ctx, e.workspaceID, e.publicID)
	switch {
	case err != nil:
	case e.deleted:
		_, err = d.DeleteToken(ctx, by, e.workspaceID, e.publicID)
	case e.revoked && old.RevokedAt.IsZero():
		_, err = d.RevokeToken(ctx, by, e.workspaceID, e.publicID)
	case e.suspended && old.Enabled:
		_, err = d.SetTokenEnabled(ctx, by, e.workspaceID, e.publicID, false)
	default:
		err = errAsItWas
	}
	return err
}

func endShare(d *DB, ctx context.Context, by access.Actor, e ended) (err error) {
	old, err := d.Share(ctx, e.workspaceID, e.publicID)
	switch {
	case err != nil:
	case e.deleted:
		_, err = d.DeleteShare(ctx, by, e.workspaceID, e.publicID)
	case e.revoked && old.RevokedAt.IsZero():
		_, err = d.RevokeShare(ctx, by, e.workspaceID, e.publicID, time.Second)
	case e.suspended && old.PausedAt.IsZero():
		_, err = d.PauseShare(ctx, by, e.workspaceID, e.publicID)
	default:
		err = errAsItWas
	}
	return err
}

func endCustomer(d *DB, ctx context.Context, by access.Actor, e ended) (err error) {
	old, err := d.Customer(ctx, e.workspaceID, e.publicID)
	switch {
	case err != nil:
	case e.deleted:
		_, err = d.DeleteCustomer(ctx, by, e.workspaceID, e.publicID)
	case e.suspended && old.Enabled:
		_, err = d.SetCustomerEnabled(ctx, by, e.workspaceID, e.publicID, false)
	default:
		err = errAsItWas
	}
	return err
}

func endUser(d *DB, ctx context.Context, by access.Actor, e ended) (err error) {
	old, err := d.User(ctx, e.publicID)
	switch {
	case err != nil:
	case e.deleted:
		err = d.DeleteUser(ctx, by, e.publicID)
	case e.suspended && old.Enabled:
		_, err = d.SetUserEnabled(ctx, by, e.publicID, false)
	default:
		err = errAsItWas
	}
	return err
}

// errAsItWas says that there was nothing to end.
var errAsItWas = errors.New("db: as it was")

// Succeeds reports whether this file is a later state of what m was made of: then
// what it ended must stay ended.
func (i *Inspection) Succeeds(ctx context.Context, m Manifest) (bool, error) {
	var later bool
	err := i.d.row(ctx, "SELECT EXISTS (SELECT 1 FROM audit WHERE seq = $1 AND lower(hex(hash)) = $2)", m.AuditHead.Seq, m.AuditHead.Hash).Scan(&later)
	return later, err
}

// Restored finishes what a backup brought back, before it takes its place: every
// sign-in ends, calls that were under way are settled, and what the replaced file
// had ended since is ended again. replaced is nil where there is none, or none
// that the backup was made of.
func (d *DB) Restored(ctx context.Context, by access.Actor, m Manifest, replaced *Inspection) (Reapplied, error) {
	var r Reapplied
	if _, err := d.Ledger.Sweep(ctx); err != nil {
		return r, err
	}
	if err := d.change(ctx, func(t *Tx) error {
		for _, text := range []string{"DELETE FROM sessions", "DELETE FROM login_tokens", "DELETE FROM reset_codes", "DELETE FROM idempotency"} {
			if _, err := t.exec(text); err != nil {
				return err
			}
		}
		return t.tell(by, event{0, "instance.restore", object("backup", m.SHA256, m.File), map[string]any{"made": m.CreatedAt, "audit_seq": m.AuditHead.Seq}})
	}); err != nil || replaced == nil {
		return r, err
	}
	for _, kind := range endedKinds {
		var all []ended
		err := replaced.d.rows(ctx, list(&all, func(s scanner) (e ended, err error) {
			return e, s.Scan(&e.workspaceID, &e.publicID, &e.revoked, &e.deleted, &e.suspended)
		}), kind.text)
		if err != nil {
			return r, err
		}
		for _, e := range all {
			switch err := kind.end(d, ctx, by, e); {
			case err == nil:
				*kind.to(&r)++
			case !errors.Is(err, errAsItWas) && access.KindOf(err) == 0:
				return r, err
			}
		}
	}
	return r, d.dropUnknownSecrets(ctx, replaced, &r)
}

// dropUnknownSecrets frees the texts that the replaced file did not know any more.
func (d *DB) dropUnknownSecrets(ctx context.Context, replaced *Inspection, r *Reapplied) error {
	known := map[string]bool{}
	hashes := func(keep func(string)) func(scanner) error {
		return func(s scanner) error {
			var hash []byte
			err := s.Scan(&hash)
			keep(string(hash))
			return err
		}
	}
	if err := replaced.d.rows(ctx, hashes(func(h string) { known[h] = true }), "SELECT hash FROM secrets"); err != nil {
		return err
	}
	var gone []string
	err := d.rows(ctx, hashes(func(h string) {
		if !known[h] {
			gone = append(gone, h)
		}
	}), "SELECT hash FROM secrets")
	if err != nil || len(gone) == 0 {
		return err
	}
	return d.change(ctx, func(t *Tx) error {
		t.after(d.caches.secrets.dropAll)
		r.Secrets = int64(len(gone))
		for _, hash := range gone {
			if _, err := t.exec("DELETE FROM secrets WHERE hash = $1", []byte(hash)); err != nil {
				return err
			}
		}
		return nil
	})
}
