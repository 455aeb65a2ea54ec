package control

import (
	"context"
	"strings"
	"unicode/utf8"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Acts on API tokens for contracts that know them by row number. A user without a
// home workspace has an empty one there.

// nowhere reports a user who acts in no workspace at all.
func nowhere(by access.Actor) bool { return by.Kind == access.ActorUser && by.WorkspaceID == 0 }

// TokensAt lists the workspace's API tokens, newest first, from an offset on, and
// says how many there are in all.
func (c *Control) TokensAt(ctx context.Context, by access.Actor, offset int64, limit int) ([]db.TokenRow, int64, error) {
	if nowhere(by) {
		return nil, 0, nil
	}
	if err := by.Must(access.SeeLists); err != nil {
		return nil, 0, err
	}
	rows, err := c.DB.TokensAt(ctx, by.WorkspaceID, offset, limit)
	if err != nil {
		return nil, 0, err
	}
	n, err := c.DB.CountTokens(ctx, by.WorkspaceID, db.Page{})
	return rows, n, err
}

// TokenByNumber returns one of the workspace's API tokens.
func (c *Control) TokenByNumber(ctx context.Context, by access.Actor, number int64) (db.TokenRow, error) {
	if !nowhere(by) {
		if err := by.Must(access.SeeLists); err != nil {
			return db.TokenRow{}, err
		}
	}
	return c.DB.TokenByNumber(ctx, by.WorkspaceID, number)
}

// SearchMax is how many tokens, the newest, a search for part of a secret looks at.
const SearchMax = 100_000

// SearchTokens finds the workspace's API tokens whose name holds one text and
// whose secret holds the other; an empty text is in all of them. stopped says that
// older tokens than the newest SearchMax were not looked at. Who may not see
// secrets in lists finds by the last four characters or the whole secret.
func (c *Control) SearchTokens(ctx context.Context, by access.Actor, name, part string) (found []db.TokenRow, stopped bool, err error) {
	if nowhere(by) {
		return nil, false, nil
	}
	if err := by.Must(access.SeeLists); err != nil {
		return nil, false, err
	}
	part = secret.Strip(part)
	if utf8.RuneCountInString(name) > access.WideNameMax || !plain(name, false) || part != "" && !secret.Plausible(part) {
		return nil, false, nil // no token is called so
	}
	holds, err := c.holder(ctx, by, name, part)
	if err != nil {
		return nil, false, err
	}
	p := db.Page{Limit: db.ListMax}
	if utf8.RuneCountInString(name) >= indexLeast {
		p.Query = name
	}
	for looked := 0; looked < SearchMax; looked += db.ListMax {
		rows, err := c.DB.Tokens(ctx, by.WorkspaceID, p)
		if err != nil {
			return nil, false, err
		}
		for _, r := range rows {
			if ok, err := holds(r); err != nil {
				return nil, false, err
			} else if ok {
				found = append(found, r)
			}
		}
		if len(rows) < db.ListMax {
			return found, false, nil
		}
		p.Before = rows[len(rows)-1].ID
	}
	return found, true, nil
}

// indexLeast is the shortest text that the index finds anywhere in a name.
const indexLeast = 3

// holder says of a token whether its name and its secret hold the texts.
func (c *Control) holder(ctx context.Context, by access.Actor, name, part string) (func(db.TokenRow) (bool, error), error) {
	name = strings.ToLower(name)
	var whole int64 // number of the token that the part is the whole secret of
	if part != "" {
		s, err := c.DB.FindSecret(ctx, secret.Hash(part))
		if err != nil && access.KindOf(err) != access.NotFound {
			return nil, err
		}
		if err == nil && s.Kind == db.TokenSecret {
			whole = s.SubjectID
		}
	}
	return func(r db.TokenRow) (bool, error) {
		switch {
		case !strings.Contains(strings.ToLower(r.Name), name):
			return false, nil
		case part == "" || r.ID == whole:
			return true, nil
		case !c.spells(by, r.Token):
			return strings.Contains(r.Hint, part), nil
		}
		opened, err := c.Keys.Open(tokenPlace(r.PublicID, "sealed"), r.Sealed)
		return strings.Contains(secret.Strip(string(opened)), part), err
	}, nil
}

// EditTokenByNumber is EditToken. enabled says that the caller calls the token
// enabled, which is refused of one that the edit would leave otherwise.
func (c *Control) EditTokenByNumber(ctx context.Context, by access.Actor, number int64, f TokenForm, enabled bool) (db.TokenRow, error) {
	row, err := c.changeable(ctx, by, number)
	if err != nil {
		return db.TokenRow{}, err
	}
	// An expiry that is sent back in whole seconds is the one that was read.
	if f.ExpiresAt != nil && !f.ExpiresAt.IsZero() && !row.ExpiresAt.IsZero() && f.ExpiresAt.Unix() == row.ExpiresAt.Unix() {
		f.ExpiresAt = nil
	}
	if enabled {
		if err := c.mayEnable(ctx, row, f); err != nil {
			return db.TokenRow{}, err
		}
	}
	return c.EditToken(ctx, by, row.PublicID, f)
}

// SetTokenByNumberEnabled disables a token, or enables it where it would work then.
func (c *Control) SetTokenByNumberEnabled(ctx context.Context, by access.Actor, number int64, enabled bool) (db.TokenRow, error) {
	row, err := c.changeable(ctx, by, number)
	if err != nil {
		return db.TokenRow{}, err
	}
	if enabled {
		if err := c.mayEnable(ctx, row, TokenForm{}); err != nil {
			return db.TokenRow{}, err
		}
	}
	if err := c.setTokenEnabled(ctx, by, row.PublicID, enabled); err != nil {
		return db.TokenRow{}, err
	}
	return c.DB.Token(ctx, by.WorkspaceID, row.PublicID)
}

// changeable returns a token that the actor may change.
func (c *Control) changeable(ctx context.Context, by access.Actor, number int64) (db.TokenRow, error) {
	if !nowhere(by) {
		if err := by.Must(access.ChangeAccess); err != nil {
			return db.TokenRow{}, err
		}
	}
	return c.DB.TokenByNumber(ctx, by.WorkspaceID, number)
}

// mayEnable judges a token as it would be after an edit: one that is revoked, past
// its time or without anything left is not called enabled.
func (c *Control) mayEnable(ctx context.Context, row db.TokenRow, f TokenForm) error {
	w, err := c.DB.FindWorkspace(ctx, row.WorkspaceID)
	if err != nil {
		return err
	}
	now := c.Now()
	k, p := db.TokenChange{ExpiresAt: f.ExpiresAt}.Apply(row.Token), row.Purse.At(now, w.Location())
	if f.Quota.Unlimited != nil {
		p.Unlimited = *f.Quota.Unlimited
	}
	if f.Quota.Remain != nil {
		p.Quota = p.Used + p.Reserved + *f.Quota.Remain
	}
	k.Enabled = true
	switch k.Status(p, now) {
	case access.StatusEnabled:
		return nil
	case access.StatusExpired:
		return access.Fail(access.Conflict, "enable_expired", "This token has expired. Give it a later end first, or none.")
	case access.StatusExhausted:
		return access.Fail(access.Conflict, "enable_exhausted", "The budget of this token is used up. Raise it first, or make it unlimited.")
	}
	return access.Fail(access.Conflict, "enable_revoked", "This token was revoked. Make a new one.")
}

// DeleteTokenByNumber removes a token from every door.
func (c *Control) DeleteTokenByNumber(ctx context.Context, by access.Actor, number int64) error {
	row, err := c.changeable(ctx, by, number)
	if err != nil {
		return err
	}
	return c.DeleteToken(ctx, by, row.PublicID)
}

// DeleteTokens removes those of the numbers that are the workspace's tokens, all
// or none, and says how many there were.
func (c *Control) DeleteTokens(ctx context.Context, by access.Actor, numbers []int64) (int64, error) {
	if nowhere(by) {
		return 0, nil
	}
	if err := by.Must(access.ChangeAccess); err != nil {
		return 0, err
	}
	return c.DB.DeleteTokens(ctx, by, by.WorkspaceID, numbers)
}

// RevealTokenByNumber is RevealToken without the beta key.
func (c *Control) RevealTokenByNumber(ctx context.Context, by access.Actor, number int64) (string, error) {
	row, err := c.changeable(ctx, by, number)
	if err != nil {
		return "", err
	}
	text, _, err := c.RevealToken(ctx, by, row.PublicID)
	return text, err
}

// RevealTokens reveals those of the numbers that are the workspace's tokens and
// whose secrets are kept, by number.
func (c *Control) RevealTokens(ctx context.Context, by access.Actor, numbers []int64) (map[int64]string, error) {
	texts := map[int64]string{}
	if nowhere(by) {
		return texts, nil
	}
	if err := c.mayReveal(by); err != nil {
		return nil, err
	}
	for _, number := range numbers {
		text, err := c.RevealTokenByNumber(ctx, by, number)
		switch access.KindOf(err) {
		case access.NotFound, access.Conflict:
			continue
		}
		if err != nil {
			return nil, err
		}
		texts[number] = text
	}
	return texts, nil
}

// FirstOwner is the number of the user who has owned the workspace longest: the
// maker of tokens that no user made.
func (c *Control) FirstOwner(ctx context.Context, by access.Actor) (int64, error) {
	u, err := c.DB.FirstOwner(ctx, by.WorkspaceID)
	return u.ID, err
}
