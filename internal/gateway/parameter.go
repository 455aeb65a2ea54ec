package gateway

import (
	"context"
	"maps"
	"net/url"
	"slices"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// valuesMost is how many values of one address are looked up.
const valuesMost = 32

// InAddress finds the secret of an API token that stands in an address, in the
// parameter which that token names for itself, or "". Whether the token may be
// used is not asked here.
func (g *Gateway) InAddress(ctx context.Context, parameters url.Values) (string, error) {
	looked := 0
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		for _, text := range parameters[name] {
			if !secret.Plausible(text) || looked == valuesMost {
				continue
			}
			looked++
			if ok, err := g.carries(ctx, name, text); ok || err != nil {
				return text, err
			}
		}
	}
	return "", nil
}

// carries reports whether text is the secret of a token that comes in the
// parameter.
func (g *Gateway) carries(ctx context.Context, parameter, text string) (bool, error) {
	s, err := g.DB.FindSecret(ctx, secret.Hash(text))
	if access.KindOf(err) == access.NotFound || err == nil && s.Kind != db.TokenSecret {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	k, err := g.DB.FindToken(ctx, s.SubjectID)
	if access.KindOf(err) == access.NotFound {
		return false, nil
	}
	return k.ParameterName != "" && k.ParameterName == parameter, err
}

// BotName is the name of the bot that answers, "" where a model was asked.
func (a *Answer) BotName() string { return a.call.bot.Name }
