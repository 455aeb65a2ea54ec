package control

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// UndoWindow is how long the actor of a revocation may take it back.
const UndoWindow = 10 * time.Second

// KeepOldMax bounds how long a rotated secret may live on.
const KeepOldMax = 90 * 24 * time.Hour

// chosenMin is the least length of a secret that a caller chooses, where the door
// has no rule of its own.
const chosenMin = 16

// TokenForm is what a door sends to create or edit an API token. Nil leaves a
// field as it is, or at its default when creating.
type TokenForm struct {
	Name             *string
	Note             *string
	Bot              *string // public id, "" for none
	BotID            *int64  // the same by row number
	ExpiresAt        *time.Time
	Models           *[]string
	ModelsLimited    *bool
	Addresses        *[]string
	Group            *string
	Permissions      *[]string
	PermissionsShape *string
	ParameterName    *string
	RPM, TPM         *int64
	Concurrent       *int64
	Enabled          *bool
	ShowOnce         bool
	Secret           string // chosen by the caller, or ""
	SecretMin        int    // least length of a chosen secret, 0: the usual
	NameOptional     bool   // the door takes a token without a name
	PastExpiry       bool   // the door takes an end that has passed: the token is expired from its birth
	Wide             bool   // the door takes long names and long lists of permissions
	Quota            db.QuotaChange
	Version          int64
}

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

func newToken(c *Control, by access.Actor, f TokenForm, change db.TokenChange) access.Token {
	k := access.Token{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, CreatedBy: by.UserNumber(),
		Permissions: access.Permissions{string(access.PermChat)}, PermissionsShape: "array", ShowOnce: f.ShowOnce,
	}
	return change.Apply(k)
}

func newPurse(q db.QuotaChange) access.Purse {
	p := access.Purse{Unlimited: q.Quota == nil && q.Remain == nil}
	if q.Remain != nil {
		p.Quota = *q.Remain
	}
	if q.Quota != nil {
		p.Quota = *q.Quota
	}
	if q.Unlimited != nil {
		p.Unlimited = *q.Unlimited
	}
	if q.Refill != nil {
		p.Refill = *q.Refill
	}
	return p
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

// checkToken checks every field that was sent and reports all that is wrong.
func (c *Control) checkToken(ctx context.Context, by access.Actor, f TokenForm, creating bool) (db.TokenChange, error) {
	change := db.TokenChange{
		Note: f.Note, ExpiresAt: f.ExpiresAt, Models: f.Models, ModelsLimited: f.ModelsLimited, GroupName: f.Group,
		PermissionsShape: f.PermissionsShape, ParameterName: f.ParameterName, RPM: f.RPM, TPM: f.TPM, Concurrent: f.Concurrent,
		Enabled: f.Enabled, Quota: f.Quota, Version: f.Version, BotID: f.BotID,
	}
	var wrong []error
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if f.Name != nil || creating {
		name, err := checkNameUpTo(deref(f.Name), "name", f.nameMax())
		if !f.NameOptional || strings.TrimSpace(deref(f.Name)) != "" {
			note(err)
		}
		change.Name = &name
	}
	note(checkText(deref(f.Note), "note", access.NoteMax))
	note(c.checkTokenBot(ctx, by, f, &change))
	note(checkTokenLists(by, f, &change))
	note(c.checkTokenGroup(ctx, f.Group))
	note(checkTokenNumbers(f))
	if f.ExpiresAt != nil && !f.ExpiresAt.IsZero() && creating && !f.PastExpiry && !f.ExpiresAt.After(c.Now()) {
		note(access.Fail(access.Invalid, "expiry_past", "This moment has passed. Choose one in the future.").At("expires_at"))
	}
	return change, errors.Join(wrong...)
}

func (c *Control) checkTokenBot(ctx context.Context, by access.Actor, f TokenForm, change *db.TokenChange) error {
	if f.Bot == nil {
		return nil
	}
	var id int64
	if *f.Bot != "" {
		b, err := c.DB.Bot(ctx, by.WorkspaceID, *f.Bot)
		if err != nil {
			if access.KindOf(err) == access.NotFound {
				return access.Fail(access.Invalid, "bot_unknown", "There is no such bot here. Choose one of the list.").At("bot_id")
			}
			return err
		}
		id = b.ID
	}
	change.BotID = &id
	return nil
}

func checkTokenLists(by access.Actor, f TokenForm, change *db.TokenChange) error {
	if f.Addresses != nil {
		list, err := access.ParseAddresses(*f.Addresses)
		if err != nil {
			return err
		}
		change.Addresses = &list
	}
	if f.Models != nil {
		models := compact(*f.Models)
		if len(models) > access.ModelsMax {
			return access.Fail(access.Invalid, "models_too_many", "At most %d models fit in one list.", access.ModelsMax).At("models")
		}
		change.Models = &models
	}
	if f.Permissions != nil {
		ps := access.Permissions(compact(*f.Permissions))
		if most := f.most(access.PermissionMax); len(ps) > most {
			return access.Fail(access.Invalid, "permissions_too_many", "At most %d permissions fit in one list.", most).At("permissions")
		}
		if !by.MayGrant(ps) {
			return access.Fail(access.Forbidden, "grant_more", "Nobody can give a token more than they may do themselves.").At("permissions")
		}
		change.Permissions = &ps
	}
	return checkText(deref(f.ParameterName), "parameter_name", f.most(access.ParameterMax))
}

// nameMax is how many characters a name may have at the form's door.
func (f TokenForm) nameMax() int {
	if f.Wide {
		return access.WideNameMax
	}
	return access.NameMax
}

// most is a limit as the form's door sees it.
func (f TokenForm) most(usual int) int {
	if f.Wide {
		return access.WideMax
	}
	return usual
}

// compact trims the entries of a list and drops the empty and the repeated.
func compact(entries []string) []string {
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		if e = strings.TrimSpace(e); e != "" && !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

func (c *Control) checkTokenGroup(ctx context.Context, name *string) error {
	if name == nil || *name == "" {
		return nil
	}
	g, err := c.DB.FindGroup(ctx, *name)
	if access.KindOf(err) == access.NotFound || err == nil && !g.Enabled {
		return access.Fail(access.Invalid, "group_unknown", "There is no group %q.", *name).At("group")
	}
	return err
}

func checkTokenNumbers(f TokenForm) error {
	for _, n := range []struct {
		value *int64
		field string
	}{{f.RPM, "rpm"}, {f.TPM, "tpm"}, {f.Concurrent, "concurrent"}} {
		if n.value != nil && (*n.value < 0 || *n.value > access.UnitsMax) {
			return access.Fail(access.Invalid, "number_range", "This is a whole number from 0 (no limit) up.").At(n.field)
		}
	}
	if q := f.Quota; q.Refill != nil && !q.Refill.Valid() {
		return access.Fail(access.Invalid, "refill_unknown", "A budget refills none, daily, weekly or monthly.").At("refill")
	} else if q.Quota != nil && (*q.Quota < 0 || *q.Quota > access.UnitsMax) || q.Remain != nil && (*q.Remain < 0 || *q.Remain > access.UnitsMax) {
		return access.Fail(access.Invalid, "quota_range", "A budget is between 0 and %d units.", access.UnitsMax).At("quota")
	}
	return nil
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
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
