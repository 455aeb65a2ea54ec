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
// bot's, else the first that chats and that its list allows. "" when there is none.
func (c *Control) ModelToTry(ctx context.Context, by access.Actor, k access.Token) (string, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return "", err
	}
	if k.BotID != 0 {
		b, err := c.DB.FindBot(ctx, k.BotID)
		if err != nil || b.WorkspaceID != by.WorkspaceID {
			return "", err
		}
		return b.Model, nil
	}
	providers, err := c.DB.FindProviders(ctx, by.WorkspaceID)
	for _, p := range providers {
		for _, m := range p.Models {
			if m.Kind == access.ChatModel && k.AllowsModel(m.UpstreamName) {
				return m.Name, nil
			}
		}
	}
	return "", err
}

// GroupNamed returns an enabled group by its name, to show what it limits.
func (c *Control) GroupNamed(ctx context.Context, by access.Actor, name string) (access.Group, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return access.Group{}, err
	}
	return c.DB.FindGroup(ctx, name)
}
