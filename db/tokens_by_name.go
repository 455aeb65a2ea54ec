package db

import "context"

// NamedMax bounds the rows of one page of TokensNamed: contracts that count pages
// let their callers choose how many that is.
const NamedMax = 10_000

// TokensNamed lists a workspace's API tokens by name, those of one name in the
// order in which they were made, from an offset on. It is for contracts that
// count pages.
func (d *DB) TokensNamed(ctx context.Context, workspaceID, offset int64, limit int) ([]TokenRow, error) {
	var out []TokenRow
	err := d.rows(ctx, list(&out, d.scanTokenRow), "SELECT "+tokenRowColumns+tokenRowFrom+" WHERE k.id IN ("+namedText+
		") ORDER BY k.name, k.created_at, k.id", workspaceID, min(max(limit, 1), NamedMax), offset)
	return out, err
}

// namedText chooses the rows inside the index alone; only those of the page are
// read and put in order.
const namedText = `SELECT id FROM api_tokens WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY name, created_at, id LIMIT $2 OFFSET $3`
