package control

import (
	"context"

	"latchkey/internal/access"
)

// AtHomeOf returns the actor in the home workspace of the user of a name, for the
// contract in which admins manage the API tokens of other users. An admin has in
// there what their own role allows; where they have none, it is as missing as the
// workspace of a user without one: NotFound `workspace_unknown`.
func (c *Control) AtHomeOf(ctx context.Context, by access.Actor, name string) (access.Actor, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.Actor{}, err
	}
	u, err := c.DB.UserByName(ctx, fold(name))
	if err != nil {
		return access.Actor{}, err
	}
	at := by
	at.WorkspaceID = u.HomeID
	if u.HomeID == 0 {
		return access.Actor{}, unknownWorkspace()
	}
	if by.Kind == access.ActorUser {
		if at.Role, err = c.DB.RoleIn(ctx, u.HomeID, by.ID); err != nil {
			return access.Actor{}, err
		}
		if at.Role == access.NoRole {
			return access.Actor{}, unknownWorkspace()
		}
	}
	return at, nil
}
