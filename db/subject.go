package db

import (
	"context"
	"time"
)

// Subject is whose use is looked at: exactly one is not 0.
type Subject struct{ Token, Share, Customer int64 }

// column is where usage names the subject, and its number.
func (s Subject) column() (name string, id int64) {
	switch {
	case s.Share != 0:
		return "share_id", s.Share
	case s.Customer != 0:
		return "customer_id", s.Customer
	}
	return "token_id", s.Token
}

// DayUse is what one subject took on one day of its workspace's zone.
type DayUse struct {
	Day      string
	Requests int64 // answered, in whole or in part
	Refused  int64 // refused or failed: never charged
	Units    int64
}

// UseOf returns one row for each of the last days of a workspace's subject, the
// present day last; days without a call are zeros.
func (d *DB) UseOf(ctx context.Context, workspaceID int64, of Subject, days int, zone *time.Location) ([]DayUse, error) {
	column, id := of.column()
	out, at := make([]DayUse, days), make(map[string]int, days)
	today := d.Now().In(zone)
	for i := range out {
		out[i].Day = today.AddDate(0, 0, i-days+1).Format(time.DateOnly)
		at[out[i].Day] = i
	}
	take := func(s scanner) error {
		var u DayUse
		if err := s.Scan(&u.Day, &u.Requests, &u.Refused, &u.Units); err != nil {
			return err
		}
		if i, ok := at[u.Day]; ok {
			out[i] = u
		}
		return nil
	}
	err := d.rows(ctx, take, `SELECT day, SUM(requests), SUM(refused), SUM(units) FROM usage_days
		WHERE workspace_id = $1 AND day >= $2 AND `+column+` = $3 GROUP BY day`, workspaceID, out[0].Day, id)
	return out, err
}

// ModelsOf sums what a workspace's subject took in the last days up by model, the
// greatest first, at most limit of them.
func (d *DB) ModelsOf(ctx context.Context, workspaceID int64, of Subject, days int, zone *time.Location, limit int) ([]UsageSum, error) {
	column, id := of.column()
	since := d.Now().In(zone).AddDate(0, 0, 1-days).Format(time.DateOnly)
	take := func(s scanner) (u UsageSum, err error) {
		return u, s.Scan(&u.Key, &u.Requests, &u.Refused, &u.Prompt, &u.Completion, &u.Units)
	}
	var out []UsageSum
	err := d.rows(ctx, list(&out, take), `SELECT u.model, `+usageSums+` FROM usage_days u
		WHERE u.workspace_id = $1 AND u.day >= $2 AND u.`+column+` = $3
		GROUP BY u.model ORDER BY units DESC, requests DESC, u.model LIMIT $4`, workspaceID, since, id, limit)
	return out, err
}
