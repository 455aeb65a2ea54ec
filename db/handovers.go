package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// Handover is an API token's key on its way to whoever will hold it: a link that
// shows it once. What is sealed is gone when it was opened or has run out.
type Handover struct {
	ID          int64
	PublicID    string
	WorkspaceID int64
	TokenID     int64
	Sealed      []byte
	CreatedBy   int64
	CreatedAt   time.Time
	OpenedAt    time.Time
	ExpiresAt   time.Time
	Maker       string // how whoever made it is shown
}

const handoverText = `SELECT h.id, h.public_id, h.workspace_id, h.token_id, h.sealed, h.created_by, h.created_at, h.opened_at, h.expires_at,
	COALESCE(CASE WHEN u.nickname <> '' THEN u.nickname ELSE u.username END, '') FROM handovers h LEFT JOIN users u ON u.id = h.created_by`

func scanHandover(s scanner) (Handover, error) {
	var h Handover
	var created, opened, expires moment
	err := s.Scan(&h.ID, &h.PublicID, &h.WorkspaceID, &h.TokenID, &h.Sealed, &h.CreatedBy, &created, &opened, &expires, &h.Maker)
	h.CreatedAt, h.OpenedAt, h.ExpiresAt = created.Time, opened.Time, expires.Time
	return h, err
}

// Usable says whether the link still shows something, and else why not.
func (h Handover) Usable(now time.Time) error {
	switch {
	case !h.OpenedAt.IsZero():
		return access.Fail(access.Revoked, "handover_opened", "This was opened already, and is shown once. If it was not you, tell whoever sent it: the key can be replaced.")
	case !h.ExpiresAt.After(now) || h.Sealed == nil:
		return access.Fail(access.Expired, "handover_expired", "This link has run out. Ask whoever sent it for a new one.")
	}
	return nil
}

// MakeHandover keeps a sealed key under the hash of its link's text.
func (d *DB) MakeHandover(ctx context.Context, by access.Actor, h Handover, tokenName string, hash [32]byte) (Handover, error) {
	err := d.change(ctx, func(t *Tx) (err error) {
		h.CreatedAt = time.UnixMilli(t.now()).UTC()
		h.ID, err = t.insert(`INSERT INTO handovers (public_id, workspace_id, token_id, sealed, created_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, h.PublicID, h.WorkspaceID, h.TokenID, h.Sealed, h.CreatedBy, t.now(), ms(h.ExpiresAt))
		if err != nil {
			return err
		}
		if err := t.keepSecret(hash, HandoverSecret, h.ID); err != nil {
			return err
		}
		return t.tell(by, event{h.WorkspaceID, "token.hand-over", object("handover", h.PublicID, tokenName), map[string]any{"expires_at": h.ExpiresAt.UTC().Format(time.RFC3339)}})
	})
	return h, err
}

// Handovers lists the newest hand-overs of a token.
func (d *DB) Handovers(ctx context.Context, workspaceID, tokenID int64) ([]Handover, error) {
	var out []Handover
	err := d.rows(ctx, list(&out, scanHandover), handoverText+" WHERE h.workspace_id = $1 AND h.token_id = $2 ORDER BY h.id DESC LIMIT 20", workspaceID, tokenID)
	return out, err
}

// FindHandover returns what the hash of a link's text leads to, opened or not.
func (d *DB) FindHandover(ctx context.Context, hash [32]byte) (Handover, error) {
	s, err := d.FindSecret(ctx, hash)
	if access.KindOf(err) == access.NotFound || err == nil && s.Kind != HandoverSecret {
		return Handover{}, handoverUnknown()
	}
	if err != nil {
		return Handover{}, err
	}
	h, err := scanHandover(d.row(ctx, handoverText+" WHERE h.id = $1", s.SubjectID))
	if isNone(err) {
		return h, handoverUnknown()
	}
	return h, err
}

func handoverUnknown() error {
	return access.Fail(access.NotFound, "handover_unknown", "There is nothing behind this link, or it was taken back. Ask whoever sent it for a new one.")
}

// OpenHandover uses a hand-over up and forgets what it held: one of two callers at
// the same moment does.
func (d *DB) OpenHandover(ctx context.Context, by access.Actor, id int64, tokenName string) error {
	return d.change(ctx, func(t *Tx) error {
		h, err := scanHandover(t.row(handoverText+" WHERE h.id = $1", id))
		if isNone(err) {
			return handoverUnknown()
		}
		if err == nil {
			err = h.Usable(t.at)
		}
		if err != nil {
			return err
		}
		if _, err := t.exec("UPDATE handovers SET opened_at = $1, sealed = NULL WHERE id = $2", t.now(), id); err != nil {
			return err
		}
		return t.tell(by, event{h.WorkspaceID, "token.take-over", object("handover", h.PublicID, tokenName), nil})
	})
}

// DeleteHandover takes a hand-over back.
func (d *DB) DeleteHandover(ctx context.Context, by access.Actor, workspaceID int64, publicID string) error {
	return d.change(ctx, func(t *Tx) error {
		var id int64
		err := t.row("DELETE FROM handovers WHERE workspace_id = $1 AND public_id = $2 RETURNING id", workspaceID, publicID).Scan(&id)
		if isNone(err) {
			return handoverUnknown()
		}
		if err != nil {
			return err
		}
		if err := t.dropSecrets(id, HandoverSecret); err != nil {
			return err
		}
		return t.tell(by, event{workspaceID, "token.take-back", object("handover", publicID, ""), nil})
	})
}
