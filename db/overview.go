package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// OverviewDay is a day of a workspace, with how many customers got an answer.
type OverviewDay struct {
	Day                      string
	Requests, Refused, Units int64
	Customers                int64
}

// OverviewDays sums up every day of a span that had a call.
func (d *DB) OverviewDays(ctx context.Context, workspaceID int64, from, to string) ([]OverviewDay, error) {
	var out []OverviewDay
	err := d.rows(ctx, list(&out, func(s scanner) (o OverviewDay, err error) {
		return o, s.Scan(&o.Day, &o.Requests, &o.Refused, &o.Units, &o.Customers)
	}), `SELECT u.day, SUM(u.requests), SUM(u.refused), SUM(u.units),
		COUNT(DISTINCT CASE WHEN u.customer_id <> 0 AND u.requests > 0 THEN u.customer_id END)
		FROM usage_days u WHERE u.workspace_id = $1 AND u.day >= $2 AND u.day <= $3 GROUP BY u.day ORDER BY u.day`, workspaceID, from, to)
	return out, err
}

// Slot is a piece of a day.
type Slot struct {
	At                       time.Time // its start, which may lie before the day's
	Today                    bool      // of the present day, else of the one before
	Requests, Refused, Units int64
	Customers                int64 // that got their first answer of the day in it
}

// SlotQuery cuts yesterday and today into pieces that begin at From and each
// Length after it. A piece that midnight falls into is one of each day.
type SlotQuery struct {
	From, Yesterday, Today time.Time // Yesterday and Today are the starts of days
	Length                 time.Duration
}

// Slots sums the request log of yesterday and today up in pieces. Pieces without a
// call are left out.
func (d *DB) Slots(ctx context.Context, workspaceID int64, q SlotQuery) ([]Slot, error) {
	type key struct {
		number int64
		today  bool
	}
	at := map[key]*Slot{}
	slot := func(k key) *Slot {
		if at[k] == nil {
			at[k] = &Slot{At: q.From.Add(time.Duration(k.number) * q.Length), Today: k.today}
		}
		return at[k]
	}
	args := []any{ms(q.From), q.Length.Milliseconds(), ms(q.Today), workspaceID, ms(q.Yesterday)}
	err := d.rows(ctx, func(s scanner) error {
		var k key
		var one Slot
		if err := s.Scan(&k.number, &k.today, &one.Requests, &one.Refused, &one.Units); err != nil {
			return err
		}
		into := slot(k)
		into.Requests, into.Refused, into.Units = one.Requests, one.Refused, one.Units
		return nil
	}, `SELECT x.number, x.today, SUM(x.answered), SUM(1 - x.answered), SUM(x.units)
		FROM (SELECT (r.at - $1) / $2 AS number, CASE WHEN r.at >= $3 THEN 1 ELSE 0 END AS today,
			CASE WHEN r.outcome IN ('answered', 'partial') THEN 1 ELSE 0 END AS answered, r.units AS units
			FROM requests r WHERE r.workspace_id = $4 AND r.at >= $5) x GROUP BY x.number, x.today`, args...)
	if err != nil {
		return nil, err
	}
	err = d.rows(ctx, func(s scanner) error {
		var k key
		var customers int64
		if err := s.Scan(&k.number, &k.today, &customers); err != nil {
			return err
		}
		slot(k).Customers = customers
		return nil
	}, `SELECT (f.first - $1) / $2, f.today, COUNT(*)
		FROM (SELECT x.today AS today, MIN(x.at) AS first FROM (SELECT r.customer_id AS customer_id, r.at AS at,
				CASE WHEN r.at >= $3 THEN 1 ELSE 0 END AS today FROM requests r
				WHERE r.workspace_id = $4 AND r.at >= $5 AND r.customer_id <> 0 AND r.outcome IN ('answered', 'partial')) x
			GROUP BY x.customer_id, x.today) f GROUP BY (f.first - $1) / $2, f.today`, args...)
	if err != nil {
		return nil, err
	}
	out := make([]Slot, 0, len(at))
	for _, one := range at {
		out = append(out, *one)
	}
	return out, nil
}

