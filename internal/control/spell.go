package control

import (
	"context"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// SpellTokens spells the secret of each token as the lists of foreign contracts
// show it: in clear where the instance shows stored secrets always, whoever asks
// may copy them and the token is not shown once; else masked. A list that spelled
// some is in the audit log before this returns, once for each caller, door and
// hour.
func (c *Control) SpellTokens(ctx context.Context, by access.Actor, rows []db.TokenRow) ([]string, error) {
	texts := make([]string, len(rows))
	clear := 0
	for i, r := range rows {
		if !c.spells(by, r.Token) {
			texts[i] = secret.Mask(r.Hint)
			continue
		}
		opened, err := c.Keys.Open(tokenPlace(r.PublicID, "sealed"), r.Sealed)
		if err != nil {
			return nil, err
		}
		texts[i] = string(opened)
		clear++
	}
	if clear == 0 {
		return texts, nil
	}
	return texts, c.DB.TellSpelled(ctx, by, by.WorkspaceID, "token", clear)
}

// spells says whether a list shows the actor a token's secret in clear.
func (c *Control) spells(by access.Actor, k access.Token) bool {
	return c.Reveal == RevealAlways && k.Sealed != nil && !k.ShowOnce && by.MayGrant(k.Permissions)
}
