package db

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"latchkey/internal/access"
)

const requestColumns = `r.id, r.request_id, r.at, r.workspace_id, r.token_id, r.share_id, r.customer_id, r.bot_id, r.provider_id, r.model, r.door,
	r.stream, r.outcome, r.status, r.rule, r.prompt, r.completion, r.units, r.estimated, COALESCE(r.first_byte_ms, 0), r.total_ms, r.address, r.trace`

// RequestRow is a row of the request log with the names that a list shows.
type RequestRow struct {
	access.Request
	TokenName, ShareName, CustomerName, BotName, ProviderName string
	TokenPublicID, SharePublicID, CustomerPublicID            string
	BotPublicID, ProviderPublicID                             string
}

const requestNames = `, COALESCE(k.name, ''), COALESCE(s.name, ''), COALESCE(m.username, ''), COALESCE(b.name, ''), COALESCE(p.name, ''),
	COALESCE(k.public_id, ''), COALESCE(s.public_id, ''), COALESCE(m.public_id, ''), COALESCE(b.public_id, ''), COALESCE(p.public_id, '')`

const requestFrom = ` FROM requests r LEFT JOIN api_tokens k ON k.id = r.token_id LEFT JOIN shares s ON s.id = r.share_id
	LEFT JOIN customers m ON m.id = r.customer_id LEFT JOIN bots b ON b.id = r.bot_id LEFT JOIN providers p ON p.id = r.provider_id`

func scanRequestRow(s scanner) (RequestRow, error) {
	var r RequestRow
	var at moment
	var first, total int64
	var trace string
	err := s.Scan(&r.ID, &r.RequestID, &at, &r.WorkspaceID, &r.TokenID, &r.ShareID, &r.CustomerID, &r.BotID, &r.ProviderID, &r.Model, &r.Door,
		&r.Stream, &r.Outcome, &r.Status, &r.Rule, &r.Usage.Prompt, &r.Usage.Completion, &r.Units, &r.Usage.Estimated, &first, &total, &r.Address, &trace,
		&r.TokenName, &r.ShareName, &r.CustomerName, &r.BotName, &r.ProviderName, &r.TokenPublicID, &r.SharePublicID, &r.CustomerPublicID,
		&r.BotPublicID, &r.ProviderPublicID)
	if err != nil {
		return r, err
	}
	r.At, r.FirstByte, r.Total = at.Time, time.Duration(first)*time.Millisecond, time.Duration(total)*time.Millisecond
	return r, json.Unmarshal([]byte(trace), &r.Trace)
}

// RequestPage says which rows of the request log to read, newest first.
type RequestPage struct {
	TokenID, ShareID, CustomerID, BotID int64
	Token, Share, Customer, Bot         string // the same by public id
	Query                               string // a request id, or how a model's name begins
	Outcome                             access.Outcome
	From, To                            time.Time // the first included, the second not
	Before                              int64     // row number of the last row of the page before
	Limit                               int
	Oldest                              bool // oldest first instead
}

// Requests lists a workspace's request log.
func (d *DB) Requests(ctx context.Context, workspaceID int64, p RequestPage) ([]RequestRow, error) {
	q := query{from: requestFrom}
	limit := min(max(p.Limit, 1), ListMax)
	found := false
	if p.Query != "" && !p.narrowed() {
		ids, ok, err := d.requestsFound(ctx, workspaceID, p, limit)
		if err != nil || ok && len(ids) == 0 {
			return nil, err
		}
		if found = ok; found {
			text, err := json.Marshal(ids)
			if err != nil {
				return nil, err
			}
			q.and("r.id IN (SELECT value FROM json_each(?))", string(text))
			p.Before = 0
		}
	}
	if !found {
		requestConditions(&q, workspaceID, p)
	}
	var out []RequestRow
	place := q.requestPlace(workspaceID, p)
	err := d.rows(ctx, list(&out, scanRequestRow), q.text(requestColumns+requestNames, place+" LIMIT "+strconv.Itoa(limit)), q.args...)
	return out, err
}

// CountRequests counts what Requests would list over all pages, up to CountMax + 1.
func (d *DB) CountRequests(ctx context.Context, workspaceID int64, p RequestPage) (int64, error) {
	if p.Query != "" && !p.narrowed() {
		p.Before = 0
		if ids, ok, err := d.requestsFound(ctx, workspaceID, p, CountMax+1); err != nil || ok {
			return int64(len(ids)), err
		}
	}
	q := query{from: " FROM requests r"}
	requestConditions(&q, workspaceID, p)
	return d.countUpTo(ctx, q, "r.id")
}

func requestConditions(q *query, workspaceID int64, p RequestPage) {
	q.and("r.workspace_id = ?", workspaceID)
	for _, one := range []struct {
		column, table string
		id            int64
		publicID      string
	}{
		{"r.token_id", "api_tokens", p.TokenID, p.Token},
		{"r.share_id", "shares", p.ShareID, p.Share},
		{"r.customer_id", "customers", p.CustomerID, p.Customer},
		{"r.bot_id", "bots", p.BotID, p.Bot},
	} {
		if one.id != 0 || one.publicID != "" {
			q.and(one.column + " <> 0") // as the index on it says
		}
		if one.id != 0 {
			q.and(one.column+" = ?", one.id)
		}
		if one.publicID != "" {
			q.and(one.column+" = (SELECT o.id FROM "+one.table+" o WHERE o.workspace_id = ? AND o.public_id = ?)", workspaceID, one.publicID)
		}
	}
	if p.Query != "" {
		q.and(`(r.request_id = ? OR r.model LIKE ? ESCAPE '\')`, p.Query, likeText(p.Query)+"%")
	}
	if p.Outcome != "" {
		q.and("r.outcome = ?", p.Outcome)
	}
	if p.Outcome != "" && p.Outcome != access.Answered {
		q.and("r.outcome <> 'answered'") // as the index on it says
	}
	if !p.From.IsZero() {
		q.and("r.at >= ?", ms(p.From))
	}
	if !p.To.IsZero() {
		q.and("r.at < ?", ms(p.To))
	}
}

// Request returns one row of a workspace's request log, with its trace.
func (d *DB) Request(ctx context.Context, workspaceID int64, requestID string) (RequestRow, error) {
	r, err := scanRequestRow(d.row(ctx, "SELECT "+requestColumns+requestNames+requestFrom+
		" WHERE r.workspace_id = $1 AND r.request_id = $2", workspaceID, requestID))
	return r, orNotFound(err, "request")
}
