package db

// The invariants of the ledger while it is in use: of the purses that were touched
// since the last look, and of the holds that are open. Doctor looks at all of it.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/internal/access"
)

// Watch looks at the ledger again and again. It is for one goroutine.
type Watch struct {
	d     *DB
	since time.Time
	past  map[int64]pastSum // of workspaces, by purse
	odd   []int64           // to be looked at again
}

// pastSum is what a workspace used before a day: rows that change no more.
type pastSum struct {
	before string
	spent  spentSum
}

type spentSum struct{ units, messages int64 }

func (s spentSum) in(u access.Unit) int64 {
	if u == access.Messages {
		return s.messages
	}
	return s.units
}

// Watch begins to look at the ledger.
func (l *Ledger) Watch() *Watch {
	return &Watch{d: l.d, since: l.d.Now(), past: map[int64]pastSum{}}
}

// watchMost is how many purses one look takes; the others wait for the next.
const watchMost = 5000

// watchBatch is how many purses one statement looks at.
const watchBatch = 100

// takeTouched lists purses that were touched since they were listed last.
func (l *Ledger) takeTouched(most int) (ids []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, a := range l.known {
		if len(ids) == most {
			break
		}
		if a.touched {
			a.touched = false
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Check verifies I1 to I7 for what was touched since the last Check, and returns
// one line for each fault. A purse with a fault is looked at again each time.
func (w *Watch) Check(ctx context.Context) ([]string, error) {
	ids := append(w.odd, w.d.Ledger.takeTouched(watchMost)...)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	w.odd = ids // until they have been looked at
	now := w.d.Now()
	faults, err := w.checkHolds(ctx)
	if err != nil {
		return nil, err
	}
	var odd []int64
	for batch := range slices.Chunk(ids, watchBatch) {
		found, err := w.checkPurses(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			odd, faults = append(odd, f.purse), append(faults, f.text)
		}
	}
	w.odd, w.since = odd, now
	return faults, nil
}

// checkHolds verifies I6 for what is open, and I4 for what was settled of late.
func (w *Watch) checkHolds(ctx context.Context) (faults []string, err error) {
	lines := func(name string) func(scanner) error {
		return func(s scanner) error {
			var subject string
			var have, want int64
			err := s.Scan(&subject, &have, &want)
			faults = append(faults, ledgerFault(name, subject, have, want))
			return err
		}
	}
	for _, c := range ledgerChecks {
		if c.deadline {
			if err := w.d.rows(ctx, lines(c.name), c.text, w.d.Now().Add(-overdue).UnixMilli()); err != nil {
				return nil, err
			}
		}
	}
	err = w.d.rows(ctx, lines("I4"), `SELECT 'hold ' || h.request_id, r.units, h.actual FROM holds h JOIN requests r ON r.request_id = h.request_id
		WHERE h.ended_at IS NOT NULL AND h.ended_at >= $1 AND h.state = 'settled' AND r.units <> h.actual`, w.since.Add(-overdue).UnixMilli())
	return faults, err
}

func ledgerFault(name, subject string, have, want int64) string {
	return fmt.Sprintf("ledger %s: %s: %d, should be %d", name, subject, have, want)
}

type purseFault struct {
	purse int64
	text  string
}

// watched is a purse with its owner.
type watched struct {
	access.Purse
	zone                   string
	held                   int64 // by open holds
	token, share, customer int64
	owned                  bool
}

// marks spells $1, … $n.
func marks(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", $%d", i+1)
	}
	return b.String()[2:]
}

// watchedText reads a batch of purses with what open holds hold of them, and their
// owners, at one moment. The list of purses is named once, so that its places are
// in order.
var watchedText = `WITH chosen (id) AS (SELECT id FROM purses WHERE id IN (` + marks(watchBatch) + `)),
	open_holds (purse, units) AS (
		SELECT token_purse, units FROM holds WHERE state IN ('reserved', 'streaming')
		UNION ALL SELECT share_purse, units FROM holds WHERE state IN ('reserved', 'streaming')
		UNION ALL SELECT customer_purse, units FROM holds WHERE state IN ('reserved', 'streaming')
		UNION ALL SELECT workspace_purse, units FROM holds WHERE state IN ('reserved', 'streaming')
	),
	sums (purse, units, holds) AS (SELECT purse, SUM(units), COUNT(*) FROM open_holds WHERE purse IN (SELECT id FROM chosen) GROUP BY purse),
	owners (purse, token_id, share_id, customer_id) AS (
		SELECT purse_id, id, 0, 0 FROM api_tokens WHERE purse_id IN (SELECT id FROM chosen)
		UNION ALL SELECT purse_id, 0, id, 0 FROM shares WHERE purse_id IN (SELECT id FROM chosen)
		UNION ALL SELECT purse_id, 0, share_id, customer_id FROM share_customers WHERE purse_id IN (SELECT id FROM chosen)
		UNION ALL SELECT purse_id, 0, 0, 0 FROM workspaces WHERE purse_id IN (SELECT id FROM chosen)
	)
	SELECT ` + purseColumns + `, w.time_zone, COALESCE(CASE WHEN p.unit = 'messages' THEN s.holds ELSE s.units END, 0),
		o.purse IS NOT NULL, COALESCE(o.token_id, 0), COALESCE(o.share_id, 0), COALESCE(o.customer_id, 0)
	FROM chosen c JOIN purses p ON p.id = c.id JOIN workspaces w ON w.id = p.workspace_id
	LEFT JOIN sums s ON s.purse = p.id LEFT JOIN owners o ON o.purse = p.id`

func scanWatched(s scanner) (p watched, err error) {
	var period moment
	err = s.Scan(append(purseFields(&p.Purse, &period), &p.zone, &p.held, &p.owned, &p.token, &p.share, &p.customer)...)
	p.PeriodAt = period.Time
	return p, err
}

func (w *Watch) checkPurses(ctx context.Context, ids []int64) (faults []purseFault, err error) {
	args := make([]any, watchBatch)
	for i := range args {
		args[i] = ids[min(i, len(ids)-1)]
	}
	var all []watched
	if err := w.d.rows(ctx, list(&all, scanWatched), watchedText, args...); err != nil {
		return nil, err
	}
	for _, p := range all {
		note := func(name string, have, want int64) {
			faults = append(faults, purseFault{p.ID, ledgerFault(name, fmt.Sprintf("purse %d", p.ID), have, want)})
		}
		if !p.Unlimited && p.Used+p.Reserved > p.Quota {
			note("I1", p.Used+p.Reserved, p.Quota)
		}
		if p.Reserved != p.held {
			note("I3", p.Reserved, p.held)
		}
		if least := min(p.Quota, p.Used, p.Reserved); least < 0 {
			note("I7", least, 0)
		}
		have, want, err := w.spent(ctx, p)
		if err != nil {
			return nil, err
		}
		if have != want {
			note("I2", have, want)
		}
	}
	return faults, nil
}

// spent is what a purse says it used, and what the usage of its owner adds up to
// in its present period.
func (w *Watch) spent(ctx context.Context, p watched) (have, want int64, err error) {
	if !p.owned {
		return 0, 0, nil // closed for good
	}
	from := dayOf(p.PeriodAt, access.Workspace{TimeZone: p.zone}.Location())
	if p.Refill != access.RefillNone {
		return w.usedSince(ctx, p, from, 0)
	}
	if p.token == 0 && p.share == 0 {
		have, want, err = w.spentByAll(ctx, p)
	} else {
		have, want, err = w.usedSince(ctx, p, "", p.Opening)
	}
	if err == nil && have != want { // one that does not refill any more still shows its last period
		return w.usedSince(ctx, p, from, 0)
	}
	return have, want, err
}

// What reads used and the sum of an owner's usage from a day on, at one moment. The
// sign before workspace_id keeps the statement on the index of the owner.
const (
	usedText  = "SELECT p.used, COALESCE(SUM(u.units), 0), COALESCE(SUM(u.messages), 0) FROM purses p LEFT JOIN usage_days u ON "
	usedByAll = usedText + "u.workspace_id = p.workspace_id AND u.day >= $1 WHERE p.id = $2 AND p.period_at = $3 GROUP BY p.id"
	usedBy    = usedText + "+u.workspace_id = p.workspace_id AND u.day >= $1 AND "
	usedToken = usedBy + "u.token_id = $2 AND u.token_id <> 0 WHERE p.id = $3 AND p.period_at = $4 GROUP BY p.id"
	usedShare = usedBy + "u.share_id = $2 AND u.share_id <> 0 WHERE p.id = $3 AND p.period_at = $4 GROUP BY p.id"
	usedSeat  = usedBy + "u.share_id = $2 AND u.share_id <> 0 AND u.customer_id = $3 WHERE p.id = $4 AND p.period_at = $5 GROUP BY p.id"
)

// usedSince reads used and what it should be. Where another period has begun
// meanwhile there is nothing to compare.
func (w *Watch) usedSince(ctx context.Context, p watched, from string, plus int64) (have, want int64, err error) {
	text, args := usedByAll, []any{from}
	switch {
	case p.token != 0:
		text, args = usedToken, append(args, p.token)
	case p.customer != 0:
		text, args = usedSeat, append(args, p.share, p.customer)
	case p.share != 0:
		text, args = usedShare, append(args, p.share)
	}
	var sum spentSum
	err = w.d.row(ctx, text, append(args, p.ID, ms(p.PeriodAt))...).Scan(&have, &sum.units, &sum.messages)
	if isNone(err) {
		return 0, 0, nil
	}
	return have, plus + sum.in(p.Unit), err
}

// spentByAll is usedSince for a workspace that never refills: the days before
// yesterday are added up once.
func (w *Watch) spentByAll(ctx context.Context, p watched) (have, want int64, err error) {
	before := dayOf(w.d.Now().AddDate(0, 0, -2), access.Workspace{TimeZone: p.zone}.Location())
	known, ok := w.past[p.ID]
	if !ok || known.before < before {
		next := pastSum{before: before, spent: known.spent}
		var since spentSum
		err := w.d.row(ctx, "SELECT COALESCE(SUM(units), 0), COALESCE(SUM(messages), 0) FROM usage_days WHERE workspace_id = $1 AND day >= $2 AND day < $3",
			p.WorkspaceID, known.before, before).Scan(&since.units, &since.messages)
		if err != nil {
			return 0, 0, err
		}
		next.spent.units += since.units
		next.spent.messages += since.messages
		w.past[p.ID], known = next, next
	}
	have, want, err = w.usedSince(ctx, p, known.before, p.Opening+known.spent.in(p.Unit))
	if err == nil && have != want { // perhaps the past was written again, as an import does
		delete(w.past, p.ID)
		return w.usedSince(ctx, p, "", p.Opening)
	}
	return have, want, err
}
