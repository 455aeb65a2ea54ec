package control

import (
	"context"
	"errors"

	"latchkey/internal/access"
	"latchkey/internal/upstream"
)

// Check is what a test of a provider found out.
type Check = upstream.Check

// ProviderSaid is what a provider itself said of a failure, cleaned, "" for
// nothing or where the failure's own sentence holds it already.
func ProviderSaid(err error) string {
	f, ok := errors.AsType[*upstream.Failure](err)
	if !ok || f.Code == "provider_rejected" {
		return ""
	}
	return f.Said.Message
}

// TestProvider asks a stored provider's endpoint for its models and, where model
// is not empty, for one word of that model (the name that callers say).
func (c *Control) TestProvider(ctx context.Context, by access.Actor, publicID, model string) (Check, error) {
	return c.TryProvider(ctx, by, publicID, ProviderForm{}, model)
}

// TryProvider is TestProvider with the values of a form that is not saved yet;
// publicID is "" for a new provider.
func (c *Control) TryProvider(ctx context.Context, by access.Actor, publicID string, f ProviderForm, model string) (Check, error) {
	ep, p, err := c.endpoint(ctx, by, publicID, f)
	if err != nil {
		return Check{}, err
	}
	if f.Models != nil {
		p.Models = *f.Models
	}
	if m, ok := p.Model(model); ok && m.UpstreamName != "" {
		model = m.UpstreamName
	}
	return c.Upstream.Test(ctx, ep, model)
}

// FetchModels lists the names of the models that an endpoint offers, with the
// values of a form that may not be saved yet.
func (c *Control) FetchModels(ctx context.Context, by access.Actor, publicID string, f ProviderForm) ([]string, error) {
	ep, _, err := c.endpoint(ctx, by, publicID, f)
	if err != nil {
		return nil, err
	}
	return c.Upstream.Models(ctx, ep)
}

// endpoint is where a stored or a not yet stored provider is asked. The stored
// key goes only to the server it was entered for.
func (c *Control) endpoint(ctx context.Context, by access.Actor, publicID string, f ProviderForm) (upstream.Endpoint, access.Provider, error) {
	var none upstream.Endpoint
	if err := by.Must(access.ChangeProviders); err != nil {
		return none, access.Provider{}, err
	}
	var p access.Provider
	if publicID != "" {
		row, err := c.DB.Provider(ctx, by.WorkspaceID, publicID)
		if err != nil {
			return none, p, err
		}
		p = row.Provider
	}
	ep := upstream.Endpoint{BaseURL: p.BaseURL}
	var err error
	if f.BaseURL != nil || publicID == "" {
		if ep.BaseURL, err = c.checkProviderURL(ctx, by, f, p); err != nil {
			return none, p, err
		}
	}
	if f.Key != nil {
		ep.Key, err = checkKey(*f.Key)
		return ep, p, err
	}
	if p.KeySealed != nil {
		key, err := c.Keys.Open(providerPlace(p.PublicID), p.KeySealed)
		ep.Key = string(key)
		return ep, p, err
	}
	return ep, p, nil
}