// attentionMost is how many rows of one sort are looked at.
const attentionMost = 20

// SpentToken is an API token with nothing left, that calls since a day have used
// or asked for.
type SpentToken struct {
	access.Token
	Purse   access.Purse
	Refused int64 // calls of today
	UsedAt  time.Time
}

// SpentTokens lists the working API tokens whose budget is used up and that were
// called since a day, those with the most refusals today first. A purse whose
// period has ended since is not brought there: see access.Purse.At.
func (d *DB) SpentTokens(ctx context.Context, workspaceID int64, since, today string) ([]SpentToken, error) {
	var out []SpentToken
	err := d.rows(ctx, list(&out, func(s scanner) (t SpentToken, err error) {
		var period, used moment
		fields := append([]any{&t.ID, &t.PublicID, &t.Name, &used, &t.Refused}, purseFields(&t.Purse, &period)...)
		err = s.Scan(fields...)
		t.Purse.PeriodAt, t.UsedAt = period.Time, used.Time
		return t, err
	}), `SELECT k.id, k.public_id, k.name, k.used_at, x.refused, `+purseColumns+`
		FROM (SELECT u.token_id AS token_id, SUM(CASE WHEN u.day = $1 THEN u.refused ELSE 0 END) AS refused FROM usage_days u
			WHERE u.workspace_id = $2 AND u.day >= $3 AND u.token_id <> 0 GROUP BY u.token_id) x
		JOIN api_tokens k ON k.id = x.token_id AND k.workspace_id = $2 JOIN purses p ON p.id = k.purse_id
		WHERE k.deleted_at IS NULL AND k.revoked_at IS NULL AND k.enabled = 1 AND (k.expires_at IS NULL OR k.expires_at > $4)
			AND p.unlimited = 0 AND p.reserved = 0 AND p.quota - p.used <= 0
		ORDER BY x.refused DESC, k.id DESC LIMIT $5`, today, workspaceID, since, d.Now().UnixMilli(), attentionMost)
	return out, err
}

// Ending is an API token or a share link that expires soon.
type Ending struct {
	Share          bool
	PublicID, Name string
	At             time.Time
	UsedAt         time.Time // of a token
	Customers      int64     // of a link: who may have opened it
	Questions      int64     // of a link: answered since a day
}

// Endings lists the working API tokens and share links that expire before a
// moment, the nearest first.
func (d *DB) Endings(ctx context.Context, workspaceID int64, before time.Time, since string) ([]Ending, error) {
	var out []Ending
	now := d.Now().UnixMilli()
	err := d.rows(ctx, list(&out, func(s scanner) (e Ending, err error) {
		var at, used moment
		err = s.Scan(&e.Share, &e.PublicID, &e.Name, &at, &used, &e.Customers, &e.Questions)
		e.At, e.UsedAt = at.Time, used.Time
		return e, err
	}), `SELECT * FROM (SELECT 0, k.public_id, k.name, k.expires_at AS ends, k.used_at, 0, 0 FROM api_tokens k
			WHERE k.workspace_id = $1 AND k.deleted_at IS NULL AND k.expires_at > $2 AND k.expires_at <= $3 AND k.enabled = 1 AND k.revoked_at IS NULL
			ORDER BY k.expires_at LIMIT $4)
		UNION ALL SELECT * FROM (SELECT 1, s.public_id, s.name, s.expires_at AS ends, NULL,
			(SELECT COUNT(*) FROM share_customers c WHERE c.share_id = s.id AND c.first_opened_at IS NOT NULL),
			(SELECT COALESCE(SUM(u.requests), 0) FROM usage_days u WHERE u.workspace_id = s.workspace_id AND u.day >= $5 AND u.share_id = s.id)
			FROM shares s WHERE s.workspace_id = $1 AND s.deleted_at IS NULL AND s.expires_at > $2 AND s.expires_at <= $3
				AND s.revoked_at IS NULL AND s.paused_at IS NULL ORDER BY s.expires_at LIMIT $4)
		ORDER BY ends`, workspaceID, now, before.UnixMilli(), attentionMost, since)
	return out, err
}
