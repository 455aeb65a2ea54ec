package control

import (
	"cmp"
	"context"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// KeyMask is the form in which a key is shown before it is asked for.
const KeyMask = "sk-lk…"

// UndoWindow is how long the actor of a revocation may take it back.
const UndoWindow = 10 * time.Second

// KeepOldMax bounds how long a rotated secret may live on.
const KeepOldMax = 90 * 24 * time.Hour

// Issued is a new or rotated API token with its secrets in clear: the only answer
// besides RevealToken that holds them.
type Issued struct {
	Row    db.TokenRow
	Secret string
	Beta   string
}

// CreateToken issues an API token. Without a quota it is unlimited.
func (c *Control) CreateToken(ctx context.Context, by access.Actor, f TokenForm) (Issued, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return Issued{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return Issued{}, err
	}
	change, err := c.checkToken(ctx, by, f, true)
	if err != nil {
		return Issued{}, err
	}
	text, beta := f.Secret, secret.NewBeta(c.Random)
	if text == "" {
		text = secret.NewToken(c.Random)
	} else if err := secret.CheckChosen(text, cmp.Or(f.SecretMin, chosenMin)); err != nil {
		return Issued{}, err
	}
	k := newToken(c, by, f, change)
	if k.Sealed, k.BetaSealed, err = c.sealToken(k, text, beta); err != nil {
		return Issued{}, err
	}
	k.Hint = secret.Hint(text)
	k, err = c.DB.MakeToken(ctx, by, db.NewToken{
		Token: k, Purse: newPurse(f.Quota), Hash: secret.Hash(text), BetaHash: secret.Hash(beta), Zone: w.Location(),
	})
	if err != nil {
		return Issued{}, err
	}
	row, err := c.DB.Token(ctx, w.ID, k.PublicID)
	return Issued{Row: row, Secret: text, Beta: beta}, err
}

func tokenPlace(publicID, column string) secret.Place {
	return secret.Place{Table: "api_tokens", Row: publicID, Column: column}
}

func (c *Control) sealToken(k access.Token, text, beta string) (sealed, betaSealed []byte, err error) {
	if !k.ShowOnce {
		if sealed, err = c.Keys.Seal(tokenPlace(k.PublicID, "sealed"), []byte(text)); err != nil {
			return nil, nil, err
		}
	}
	betaSealed, err = c.Keys.Seal(tokenPlace(k.PublicID, "beta_sealed"), []byte(beta))
	return sealed, betaSealed, err
}

// Token returns one of the workspace's API tokens.
func (c *Control) Token(ctx context.Context, by access.Actor, publicID string) (db.TokenRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return db.TokenRow{}, err
	}
	return c.DB.Token(ctx, by.WorkspaceID, publicID)
}

// Tokens lists the workspace's API tokens, and how many there are in all pages
// (up to db.CountMax + 1).
func (c *Control) Tokens(ctx context.Context, by access.Actor, p db.Page) ([]db.TokenRow, int64, error) {
	rows, err := c.TokenPage(ctx, by, p)
	if err != nil || allThere(p, len(rows)) {
		return rows, int64(len(rows)), err
	}
	n, err := c.DB.CountTokens(ctx, by.WorkspaceID, p)
	return rows, n, err
}

// TokenPage is Tokens without the count, for whoever reads page after page.
func (c *Control) TokenPage(ctx context.Context, by access.Actor, p db.Page) ([]db.TokenRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	return c.DB.Tokens(ctx, by.WorkspaceID, p)
}

// EditToken changes the fields that the form names.
func (c *Control) EditToken(ctx context.Context, by access.Actor, publicID string, f TokenForm) (db.TokenRow, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return db.TokenRow{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return db.TokenRow{}, err
	}
	change, err := c.checkToken(ctx, by, f, false)
	if err != nil {
		return db.TokenRow{}, err
	}
	if err := c.DB.EditToken(ctx, by, w.ID, publicID, change, w.Location()); err != nil {
		return db.TokenRow{}, err
	}
	return c.DB.Token(ctx, w.ID, publicID)
}

// RevokeToken switches a token off for good, from this moment on.
func (c *Control) RevokeToken(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.RevokeToken(ctx, by, by.WorkspaceID, publicID)
	return err
}

// UndoRevokeToken takes back the actor's own revocation within UndoWindow.
func (c *Control) UndoRevokeToken(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.UndoRevokeToken(ctx, by, by.WorkspaceID, publicID, UndoWindow)
	return err
}

