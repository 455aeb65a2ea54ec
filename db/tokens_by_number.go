package db

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/internal/access"
)

// TokensAt lists a workspace's API tokens, newest first, from an offset on: for
// contracts that count pages.
func (d *DB) TokensAt(ctx context.Context, workspaceID, offset int64, limit int) ([]TokenRow, error) {
	var out []TokenRow
	// The rows are chosen inside the index alone; only those of the page are read.
	err := d.rows(ctx, list(&out, d.scanTokenRow), "SELECT "+tokenRowColumns+tokenRowFrom+` WHERE k.id IN (
		SELECT id FROM api_tokens WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2 OFFSET $3)
		ORDER BY k.id DESC`, workspaceID, min(max(limit, 1), ListMax), offset)
	return out, err
}

// numbersFew is how many numbers are looked at one by one.
const numbersFew = 100

// DeleteTokens removes those of a workspace's API tokens that have one of the row
// numbers, all in one fact, and says how many there were. Other numbers are
// passed over.
func (d *DB) DeleteTokens(ctx context.Context, by access.Actor, workspaceID int64, numbers []int64) (n int64, err error) {
	numbers = slices.Clone(numbers)
	slices.Sort(numbers)
	if numbers = slices.Compact(numbers); len(numbers) > numbersFew {
		if numbers, err = d.ownTokens(ctx, workspaceID, numbers); err != nil {
			return 0, err
		}
	}
	err = d.change(ctx, func(t *Tx) error {
		n = 0
		for _, number := range numbers {
			gone, err := t.deleteToken(by, workspaceID, number)
			if err != nil {
				return err
			}
			n += gone
		}
		if n == 0 {
			return nil
		}
		return t.count(workspaceID, "token_count", -n)
	})
	return n, err
}

// ownTokens keeps the numbers that are a workspace's, so that a long list of
// others keeps nobody's write waiting.
func (d *DB) ownTokens(ctx context.Context, workspaceID int64, numbers []int64) (own []int64, err error) {
	err = d.rows(ctx, func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		if _, named := slices.BinarySearch(numbers, id); named {
			own = append(own, id)
		}
		return err
	}, "SELECT id FROM api_tokens WHERE workspace_id = $1 AND deleted_at IS NULL", workspaceID)
	return own, err
}

// deleteToken removes one token by its number and returns 1, or 0 where there is
// none. The workspace's counter is the caller's to move.
func (t *Tx) deleteToken(by access.Actor, workspaceID, number int64) (int64, error) {
	k, err := scanToken(t.row(`UPDATE api_tokens SET deleted_at = $1, sealed = NULL, beta_sealed = NULL
		WHERE workspace_id = $2 AND id = $3 AND deleted_at IS NULL`+tokenReturning, t.now(), workspaceID, number))
	if noRow(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	t.after(func() { t.d.caches.tokens.drop(k.ID) })
	if err := t.dropSecrets(k.ID, TokenSecret, BetaSecret); err != nil {
		return 0, err
	}
	return 1, t.tell(by, event{workspaceID, "token.delete", object("token", k.PublicID, k.Name), nil})
}

// TellSpelled writes that a list showed secrets in clear, at most once for each
// caller, door and hour. noun is what was listed, count how many.
func (d *DB) TellSpelled(ctx context.Context, by access.Actor, workspaceID int64, noun string, count int) error {
	key := spelledKey{workspaceID, noun, actorText(by), by.Door, d.Now().Truncate(time.Hour).UnixMilli()}
	_, err := d.caches.spelled.get(key, func() (bool, error) { return true, d.tellSpelled(ctx, by, workspaceID, noun+".list-secrets", count) })
	return err
}

// spelledKey is a caller at a door within an hour.
type spelledKey struct {
	workspaceID int64
	noun, actor string
	door        access.Door
	hour        int64
}

func (d *DB) tellSpelled(ctx context.Context, by access.Actor, workspaceID int64, action string, count int) error {
	if told, err := spelledTold(d.row(ctx, spelledText, d.spelledArgs(by, workspaceID, action)...)); err != nil || told {
		return err
	}
	return d.change(ctx, func(t *Tx) error {
		if told, err := spelledTold(t.row(spelledText, d.spelledArgs(by, workspaceID, action)...)); err != nil || told {
			return err
		}
		return t.tell(by, event{workspaceID, action, object(strings.TrimSuffix(action, ".list-secrets"), "", ""), map[string]any{"count": count}})
	})
}

// spelledText looks for the row of this hour among the rows of this hour.
const spelledText = `SELECT EXISTS (SELECT 1 FROM audit WHERE workspace_id = $1
	AND seq > COALESCE((SELECT seq FROM audit WHERE workspace_id = $1 AND at < $2 ORDER BY seq DESC LIMIT 1), 0)
	AND action = $3 AND actor = $4 AND door = $5)`

func (d *DB) spelledArgs(by access.Actor, workspaceID int64, action string) []any {
	return []any{workspaceID, d.Now().Truncate(time.Hour).UnixMilli(), action, actorText(by), by.Door}
}

func spelledTold(r *row) (told bool, err error) {
	err = r.Scan(&told)
	return told, err
}
