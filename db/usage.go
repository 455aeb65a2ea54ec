package db

import (
	"context"
	"strconv"
	"time"

	"latchkey/internal/access"
)

// UsageBy says what usage is summed by.
type UsageBy string

const (
	ByDay      UsageBy = "day"
	ByToken    UsageBy = "token"
	ByShare    UsageBy = "share"
	ByCustomer UsageBy = "customer"
	ByBot      UsageBy = "bot"
	ByModel    UsageBy = "model"
)

// UsageQuery says which days to sum up, both ends included, and which of the sums
// to return: by day in the order of days, else the greatest first.
type UsageQuery struct {
	By       UsageBy
	From, To string // days of the workspace's zone, as DayOf spells them
	Newest   bool   // by day only: the last day first
	Offset   int
	Limit    int
}

// UsageSum is what one day, token, link, customer, bot or model took.
type UsageSum struct {
	Key        string // the day or the model, else the row number as text, "0" for none
	PublicID   string // of the token, link, customer or bot, "" for none
	Name       string // of the same, deleted ones too
	Requests   int64  // answered, in whole or in part
	Refused    int64  // refused or failed: never charged
	Prompt     int64  // tokens
	Completion int64
	Units      int64
}

const usageSums = "SUM(u.requests) AS requests, SUM(u.refused) AS refused, SUM(u.prompt) AS prompt, SUM(u.completion) AS completion, SUM(u.units) AS units"

// usageSide is a dimension: the column it groups by, and where its names stand.
type usageSide struct{ column, publicID, name, join string }

var usageSides = map[UsageBy]usageSide{
	ByDay:      {"u.day", "''", "''", ""},
	ByModel:    {"u.model", "''", "x.key", ""},
	ByToken:    {"u.token_id", "COALESCE(n.public_id, '')", "COALESCE(n.name, '')", " LEFT JOIN api_tokens n ON n.id = x.key AND n.workspace_id = x.workspace_id"},
	ByShare:    {"u.share_id", "COALESCE(n.public_id, '')", "COALESCE(n.name, '')", " LEFT JOIN shares n ON n.id = x.key AND n.workspace_id = x.workspace_id"},
	ByCustomer: {"u.customer_id", "COALESCE(n.public_id, '')", "COALESCE(n.username, '')", " LEFT JOIN customers n ON n.id = x.key AND n.workspace_id = x.workspace_id"},
	ByBot:      {"u.bot_id", "COALESCE(n.public_id, '')", "COALESCE(n.name, '')", " LEFT JOIN bots n ON n.id = x.key AND n.workspace_id = x.workspace_id"},
}

// Valid reports whether usage can be summed by it.
func (b UsageBy) Valid() bool { _, ok := usageSides[b]; return ok }

// usageText is the one statement of a dimension. The groups are counted where
// they are made; the page of them is cut before the names are looked up.
func usageText(by UsageBy, newest bool) string {
	side := usageSides[by]
	inner, outer := " ORDER BY units DESC, requests DESC, key", " ORDER BY x.units DESC, x.requests DESC, x.key"
	if by == ByDay {
		inner, outer = " ORDER BY key", " ORDER BY x.key"
		if newest {
			inner, outer = inner+" DESC", outer+" DESC"
		}
	}
	return "SELECT x.key, " + side.publicID + ", " + side.name + ", x.requests, x.refused, x.prompt, x.completion, x.units, x.total FROM (SELECT " +
		side.column + " AS key, u.workspace_id AS workspace_id, " + usageSums + `, COUNT(*) OVER () AS total FROM usage_days u
		WHERE u.workspace_id = $1 AND u.day >= $2 AND u.day <= $3 GROUP BY u.workspace_id, ` + side.column + inner + " LIMIT $4 OFFSET $5) x" +
		side.join + outer
}

// Usage sums a workspace's usage up. total is how many sums there are in all.
func (d *DB) Usage(ctx context.Context, workspaceID int64, q UsageQuery) (out []UsageSum, total int64, err error) {
	if !q.By.Valid() {
		return nil, 0, access.Fail(access.Invalid, "usage_by", "Usage is summed by day, token, share, customer, bot or model.").At("by")
	}
	take := func(s scanner) (u UsageSum, err error) {
		var key any
		err = s.Scan(&key, &u.PublicID, &u.Name, &u.Requests, &u.Refused, &u.Prompt, &u.Completion, &u.Units, &total)
		switch k := key.(type) {
		case string:
			u.Key = k
		case int64:
			u.Key = strconv.FormatInt(k, 10)
		}
		return u, err
	}
	err = d.rows(ctx, list(&out, take), usageText(q.By, q.Newest), workspaceID, q.From, q.To, max(q.Limit, 1), max(q.Offset, 0))
	return out, total, err
}

// UsageTotal sums everything of a workspace's days up.
func (d *DB) UsageTotal(ctx context.Context, workspaceID int64, from, to string) (UsageSum, error) {
	var u UsageSum
	err := d.row(ctx, `SELECT COALESCE(SUM(requests), 0), COALESCE(SUM(refused), 0), COALESCE(SUM(prompt), 0), COALESCE(SUM(completion), 0), COALESCE(SUM(units), 0)
		FROM usage_days WHERE workspace_id = $1 AND day >= $2 AND day <= $3`, workspaceID, from, to).
		Scan(&u.Requests, &u.Refused, &u.Prompt, &u.Completion, &u.Units)
	return u, err
}

// UsageByDay returns a sum for every day of a span, at most usageDaysMax of them:
// days without calls are zeros.
func (d *DB) UsageByDay(ctx context.Context, workspaceID int64, from, to string) ([]UsageSum, error) {
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return nil, err
	}
	last, err := time.Parse(time.DateOnly, to)
	if err != nil {
		return nil, err
	}
	found, _, err := d.Usage(ctx, workspaceID, UsageQuery{By: ByDay, From: from, To: to, Limit: usageDaysMax})
	if err != nil {
		return nil, err
	}
	var out []UsageSum
	for day := first; !day.After(last) && len(out) < usageDaysMax; day = day.AddDate(0, 0, 1) {
		one := UsageSum{Key: day.Format(time.DateOnly)}
		if len(found) > 0 && found[0].Key == one.Key {
			one, found = found[0], found[1:]
		}
		out = append(out, one)
	}
	return out, nil
}

const usageDaysMax = 4000

// DayOf names the day of a moment in a zone, as usage is kept by.
func DayOf(at time.Time, zone *time.Location) string { return dayOf(at, zone) }