// DisableToken stops a token until EnableToken.
func (c *Control) DisableToken(ctx context.Context, by access.Actor, publicID string) error {
	return c.setTokenEnabled(ctx, by, publicID, false)
}

// EnableToken lets a disabled token work again. It does not bring back a revoked
// one.
func (c *Control) EnableToken(ctx context.Context, by access.Actor, publicID string) error {
	return c.setTokenEnabled(ctx, by, publicID, true)
}

func (c *Control) setTokenEnabled(ctx context.Context, by access.Actor, publicID string, enabled bool) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.SetTokenEnabled(ctx, by, by.WorkspaceID, publicID, enabled)
	if access.KindOf(err) == access.NotFound {
		if row, there := c.DB.Token(ctx, by.WorkspaceID, publicID); there == nil && !row.RevokedAt.IsZero() {
			return revokedAlready()
		}
	}
	return err
}

// DeleteToken removes a token from every door.
func (c *Control) DeleteToken(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.DeleteToken(ctx, by, by.WorkspaceID, publicID)
	return err
}

// RotateToken gives a token a new secret and lets the old one live on for keepOld
// (0: not at all).
func (c *Control) RotateToken(ctx context.Context, by access.Actor, publicID string, keepOld time.Duration) (Issued, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return Issued{}, err
	}
	if keepOld < 0 || keepOld > KeepOldMax {
		return Issued{}, access.Fail(access.Invalid, "keep_old_range", "The old secret may live on for 0 to %d days.", int(KeepOldMax.Hours()/24)).At("keep_old")
	}
	old, err := c.DB.Token(ctx, by.WorkspaceID, publicID)
	if err != nil {
		return Issued{}, err
	}
	if err := mayHold(by, old.Token); err != nil {
		return Issued{}, err
	}
	if !old.RevokedAt.IsZero() {
		return Issued{}, revokedAlready()
	}
	text := secret.NewToken(c.Random)
	sealed, _, err := c.sealToken(old.Token, text, "")
	if err != nil {
		return Issued{}, err
	}
	var until time.Time
	if keepOld > 0 {
		until = c.Now().Add(keepOld)
	}
	if _, err := c.DB.RotateToken(ctx, by, by.WorkspaceID, publicID, secret.Hash(text), sealed, secret.Hint(text), until); err != nil {
		return Issued{}, err
	}
	row, err := c.DB.Token(ctx, by.WorkspaceID, publicID)
	return Issued{Row: row, Secret: text}, err
}

// RevealToken opens the sealed copies of a token's secrets for whoever may copy
// them. Every call is in the audit log before it answers.
func (c *Control) RevealToken(ctx context.Context, by access.Actor, publicID string) (text, beta string, err error) {
	if err := c.mayReveal(by); err != nil {
		return "", "", err
	}
	old, err := c.DB.Token(ctx, by.WorkspaceID, publicID)
	if err != nil {
		return "", "", err
	}
	if err := mayHold(by, old.Token); err != nil {
		return "", "", err
	}
	k, err := c.DB.RevealToken(ctx, by, by.WorkspaceID, publicID)
	if err != nil {
		return "", "", err
	}
	if k.Sealed == nil {
		return "", "", access.Fail(access.Conflict, "shown_once", "This token was shown once and is kept nowhere. Rotate it to get a new secret.")
	}
	opened, err := c.Keys.Open(tokenPlace(k.PublicID, "sealed"), k.Sealed)
	if err != nil {
		return "", "", err
	}
	openedBeta, err := c.Keys.Open(tokenPlace(k.PublicID, "beta_sealed"), k.BetaSealed)
	return string(opened), string(openedBeta), err
}

// mayHold refuses an API token the secret of one that may do more than itself.
func mayHold(by access.Actor, k access.Token) error {
	if by.MayGrant(k.Permissions) {
		return nil
	}
	return access.Fail(access.Forbidden, "grant_more", "Nobody can give a token more than they may do themselves.").At("permissions")
}

// mayReveal says whether stored secrets may be shown to the actor now.
func (c *Control) mayReveal(by access.Actor) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	switch {
	case c.Reveal == RevealNever:
		return access.Fail(access.Forbidden, "reveal_never", "On this instance a secret is shown only when it is made. Rotate it to get a new one.")
	case c.Reveal == RevealConfirm && !by.Fresh:
		return access.Fail(access.Forbidden, "reveal_confirm", "Confirm your password first; then this secret is shown.")
	}
	return nil
}
