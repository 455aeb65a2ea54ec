package control

import (
	"context"

	"latchkey/db"
	"latchkey/internal/access"
)

// Acts on API tokens for contracts whose callers are API tokens that manage
// others, and which list them by name.

// ActorOfKeeper is ActorOfBearer for a door whose API tokens need the permission
// admin. A user acts there by their role, the master key as ever; a customer does
// not.
func (c *Control) ActorOfKeeper(ctx context.Context, text, address string, door access.Door, workspace string) (access.Actor, error) {
	by, err := c.ActorOfBearer(ctx, text, address, door, workspace)
	if err != nil {
		return access.Actor{}, err
	}
	if by.Kind == access.ActorToken && !by.Permissions.Has(access.PermAdmin) || by.Kind == access.ActorCustomer {
		return access.Actor{}, access.Fail(access.Forbidden, "keeper_only", "This needs an API token with the permission admin.")
	}
	return by, nil
}

// TokensNamed lists the workspace's API tokens by name from an offset on, and says
// how many there are in all. With a public id it lists that one alone.
func (c *Control) TokensNamed(ctx context.Context, by access.Actor, publicID string, offset int64, limit int) ([]db.TokenRow, int64, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, 0, err
	}
	if publicID != "" {
		return c.tokenAlone(ctx, by, publicID, offset)
	}
	rows, err := c.DB.TokensNamed(ctx, by.WorkspaceID, offset, limit)
	if err != nil {
		return nil, 0, err
	}
	n, err := c.DB.CountTokens(ctx, by.WorkspaceID, db.Page{})
	return rows, n, err
}

func (c *Control) tokenAlone(ctx context.Context, by access.Actor, publicID string, offset int64) ([]db.TokenRow, int64, error) {
	row, err := c.DB.Token(ctx, by.WorkspaceID, publicID)
	switch {
	case access.KindOf(err) == access.NotFound:
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case offset > 0:
		return nil, 1, nil
	}
	return []db.TokenRow{row}, 1, nil
}
