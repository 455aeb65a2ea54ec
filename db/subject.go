package db

import (
	"context"
	"time"
)

// Subject is whose use is looked at: exactly one is not 0.
type Subject struct{ Token, Share, Customer int64 }

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
	column, id := "token_id", of.Token
	if of.Share != 0 {
		column, id = "share_id", of.Share
	} else if of.Customer != 0 {
		column, id = "customer_id", of.Customer
	}
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
