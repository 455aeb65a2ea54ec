package control

import (
	"context"
	"slices"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Acts on API tokens for contracts that know them by their text.

// TokensInOrder lists the workspace's API tokens in the order in which they were
// made: the newest SearchMax, where there are more.
func (c *Control) TokensInOrder(ctx context.Context, by access.Actor) ([]db.TokenRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	var all []db.TokenRow
	p := db.Page{Limit: db.ListMax}
	for len(all) < SearchMax {
		rows, err := c.DB.Tokens(ctx, by.WorkspaceID, p)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if len(rows) < db.ListMax {
			break
		}
		p.Before = rows[len(rows)-1].ID
	}
	slices.Reverse(all)
	return all, nil
}

// SpellBetas spells the beta key of each token by the rule of SpellTokens, which
// is called first. A token that has none gets one where it would be spelled, and
// keeps it; one that is masked stays without, and is spelled as nothing.
func (c *Control) SpellBetas(ctx context.Context, by access.Actor, rows []db.TokenRow) ([]string, error) {
	texts := make([]string, len(rows))
	for i, r := range rows {
		sealed, spells := r.BetaSealed, c.spells(by, r.Token)
		if sealed == nil && spells {
			var err error
			if sealed, err = c.makeBeta(ctx, by, r.Token); err != nil {
				return nil, err
			}
		}
		if sealed == nil {
			continue
		}
		opened, err := c.Keys.Open(tokenPlace(r.PublicID, "beta_sealed"), sealed)
		if err != nil {
			return nil, err
		}
		if texts[i] = string(opened); !spells {
			texts[i] = secret.MaskShare(secret.Hint(texts[i]))
		}
	}
	return texts, nil
}

// makeBeta gives a token a beta key; of several at once, one is kept.
func (c *Control) makeBeta(ctx context.Context, by access.Actor, k access.Token) ([]byte, error) {
	beta := secret.NewBeta(c.Random)
	sealed, err := c.Keys.Seal(tokenPlace(k.PublicID, "beta_sealed"), []byte(beta))
	if err != nil {
		return nil, err
	}
	return c.DB.KeepBeta(ctx, by, k.WorkspaceID, k.PublicID, secret.Hash(beta), sealed)
}

// DeleteTokenByText removes the workspace's API token whose secret a text is, and
// reports whether there was one. Another's is none.
func (c *Control) DeleteTokenByText(ctx context.Context, by access.Actor, text string) (bool, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return false, err
	}
	if !secret.Plausible(text) {
		return false, nil
	}
	s, err := c.DB.FindSecret(ctx, secret.Hash(text))
	if err == nil && (s.Kind != db.TokenSecret || !s.ValidUntil.IsZero() && !s.ValidUntil.After(c.Now())) {
		return false, nil
	}
	if err == nil {
		var row db.TokenRow
		if row, err = c.DB.TokenByNumber(ctx, by.WorkspaceID, s.SubjectID); err == nil {
			_, err = c.DB.DeleteToken(ctx, by, by.WorkspaceID, row.PublicID)
		}
	}
	if access.KindOf(err) == access.NotFound {
		return false, nil
	}
	return err == nil, err
}
