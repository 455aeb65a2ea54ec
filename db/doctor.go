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
	refilled, err := d.checkRefilled(ctx)
	return append(faults, refilled...), err
}

// checkRefilled verifies I2 for purses that refill: used is what was spent since
// the present period began, by the days of the workspace's zone.
func (d *DB) checkRefilled(ctx context.Context) (faults []string, err error) {
	type due struct {
		id, used int64
		since    moment
		zone     string
	}
	var purses []due
	err = d.rows(ctx, list(&purses, func(s scanner) (p due, err error) { return p, s.Scan(&p.id, &p.used, &p.since, &p.zone) }),
		"SELECT p.id, p.used, p.period_at, w.time_zone FROM purses p JOIN workspaces w ON w.id = p.workspace_id WHERE p.refill <> 'none'")
	if err != nil {
		return nil, err
	}
	for _, p := range purses {
		var want int64
		zone := access.Workspace{TimeZone: p.zone}.Location()
		if err := d.row(ctx, spentText, dayOf(p.since.Time, zone), p.id).Scan(&want); err != nil {
			return nil, err
		}
		if p.used != want {
			faults = append(faults, fmt.Sprintf("ledger I2: purse %d since its period began: %d, should be %d", p.id, p.used, want))
		}
	}
	return faults, nil
}

type ledgerCheck struct {
	name, text string
	deadline   bool
}

// spent is what the owner of purse p ever spent.
const spent = `(SELECT CASE WHEN p.unit = 'messages' THEN COALESCE(SUM(u.requests), 0) ELSE COALESCE(SUM(u.units), 0) END
	FROM usage_days u WHERE u.workspace_id = p.workspace_id
	AND (k.id IS NULL OR u.token_id = k.id) AND (s.id IS NULL OR u.share_id = s.id)
	AND (c.share_id IS NULL OR u.share_id = c.share_id AND u.customer_id = c.customer_id))`

var ledgerChecks = []ledgerCheck{
	{"I1", "SELECT 'purse ' || id, used + reserved, quota FROM purses WHERE unlimited = 0 AND used + reserved > quota", false},
	{"I2", `SELECT 'purse ' || p.id, p.used, p.opening + ` + spent + `
		FROM purses p LEFT JOIN api_tokens k ON k.purse_id = p.id LEFT JOIN shares s ON s.purse_id = p.id
		LEFT JOIN share_customers c ON c.purse_id = p.id
		WHERE p.refill = 'none' AND p.used <> p.opening + ` + spent, false},
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
