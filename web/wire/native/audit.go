package native

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
)

// auditView is one line of the audit log. seq is its place in the instance's
// chain, hash covers it and the line before.
type auditView struct {
	Seq     int64           `json:"seq"`
	At      *string         `json:"at"`
	Actor   string          `json:"actor"`
	Door    string          `json:"door"`
	Address string          `json:"address"`
	Action  string          `json:"action"`
	Object  string          `json:"object"`
	Result  string          `json:"result"`
	Detail  json.RawMessage `json:"detail"`
	Hash    string          `json:"hash"`
}

func spellAudit(r db.AuditRow) auditView {
	return auditView{
		Seq: r.Seq, At: at(r.At.Time), Actor: r.Actor, Door: r.Door, Address: r.Address, Action: r.Action, Object: r.Object,
		Result: r.Result, Detail: object(r.Detail), Hash: hex.EncodeToString(r.Hash),
	}
}

// Audit serves GET audit: what was done in the workspace, newest first.
func (d *Door) Audit(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, nil)
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context, p db.Page) ([]db.AuditRow, int64, error) { return d.Control.Audit(ctx, by, p) }
	return rows(d, c, l, fetch, func(r db.AuditRow) int64 { return r.Seq }, func(r db.AuditRow) any { return spellAudit(r) })
}
