package control

import (
	"cmp"
	"context"
	"slices"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Acts for contracts whose callers act in all of their workspaces at once: what
// they name says which one it is. The workspace that a caller came in with is the
// one where they make things.

// IsManager reports whether the actor may change who gets in somewhere, or runs
// the instance: what a foreign contract calls an admin.
func (c *Control) IsManager(ctx context.Context, by access.Actor) (bool, error) {
	if by.May(access.ChangeAccess) || by.May(access.RunInstance) {
		return true, nil
	}
	all, err := c.managed(ctx, by)
	return len(all) > 0, err
}

// managed is the actor in each workspace where it may change who gets in, the one
// where it makes things first.
func (c *Control) managed(ctx context.Context, by access.Actor) ([]access.Actor, error) {
	var all []access.Actor
	switch {
	case by.Kind == access.ActorMaster:
		return c.everywhere(ctx, by)
	case by.Kind != access.ActorUser:
		if by.May(access.ChangeAccess) {
			all = append(all, by)
		}
		return all, nil
	}
	memberships, err := c.DB.Memberships(ctx, by.ID)
	for _, m := range memberships {
		at := by
		at.WorkspaceID, at.Role = m.Workspace.ID, m.Role
		if at.May(access.ChangeAccess) {
			all = append(all, at)
		}
	}
	first := func(a access.Actor) int {
		if a.WorkspaceID == by.WorkspaceID {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b access.Actor) int { return cmp.Compare(first(a), first(b)) })
	return all, err
}

// everywhere is the master key in every workspace, the one it came with first.
func (c *Control) everywhere(ctx context.Context, by access.Actor) ([]access.Actor, error) {
	all := []access.Actor{by}
	if by.WorkspaceID == 0 {
		all = nil
	}
	numbers, err := c.DB.LiveWorkspaces(ctx)
	for _, id := range numbers {
		if id != by.WorkspaceID {
			at := by
			at.WorkspaceID = id
			all = append(all, at)
		}
	}
	return all, err
}

// AtHome returns the actor in the workspace where it makes things.
func (c *Control) AtHome(ctx context.Context, by access.Actor) (access.Actor, error) {
	all, err := c.managed(ctx, by)
	if err == nil && len(all) == 0 {
		err = access.Fail(access.Forbidden, "workspace_none", "You have no workspace in which this could be made.")
	}
	if err != nil {
		return access.Actor{}, err
	}
	return all[0], nil
}

// AtBot returns the actor in the workspace of a bot. Another's bot and one that is
// missing are both Forbidden `bot_foreign`; for the master key a missing one is
// NotFound.
func (c *Control) AtBot(ctx context.Context, by access.Actor, publicID string) (access.Actor, error) {
	id, err := c.DB.WorkspaceOfBot(ctx, publicID)
	if access.KindOf(err) == access.NotFound && by.Kind != access.ActorMaster {
		return access.Actor{}, foreignBot()
	}
	if err != nil {
		return access.Actor{}, err
	}
	return c.at(ctx, by, id)
}

// AtShare returns the actor in the workspace of a share link. A missing one is
// NotFound, another's Forbidden `bot_foreign`, as a foreign contract has it.
func (c *Control) AtShare(ctx context.Context, by access.Actor, publicID string) (access.Actor, error) {
	id, err := c.DB.WorkspaceOfShare(ctx, publicID)
	if err != nil {
		return access.Actor{}, err
	}
	return c.at(ctx, by, id)
}

// AtCustomer returns the actor in the workspace of a customer. Another's customer
// and one that is missing are both NotFound.
func (c *Control) AtCustomer(ctx context.Context, by access.Actor, publicID string) (access.Actor, error) {
	id, err := c.DB.WorkspaceOfCustomer(ctx, publicID)
	if err != nil {
		return access.Actor{}, err
	}
	at, err := c.at(ctx, by, id)
	if access.KindOf(err) == access.Forbidden {
		err = access.Fail(access.NotFound, "not_found", "There is no such customer here.")
	}
	return at, err
}

func foreignBot() error {
	return access.Fail(access.Forbidden, "bot_foreign", "This bot is not yours.")
}

// at is the actor in a workspace where it may change who gets in.
func (c *Control) at(ctx context.Context, by access.Actor, workspaceID int64) (access.Actor, error) {
	at := by
	switch {
	case by.Kind == access.ActorUser:
		role, err := c.DB.RoleIn(ctx, workspaceID, by.ID)
		if err != nil {
			return access.Actor{}, err
		}
		at.Role = role
	case by.Kind != access.ActorMaster && by.WorkspaceID != workspaceID:
		return access.Actor{}, foreignBot()
	}
	at.WorkspaceID = workspaceID
	if !at.May(access.ChangeAccess) {
		return access.Actor{}, foreignBot()
	}
	return at, nil
}

// SharesOfBot lists every share link of a bot, newest first, with the secret of
// each as the lists of foreign contracts show it: in clear where the instance
// shows stored secrets always, else masked. A list that spelled some is in the
// audit log before this returns, once for each caller, door and hour.
func (c *Control) SharesOfBot(ctx context.Context, by access.Actor, botPublicID string) (links []access.Share, texts []string, err error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return nil, nil, err
	}
	if links, err = c.DB.SharesOfBot(ctx, by.WorkspaceID, botPublicID); err != nil {
		return nil, nil, err
	}
	texts = make([]string, len(links))
	for i, s := range links {
		if c.Reveal != RevealAlways {
			texts[i] = secret.MaskShare(s.Hint)
			continue
		}
		opened, err := c.Keys.Open(sharePlace(s.PublicID), s.Sealed)
		if err != nil {
			return nil, nil, err
		}
		texts[i] = string(opened)
	}
	if c.Reveal != RevealAlways || len(links) == 0 {
		return links, texts, nil
	}
	return links, texts, c.DB.TellSpelled(ctx, by, by.WorkspaceID, "share", len(links))
}

// CustomersAnywhere lists every customer of every workspace where the actor may
// change who gets in, newest first.
func (c *Control) CustomersAnywhere(ctx context.Context, by access.Actor) ([]access.Customer, error) {
	places, err := c.managed(ctx, by)
	if err != nil {
		return nil, err
	}
	var all []access.Customer
	for _, at := range places {
		some, err := c.DB.EveryCustomer(ctx, at.WorkspaceID)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b access.Customer) int { return cmp.Compare(b.ID, a.ID) })
	return all, nil
}
