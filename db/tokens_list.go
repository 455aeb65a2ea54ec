package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// The columns that API tokens can be sorted by, as their indexes spell them.
var tokenSorts = map[Sort]column{
	SortName: {"lower(k.name)", "lower(?)"}, SortUsed: {"COALESCE(k.used_at, 0)", ""}, SortEnds: {"COALESCE(k.expires_at, 9223372036854775807)", ""},
}

// Place is where the token stands in a list that is sorted by s.
func (r TokenRow) Place(s Sort) Place {
	at := Place{Number: r.ID}
	switch s {
	case SortName:
		at.Key = r.Name
	case SortUsed:
		at.Key = sortKey(r.UsedAt, 0)
	case SortEnds:
		at.Key = sortKey(r.ExpiresAt, endless)
	}
	return at
}

// Tokens lists a workspace's API tokens, by name, note, last characters or bot.
func (d *DB) Tokens(ctx context.Context, workspaceID int64, p Page) ([]TokenRow, error) {
	q, err := d.tokenQuery(ctx, workspaceID, p)
	if err != nil {
		return nil, err
	}
	return listed(ctx, d, q, tokenRowColumns, tokenSorts, p, d.scanTokenRow)
}

// CountTokens counts what Tokens would list over all pages, up to CountMax + 1.
func (d *DB) CountTokens(ctx context.Context, workspaceID int64, p Page) (int64, error) {
	q, err := d.tokenQuery(ctx, workspaceID, p)
	if err != nil {
		return 0, err
	}
	if !q.filtered() {
		w, err := d.FindWorkspace(ctx, workspaceID)
		return w.TokenCount, err
	}
	return d.countFound(ctx, q, p)
}

// Of a token and its purse: past its end or seen so once, and nothing left of its
// budget in the present period. The arguments of spent are when the present day,
// week and month began.
const (
	tokenPast  = "(k.expired_seen_at IS NOT NULL OR k.expires_at IS NOT NULL AND k.expires_at <= ?)"
	purseSpent = `(p.unlimited = 0 AND p.quota - p.used - p.reserved <= 0 AND p.reserved = 0 AND (p.quota = 0 OR p.period_at >=
		CASE p.refill WHEN 'daily' THEN ? WHEN 'weekly' THEN ? WHEN 'monthly' THEN ? ELSE p.period_at END))`
)

func (d *DB) tokenQuery(ctx context.Context, workspaceID int64, p Page) (query, error) {
	q := query{from: tokenRowFrom, base: func(q *query) {
		q.and("k.workspace_id = ?", workspaceID)
		q.and("k.deleted_at IS NULL")
	}}
	bots, err := d.botsNamed(ctx, workspaceID, p.Query)
	if err != nil {
		return q, err
	}
	q.find = &find{
		text: p.Query, table: "api_tokens k", number: "k.id", index: "api_tokens_search", columns: []string{"k.name", "k.note", "k.hint"},
		bot: "k.bot_id", bots: bots,
	}
	if p.BotID != 0 {
		q.check("k.bot_id = ?", p.BotID)
		q.find.sources = append(q.find.sources, source{where: "k.bot_id = ?", args: []any{p.BotID}})
	}
	return q, d.tokenState(ctx, &q, workspaceID, p.Status)
}

// tokenState keeps the tokens of a status, which is derived from the row, its
// purse and the present moment.
func (d *DB) tokenState(ctx context.Context, q *query, workspaceID int64, status access.Status) error {
	const live = "k.revoked_at IS NULL AND k.enabled = 1"
	now, f := d.Now(), q.find
	switch status {
	case access.StatusRevoked:
		q.check("k.revoked_at IS NOT NULL")
		f.sources = append(f.sources, source{where: "k.revoked_at IS NOT NULL"})
	case access.StatusDisabled:
		q.check("k.revoked_at IS NULL AND k.enabled = 0")
		f.sources = append(f.sources, source{where: "k.revoked_at IS NULL AND k.enabled = 0"})
	case access.StatusExpired:
		q.check(live+" AND "+tokenPast, now.UnixMilli())
		if d.marked(ctx, now) {
			f.sources = append(f.sources, source{where: "k.past = 1"})
		}
	case access.StatusExhausted, access.StatusEnabled:
		w, err := d.FindWorkspace(ctx, workspaceID)
		if err != nil {
			return err
		}
		f.joins = " CROSS JOIN purses p ON p.id = k.purse_id"
		q.check(live+" AND NOT "+tokenPast, now.UnixMilli())
		spent := purseSpent
		if status == access.StatusEnabled {
			spent = "NOT " + purseSpent
		} else {
			f.sources = append(f.sources, spentPurses(workspaceID))
		}
		q.check(spent, periodStarts(now, w.Location())...)
	}
	return nil
}

// spentPurses finds tokens by their purses, which were made with them: the numbers
// of both ascend together.
func spentPurses(workspaceID int64) source {
	return source{
		from: "purses p CROSS JOIN api_tokens k ON k.purse_id = p.id", where: "p.workspace_id = ? AND p.unlimited = 0 AND p.used >= p.quota", args: []any{workspaceID},
		by: "p.id", cursor: "(SELECT o.purse_id FROM api_tokens o WHERE o.id = ?)",
	}
}

func periodStarts(now time.Time, zone *time.Location) (starts []any) {
	for _, r := range []access.Refill{access.RefillDaily, access.RefillWeekly, access.RefillMonthly} {
		starts = append(starts, ms(r.PeriodStart(now, zone)))
	}
	return starts
}

const (
	markRows = 500 // tokens that one fact marks
	markMax  = 2_000
)

// MarkPast marks the tokens whose end has passed, so that a list of them need not
// look for them among the others. It says nothing about what they are: a mark that
// is early or late is looked at again by whoever reads it.
func (d *DB) MarkPast(ctx context.Context) error {
	_, err := d.markPast(ctx, d.Now(), -1)
	return err
}

// marked reports whether all tokens whose end has passed are marked, and marks
// those of the last moments.
func (d *DB) marked(ctx context.Context, now time.Time) bool {
	var due bool
	err := d.row(ctx, "SELECT EXISTS (SELECT 1 FROM api_tokens WHERE past = 0 AND expires_at IS NOT NULL AND expires_at <= $1)", now.UnixMilli()).Scan(&due)
	if err != nil || !due {
		return err == nil
	}
	all, err := d.markPast(ctx, now, markMax)
	return all && err == nil
}

func (d *DB) markPast(ctx context.Context, now time.Time, most int64) (all bool, err error) {
	for done := int64(0); most < 0 || done < most; done += markRows {
		var n int64
		err := d.change(ctx, func(t *Tx) (err error) {
			n, err = t.exec(`UPDATE api_tokens SET past = 1 WHERE id IN (SELECT id FROM api_tokens
				WHERE past = 0 AND expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2)`, now.UnixMilli(), markRows)
			return err
		})
		if err != nil || n < markRows {
			return err == nil, err
		}
	}
	return false, nil
}
