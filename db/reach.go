package db

import (
	"context"
	"time"
)

// What stops when something is destroyed: the figures that a page shows before
// the one click that does it.

// TokenReach is what a token that is revoked, disabled or deleted takes with it.
type TokenReach struct {
	Calls  int64 // answered or refused
	Embeds int64 // conversations of its embedded chat
}

// TokenReach counts what a workspace's token carried since a moment.
func (d *DB) TokenReach(ctx context.Context, workspaceID, tokenID int64, since time.Time) (TokenReach, error) {
	var r TokenReach
	err := d.row(ctx, `SELECT
		(SELECT COUNT(*) FROM requests WHERE workspace_id = $1 AND token_id = $2 AND token_id <> 0 AND at >= $3),
		(SELECT COUNT(*) FROM conversations WHERE workspace_id = $1 AND token_id = $2 AND visitor_hash IS NOT NULL AND updated_at >= $3)`,
		workspaceID, tokenID, ms(since)).Scan(&r.Calls, &r.Embeds)
	return r, err
}

// ShareReach is what a link that is revoked, paused or deleted takes with it.
type ShareReach struct {
	Customers int64 // who opened it and is still a customer
	Today     int64 // questions answered today, in the workspace's zone
}

// ShareReach counts who uses a workspace's link.
func (d *DB) ShareReach(ctx context.Context, workspaceID, shareID int64, zone *time.Location) (ShareReach, error) {
	var r ShareReach
	err := d.row(ctx, `SELECT
		(SELECT COUNT(*) FROM share_customers c JOIN customers m ON m.id = c.customer_id AND m.deleted_at IS NULL
			WHERE c.workspace_id = $1 AND c.share_id = $2 AND c.first_opened_at IS NOT NULL),
		(SELECT COALESCE(SUM(requests), 0) FROM usage_days WHERE workspace_id = $1 AND day = $3 AND share_id = $2)`,
		workspaceID, shareID, dayOf(d.Now(), zone)).Scan(&r.Customers, &r.Today)
	return r, err
}

// CustomerReach is what a customer who is disabled or deleted loses.
type CustomerReach struct {
	Links         int64 // live ones that were opened
	Conversations int64
	Sessions      int64 // signed in now: sessions and login tokens
	Today         int64 // questions answered today, in the workspace's zone
}

// CustomerReach counts what a workspace's customer has.
func (d *DB) CustomerReach(ctx context.Context, workspaceID, customerID int64, zone *time.Location) (CustomerReach, error) {
	var r CustomerReach
	err := d.row(ctx, `SELECT
		(SELECT COUNT(*) FROM share_customers c JOIN shares s ON s.id = c.share_id AND s.deleted_at IS NULL
			WHERE c.workspace_id = $1 AND c.customer_id = $2 AND c.first_opened_at IS NOT NULL),
		(SELECT COUNT(*) FROM conversations WHERE workspace_id = $1 AND customer_id = $2 AND deleted_at IS NULL),
		(SELECT COUNT(*) FROM sessions WHERE kind = 'customer' AND subject_id = $2 AND expires_at > $3 AND idle_until > $3)
			+ (SELECT COUNT(*) FROM login_tokens WHERE kind = 'customer' AND subject_id = $2 AND (expires_at IS NULL OR expires_at > $3)),
		(SELECT COALESCE(SUM(requests), 0) FROM usage_days WHERE workspace_id = $1 AND day = $4 AND customer_id = $2)`,
		workspaceID, customerID, d.Now().UnixMilli(), dayOf(d.Now(), zone)).Scan(&r.Links, &r.Conversations, &r.Sessions, &r.Today)
	return r, err
}

// AddressCount is how many calls came from an address.
type AddressCount struct {
	Address string
	Calls   int64
}

// addressCalls bounds the calls that TokenAddresses looks at.
const addressCalls = 20_000

// TokenAddresses counts where the last calls of a workspace's token came from since
// a moment, the most frequent address first.
func (d *DB) TokenAddresses(ctx context.Context, workspaceID, tokenID int64, since time.Time) ([]AddressCount, error) {
	var out []AddressCount
	err := d.rows(ctx, list(&out, func(s scanner) (a AddressCount, err error) { return a, s.Scan(&a.Address, &a.Calls) }),
		`SELECT x.address, COUNT(*) FROM (SELECT r.address AS address FROM requests r
			WHERE r.workspace_id = $1 AND r.token_id = $2 AND r.token_id <> 0 AND r.at >= $3 ORDER BY r.at DESC, r.id DESC LIMIT $4) x
		GROUP BY x.address ORDER BY COUNT(*) DESC, x.address`, workspaceID, tokenID, ms(since), addressCalls)
	return out, err
}
