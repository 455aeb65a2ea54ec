package db

import (
	"context"
	"crypto/hmac"
	"sync"
	"time"
)

// ChainState is what is known of the audit chain.
type ChainState struct {
	Rows   int64     // that hold, from the first on
	Last   int64     // sequence number of the newest row there is
	Broken int64     // the first row that does not hold, 0 for none
	At     time.Time // when the last of them was looked at
}

// Whole reports whether every row was looked at and holds.
func (s ChainState) Whole() bool { return s.Broken == 0 && s.Rows == s.Last }

// chain remembers how far this process has followed the audit chain.
type chain struct {
	mu    sync.Mutex
	state ChainState
	hash  []byte // of the last row that holds
}

// FollowAudit goes on from where the chain was followed to last, by at most that
// many rows, and says how it stands. What was followed before is not looked at
// again; from the start, it is: then the whole chain is walked.
func (d *DB) FollowAudit(ctx context.Context, most int64, fromStart bool) (ChainState, error) {
	d.chain.mu.Lock()
	defer d.chain.mu.Unlock()
	state, prev := d.chain.state, d.chain.hash
	if fromStart {
		state, prev, most = ChainState{}, nil, 1<<62
	}
	if prev == nil {
		prev = []byte{}
	}
	if err := d.row(ctx, "SELECT COALESCE(MAX(seq), 0) FROM audit").Scan(&state.Last); err != nil || state.Broken != 0 {
		return state, err
	}
	take := func(s scanner) error {
		r, err := scanAudit(s)
		if err != nil || state.Broken != 0 {
			return err
		}
		if !d.holds(r, state.Rows, prev) {
			state.Broken = r.Seq
			return nil
		}
		state.Rows, prev = r.Seq, r.Hash
		return nil
	}
	err := d.rows(ctx, take, "SELECT "+auditColumns+" FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", state.Rows, most)
	if err != nil {
		return state, err
	}
	state.Last, state.At = max(state.Last, state.Rows), d.Now()
	d.chain.state, d.chain.hash = state, prev
	return state, nil
}

// holds reports whether a row follows the row before it in the chain, and is
// signed by the key that it names, where that one is at hand.
func (d *DB) holds(r AuditRow, before int64, prev []byte) bool {
	if r.Seq != before+1 || !hmac.Equal(r.Prev, prev) {
		return false
	}
	text := r.canonical(r.At.UnixMilli())
	if r.KeyNumber == d.audit.number {
		return hmac.Equal(r.Hash, d.audit.mac(text))
	}
	if d.audit.older == nil {
		return true
	}
	ok, known := d.audit.older(int(r.KeyNumber), text, r.Hash)
	return ok || !known
}
