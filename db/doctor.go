package db

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/access"
)

// CheckFile asks SQLite whether the file is whole and every reference leads
// somewhere. It returns one line for each fault.
func (d *DB) CheckFile(ctx context.Context) ([]string, error) {
	var faults []string
	err := d.rows(ctx, func(s scanner) error {
		var line string
		if err := s.Scan(&line); err != nil || line == "ok" {
			return err
		}
		faults = append(faults, "file: "+line)
		return nil
	}, "PRAGMA integrity_check")
	if err != nil {
		return nil, err
	}
	err = d.rows(ctx, func(s scanner) error {
		var table, parent string
		var row, key any
		if err := s.Scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		faults = append(faults, fmt.Sprintf("reference: row %v of %s points to a missing row of %s", row, table, parent))
		return nil
	}, "PRAGMA foreign_key_check")
	return faults, err
}

// overdue is how long after its deadline an open hold is a fault.
const overdue = time.Minute

// CheckLedger verifies the invariants of the ledger: I1 no purse holds more than
// its quota, I2 what a purse used is what its usage adds up to, I3 what is
// reserved is what open holds hold, I4 a request has one end, I6 no hold is
// overdue, I7 nothing is negative. It returns one line for each fault.
func (d *DB) CheckLedger(ctx context.Context) ([]string, error) {
	var faults []string
	for _, c := range ledgerChecks {
		args := []any{}
		if c.deadline {
			args = append(args, d.Now().Add(-overdue).UnixMilli())
		}
		err := d.rows(ctx, func(s scanner) error {
			var subject string
			var have, want int64
			if err := s.Scan(&subject, &have, &want); err != nil {
				return err
			}
			faults = append(faults, fmt.Sprintf("ledger %s: %s: %d, should be %d", c.name, subject, have, want))
			return nil
		}, c.text, args...)
		if err != nil {
			return nil, fmt.Errorf("ledger %s: %w", c.name, err)
		}
	}
	spent, err := d.checkSpent(ctx)
	return append(faults, spent...), err
}

// spentPurse is a purse whose used is not what its usage adds up to.
type spentPurse struct {
	id, workspaceID, used, want int64
	since                       moment
	zone                        string
}

// day is the first of the purse's present period.
func (p spentPurse) day() string {
	return dayOf(p.since.Time, access.Workspace{TimeZone: p.zone}.Location())
}

// checkSpent verifies I2, that used is what the usage of a purse's owner adds up
// to: its opening and all of it where the purse never refilled, else what was spent
// since the present period began, by the days of the workspace's zone. A purse that
// was closed belongs to nobody and is not looked at.
func (d *DB) checkSpent(ctx context.Context) ([]string, error) {
	odd, err := d.oddPurses(ctx, "", "p.refill = 'none'", "p.opening + ")
	if err != nil {
		return nil, err
	}
	var periods, found []spentPurse
	for _, p := range odd { // one that does not refill any more still shows its last period
		since, err := d.oddPurses(ctx, " WHERE workspace_id = $1 AND day >= $2", "p.id = $3 AND p.refill = 'none' AND p.period_at = $4", "",
			p.workspaceID, p.day(), p.id, ms(p.since.Time))
		if err != nil {
			return nil, err
		}
		if len(since) > 0 {
			found = append(found, p)
		}
	}
	err = d.rows(ctx, list(&periods, func(s scanner) (p spentPurse, err error) { return p, s.Scan(&p.workspaceID, &p.since, &p.zone) }),
		"SELECT DISTINCT p.workspace_id, p.period_at, w.time_zone FROM purses p JOIN workspaces w ON w.id = p.workspace_id WHERE p.refill <> 'none'")
	if err != nil {
		return nil, err
	}
	for _, p := range periods {
		of, err := d.oddPurses(ctx, " WHERE workspace_id = $1 AND day >= $2", "p.refill <> 'none' AND p.workspace_id = $1 AND p.period_at = $3", "",
			p.workspaceID, p.day(), ms(p.since.Time))
		if err != nil {
			return nil, err
		}
		found = append(found, of...)
	}
	var faults []string
	for _, p := range found {
		faults = append(faults, fmt.Sprintf("ledger I2: purse %d: %d, should be %d", p.id, p.used, p.want))
	}
	return faults, nil
}

