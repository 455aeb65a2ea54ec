package control

import (
	"context"
	"slices"

	"latchkey/internal/access"
)

// ModelChoices lists the workspace's models for the list of a token: by the names
// that go to the provider, which are those that such a list is compared with.
func (c *Control) ModelChoices(ctx context.Context, by access.Actor) ([]string, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	providers, err := c.DB.FindProviders(ctx, by.WorkspaceID)
	var names []string
	for _, p := range providers {
		for _, m := range p.Models {
			if !slices.Contains(names, m.UpstreamName) {
				names = append(names, m.UpstreamName)
			}
		}
	}
	return names, err
}

// ModelToTry is a model that a token may ask for, by the name that callers say: its
// bot's, else the first that chats and that its list allows, else the first that
// makes embeddings. Its name is "" when there is none.
func (c *Control) ModelToTry(ctx context.Context, by access.Actor, k access.Token) (access.Model, error) {
	var found access.Model
	if err := by.Must(access.SeeLists); err != nil {
		return found, err
	}
	if k.BotID != 0 {
		b, err := c.DB.FindBot(ctx, k.BotID)
		if err != nil || b.WorkspaceID != by.WorkspaceID {
			return found, err
		}
		return access.Model{Name: b.Model, Kind: access.ChatModel}, nil
	}
	providers, err := c.DB.FindProviders(ctx, by.WorkspaceID)
	for _, p := range providers {
		for _, m := range p.Models {
			if !k.AllowsModel(m.UpstreamName) || found.Name != "" && m.Kind != access.ChatModel {
				continue
			}
			if found = m; m.Kind == access.ChatModel {
				return found, nil
			}
		}
	}
	return found, err
}

// GroupNamed returns an enabled group by its name, to show what it limits.
func (c *Control) GroupNamed(ctx context.Context, by access.Actor, name string) (access.Group, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return access.Group{}, err
	}
	return c.DB.FindGroup(ctx, name)
}
