package db

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"latchkey/internal/access"
)

// auditKey signs the chain. It is set once, after the key file was read and
// before the first audited change.
type auditKey struct {
	number int64
	mac    func([]byte) []byte
	older  func(number int, row, sum []byte) (ok, known bool) // nil: rows of older keys are verified by their order alone
}

// UseAuditKey hands over the key that signs audit rows, and its number.
func (d *DB) UseAuditKey(number int64, mac func([]byte) []byte) {
	d.audit = auditKey{number: number, mac: mac, older: d.audit.older}
}

// UseOlderAuditKeys hands over what verifies rows that keys before the present one
// signed.
func (d *DB) UseOlderAuditKeys(verify func(number int, row, sum []byte) (ok, known bool)) {
	d.audit.older = verify
}

// AuditRow is one line of the audit log.
type AuditRow struct {
	Seq         int64
	At          moment
	WorkspaceID int64
	Actor       string // kind:public id name
	Door        string
	Address     string
	Action      string // noun.verb: token.revoke
	Object      string // noun:public id name
	Result      string
	Detail      string // JSON; {"before":{…},"after":{…}} for edits
	KeyNumber   int64
	Prev        []byte
	Hash        []byte
}

// event is what a fact says of itself for the audit log.
type event struct {
	workspaceID int64
	action      string // noun.verb
	object      string // noun:public id name
	detail      any    // never a secret
}

// changed builds the detail of an edit.
func changed(before, after map[string]any) any {
	for key, old := range before {
		if fmt.Sprint(old) == fmt.Sprint(after[key]) {
			delete(before, key)
			delete(after, key)
		}
	}
	return map[string]any{"before": before, "after": after}
}

func object(noun, publicID, name string) string { return noun + ":" + publicID + " " + name }

func actorText(a access.Actor) string {
	kind := [...]string{"nobody", "user", "customer", "token", "master", "shell", "upkeep", "visitor"}[a.Kind]
	return kind + ":" + a.PublicID + " " + a.Name
}

// tell writes the audit row of the change it stands in. The chain has no gaps:
// the loop is the only writer and the row is undone with the change.
func (t *Tx) tell(by access.Actor, e event) error {
	if t.d.audit.mac == nil {
		return errors.New("db: no audit key was set")
	}
	var last int64
	var prev []byte
	err := t.row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").Scan(&last, &prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if prev == nil {
		prev = []byte{}
	}
	detail := []byte("{}")
	if e.detail != nil {
		if detail, err = json.Marshal(e.detail); err != nil {
			return err
		}
	}
	r := AuditRow{
		Seq: last + 1, WorkspaceID: e.workspaceID, Actor: actorText(by), Door: string(by.Door), Address: by.Address,
		Action: e.action, Object: e.object, Result: "done", Detail: string(detail), KeyNumber: t.d.audit.number, Prev: prev,
	}
	at := t.now()
	r.Hash = t.d.audit.mac(r.canonical(at))
	_, err = t.exec(`INSERT INTO audit (seq, at, workspace_id, actor, door, address, action, object, result, detail, key_number, prev, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		r.Seq, at, r.WorkspaceID, r.Actor, r.Door, r.Address, r.Action, r.Object, r.Result, r.Detail, r.KeyNumber, r.Prev, r.Hash)
	return err
}

// canonical is the length-prefixed spelling of a row that its hash covers.
func (r AuditRow) canonical(at int64) []byte {
	var b []byte
	for _, n := range []int64{r.Seq, at, r.WorkspaceID, r.KeyNumber} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, s := range []string{r.Actor, r.Door, r.Address, r.Action, r.Object, r.Result, r.Detail, string(r.Prev)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}

const auditColumns = "seq, at, workspace_id, actor, door, address, action, object, result, detail, key_number, prev, hash"

func scanAudit(s scanner) (AuditRow, error) {
	var r AuditRow
	err := s.Scan(&r.Seq, &r.At, &r.WorkspaceID, &r.Actor, &r.Door, &r.Address, &r.Action, &r.Object, &r.Result,
		&r.Detail, &r.KeyNumber, &r.Prev, &r.Hash)
	return r, err
}

// Audit lists a workspace's audit rows, newest first, before the row seq
// (0: from the newest).
func (d *DB) Audit(ctx context.Context, workspaceID, before int64, limit int) ([]AuditRow, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	var out []AuditRow
	err := d.rows(ctx, list(&out, scanAudit),
		"SELECT "+auditColumns+" FROM audit WHERE workspace_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
		workspaceID, before, limit)
	return out, err
}

// AuditPage lists a workspace's audit rows whose actor, action or object holds
// the query, newest first. Page.Before is a sequence number.
func (d *DB) AuditPage(ctx context.Context, workspaceID int64, p Page) ([]AuditRow, error) {
	q := auditQuery(workspaceID, p)
	tail := q.page("a.seq", nil, p)
	var out []AuditRow
	err := d.rows(ctx, list(&out, scanAudit), q.text(auditColumns, tail), q.args...)
	return out, err
}

// AuditEntry returns one row of a workspace's audit log.
func (d *DB) AuditEntry(ctx context.Context, workspaceID, seq int64) (AuditRow, error) {
	r, err := scanAudit(d.row(ctx, "SELECT "+auditColumns+" FROM audit WHERE workspace_id = $1 AND seq = $2", workspaceID, seq))
	return r, orNotFound(err, "entry")
}

// CountAudit counts what AuditPage would list over all pages, up to CountMax + 1.
func (d *DB) CountAudit(ctx context.Context, workspaceID int64, p Page) (int64, error) {
	return d.countUpTo(ctx, auditQuery(workspaceID, p), "a.seq")
}

func auditQuery(workspaceID int64, p Page) query {
	q := query{from: " FROM audit a"}
	q.and("a.workspace_id = ?", workspaceID)
	if p.Query != "" {
		held := "%" + likeText(p.Query) + "%"
		q.and(`(a.actor LIKE ? ESCAPE '\' OR a.action LIKE ? ESCAPE '\' OR a.object LIKE ? ESCAPE '\')`, held, held, held)
	}
	return q
}

// VerifyAudit walks the whole chain and returns the number of rows that hold and
// the first sequence number that does not, 0 when all do.
func (d *DB) VerifyAudit(ctx context.Context) (rows, broken int64, err error) {
	prev := []byte{}
	take := func(s scanner) error {
		r, err := scanAudit(s)
		if err != nil {
			return err
		}
		if broken != 0 {
			return nil
		}
		if !d.holds(r, rows, prev) {
			broken = r.Seq
			return nil
		}
		rows++
		prev = r.Hash
		return nil
	}
	err = d.rows(ctx, take, "SELECT "+auditColumns+" FROM audit ORDER BY seq")
	return rows, broken, err
}