// oddPurses lists the owned purses whose used is not what their owner spent in
// some days, plus an opening. It is one statement, so that calls under way make no
// difference.
func (d *DB) oddPurses(ctx context.Context, days, which, opening string, args ...any) ([]spentPurse, error) {
	const sums = "SUM(units) AS units, SUM(messages) AS messages FROM days GROUP BY "
	want := opening + "CASE WHEN p.unit = 'messages' THEN COALESCE(o.messages, 0) ELSE COALESCE(o.units, 0) END"
	var out []spentPurse
	err := d.rows(ctx, list(&out, func(s scanner) (p spentPurse, err error) {
		return p, s.Scan(&p.id, &p.workspaceID, &p.used, &p.want, &p.since, &p.zone)
	}), "WITH days AS (SELECT workspace_id, token_id, share_id, customer_id, units, messages FROM usage_days"+days+`),
		owned (purse, units, messages) AS (
			SELECT k.purse_id, u.units, u.messages FROM api_tokens k LEFT JOIN (SELECT token_id, `+sums+`token_id) u ON u.token_id = k.id
			UNION ALL SELECT s.purse_id, u.units, u.messages FROM shares s LEFT JOIN (SELECT share_id, `+sums+`share_id) u ON u.share_id = s.id
			UNION ALL SELECT c.purse_id, u.units, u.messages FROM share_customers c
				LEFT JOIN (SELECT share_id, customer_id, `+sums+`share_id, customer_id) u ON u.share_id = c.share_id AND u.customer_id = c.customer_id
			UNION ALL SELECT w.purse_id, u.units, u.messages FROM workspaces w LEFT JOIN (SELECT workspace_id, `+sums+`workspace_id) u ON u.workspace_id = w.id
		)
		SELECT p.id, p.workspace_id, p.used, `+want+`, p.period_at, w.time_zone
		FROM owned o JOIN purses p ON p.id = o.purse JOIN workspaces w ON w.id = p.workspace_id
		WHERE `+which+" AND p.used <> "+want, args...)
	return out, err
}

type ledgerCheck struct {
	name, text string
	deadline   bool
}

var ledgerChecks = []ledgerCheck{
	{"I1", "SELECT 'purse ' || id, used + reserved, quota FROM purses WHERE unlimited = 0 AND used + reserved > quota", false},
	{"I2", `SELECT 'workspace ' || workspace_id || ' on the whole', SUM(units), (SELECT COALESCE(SUM(r.units), 0) FROM requests r WHERE r.workspace_id = u.workspace_id)
		FROM usage_days u GROUP BY workspace_id
		HAVING SUM(units) < (SELECT COALESCE(SUM(r.units), 0) FROM requests r WHERE r.workspace_id = u.workspace_id)`, false},
	{"I3", `SELECT 'purse ' || p.id, p.reserved, COALESCE(SUM(CASE WHEN p.unit = 'messages' THEN 1 ELSE h.units END), 0)
		FROM purses p LEFT JOIN holds h ON h.state IN ('reserved', 'streaming')
			AND p.id IN (h.token_purse, h.share_purse, h.customer_purse, h.workspace_purse)
		GROUP BY p.id HAVING p.reserved <> COALESCE(SUM(CASE WHEN p.unit = 'messages' AND h.request_id IS NOT NULL THEN 1 ELSE h.units END), 0)`, false},
	{"I4", `SELECT 'hold ' || h.request_id, COALESCE(r.units, -1), h.actual FROM holds h LEFT JOIN requests r ON r.request_id = h.request_id
		WHERE h.state = 'settled' AND r.request_id IS NOT NULL AND r.units <> h.actual`, false},
	{"I6", "SELECT 'hold ' || request_id || ' is overdue since', deadline_at, 0 FROM holds WHERE state IN ('reserved', 'streaming') AND deadline_at < $1", true},
	{"I7", "SELECT 'purse ' || id, MIN(quota, used, reserved), 0 FROM purses WHERE quota < 0 OR used < 0 OR reserved < 0", false},
}

// Ping reports whether the file can be read.
func (d *DB) Ping(ctx context.Context) error {
	var one int
	return d.row(ctx, "SELECT 1 FROM keys LIMIT 1").Scan(&one)
}
